"""Shards made by the workers of a Dask cluster, which all see the data set's directory.

Every shard is a task; a worker process opens the simulator with its first task. When a worker dies, Dask gives its
tasks to others: a shard made twice is the same bytes under the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sfhsim.dask_cluster import DaskCluster
from sfhsim.errors import DatasetError
from sfhsim.generation.job import Job, ShardTask
from sfhsim.generation.shards import make_shard


class DaskEngine:
    """The engine of a Dask cluster; a context manager.

    Parameters
    ----------
    job : what the workers open.
    scheduler : its address, e.g. ``tcp://node:8786``, or a ``distributed.Client``.

    Raises
    ------
    DatasetError
        When ``distributed`` is not installed, there is no address, or nothing answers there.
    """

    def __init__(self, job: Job, scheduler):
        self._job, self._cluster = job, DaskCluster(scheduler, DatasetError)

    def __enter__(self) -> DaskEngine:
        self._cluster.__enter__()
        return self

    def __exit__(self, *exception) -> None:
        self._cluster.__exit__(*exception)

    def prepare(self) -> None:
        """Workers come and go: those that are there begin."""

    def run(self, tasks: Iterable[ShardTask], advance: Callable[[int], None]) -> Iterator[dict]:
        """See `Engine`."""
        named = ((Path(task.shard.file).stem, (self._job, task)) for task in tasks)
        for receipt in self._cluster.results(make_shard, named, "making a shard"):
            advance(receipt["n_records"])
            yield receipt
