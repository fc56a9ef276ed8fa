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
        self.record_bytes, self.record_bytes_float16 = (
            RecordEncoder(simulator.feature_lengths(), precision).record_bytes for precision in ("float32", "float16")
        )
        self.writer = Worker.of("write", recipe=recipe, seed=simulator.seed)
        stack.callback(self.writer.close)
        self.peak_bytes = 0
        self._per_second: dict[tuple[int, str], float] = {}

    def contestants(self) -> list[Contestant]:
        """In the order of their slices: two workers, bare writing, one worker, two workers of precision float16."""
        did = f"in_memory's work, encoded, checksummed, fsync'd: {self.record_bytes} bytes a galaxy; start not counted"
        return [
            Contestant("to_disk", f"{did}; 2 workers", lambda seconds: self.write(seconds, 2)),
            Contestant("raw_disk", "the bytes just written, again, fsync'd; 1 thread", self.write_bare, unit="bytes/s"),
            Contestant("to_disk_1worker", f"{did}; 1 worker", lambda seconds: self.write(seconds, 1)),
            Contestant(
                "to_disk_float16",
                f"the same with precision float16, {self.record_bytes_float16} bytes a galaxy and more for each "
                "correction; 2 workers",
                lambda seconds: self.write(seconds, 2, "float16"),
            ),
        ]

    def folder_of(self, workers: int, precision: str = "float32") -> Path:
        """Where the data set of the last slice is."""
        return self.folder / f"{workers}workers-{precision}"

    def write(self, seconds: float, workers: int, precision: str = "float32") -> dict:
        """A data set that takes about this long, by what the last one took."""
        folder = self.folder_of(workers, precision)
        shutil.rmtree(folder, ignore_errors=True)
        n = max(200, int(self._per_second.get((workers, precision), 2000.0 * workers) * seconds))
        record_bytes = self.record_bytes if precision == "float32" else self.record_bytes_float16
        options = {"workers": workers, "precision": precision, "shard_bytes": min(SHARD_BYTES, n * record_bytes // 16)}
        with peak_memory(self.writer.process.pid) as peak:
            done = self.writer.run(n=n, folder=str(folder), **options)
        self.peak_bytes = max(self.peak_bytes, *peak)
        self._per_second[workers, precision] = done["count"] / done["seconds"]
        return done

    def mean_record_bytes(self, precision: str) -> float:
        """What a galaxy takes on the disk in the data set of two workers."""
        from sfhsim import Dataset

        shards = Dataset(self.folder_of(2, precision)).manifest["shards"]
        return sum(shard["bytes"] for shard in shards) / sum(shard["n_records"] for shard in shards)

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
        """AssertionError when the first records of the data sets are not what the timed simulator makes."""
        from sfhsim import Dataset

        for precision in ("float32", "float16"):
            records = Dataset(self.folder_of(2, precision)).arrays(limit=N_CHECKED)
            expected = self.simulator.batch(records["sample_id"]).features()
            for name, values in expected.items():
                rounded = precision == "float16" and name in ("spectrum", "spectrum_error")
                if not np.allclose(records[name], values, rtol=5e-4 if rounded else 0, atol=0, equal_nan=True):
                    what = f"{name} of the written records is not what the simulator makes in memory"
                    raise AssertionError(f"{what} (precision {precision})")

    def files_and_features(self, precision: str) -> dict:
        """What a reader needs to know of the data set of two workers."""
        from sfhsim import Dataset

        files = [str(path) for path in Dataset(self.folder_of(2, precision)).shards()]
        return {"files": files, "features": self.simulator.feature_lengths(), "precision": precision}


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
