"""Tasks for the workers of a Dask cluster: what is needed of one, and no more."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

_AHEAD = 3  # tasks a worker thread may have waiting, so that none waits for the client


class DaskCluster:
    """A connection to a scheduler; a context manager, which closes what it opened.

    Parameters
    ----------
    scheduler : its address, e.g. ``tcp://node:8786``, or a ``distributed.Client``.
    error : class of the errors that are raised.

    Raises
    ------
    error
        When ``distributed`` is not installed, there is no address, or nothing answers there.
    """

    def __init__(self, scheduler: Any, error: type[Exception]):
        try:
            import distributed
        except ImportError:
            raise error("the engine dask needs Dask: run `pip install sfhsim[dask]`") from None
        if scheduler is None:
            raise error("the engine dask needs a scheduler's address, e.g. `--scheduler tcp://node:8786`")
        self._distributed, self._scheduler, self._error = distributed, scheduler, error

    def __enter__(self) -> DaskCluster:
        self._own = not isinstance(self._scheduler, self._distributed.Client)
        try:
            self._client = self._distributed.Client(self._scheduler) if self._own else self._scheduler
        except (OSError, ValueError, TimeoutError) as error:
            raise self._error(f"no Dask scheduler answers at {self._scheduler}: {error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._own:
            self._client.close()

    @property
    def n_threads(self) -> int:
        """Of all workers that are there now."""
        return sum(self._client.nthreads().values())

    def results(self, function: Callable, tasks: Iterable[tuple[str, tuple]], what: str) -> Iterator[Any]:
        """What ``function`` gives for tasks (name, arguments), in the order in which they are done.

        Raises
        ------
        error
            Workers died again and again; ``what`` says over what. Errors of the function arrive as they are.
        """

        def submit(name: str, arguments: tuple):
            key = f"sfhsim-{name}-{uuid.uuid4().hex}"
            return self._client.submit(function, *arguments, pure=False, key=key)

        tasks = iter(tasks)
        first = [submit(*task) for task in islice(tasks, max(_AHEAD * self.n_threads, 8))]
        done = self._distributed.as_completed(first)
        for future in done:
            try:
                result = future.result()
            except self._distributed.KilledWorker as error:
                raise self._error(f"workers died again and again while {what}: {error}") from error
            done.update([submit(*task) for task in islice(tasks, 1)])
            yield result
