"""A progress bar that counts samples over all workers: how many, how fast, how long still."""

from __future__ import annotations

import time


class Progress:
    """A rich progress bar on the terminal, or nothing; a context manager.

    Parameters
    ----------
    show : whether there is a bar.
    title : what is counted.
    """

    def __init__(self, show: bool, title: str):
        self._bar, self._title = None, title
        if show:
            from rich import progress

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn("{task.fields[rate]}"),
                progress.TimeElapsedColumn(),
                progress.TimeRemainingColumn(),
            )
            self._task = self._bar.add_task(f"{title}: compiling", total=None, rate="")

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, total: int) -> None:
        """Start the clock."""
        self._done, self._began = 0, time.monotonic()
        if self._bar is not None:
            self._bar.reset(self._task, description=self._title, total=total, rate="")

    def skip(self, count: int) -> None:
        """Some more are there already; they do not count for the rate."""
        if self._bar is not None:
            self._bar.update(self._task, advance=count)

    def advance(self, count: int) -> None:
        """Count some more."""
        self._done += count
        if self._bar is not None:
            rate = self._done / max(time.monotonic() - self._began, 1e-9)
            self._bar.update(self._task, advance=count, rate=f"{rate:.0f}/s")
