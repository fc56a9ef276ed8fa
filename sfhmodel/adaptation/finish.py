"""The end of an adaptation: best weights, intervals, what the model says of itself, model file and summary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.adaptation.config import AdaptationConfig
from sfhmodel.adaptation.model import AdaptingModel, with_gaps_of
from sfhmodel.adaptation.source import AdaptationSource, joined
from sfhmodel.calibration import calibrate
from sfhmodel.training.checkpoints import Arrays, Progress, assign_values
from sfhmodel.training.curves import plot_curves
from sfhmodel.training.directory import CURVES, MODEL, SUMMARY
from sfhmodel.training.files import whole_run_file, write_json

_BATCH = 256
_CORRECTED = ("cumulative", "metallicity", "summary")
NO_PROMISE = "without labels of observed galaxies no coverage of the intervals is promised"


def finish(
    out: Path,
    config: AdaptationConfig,
    source: AdaptationSource,
    model: AdaptingModel,
    progress: Progress,
    best: Arrays,
    about: dict[str, Any],
) -> dict:
    """Set the intervals of the best weights and write model, curves and summary: last, for it says that all is done."""
    assign_values(model.variables, best)
    calibration = _intervals(model, config, source) if progress.best_epoch else {"n": 0}
    words = _words(config, progress)
    adapted = {**about, "best_epoch": progress.best_epoch, "intervals": words}
    if progress.best_epoch:
        model.core.description = replace(model.core.description, adaptation=adapted)
    with whole_run_file(out / MODEL) as temporary:
        model.core.save(temporary)
    plot_curves(out / CURVES, progress.rows, progress.best_epoch)
    summary = _summary(config, source, model, progress, calibration, adapted)
    write_json(out / SUMMARY, summary)
    return summary


def _words(config: AdaptationConfig, progress: Progress) -> str:
    if not progress.best_epoch:
        return "as before: no epoch was better than the network as it was"
    if config.keep_intervals:
        return f"kept as they were; {NO_PROMISE}"
    kinds = ["carried"] * ("transport" in config.terms) + ["weighted"] * config.label_weights
    return f"recalibrated on {' and '.join(kinds) or 'other'} simulated galaxies; {NO_PROMISE}"


def _intervals(model: AdaptingModel, config: AdaptationConfig, source: AdaptationSource) -> dict:
    """Calibrate on simulated validation galaxies as observed ones are seen, drawn with their weights."""
    core = model.core
    before = {name: np.array(getattr(core, name).correction) for name in _CORRECTED}
    edges = np.array(core.noise_groups.edges)
    with source.explained_errors():
        inputs, truths = joined(
            source.simulated.validation(config.batch_size, config.calibration_records), np.iinfo(np.int64).max
        )
    n = len(inputs["flux"])
    random = np.random.default_rng([config.seed, 3])
    rows = random.integers(len(source.held_out["flux"]), size=n)
    inputs = with_gaps_of(inputs, {name: values[rows] for name, values in source.held_out.items()})
    inputs = {name: np.array(values) for name, values in inputs.items()}
    drawn = random.choice(n, size=n, p=_weights(model, inputs)) if config.label_weights else np.arange(n)

    def batches():
        for start in range(0, n, _BATCH):
            chosen = drawn[start : start + _BATCH]
            seen = {name: values[chosen] for name, values in inputs.items()}
            seen = model.carried(seen) if "transport" in config.terms else seen
            yield seen, {name: values[chosen] for name, values in truths.items()}

    found = calibrate(core, batches())
    if config.keep_intervals:
        for name, values in before.items():
            getattr(core, name).correction.assign(values)
        core.noise_groups.edges.assign(edges)
    return found


def _weights(model: AdaptingModel, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """(n,) that sum to 1."""
    parts = []
    for start in range(0, len(inputs["flux"]), _BATCH):
        answer = model.core.forward({name: v[start : start + _BATCH] for name, v in inputs.items()}, training=False)
        parts.append(np.array(model.weighed(answer)))
    weight = np.array(model.label_weights(np.concatenate(parts)), dtype=np.float64)
    return weight / weight.sum()


def _summary(config, source, model: AdaptingModel, progress: Progress, calibration: dict, adapted: dict) -> dict:
    """The content of ``summary.json``."""
    import keras

    from sfhmodel import __version__

    best = progress.rows[progress.best_epoch - 1] if progress.best_epoch else {}
    start = [float(value) for value in np.array(model.start)]
    return {
        "architecture": model.core.architecture,
        "data": source.name,
        "adaptation": adapted,
        "losses": config.terms,
        "epochs": progress.epoch,
        "steps": progress.epoch * config.steps_per_epoch,
        "best_epoch": progress.best_epoch,
        "before": {"val_supervised": start[0], "val_selection": start[1]},
        "best": {name: value for name, value in best.items() if name not in ("seconds", "spectra_per_second")},
        "effective_share": float(model.effective),
        "calibration": calibration,
        "seconds": round(progress.seconds, 1),
        "versions": {
            "sfhmodel": __version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "numpy": np.__version__,
        },
    }
