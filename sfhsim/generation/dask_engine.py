"""Shards made by the workers of a Dask cluster, which all see the data set's directory.

Every shard is a task; a worker process opens the simulator with its first task. When a worker dies, Dask gives its
tasks to others: a shard made twice is the same bytes under the same name.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.generation.job import Job, ShardTask
from sfhsim.generation.shards import make_shard

_AHEAD = 3  # tasks a worker thread may have waiting, so that none waits for the client


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
        try:
            import distributed
        except ImportError:
            raise DatasetError("the engine dask needs Dask: run `pip install sfhsim[dask]`") from None
        if scheduler is None:
            raise DatasetError("the engine dask needs a scheduler's address, e.g. `--scheduler tcp://node:8786`")
        self._distributed, self._job, self._scheduler = distributed, job, scheduler

    def __enter__(self) -> DaskEngine:
        self._own = not isinstance(self._scheduler, self._distributed.Client)
        try:
            self._client = self._distributed.Client(self._scheduler) if self._own else self._scheduler
        except (OSError, ValueError, TimeoutError) as error:
            raise DatasetError(f"no Dask scheduler answers at {self._scheduler}: {error}") from error
        return self

    def __exit__(self, *_) -> None:
        if self._own:
            self._client.close()

    def prepare(self) -> None:
        """Workers come and go: those that are there begin."""

    def run(self, tasks: Iterable[ShardTask], advance: Callable[[int], None]) -> Iterator[dict]:
        """See `Engine`."""
        tasks = iter(tasks)
        threads = sum(self._client.nthreads().values())
        done = self._distributed.as_completed([self._submit(t) for t in islice(tasks, max(_AHEAD * threads, 8))])
        for future in done:
            receipt = self._result(future)
            advance(receipt["n_records"])
            done.update([self._submit(task) for task in islice(tasks, 1)])
            yield receipt

    def _submit(self, task: ShardTask):
        name = Path(task.shard.file).stem
        return self._client.submit(make_shard, self._job, task, pure=False, key=f"sfhsim-{name}-{uuid.uuid4().hex}")

    def _result(self, future) -> dict:
        try:
            return future.result()
        except self._distributed.KilledWorker as error:
            raise DatasetError(f"workers died again and again while making a shard: {error}") from error
