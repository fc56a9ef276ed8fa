"""Skewed normal star formation history, with burst and truncation (Robotham et al. 2020, MNRAS 495, 905).

X = (t - peak)/period,  Y = X exp(skewness asinh X),  SFR = (exp(-Y^2/2) + burst) [1 - Phi((t - c)/w)]
c = peak + s/truncation,  w = s/(2 truncation),  s = |13.8 Gyr - peak|

t is the lookback time. A burst adds a constant SFR, ``burst_sfr`` in units of the untruncated peak SFR, or
a fixed fraction of the total mass, for burst_age - burst_duration <= t < burst_age. Integrals over age are
exact: the burst analytically, the rest to 1e-9 of the total mass (``sfhsim.kernels.skewed_normal``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from sfhsim import elementary
from sfhsim.constants import UNIVERSE_AGE_YR
from sfhsim.errors import RecipeError
from sfhsim.histories.base import Params, check_age_max_yr, check_ages_yr, register_history
from sfhsim.histories.parameters import Parameter, batch_size, resolve

GYR = 1.0e9


@dataclass(frozen=True)
class SkewedNormal:
    """The family ``skewed_normal``; see the module for the formulas."""

    name: ClassVar[str] = "skewed_normal"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("peak_gyr", "Gyr", "lookback time of the peak", 10.0, -20.0, 40.0),
        Parameter("period_gyr", "Gyr", "width of the peak", 1.0, 0.001, 1000.0),
        Parameter("skewness", "", "0 is a normal; above 0 rises steeply, decays slowly", 0.5, -5.0, 5.0),
        Parameter("burst_sfr", "", "SFR of the burst over that of the peak", 0.0, 0.0, 1.0e9),
        Parameter("burst_mass_fraction", "", "mass of the burst over the total, instead of burst_sfr", 0.0, 0.0, 1.0),
        Parameter("burst_age_gyr", "Gyr", "lookback time at which the burst begins", 0.1, 0.0, 20.0),
        Parameter("burst_duration_gyr", "Gyr", "length of the burst (infinite: it lasts until today)", np.inf, 0.0),
        Parameter("truncation", "", "sharpness of the cut-off before the peak; 0 is no cut-off", 0.0, 0.0, 1.0e3),
    )

    def cumulative_mass(self, params: Params, age_edges_yr: ArrayLike, age_max_yr: ArrayLike) -> np.ndarray:
        """Fraction of the mass formed at lookback times below each edge.

        Parameters
        ----------
        params : numbers or (n,) arrays by name; absent ones take their defaults.
        age_edges_yr : (m,) increasing, yr.
        age_max_yr : number or (n,), yr; no star is older.

        Returns
        -------
        (n, m) float64, 0 at age 0, 1 at and beyond age_max; accurate to 1e-9 for periods of 0.1 Gyr and more.

        Raises
        ------
        RecipeError
            For parameters out of bounds, a burst given by both SFR and mass, or ages that are not yr.
        """
        return self._integrate(self._resolve(params, age_max_yr), check_ages_yr(age_edges_yr, "age_edges_yr"))[0]

    def sfr(self, params: Params, age_yr: ArrayLike, age_max_yr: ArrayLike) -> np.ndarray:
        """SFR in 1/yr for a total mass of 1, (n, m), at ``age_yr`` (m,); arguments as ``cumulative_mass``."""
        p = self._resolve(params, age_max_yr)
        age_yr = check_ages_yr(age_yr)
        _, smooth_share, ln_smooth, length = self._integrate(p, age_yr[:0])
        t = age_yr[None, :]
        rate = smooth_share[:, None] * elementary.exp(log_smooth_sfr(p, t) - ln_smooth[:, None])
        burst = np.where(length > 0.0, (1.0 - smooth_share) / np.where(length > 0.0, length, 1.0), 0.0)
        inside = (t >= p["burst_from"][:, None]) & (t < p["burst_to"][:, None])
        rate += np.where(inside, burst[:, None] * elementary.exp(log_truncation(p, t)), 0.0)
        return np.where(t <= p["age_max"][:, None], rate, 0.0)

    def check(self, params: Params, age_max_yr: ArrayLike) -> None:
        """Raise RecipeError where ``cumulative_mass`` would, for the parameters alone."""
        self._resolve(params, age_max_yr)

    def _resolve(self, params: Params, age_max_yr: ArrayLike) -> dict[str, np.ndarray]:
        n = batch_size(age_max_yr, *params.values())
        given = resolve(self.parameters, params, self.name, n)
        p = scaled(given)
        p["age_max"] = check_age_max_yr(age_max_yr, n)
        both = (p["burst_sfr"] > 0.0) & (p["burst_fraction"] > 0.0)
        if both.any():
            raise RecipeError(
                f"skewed_normal: galaxy {int(np.argmax(both))} has burst_sfr and burst_mass_fraction; give one of them"
            )
        empty = (p["burst_fraction"] > 0.0) & (np.minimum(p["burst_to"], p["age_max"]) <= p["burst_from"])
        if empty.any():
            raise RecipeError(
                f"skewed_normal: galaxy {int(np.argmax(empty))} has burst_mass_fraction > 0 but its burst "
                "lasts no time; give a burst_age_gyr and burst_duration_gyr above 0"
            )
        return p

    def _integrate(
        self, p: dict[str, np.ndarray], edges_yr: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        from sfhsim.kernels.skewed_normal import skewed_normal_cumulative  # numba takes 0.4 s to import

        out = np.empty((p["peak"].size, edges_yr.size))
        parts = np.empty((p["peak"].size, 3))
        names = (
            "peak",
            "period",
            "skewness",
            "cut",
            "width",
            "burst_sfr",
            "burst_fraction",
            "burst_from",
            "burst_to",
        )
        skewed_normal_cumulative(*(p[name] for name in names), p["age_max"], edges_yr, out, parts)
        return out, parts[:, 0], parts[:, 1], parts[:, 2]


def scaled(params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Resolved parameters with every time in yr, plus ``cut`` and ``width`` of the truncation (0: none)."""
    peak = params["peak_gyr"] * GYR
    span = np.abs(UNIVERSE_AGE_YR - peak)
    truncated = params["truncation"] > 1e-12  # below, the factor is the same at all ages, and no cut-off
    sharpness = np.where(truncated, params["truncation"], 1.0)
    burst_to = params["burst_age_gyr"] * GYR
    return {
        "peak": peak,
        "period": params["period_gyr"] * GYR,
        "skewness": params["skewness"],
        "cut": np.where(truncated, peak + span / sharpness, 0.0),
        # a peak at 13.8 Gyr itself is cut by a step; 1 yr is sharp enough to be one
        "width": np.where(truncated, np.maximum(span / (2.0 * sharpness), 1.0), 0.0),
        "burst_sfr": params["burst_sfr"],
        "burst_fraction": params["burst_mass_fraction"],
        "burst_from": np.maximum(0.0, burst_to - params["burst_duration_gyr"] * GYR),
        "burst_to": burst_to,
    }


def log_smooth_sfr(p: dict[str, np.ndarray], age_yr: np.ndarray) -> np.ndarray:
    """ln SFR without the burst, for parameters from ``scaled``; ``age_yr`` broadcasts against (n, 1)."""
    x = (age_yr - p["peak"][:, None]) / p["period"][:, None]
    y = x * elementary.exp(p["skewness"][:, None] * elementary.arcsinh(x))
    return -0.5 * y * y + log_truncation(p, age_yr)


def log_truncation(p: dict[str, np.ndarray], age_yr: np.ndarray) -> np.ndarray:
    """ln of the factor that ends star formation before the peak; 0 without truncation. Shapes as above."""
    cut = p["width"][:, None] > 0.0
    if not cut.any():
        return np.zeros((p["width"].size, age_yr.shape[-1]))
    width = np.where(cut, p["width"][:, None], 1.0)
    return np.where(cut, elementary.log_normal_cdf((p["cut"][:, None] - age_yr) / width), 0.0)


register_history(SkewedNormal())
