"""The terminal during training: epoch and step, loss, spectra a second, time left."""

from __future__ import annotations


class TrainingDisplay:
    """A rich progress bar over all steps of a run; a context manager.

    Parameters
    ----------
    epochs, steps_per_epoch : of the run.
    """

    def __init__(self, epochs: int, steps_per_epoch: int):
        from rich import progress

        self._epochs, self._steps, self._epoch = epochs, steps_per_epoch, 0
        self._bar = progress.Progress(
            progress.TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            progress.TextColumn("step {task.fields[step]}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TextColumn("loss {task.fields[loss]}"),
            progress.TextColumn("{task.fields[rate]} spectra/s"),
            progress.TimeElapsedColumn(),
            progress.TimeRemainingColumn(),
        )
        self._task = self._bar.add_task(
            "", total=epochs * steps_per_epoch, epoch=1, epochs=epochs, step=0, loss="-", rate="-"
        )

    def __enter__(self) -> TrainingDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_) -> None:
        self._bar.stop()

    def epoch(self, finished: int) -> None:
        """So many epochs have finished."""
        self._epoch = finished
        epoch = min(finished + 1, self._epochs)
        self._bar.update(self._task, completed=finished * self._steps, epoch=epoch, step=self._steps if finished else 0)

    def step(self, steps: int, loss: float, rate: float) -> None:
        """So many steps of the epoch have been done, with this loss, at this rate [spectra/s]."""
        self._bar.update(
            self._task,
            completed=self._epoch * self._steps + steps,
            step=steps,
            loss=f"{loss:.4f}",
            rate=f"{rate:.0f}" if rate else "-",
        )

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(line, highlight=False, markup=False)
