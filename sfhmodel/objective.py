"""What is compared in training: the answers of a model and their targets, both in learning space."""

from __future__ import annotations

from keras import ops

from sfhmodel.description import LOG10_Z_FLOOR
from sfhmodel.targets import to_target_space

METRICS = ("cumulative_error", "metallicity_error_dex")  # that every training shows, whatever its losses


def pairs(targets: dict, answer, summary_scale) -> dict:
    """(target, prediction) of each output that losses can be computed of.

    Parameters
    ----------
    targets : of `sfhmodel.targets.targets_from_truths`.
    answer : LearningAnswer
    summary_scale : (n_summary,) standard deviations of the summaries, in units of which they are compared.

    Returns
    -------
    dict
        ``mass_fraction`` and ``metallicity`` (log10 Z; its prediction is the median), (n, n_age_bin) both;
        ``cumulative_quantiles``, ``metallicity_quantiles`` and ``summary_quantiles``: (n, k) and (n, k, n_level).
    """
    log10_z = targets["log10_metallicity"]
    log10_z_quantiles = ops.maximum(answer.log10_metallicity_quantiles, LOG10_Z_FLOOR)  # as the targets
    median = log10_z_quantiles.shape[-1] // 2
    return {
        "mass_fraction": (targets["mass_fraction"], answer.mass_fraction),
        "metallicity": (log10_z, log10_z_quantiles[:, :, median]),
        "cumulative_quantiles": (ops.cumsum(targets["mass_fraction"], axis=-1), answer.cumulative_quantiles),
        "metallicity_quantiles": (log10_z, log10_z_quantiles),
        "summary_quantiles": (
            to_target_space(targets["summaries"]) / summary_scale,
            answer.summary_quantiles / summary_scale[:, None],
        ),
    }


def errors_to_watch(compared: dict) -> dict:
    """The metrics (n, n_age_bin) by name, of the result of `pairs`."""
    fraction, found_fraction = compared["mass_fraction"]
    log10_z, found_log10_z = compared["metallicity"]
    return {
        "cumulative_error": ops.abs(ops.cumsum(found_fraction - fraction, axis=-1)),
        "metallicity_error_dex": ops.abs(found_log10_z - log10_z),
    }
