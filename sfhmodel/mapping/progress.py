"""Bars of the stages of a run on the terminal, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Progress:
    """A context manager; every stage has a bar of its own.

    Parameters
    ----------
    show : whether there are bars.
    """

    def __init__(self, show: bool):
        self._bars = None
        if show:
            from rich import progress

            self._bars = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn("{task.fields[unit]}"),
                progress.TimeElapsedColumn(),
                progress.TimeRemainingColumn(),
                transient=True,
            )

    def __enter__(self) -> Progress:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_) -> None:
        if self._bars is not None:
            self._bars.stop()

    @contextmanager
    def stage(self, title: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        """A bar; gives a function that advances it."""
        bars = self._bars
        if bars is None:
            yield lambda count: None
            return
        task = bars.add_task(title, total=total, unit=unit)
        yield lambda count: bars.advance(task, count)
