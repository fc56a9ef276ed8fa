"""How well a model answers for galaxies of some world, in a few numbers.

cumulative error   mean over galaxies and age bins of |C - C_true|, C the cumulative mass fraction
ratio              that over the same of a predictor that always answers the prior mean
coverage           share of truths within the 68% intervals
bias, scatter      median, and 1.48 times the median absolute deviation, of predicted - true
flagged            share of galaxies called unlike the training data
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

_SUMMARIES = ("mean_log10_age_yr_mass", "log10_metallicity_mass", "a_v_mag")


def measure(model, batches: Iterable, prior_mean: np.ndarray, *, with_bands: bool = True) -> dict:
    """Measure a model on labelled galaxies.

    Parameters
    ----------
    model : StarFormationModel
    batches : of (inputs, truths), a finite number.
    prior_mean : (n_age_bin,) mass fractions to compare with.
    with_bands : whether the model sees the magnitudes.

    Returns
    -------
    dict
        Plain numbers; ``bias`` and ``scatter`` by summary, in dex (A_V: mag), ``width`` the mean of the 68% intervals
        of the cumulative fractions.
    """
    parts: dict[str, list[np.ndarray]] = {}
    for inputs, truths in batches:
        for key, values in _of_batch(model, inputs, truths, with_bands).items():
            parts.setdefault(key, []).append(np.asarray(values))
    found = {key: np.concatenate(values) for key, values in parts.items()}
    true = np.cumsum(found["mass_fraction"], axis=1)
    low, high = found["cumulative"][:, :-1, 0], found["cumulative"][:, :-1, 1]
    error = float(np.abs(np.cumsum(found["answer"], axis=1) - true).mean())
    names = list(model.description.summary_names)
    residuals = {name: (found["summaries"] - found["true_summaries"])[:, names.index(name)] for name in _SUMMARIES}
    bias = {name: float(np.median(values)) for name, values in residuals.items()}
    return {
        "n": len(true),
        "cumulative_error": error,
        "ratio": error / float(np.abs(np.cumsum(prior_mean) - true).mean()),
        "coverage_cumulative": float(((true[:, :-1] >= low) & (true[:, :-1] <= high)).mean()),
        "coverage_metallicity": _inside(found["log10_metallicity"], found["metallicity"]),
        "coverage_summaries": _inside(found["true_summaries"], found["summary"]),
        "width": float((high - low).mean()),
        "bias": bias,
        "scatter": {n: float(1.4826 * np.median(np.abs(v - bias[n]))) for n, v in residuals.items()},
        "flagged": float((found["novelty"] > 1.0).mean()),
    }


def without_bands(inputs: dict) -> dict:
    """Inputs of a model in which all magnitudes are missing."""
    missing = {name: np.full_like(np.asarray(inputs[name]), np.nan) for name in ("magnitudes", "magnitude_errors")}
    return {**inputs, **missing}


def _of_batch(model, inputs: dict, truths: dict, with_bands: bool) -> dict:
    inputs = inputs if with_bands else without_bands(inputs)
    answers = {name: np.asarray(values) for name, values in model.predict_on_batch(inputs).items()}
    targets = {name: np.asarray(values) for name, values in model.targets(truths).items()}
    ends = [i for i, level in enumerate(model.description.quantile_levels) if abs(abs(level - 0.5) - 0.34) < 0.005]
    return {
        "answer": answers["mass_fraction"],
        "summaries": answers["summaries"],
        "novelty": answers["novelty"],
        "cumulative": answers["cumulative_quantiles"][..., ends],
        "metallicity": np.log10(answers["metallicity_quantiles"][..., ends]),
        "summary": answers["summary_quantiles"][..., ends],
        "mass_fraction": targets["mass_fraction"],
        "log10_metallicity": targets["log10_metallicity"],
        "true_summaries": targets["summaries"],
    }


def _inside(truth: np.ndarray, interval: np.ndarray) -> float:
    return float(((truth >= interval[..., 0]) & (truth <= interval[..., 1])).mean())
