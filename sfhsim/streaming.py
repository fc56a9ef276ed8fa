"""Training straight from the simulator, without a disk: batches of records, made ahead by a thread of their own."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Iterator, Mapping

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.records.plan import DEFAULT_SPLIT, in_split
from sfhsim.records.schema import SAMPLE_ID

_POLL_S = 0.1  # how often a thread that waits for a slow consumer looks whether it is still wanted


class PrefetchingStream:
    """Endless batches of records, in order, ``depth`` of them ready before they are asked for.

    An iterator of dicts: ``sample_id`` (n,) int64, and each feature of the record schema as (n, length) float32, the
    very values that a data set of the same recipe and seed holds (with precision float32). A context manager; `close`
    ends the thread.

    Parameters
    ----------
    simulator : Simulator or MixtureSimulator
    start : id of the first sample, or with ``split`` the id from which on samples are taken.
    batch_size : samples in a batch.
    depth : batches made ahead.
    split : take only the samples of this split, e.g. 'train'.
    shares : of the splits, as in `generate_dataset`; 90/5/5% train, validation, test by default.

    Raises
    ------
    DatasetError
        When a number is impossible or there is no such split; on iteration, what the simulator raises.

    Examples
    --------
    >>> with PrefetchingStream(Simulator.from_recipe("demo"), split="train") as stream:
    ...     records = next(stream)
    """

    def __init__(
        self,
        simulator,
        start: int = 0,
        batch_size: int = 256,
        depth: int = 4,
        *,
        split: str | None = None,
        shares: Mapping[str, float] | None = None,
    ):
        shares = dict(shares or DEFAULT_SPLIT)
        if start < 0 or batch_size < 1 or depth < 1:
            raise DatasetError(
                f"start {start}, batch_size {batch_size}, depth {depth}: start must not be negative, the others at "
                "least 1"
            )
        if split is not None and not shares.get(split, 0.0) > 0.0:
            raise DatasetError(f"no samples in split {split!r}: there are {', '.join(shares)}")
        from sfhsim.synthesis.any_simulator import efficient_batch

        ids = _batches_of_ids(start, efficient_batch(simulator, batch_size), split, shares)
        self._ready: queue.Queue = queue.Queue(depth)
        self._wanted = threading.Event()
        self._wanted.set()
        self._error: BaseException | None = None
        # the thread must not hold the stream itself, or a forgotten stream would never end
        self._thread = threading.Thread(
            target=_prefetch,
            args=(simulator, ids, batch_size, self._ready, self._wanted),
            name="sfhsim-prefetch",
            daemon=True,
        )
        self._finalizer = weakref.finalize(self, self._wanted.clear)
        self._thread.start()

    def __iter__(self) -> PrefetchingStream:
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        if self._error is not None:
            raise self._error
        while self._wanted.is_set():
            try:
                batch = self._ready.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if isinstance(batch, BaseException):
                self._error = batch
                raise batch
            return batch
        raise StopIteration

    def close(self) -> None:
        """End the thread; the stream is exhausted."""
        self._finalizer()
        self._thread.join()

    def __enter__(self) -> PrefetchingStream:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _batches_of_ids(start: int, batch_size: int, split: str | None, shares: Mapping[str, float]) -> Iterator:
    """Ids (batch_size,) uint64 without end, increasing."""
    kept = np.empty(0, dtype=np.uint64)
    span = batch_size if split is None else max(batch_size, int(batch_size / shares[split]))
    while True:
        while kept.size < batch_size:
            ids = np.arange(start, start + span, dtype=np.uint64)
            start += span
            kept = np.concatenate([kept, ids if split is None else ids[in_split(ids, split, shares)]])
        yield kept[:batch_size]
        kept = kept[batch_size:]


def _prefetch(simulator, ids: Iterator, batch_size: int, ready: queue.Queue, wanted: threading.Event) -> None:
    """Fill the queue with batches; as many are simulated at once as ``ids`` are for."""
    while wanted.is_set():
        try:
            chunk = next(ids)
            records = {SAMPLE_ID: chunk.astype(np.int64), **simulator.batch(chunk).features()}
            starts = range(0, chunk.size, batch_size)
            items: list = [{name: values[k : k + batch_size] for name, values in records.items()} for k in starts]
        except BaseException as error:
            items = [error]
        for item in items:
            _put(item, ready, wanted)
        if isinstance(items[0], BaseException):
            return


def _put(item, ready: queue.Queue, wanted: threading.Event) -> None:
    while wanted.is_set():
        try:
            ready.put(item, timeout=_POLL_S)
        except queue.Full:
            continue
        return
