"""The end of a run: best weights, calibration, model file, curves and summary."""

from __future__ import annotations

import math
import platform
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sfhmodel.data.coverage import in_part, min_coverage, shortest_part
from sfhmodel.training.augmentation import augmentation_options
from sfhmodel.training.checkpoints import Arrays, Progress, assign_values
from sfhmodel.training.config import TrainingConfig
from sfhmodel.training.curves import plot_curves
from sfhmodel.training.directory import CURVES, DESCRIPTION, MODEL, SUMMARY
from sfhmodel.training.files import whole_run_file, write_json

if TYPE_CHECKING:
    from sfhmodel.training.transfer.start import Start


def new_model(config: TrainingConfig, source):
    """An untrained model of a config, for the data of a source."""
    from sfhmodel.model import build_model

    return build_model(
        replace(source.description, min_coverage=min_coverage(config.augmentation)),
        config.architecture,
        architecture_options=config.architecture_options,
        losses=config.losses,
        augmentation=augmentation_options(config, source.description),
        seed=config.seed,
    )


def finish(out: Path, config: TrainingConfig, source, progress: Progress, best: Arrays, found) -> dict:
    """Calibrate the best weights and write model, curves and summary: last, for it says that all is done."""
    from sfhmodel.training.transfer.start import load_start

    start = None if config.transfer is None else load_start(out)
    model = new_model(config, source)
    assign_values(model.variables, best)
    with source.explained_errors():
        calibration = _calibrated(model, config, source, start)
    with whole_run_file(out / MODEL) as temporary:
        model.save(temporary)
    write_json(out / DESCRIPTION, model.description.to_dict())
    plot_curves(out / CURVES, progress.rows, progress.best_epoch)
    parameters = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    summary = summarized(config, source, progress, found.n_replicas, calibration, parameters)
    if start is not None:
        summary["transfer"] = start.said
    write_json(out / SUMMARY, summary)
    return summary


def _calibrated(model, config: TrainingConfig, source, start: Start | None) -> dict:
    """Set the uncertainties of a trained model; the summary of that."""
    from sfhmodel import calibration
    from sfhmodel.training.transfer.start import set_calibration

    data, limit = model.description.dataset_name or source.name, config.calibration_records
    n = source.n_validation(limit)
    if start is None or n >= calibration.MIN_SAMPLES:
        validation = in_part(source.validation(config.batch_size, limit), shortest_part(config.augmentation))
        found = calibration.calibrate(model, validation, data=data, training=source.sample(config))
        return found if start is None else found | model.description.calibration
    set_calibration(model, start.calibration)
    n_novelty = calibration.set_novelty(model, source.validation(config.batch_size, limit), source.sample(config))
    intervals = "corrected as the source's" if start.calibration else "the network's own"
    calibration.promise_nothing(model, n, data, intervals)
    return {**model.description.calibration, "n_novelty": n_novelty}


def summarized(
    config: TrainingConfig, source, progress: Progress, n_devices: int, calibration: dict, parameters: int
) -> dict:
    """The content of ``summary.json``."""
    import keras
    import numpy as np

    from sfhmodel import __version__

    best = progress.rows[progress.best_epoch - 1]
    epochs, steps_per_epoch = config.settled_steps
    return {
        "architecture": config.architecture,
        "data": source.name,
        "parameters": parameters,
        "epochs": progress.epoch,
        "steps": progress.epoch * steps_per_epoch,
        "stopped_early": progress.epoch < epochs,
        "best_epoch": progress.best_epoch,
        "best": {name: value for name, value in best.items() if name not in ("seconds", "spectra_per_second")},
        "calibration": calibration,
        "training_spectra_per_second": progress.train_spectra / max(progress.train_seconds, 1e-9),
        "seconds": round(progress.seconds, 1),
        "devices": n_devices,
        "precision": config.precision,
        "versions": {
            "sfhmodel": __version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
