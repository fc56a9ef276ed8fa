"""Answers that can be: no star older than the universe, and nothing beyond what the recipe of the training data draws.

Networks extrapolate by a little. The limits here are those of the recipe's distributions and of the age of the universe
at the redshift of each galaxy; an answer beyond one is put at it, its interval stays on the inner side, and it is
marked as lying at the edge of the training range. So is an answer that the network itself put at the lowest or highest
value of its training records.
"""

from __future__ import annotations

import numpy as np

from sfhmodel.description import ModelDescription

_AGES = ("mean_log10_age_yr_mass", "mean_log10_age_yr_light")
_METALLICITIES = ("log10_metallicity_mass", "log10_metallicity_light")
_NEAR = 1e-4  # of a limit, in the unit of the summary: single precision


def limited(outputs: dict[str, np.ndarray], description: ModelDescription, redshift: np.ndarray) -> dict:
    """Outputs of a model within limits, and ``at_edge`` (n, n_summary) bool.

    Parameters
    ----------
    outputs : as of `StarFormationModel`, arrays.
    redshift : (n,)
    """
    outputs = dict(outputs)
    oldest_yr = universe_age_yr(description, redshift)
    low, high = summary_limits(description, oldest_yr)
    quantiles = _one_sided(outputs["summary_quantiles"], low[:, :, None], high[:, :, None])
    middle = quantiles.shape[-1] // 2
    median = quantiles[:, :, middle]
    marked = np.array([name != "mass_fraction_100myr" for name in description.summary_names])
    # the network's own limits, those of the records that trained it, leave no width on the outer side
    flat = (quantiles[:, :, -1] - median <= _NEAR) | (median - quantiles[:, :, 0] <= _NEAR)
    outputs["at_edge"] = ((median >= high - _NEAR) | (median <= low + _NEAR) | flat) & marked
    outputs["summary_quantiles"] = quantiles.astype(np.float32)
    outputs["summaries"] = outputs["summary_quantiles"][:, :, middle]
    _limit_metallicities(outputs, description, middle)
    _limit_ages(outputs, description, oldest_yr)
    return outputs


def universe_age_yr(description: ModelDescription, redshift: np.ndarray) -> np.ndarray:
    """Age of the universe (n,) at these redshifts, in the cosmology and by the convention of the training data."""
    from sfhsim.constants import UNIVERSE_AGE_YR
    from sfhsim.cosmology import FlatLCDM

    cosmology = FlatLCDM(**description.conditions.cosmology)
    lookback_yr = cosmology.age_yr(0.0) - cosmology.age_yr(np.maximum(redshift, 0.0))
    return np.maximum(UNIVERSE_AGE_YR - lookback_yr, 1e6)


def summary_limits(description: ModelDescription, oldest_yr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest values (n, n_summary) of the summaries; infinite where the recipe sets none."""
    names = description.summary_names
    low = np.full((oldest_yr.size, len(names)), -np.inf)
    high = np.full((oldest_yr.size, len(names)), np.inf)
    conditions = description.conditions
    for k, name in enumerate(names):
        if name in _AGES:
            high[:, k] = np.log10(np.minimum(oldest_yr, description.age_bin_edges_yr[-1]))
        elif name in _METALLICITIES:
            with np.errstate(divide="ignore"):
                low[:, k], high[:, k] = np.log10(conditions.metallicity_range)
        elif name == "a_v_mag":
            low[:, k], high[:, k] = conditions.a_v_range_mag
        elif name == "mass_fraction_100myr":
            low[:, k], high[:, k] = 0.0, 1.0
    return low, high


def _one_sided(quantiles: np.ndarray, low, high) -> np.ndarray:
    """As `sfhmodel.targets.one_sided`, in NumPy."""
    middle = quantiles.shape[-1] // 2
    median = quantiles[..., middle : middle + 1].astype(np.float64)
    return np.clip(quantiles + (np.clip(median, low, high) - median), low, high)


def _limit_metallicities(outputs: dict, description: ModelDescription, middle: int) -> None:
    """Z of the age bins: none above the highest of the recipe (bins without stars may have none at all)."""
    highest = description.conditions.metallicity_range[1]
    if not np.isfinite(highest):
        return
    log10_z = np.log10(np.maximum(outputs["metallicity_quantiles"], 1e-30))
    limited_z = 10.0 ** _one_sided(log10_z, -np.inf, np.log10(highest))
    outputs["metallicity_quantiles"] = limited_z.astype(np.float32)
    outputs["metallicity"] = outputs["metallicity_quantiles"][:, :, middle]


def _limit_ages(outputs: dict, description: ModelDescription, oldest_yr: np.ndarray) -> None:
    """No mass in bins that began before the universe; all of it formed by the bin that reaches its beginning."""
    edges_yr = description.age_bin_edges_yr
    impossible = edges_yr[None, :-1] >= oldest_yr[:, None]
    if impossible.any():
        share = np.where(impossible, 0.0, outputs["mass_fraction"])
        total = share.sum(axis=1, keepdims=True)
        first = np.zeros_like(share)
        first[:, 0] = 1.0
        share = np.where(total > 0.0, share / np.where(total > 0.0, total, 1.0), first)
        outputs["mass_fraction"] = share.astype(np.float32)
    complete = edges_yr[None, 1:] >= oldest_yr[:, None]
    if complete[:, :-1].any():
        outputs["cumulative_quantiles"] = np.where(complete[:, :, None], 1.0, outputs["cumulative_quantiles"]).astype(
            np.float32
        )
