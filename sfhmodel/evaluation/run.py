"""Evaluate a model on a data set: metrics, pictures, page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from sfhmodel.data import SplitRecords, TrainingData
from sfhmodel.errors import ConfigError
from sfhmodel.evaluation.collect import BATCH_SIZE, collect
from sfhmodel.evaluation.conventions import CONVENTIONS
from sfhmodel.evaluation.folder import FORMAT, report_folder
from sfhmodel.evaluation.metrics import metrics_of
from sfhmodel.evaluation.picture_inputs import PictureInputs
from sfhmodel.evaluation.prior import prior_mean as prior_mean_of
from sfhmodel.evaluation.report import write_report


def evaluate(
    model,
    dataset: str | Path | TrainingData,
    out: str | Path,
    split: str = "test",
    limit: int | None = None,
    *,
    samples: Iterable[int] = (),
    random: int = 3,
    seed: int = 0,
    prior_mean: np.ndarray | None = None,
    batch_size: int = BATCH_SIZE,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict:
    """Measure a model on a split of a data set, and write a report: ``metrics.json``, ``report.html``, ``figures/``.

    Parameters
    ----------
    model : StarFormationModel, or path of a ``.keras`` file or of the run directory that holds one.
    dataset : folder of the data set, or TrainingData; its grid, bins and bands must be the model's.
    out : folder of the report; an earlier report there is replaced.
    split : of the data set.
    limit : evaluate only the first so many records of the split.
    samples : ids of galaxies of the split to show, beside the random ones.
    random : how many galaxies to show that are drawn at random from those evaluated.
    seed : of that draw.
    prior_mean : (n_age_bin,) mass fractions to compare with, instead of the mean of the training split.
    batch_size : galaxies given to the model at once.
    progress : called with (what is done, how many more are done, how many there are).

    Returns
    -------
    dict
        The content of ``metrics.json``; units and formulas are in its ``conventions``.

    Raises
    ------
    ConfigError
        When a number is impossible, ``out`` cannot be written, or holds something else than a report.
    ModelFileError
        When the model is missing or damaged.
    TrainingDataError
        When the data set is missing or damaged, has no such split, or has another grid, bins or bands than the model.
    InputError
        When a sample is not in the split, or the model's answers are not finite.

    Examples
    --------
    >>> metrics = evaluate("runs/attention", "dataset", "report")
    >>> metrics["cumulative_error"] / metrics["prior_mean_cumulative_error"]
    """
    if random < 0 or batch_size < 1:
        raise ConfigError(
            f"random is {random}, it must not be negative; batch_size {batch_size}, it must be at least 1"
        )
    tell = progress or (lambda *_: None)
    samples = tuple(int(i) for i in samples)
    with report_folder(out) as folder:
        data = dataset if isinstance(dataset, TrainingData) else TrainingData(dataset)
        n = sum(part.n_records for part in data.parts(split, limit))
        records = SplitRecords(data, split)
        named = records.places(samples)
        model, source = _opened(model)
        data.check_same(model.description)
        shown = [*named, *_drawn(np.setdiff1d(np.arange(n), named), random, seed)]
        pictures = PictureInputs(records.sample_id[shown])
        places = [*range(n), *(place for place in named if place >= n)]

        def see(batch, answers):
            pictures.see(batch, answers)
            tell("galaxies evaluated", len(batch.sample_id), len(places))

        batches, names = records.batches(places, batch_size), data.description.truth_names
        everything = collect(model, batches, names, world_names=data.world_names, on_batch=see)
        results = everything if len(everything) == n else everything[:n]
        mean, words = prior_mean_of(data, results, prior_mean, tell)
        metrics = {
            **_about(model, source, data, split, words),
            **metrics_of(results, mean),
            "inference_rate": results.inference_rate,
            "conventions": {name: {"unit": unit, "formula": text} for name, (unit, text) in CONVENTIONS.items()},
        }
        tell("report written", 0, 1)
        write_report(
            folder, results, metrics, shown=pictures.shown(everything), attention=pictures.attention(model, results)
        )
        tell("report written", 1, 1)
    return metrics


def _opened(model):
    """A StarFormationModel, and in words where it comes from."""
    from sfhmodel.inference import load

    return (load(model, backend="keras").model, str(model)) if isinstance(model, str | Path) else (model, "in memory")


def _drawn(places: np.ndarray, n: int, seed: int) -> list[int]:
    """n of these places."""
    return np.random.default_rng(seed).permutation(places)[:n].tolist()


def _about(model, source: str, data: TrainingData, split: str, prior_mean: str) -> dict:
    from sfhmodel import __version__

    return {
        "format": FORMAT,
        "sfhmodel_version": __version__,
        "model": {
            "source": source,
            "architecture": model.architecture,
            "n_parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
            "trained_on": model.description.dataset_name,
            "trained_on_sha256": model.description.dataset_sha256,
        },
        "dataset": {
            "name": data.manifest["name"],
            "sha256": data.manifest["manifest_sha256"],
            "split": split,
        },
        "prior_mean": prior_mean,
        "age_bin_edges_yr": model.description.age_bin_edges_yr.tolist(),
        "quantile_levels": list(model.description.quantile_levels),
    }
