"""Where shards are made: in this process, in worker processes of this machine, or on a Dask cluster.

An engine is a context manager with two methods: `prepare`, which waits until a worker is ready, and `run`, which makes
shards and yields their receipts as each is safe on the disk. Which engine made a shard, and in which order, leaves no
trace in its bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, Self

from sfhsim.errors import DatasetError
from sfhsim.generation.job import Job, ShardTask

WORKER_MB = 450  # memory to plan for a worker
_MB = 1 << 20


class Engine(Protocol):
    """What `generate_dataset` asks of an engine."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception) -> None: ...

    def prepare(self) -> None:
        """Return when the first shard can be begun; work is timed from then on."""

    def run(self, tasks: Iterable[ShardTask], advance: Callable[[int], None]) -> Iterator[dict]:
        """Make shards; ``advance`` is called with numbers of samples as they are made."""


class InProcess:
    """Makes shards one by one in this process, with all its threads."""

    def __init__(self, simulator):
        self._simulator = simulator

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *exception) -> None:
        """There is nothing to release."""

    def prepare(self) -> None:
        """It is ready."""

    def run(self, tasks: Iterable[ShardTask], advance: Callable[[int], None]) -> Iterator[dict]:
        """See `Engine`."""
        from sfhsim.generation.shards import ShardMaker

        with ShardMaker(self._simulator, advance) as maker:
            previous = None
            for task in tasks:
                following = maker.start(task)
                if previous is not None:
                    yield previous.result()
                previous = following
            if previous is not None:
                yield previous.result()


def open_engine(name: str, job: Job, simulator, workers: int | str | None, scheduler: str | None, most: int) -> Engine:
    """The engine of this name, for at most ``most`` shards; see `generate_dataset` for the choices.

    Raises
    ------
    DatasetError
        When the choices do not fit together.
    """
    if name == "dask":
        if workers is not None:
            raise DatasetError("the Dask cluster decides the number of workers: leave out `workers`")
        from sfhsim.generation.dask_engine import DaskEngine

        return DaskEngine(job, scheduler)
    if name != "local":
        raise DatasetError(f"no engine {name!r}: there are local and dask")
    if scheduler is not None:
        raise DatasetError("a scheduler's address needs the engine dask (`--engine dask`)")
    if workers is None:
        return InProcess(simulator)
    from sfhsim.generation.processes import Processes

    return Processes(job, min(count_workers(workers), max(1, most)))


def count_workers(workers: int | str) -> int:
    """The number of worker processes that ``workers`` means: a number, or 'auto' for what this machine can hold.

    Raises
    ------
    DatasetError
        When it is neither.
    """
    if workers == "auto":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return max(1, min(cores, int(0.8 * memory // (WORKER_MB * _MB))))
    try:
        count = int(workers)
    except ValueError:
        count = 0
    if count < 1:
        raise DatasetError(f"workers must be a positive number or auto, not {workers!r}")
    return count
