"""What `benchmarks.throughput` does on the disk: data sets, the same bytes written bare; and the memory that takes."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.contestants import N_CHECKED, Contestant
from benchmarks.peers import Worker

SHARD_BYTES = 16_000_000  # small, so that the last shard of a slice weighs little


class Disk:
    """Data sets written by a process of its own, the same bytes written bare, and reading back."""

    def __init__(self, recipe: str, simulator, folder: Path, stack: contextlib.ExitStack):
        from sfhsim.records.encoder import RecordEncoder

        self.simulator, self.folder = simulator, folder
        self.record_bytes = RecordEncoder(simulator.feature_lengths()).record_bytes
        self.writer = Worker.of("write", recipe=recipe, seed=simulator.seed)
        stack.callback(self.writer.close)
        self.peak_bytes = 0
        self._per_second = {workers: 2000.0 * workers for workers in (1, 2)}

    def contestants(self) -> list[Contestant]:
        """In the order of their slices: two workers, bare writing, one worker."""
        did = f"in_memory's work, encoded, checksummed, fsync'd: {self.record_bytes} bytes a galaxy; start not counted"
        return [
            Contestant("to_disk", f"{did}; 2 workers", lambda seconds: self.write(seconds, 2)),
            Contestant("raw_disk", "the bytes just written, again, fsync'd; 1 thread", self.write_bare, unit="bytes/s"),
            Contestant("to_disk_1worker", f"{did}; 1 worker", lambda seconds: self.write(seconds, 1)),
        ]

    def folder_of(self, workers: int) -> Path:
        """Where the data set of the last slice is."""
        return self.folder / f"{workers}workers"

    def write(self, seconds: float, workers: int) -> dict:
        """A data set that takes about this long, by what the last one took."""
        folder = self.folder_of(workers)
        shutil.rmtree(folder, ignore_errors=True)
        n = max(200, int(self._per_second[workers] * seconds))
        shard_bytes = min(SHARD_BYTES, n * self.record_bytes // 16)
        with peak_memory(self.writer.process.pid) as peak:
            done = self.writer.run(n=n, folder=str(folder), workers=workers, shard_bytes=shard_bytes)
        self.peak_bytes = max(self.peak_bytes, *peak)
        self._per_second[workers] = done["count"] / done["seconds"]
        return done

    def write_bare(self, _seconds: float) -> dict:
        """As many bytes in as many files as the data set of two workers."""
        files = sorted(file for file in self.folder_of(2).rglob("*") if file.is_file())
        contents = [file.read_bytes() for file in files[:8]]
        sizes = [file.stat().st_size for file in files]
        target = self.folder / "bare"
        target.mkdir()
        began = time.perf_counter()
        for k, size in enumerate(sizes):
            with open(target / str(k), "wb", buffering=0) as opened:
                written = 0
                while written < size:
                    written += opened.write(memoryview(contents[k % len(contents)])[: size - written])
                os.fsync(opened.fileno())
        elapsed = time.perf_counter() - began
        shutil.rmtree(target)
        return {"count": sum(sizes), "seconds": elapsed}

    def check_written(self) -> None:
        """AssertionError when the first records of the data set are not what the timed simulator makes."""
        from sfhsim import Dataset

        records = Dataset(self.folder_of(2)).arrays(limit=N_CHECKED)
        expected = self.simulator.batch(records["sample_id"]).features()
        for name, values in expected.items():
            if not np.array_equal(records[name], values, equal_nan=True):
                raise AssertionError(f"{name} of the written records is not what the simulator makes in memory")

    def files_and_features(self) -> dict:
        """What a reader needs to know of the data set of two workers."""
        from sfhsim import Dataset

        files = [str(path) for path in Dataset(self.folder_of(2)).shards()]
        return {"files": files, "features": self.simulator.feature_lengths()}


@contextlib.contextmanager
def peak_memory(pid: int, every_s: float = 0.05) -> Iterator[list[int]]:
    """A list whose only item is, after the block, the largest sum of resident bytes of a process and its offspring."""
    peak, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
            peak[0] = max(peak[0], sum(resident_bytes(each) for each in offspring(pid)))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def offspring(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += offspring(int(child))
    return found


def resident_bytes(pid: int) -> int:
    """Resident memory; 0 of a process that is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
