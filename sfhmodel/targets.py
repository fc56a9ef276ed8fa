"""What the network learns, made of the labels and truths of a record. Backend-agnostic (`keras.ops`).

cumulative mass fraction  C_k = sum_{j <= k} m_j, from the youngest bin to the oldest; C of the last bin is 1
metallicity               log10 Z_k
summaries                 `sfhmodel.description.SUMMARIES`
"""

from __future__ import annotations

import numpy as np
from keras import ops

from sfhmodel.description import LOG10_Z_FLOOR, NEEDED_TRUTHS, SUMMARIES

_LAST_YR = 1e8
_FRACTION_FLOOR = 1e-4  # below, fractions of the last 100 Myr are all but the same to a spectrum
_LN10 = 2.302585092994046


def log10(values, floor: float):
    """log10 of values, no lower than ``floor``."""
    return ops.log(ops.maximum(values, 10.0**floor)) / _LN10


def power10(values):
    """10 to the power of values."""
    return ops.exp(values * _LN10)


def targets_from_truths(truths: dict, truth_names) -> dict:
    """Targets of a batch.

    Parameters
    ----------
    truths : ``mass_fraction`` (n, n_age_bin), ``metallicity`` (n, n_age_bin) and ``truth`` (n, n_truth) of the records.
    truth_names : names of the columns of ``truth``.

    Returns
    -------
    dict
        ``mass_fraction`` (n, n_age_bin), ``log10_metallicity`` (n, n_age_bin), ``summaries`` (n, n_summary).
    """
    column = {name: truths["truth"][:, list(truth_names).index(name)] for name in NEEDED_TRUTHS}
    summaries = [
        column["mean_log10_age_yr_mass"],
        column["mean_log10_age_yr_light"],
        log10(column["mean_metallicity_mass"], LOG10_Z_FLOOR),
        log10(column["mean_metallicity_light"], LOG10_Z_FLOOR),
        column["a_v_mag"],
        column["sfr_100myr_msun_yr"] / column["total_mass_msun"] * _LAST_YR,
    ]
    return {
        "mass_fraction": ops.convert_to_tensor(truths["mass_fraction"]),
        "log10_metallicity": log10(ops.convert_to_tensor(truths["metallicity"]), LOG10_Z_FLOOR),
        "summaries": ops.stack([ops.convert_to_tensor(s) for s in summaries], axis=-1),
    }


def to_target_space(summaries):
    """Summaries (n, n_summary) or quantiles (n, n_summary, n_level) in the space where quantiles are learnt.

    The fraction of the last 100 Myr spans decades: f becomes log10(f + 1e-4). Quantiles stay quantiles under it.
    """
    return _replace_fraction(summaries, lambda f: ops.log(ops.maximum(f + _FRACTION_FLOOR, 1e-7)) / _LN10)


def from_target_space(summaries):
    """The inverse of `to_target_space`."""
    return _replace_fraction(summaries, lambda u: power10(u) - _FRACTION_FLOOR)


def one_sided(quantiles, lowest, highest):
    """Quantiles (..., n_level) within limits, which broadcast to (..., 1); the middle level is the median.

    Where the median is beyond a limit, all levels move with it to the limit, and what is then beyond is cut: the
    interval keeps its inner half, and does not shrink to nothing.
    """
    middle = quantiles.shape[-1] // 2
    median = quantiles[..., middle : middle + 1]
    moved = quantiles + (ops.minimum(ops.maximum(median, lowest), highest) - median)
    return ops.minimum(ops.maximum(moved, lowest), highest)


def within_limits(summaries, trained_highest):
    """Summaries (n, n_summary, n_level) with A_V not negative and the fraction of the last 100 Myr in [0, 1].

    ``trained_highest`` (n_summary, 1) are the limits of the training data, in the space of `to_target_space`.
    """
    low, high = (
        np.array([limits.get(name, default) for name, _, _ in SUMMARIES], dtype="float32")[:, None]
        for limits, default in ((_LOWEST, -np.inf), (_HIGHEST, np.inf))
    )
    return one_sided(summaries, low, ops.minimum(from_target_space(trained_highest[None])[0], high))


_FRACTION = "mass_fraction_100myr"
_LOWEST = {"a_v_mag": 0.0, _FRACTION: 0.0}
_HIGHEST = {_FRACTION: 1.0}


def _replace_fraction(summaries, function):
    index = [name for name, _, _ in SUMMARIES].index(_FRACTION)
    return ops.concatenate(
        [summaries[:, :index], function(summaries[:, index : index + 1]), summaries[:, index + 1 :]], axis=1
    )
