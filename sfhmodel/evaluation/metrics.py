"""Every metric of a set of results; `CONVENTIONS` tells unit and formula of each."""

from __future__ import annotations

import numpy as np

from sfhmodel.evaluation.groups import equal_groups
from sfhmodel.evaluation.statistics import (
    below,
    coverage,
    difference_statistics,
    pinball,
    smape_percent,
    standard_error,
)
from sfhmodel.inference.prediction import Prediction
from sfhmodel.truth import cumulative

INTERVALS = {"68": (0.16, 0.84), "90": (0.05, 0.95)}  # central intervals, per cent of the probability


def metrics_of(results: Prediction, prior_mean: np.ndarray) -> dict:
    """All metrics, overall, for groups of galaxies of like S/N and attenuation, and for each world.

    Parameters
    ----------
    results : of at least one galaxy, with the truth.
    prior_mean : (n_age_bin,) mass fractions that are predicted for every galaxy by the predictor to compare with.

    Returns
    -------
    dict
        Plain numbers, lists and dicts, finite or None; `sfhmodel.evaluation.conventions.CONVENTIONS` says what each
        is. ``by_snr`` and ``by_a_v`` are lists of dicts ``low``, ``high``, ``median`` of the quantity, and the metrics
        of the galaxies; ``by_world`` of dicts ``name`` and the metrics, empty without worlds.
    """
    return {
        **_metrics(results, prior_mean),
        "by_snr": _by_group(results, results.known_truth.snr, prior_mean),
        "by_a_v": _by_group(results, results.known_truth.a_v_mag, prior_mean),
        "by_world": _by_world(results, prior_mean),
    }


def _by_world(results: Prediction, prior_mean: np.ndarray) -> list[dict]:
    """In the order of the first galaxy of each."""
    world = results.known_truth.world
    names = [] if world is None else list(dict.fromkeys(world.tolist()))
    return [{"name": name, **_metrics(results[world == name], prior_mean)} for name in names]


def _by_group(results: Prediction, values: np.ndarray, prior_mean: np.ndarray) -> list[dict]:
    return [
        {
            **{name: _finite(getattr(group, name)) for name in ("low", "high", "median")},
            **_metrics(results[group.rows], prior_mean),
        }
        for group in equal_groups(values)
    ]


def _metrics(results: Prediction, prior_mean: np.ndarray) -> dict:
    return {
        "n_galaxies": len(results),
        **_of_histories(results, prior_mean),
        **_of_metallicity(results),
        "summaries": _of_summaries(results),
        "quantiles": _of_quantiles(results),
        "novelty_rate": float(np.mean(results.novelty > 1.0)),
    }


def _of_histories(results: Prediction, prior_mean: np.ndarray) -> dict:
    true = results.known_truth.cumulative
    error = np.abs(results.cumulative - true)
    median = results.cumulative_quantiles[..., results.level(0.5)]
    prior = float(np.abs(cumulative(prior_mean) - true).mean())
    fractions = results.mass_fraction, results.known_truth.mass_fraction
    return {
        "cumulative_error": float(error.mean()),
        "cumulative_error_standard_error": standard_error(error.mean(axis=1)),
        "cumulative_error_per_bin": error.mean(axis=0).tolist(),
        "cumulative_median_error": float(np.abs(median - true).mean()),
        "prior_mean_cumulative_error": prior,
        "prior_mean_cumulative_error_per_bin": np.abs(cumulative(prior_mean) - true).mean(axis=0).tolist(),
        "cumulative_error_ratio": float(error.mean()) / prior if prior > 0 else None,
        "mass_fraction_smape": float(smape_percent(*fractions)),
        "mass_fraction_smape_per_bin": smape_percent(*fractions, axis=0).tolist(),
    }


def _of_metallicity(results: Prediction) -> dict:
    true = np.asarray(results.known_truth.log10_metallicity, dtype=np.float64)
    difference = results.log10_metallicity - true
    weight = np.asarray(results.known_truth.mass_fraction, dtype=np.float64)
    linear = results.metallicity, 10.0**true
    return {
        "metallicity_error": float((weight * np.abs(difference)).sum(axis=1).mean()),
        "metallicity_error_per_bin": np.abs(difference).mean(axis=0).tolist(),
        "metallicity_bias_per_bin": np.median(difference, axis=0).tolist(),
        "metallicity_smape": float(smape_percent(*linear)),
        "metallicity_smape_per_bin": smape_percent(*linear, axis=0).tolist(),
    }


def _of_summaries(results: Prediction) -> dict:
    recovered, true = results.summaries, results.known_truth.summaries
    return {
        name: {"unit": unit, **difference_statistics(recovered[:, k], true[:, k])}
        for k, (name, unit) in enumerate(
            zip(results.description.summary_names, results.description.summary_units, strict=True)
        )
    }


def families(results: Prediction) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Truths (n, ...) and quantiles (n, ..., n_level) of each family of targets.

    The cumulative fraction of the oldest bin is 1 for every galaxy and is left out.
    """
    summaries = results.known_truth.summaries, results.summary_quantiles
    return {
        "cumulative": (results.known_truth.cumulative[:, :-1], results.cumulative_quantiles[:, :-1]),
        "metallicity": (results.known_truth.log10_metallicity, results.log10_metallicity_quantiles),
        **{name: (summaries[0][:, k], summaries[1][:, k]) for k, name in enumerate(results.description.summary_names)},
    }


def _of_quantiles(results: Prediction) -> dict:
    """Coverage, empirical levels and pinball loss of each family."""
    levels = results.description.quantile_levels
    ends = {name: [results.level(q) for q in interval] for name, interval in INTERVALS.items()}
    metrics = {}
    for family, (true, quantiles) in families(results).items():
        own: dict = {}
        for name, (low, high) in ends.items():
            inside = coverage(true, quantiles[..., low], quantiles[..., high])
            own[f"coverage_{name}"] = float(inside.mean())
            if inside.ndim:
                own[f"coverage_{name}_per_bin"] = inside.tolist()
        share = below(true, quantiles)
        own["share_below"] = share.reshape(-1, len(levels)).mean(axis=0).tolist()
        own["pinball"] = pinball(true, quantiles, levels)
        metrics[family] = own
    return metrics


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
