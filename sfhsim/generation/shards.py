"""Making shards: simulate, encode, write, and have them on the disk while the next one is being simulated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from blake3 import blake3

from sfhsim.errors import DatasetError
from sfhsim.files import AtomicFile
from sfhsim.generation.job import Job, ShardTask
from sfhsim.records.encoder import RecordEncoder
from sfhsim.records.manifest import ShardKeys, checked
from sfhsim.records.plan import Shard
from sfhsim.sealed import RESUME, read_sealed, write_sealed

BATCH = 256
RECEIPTS = ".receipts"
RECEIPT_SEAL = "receipt_sha256"
_SYNC_BYTES = 16_000_000  # written back to the disk at this pace, so that finishing a shard is short


class ShardMaker:
    """Makes one shard after another with one simulator; a context manager.

    Parameters
    ----------
    simulator : Simulator or MixtureSimulator
    advance : called with the number of samples of every batch that was written.
    """

    def __init__(self, simulator, advance: Callable[[int], None] = lambda count: None):
        from sfhsim.synthesis.any_simulator import efficient_batch

        self._simulator, self._advance = simulator, advance
        self._batch = efficient_batch(simulator, BATCH)
        self._encoder: RecordEncoder | None = None
        self._buffer = bytearray()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="sfhsim-disk")
        self._finishing: Future | None = None

    def __enter__(self) -> ShardMaker:
        return self

    def __exit__(self, *_) -> None:
        self._disk.shutdown(wait=True)

    def start(self, task: ShardTask) -> Future:
        """Simulate and write a shard; a future of its receipt, done when the shard is safe on the disk.

        Raises
        ------
        DatasetError
            When it cannot be written; nothing is left behind. The future raises it too, and when the shard has
            another digest than the task expects.
        """
        file = AtomicFile(Path(task.folder) / task.shard.file, DatasetError, RESUME)
        try:
            receipt = self._write(file, task)
        except BaseException:
            self._disk.submit(file.discard).result()
            raise
        if self._finishing is not None:
            self._finishing.exception()  # at most one shard waits for the disk
        self._finishing = self._disk.submit(_finish, file, receipt, task)
        return self._finishing

    def _write(self, file: AtomicFile, task: ShardTask) -> dict:
        ids = task.plan.sample_ids(task.shard)
        if self._encoder is None or self._encoder.precision != task.plan.precision:
            self._encoder = RecordEncoder(self._simulator.feature_lengths(), task.plan.precision)
            self._buffer = self._encoder.buffer(self._batch)
        digest, size, unsynced, sync = blake3(), 0, 0, None
        for start in range(0, ids.size, self._batch):
            batch_ids = ids[start : start + self._batch]
            batch = self._simulator.batch(batch_ids)
            records = self._encoder.encode_into(self._buffer, batch_ids, batch.features())
            digest.update(records)
            file.write(records)
            size += len(records)
            unsynced += len(records)
            if unsynced >= _SYNC_BYTES and (sync is None or sync.done()):
                sync, unsynced = self._disk.submit(file.sync), 0
            self._advance(batch_ids.size)
        return {
            "file": task.shard.file,
            "split": task.shard.split,
            "first_id": task.shard.first_id,
            "stop_id": task.shard.stop_id,
            "n_records": int(ids.size),
            "bytes": size,
            "blake3": digest.hexdigest(),
        }


_process = threading.Lock()
_opened: dict = {}


def make_shard(job: Job, task: ShardTask) -> dict:
    """In any process: open the job unless the last call did, make the shard; its receipt. One call at a time in a
    process."""
    with _process:
        if _opened.get("job") != job:
            _opened.clear()
            _opened.update(simulator=job.open(), job=job)
        with ShardMaker(_opened["simulator"]) as maker:
            return maker.start(task).result()


def _finish(file: AtomicFile, receipt: dict, task: ShardTask) -> dict:
    """Name the shard and write its receipt."""
    try:
        if task.expected_blake3 not in (None, receipt["blake3"]):
            raise DatasetError(
                f"{file.path} came out different from what was recorded when the data set was made (blake3 "
                f"{receipt['blake3'][:12]} instead of {task.expected_blake3[:12]}), so it was left as it is: repair "
                "it with the library and the versions of sfhsim, numpy and numba that made it"
            )
        file.commit()
        write_sealed(receipt_path(file.path.parent, task.shard), receipt, RECEIPT_SEAL)
    finally:
        file.discard()
    return receipt


def receipt_path(folder: Path, shard: Shard) -> Path:
    """Where the receipt of a shard is: what the shard holds, written after it."""
    return folder / RECEIPTS / f"{shard.file}.json"


def read_receipt(folder: Path, shard: Shard) -> dict | None:
    """The receipt of a shard, or None when there is none that can be trusted."""
    path = receipt_path(folder, shard)
    try:
        receipt = read_sealed(path, RECEIPT_SEAL)
        checked(ShardKeys, receipt, path)
    except DatasetError:
        return None
    ours = all(receipt[key] == value for key, value in asdict(shard).items())
    return receipt if ours else None


def finished(folder: Path, shard: Shard) -> dict | None:
    """The receipt of a shard that is complete in the folder."""
    receipt = read_receipt(folder, shard)
    try:
        whole = receipt is not None and (folder / shard.file).stat().st_size == receipt["bytes"]
    except OSError:
        return None
    return receipt if whole else None
