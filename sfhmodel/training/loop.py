"""Training, an epoch at a time: Keras' `fit`, then validation, log and checkpoint.

Every epoch begins at a step of the run, and everything it depends on is in the checkpoint before it: the data by the
number of the step, the learning rate by the optimiser's counter, random numbers by the states of their generators. So a
run that was killed goes on as if it had not been.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from sfhmodel.training import nonfinite
from sfhmodel.training.checkpoints import (
    Arrays,
    Checkpoint,
    Progress,
    assign_values,
    copied_values,
    load_checkpoint,
    save_checkpoint,
)
from sfhmodel.training.config import TrainingConfig
from sfhmodel.training.curves import plot_curves
from sfhmodel.training.directory import CURVES, OFFENDING
from sfhmodel.training.display import TrainingDisplay
from sfhmodel.training.distribution import Devices, fit_for_workers
from sfhmodel.training.feed import TrainingFeed
from sfhmodel.training.monitor import StepMonitor
from sfhmodel.training.optimisation import make_optimizer
from sfhmodel.training.pace import jit_option
from sfhmodel.training.run_log import RunLog
from sfhmodel.training.sources import BatchSource

_CURVES_EVERY_S = 60.0


@dataclass
class Job:
    """What the epochs of a run need.

    Attributes
    ----------
    out : run directory.
    config : settled.
    source : of batches.
    devices : that compute.
    display : on the terminal, or None.
    began : `time.perf_counter` when this process started on the run.
    """

    out: Path
    config: TrainingConfig
    source: BatchSource
    devices: Devices
    display: TrainingDisplay | None
    began: float

    def validation(self):
        """Validation batches, with a length; several devices need whole ones."""
        config, whole = self.config, self.devices.n_replicas > 1
        return self.source.validation(config.batch_size, config.validation_records, drop_remainder=whole)


class _RawWeights(keras.callbacks.Callback):
    """Keeps the weights themselves, which `fit` replaces by their moving average at its end."""

    def on_epoch_end(self, epoch, logs=None):
        self.arrays = copied_values(self.model.trainable_variables)


def run_epochs(job: Job, model) -> tuple[Progress, Arrays]:
    """Train a model, its normalisation fitted unless a checkpoint is there, to the end of its run.

    Returns
    -------
    (Progress, list of arrays)
        The progress, and the variables of the model at the best epoch.

    Raises
    ------
    TrainingError
        A loss that is not finite, or a disk that refuses.
    """
    config = job.config
    model.compile(optimizer=make_optimizer(config), jit_compile=jit_option(config))
    model.optimizer.build(model.trainable_variables)
    if config.distribution == "multi_worker":
        fit_for_workers(model)
    checkpoint = load_checkpoint(job.out) or Checkpoint(Progress(), [], [], [])
    progress, best = checkpoint.progress, checkpoint.best
    if progress.epoch:
        assign_values(model.variables, checkpoint.model)
        assign_values(model.optimizer.variables, checkpoint.optimizer)
    started_with, feed = progress.seconds, TrainingFeed(job.source, config)
    log = RunLog(job.out, progress.rows) if job.devices.writes else None
    drawn = time.perf_counter()
    if job.display is not None:
        job.display.epoch(progress.epoch)
    try:
        while not finished(config, progress):
            row, averaged = _one_epoch(job, model, progress, feed)
            progress = _advanced(progress, row, config.monitor, started_with + time.perf_counter() - job.began)
            if progress.best_epoch == progress.epoch:
                best = averaged or copied_values(model.variables)
            if log is None:
                continue
            save_checkpoint(
                job.out,
                Checkpoint(progress, copied_values(model.variables), copied_values(model.optimizer.variables), best),
            )
            log.add(progress.rows)
            if time.perf_counter() - drawn > _CURVES_EVERY_S:
                plot_curves(job.out / CURVES, progress.rows, progress.best_epoch)
                drawn = time.perf_counter()
            if job.display is not None:
                job.display.epoch(progress.epoch)
                job.display.say(_line(config, progress))
    finally:
        if log is not None:
            log.close()
    return progress, best


def finished(config: TrainingConfig, progress: Progress) -> bool:
    """Whether all epochs are done, or too many brought nothing better."""
    exhausted = config.patience is not None and progress.epoch and progress.stale_epochs >= config.patience
    return progress.epoch >= config.settled_steps[0] or bool(exhausted)


def _one_epoch(job: Job, model, progress: Progress, feed: TrainingFeed) -> tuple[dict, Arrays | None]:
    """Train and validate once; the row of the log, and the model's variables with averaged weights if there are any.

    The model is left with the weights themselves.
    """
    config, (_, steps) = job.config, job.config.settled_steps
    step = progress.epoch * steps
    monitor, raw = StepMonitor(job.display, config.batch_size), _RawWeights()
    one_device = job.devices.n_replicas == 1  # several share a data set that they open themselves
    batches = feed.steps(step, steps) if one_device else job.source.training(config, step)
    batches = job.devices.share(nonfinite.checked(batches))
    with job.source.explained_errors():
        history = model.fit(
            batches,
            epochs=1,
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
            callbacks=[monitor, raw] if config.ema else [monitor],
        ).history
    if monitor.bad_step is not None:
        at_fault = job.source.training(config, step + monitor.bad_step)
        raise _not_finite(job, next(iter(at_fault)), "training", progress.epoch, monitor.bad_step)
    with job.source.explained_errors():
        batches = job.validation()
        validation = model.evaluate(
            job.devices.share(nonfinite.checked(batches)),
            steps=len(batches),
            verbose=0,
            return_dict=True,
            callbacks=[monitor],
        )
    if monitor.bad_step is not None or not math.isfinite(validation["loss"]):
        bad_step = monitor.bad_step or 0
        raise _not_finite(job, next(itertools.islice(batches, bad_step, None)), "validation", progress.epoch, bad_step)
    averaged = None
    if config.ema:
        averaged = copied_values(model.variables)
        assign_values(model.trainable_variables, raw.arrays)
    row = {
        "epoch": progress.epoch + 1,
        "step": step + steps,
        **{name: float(values[-1]) for name, values in history.items()},
        **{f"val_{name}": float(value) for name, value in validation.items()},
        "learning_rate": float(model.optimizer.learning_rate),
        "spectra_per_second": monitor.spectra / monitor.seconds if monitor.seconds else 0.0,
    }
    progress.train_seconds += monitor.seconds
    progress.train_spectra += monitor.spectra
    return row, averaged


def _advanced(progress: Progress, row: dict, monitored: str, seconds: float) -> Progress:
    """The progress after one more epoch, whose row tells."""
    better = progress.best_value is None or row[monitored] < progress.best_value
    return replace(
        progress,
        epoch=row["epoch"],
        rows=[*progress.rows, {**row, "seconds": round(seconds, 1)}],
        best_epoch=row["epoch"] if better else progress.best_epoch,
        best_value=row[monitored] if better else progress.best_value,
        seconds=seconds,
    )


def _not_finite(job: Job, batch, where: str, epoch: int, step: int):
    kept = f"Epoch {epoch} is kept" if epoch else "No epoch is kept"
    go_on = f"{kept}: the same command goes on from there; another config needs another directory"
    return nonfinite.stop(job.out / OFFENDING, batch, where, epoch + 1, step + 1, go_on)


def _line(config: TrainingConfig, progress: Progress) -> str:
    row, star = progress.rows[-1], " *" if progress.best_epoch == progress.epoch else ""
    shown = {"loss": row["loss"], config.monitor: row[config.monitor], "val_loss": row["val_loss"]}
    shown |= {"val_cumulative_error": row["val_cumulative_error"]} if "val_cumulative_error" in row else {}
    numbers = "  ".join(f"{name} {value:.4f}" for name, value in shown.items())
    return f"epoch {row['epoch']:3d}  {numbers}  {row['spectra_per_second']:.0f}/s{star}"
