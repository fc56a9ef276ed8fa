"""ProSpect's discretisations of histories (Robotham et al. 2020, MNRAS 495, 905), as named options.

mass of a bin    SFR(age) x bin width, zero for ages beyond age_max (skewed normal: ages from 1e5 yr up)
fraction before  F(t) = 1 - 1e8 yr sum_{g <= t} SFR(g)/M, 100 Myr grid g, clipped to [0, 1], then linear
M                Int_0^13.8Gyr SFR dt, adaptive Gauss-Kronrod of tolerance 2^-13: R's integrate()

M keeps R's tolerance because F inherits its error: QUADPACK's dqags, here through scipy, returns the same
digits. Families that ProSpect does not have take their exact SFR and mass.
"""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sfhsim import elementary
from sfhsim.constants import UNIVERSE_AGE_YR
from sfhsim.histories.base import Params, check_age_max_yr, check_ages_yr, get_history
from sfhsim.histories.parameters import batch_size
from sfhsim.histories.skewed_normal import SkewedNormal
from sfhsim.histories.tabulated import Tabulated

YOUNGEST_YR = 1.0e5
GRID_STEP_YR = 1.0e8
R_TOLERANCE = 2.0**-13  # .Machine$double.eps^0.25


@dataclass(frozen=True)
class ProspectHistory:
    """A batch of histories as ProSpect evaluates them, in an arbitrary unit of SFR.

    ``sfr_at(age_yr (m,)) -> (n, m)``, not cut at the age of the universe; ``integral(i, from_yr, to_yr)``
    of galaxy i.
    """

    n: int
    sfr_at: Callable[[np.ndarray], np.ndarray]
    integral: Callable[[int, float, float], float]


def prospect_history(name: str, params: Params, age_max_yr: ArrayLike = UNIVERSE_AGE_YR) -> ProspectHistory:
    """The batch of histories of family ``name`` in ProSpect's form; raises RecipeError as the family does."""
    family = get_history(name)
    if isinstance(family, SkewedNormal):
        p = family._resolve(params, age_max_yr)
        if not p["burst_fraction"].any():
            return _skewed_normal(p)
    if isinstance(family, Tabulated):
        return _tabulated(family, params, batch_size(age_max_yr))
    return _exact(family, params, age_max_yr)


def prospect_masses(
    history: ProspectHistory, age_yr: ArrayLike, bin_width_yr: ArrayLike, age_max_yr: ArrayLike
) -> np.ndarray:
    """Fraction of the mass in each age bin: SFR(age) x width, adding up to 1 up to ``age_max_yr``.

    Parameters
    ----------
    history : from ``prospect_history``.
    age_yr, bin_width_yr : (m,) ages and bin widths of the library.
    age_max_yr : number or (n,).

    Returns
    -------
    (n, m) float64. Divided by ``bin_width_yr`` it is the SFR in 1/yr at the ages.
    """
    age_yr = check_ages_yr(age_yr)
    oldest_yr = np.minimum(check_age_max_yr(age_max_yr, history.n), UNIVERSE_AGE_YR)
    mass = history.sfr_at(age_yr) * np.asarray(bin_width_yr, dtype=np.float64)
    mass[(age_yr[None, :] > oldest_yr[:, None]) | (age_yr[None, :] >= UNIVERSE_AGE_YR)] = 0.0
    return mass / mass.sum(axis=1, keepdims=True)


def prospect_fraction_before(history: ProspectHistory, age_yr: ArrayLike) -> np.ndarray:
    """F (n, m): the fraction of the final mass formed before each lookback time ``age_yr`` (m,).

    The clip is at the nodes of the grid, before the interpolation, and the SFR at 13.8 Gyr itself is not
    zeroed. ``evaluate`` of a metallicity family takes F.
    """
    age_yr = check_ages_yr(age_yr)
    grid_yr = np.arange(0.0, UNIVERSE_AGE_YR + 1.0, GRID_STEP_YR)
    total = np.array([history.integral(i, 0.0, UNIVERSE_AGE_YR) for i in range(history.n)])
    nodes = np.clip(1.0 - np.cumsum(history.sfr_at(grid_yr), axis=1) * GRID_STEP_YR / total[:, None], 0.0, 1.0)
    return np.stack([np.interp(age_yr, grid_yr, row) for row in nodes])


def prospect_mean_sfr(
    history: ProspectHistory, masses: np.ndarray, age_yr: ArrayLike, bin_width_yr: ArrayLike, until_yr: float
) -> np.ndarray:
    """Mean SFR (n,) in 1/yr over the last ``until_yr``, in the unit of SFR that gives ``masses`` (n, m)."""
    sfr_area = history.sfr_at(check_ages_yr(age_yr)) * np.asarray(bin_width_yr, dtype=np.float64)
    unit = masses.sum(axis=1) / np.where(masses > 0.0, sfr_area, 0.0).sum(axis=1)
    return unit * np.array([history.integral(i, 0.0, until_yr) / until_yr for i in range(history.n)])


def _r_integrate(function: Callable[[float], float], from_yr: float, to_yr: float) -> float:
    from scipy.integrate import quad

    with warnings.catch_warnings():  # R's integrate() accepts what dqags warns of here
        warnings.simplefilter("ignore")
        return quad(function, from_yr, to_yr, epsabs=R_TOLERANCE, epsrel=R_TOLERANCE, limit=100)[0]


def _skewed_normal(p: dict[str, np.ndarray]) -> ProspectHistory:
    def sfr_at(age_yr: np.ndarray) -> np.ndarray:
        t = np.maximum(age_yr, YOUNGEST_YR)[None, :]
        x = (t - p["peak"][:, None]) / p["period"][:, None]
        y = x * elementary.exp(p["skewness"][:, None] * elementary.arcsinh(x))
        sfr = elementary.exp(-0.5 * y * y)
        cut = p["width"] > 0.0
        width = np.where(cut, p["width"], 1.0)[:, None]
        burst = (t >= p["burst_from"][:, None]) & (t < p["burst_to"][:, None])
        sfr += np.where(burst, p["burst_sfr"][:, None], 0.0)
        # 1 - Phi as ProSpect has it: where little is left, its roundoff is part of the result
        return sfr * np.where(cut[:, None], 1.0 - elementary.normal_cdf((t - p["cut"][:, None]) / width), 1.0)

    def integral(i: int, from_yr: float, to_yr: float) -> float:
        q = {name: float(value[i]) for name, value in p.items()}
        return _r_integrate(_scalar_skewed_normal(q), from_yr, to_yr)

    return ProspectHistory(p["peak"].size, sfr_at, integral)


def _scalar_skewed_normal(q: dict[str, float]) -> Callable[[float], float]:
    """One galaxy's SFR of a float: adaptive quadrature calls it a few hundred times."""
    peak, period, skewness, cut, width = (q[k] for k in ("peak", "period", "skewness", "cut", "width"))
    burst_sfr, burst_from, burst_to = q["burst_sfr"], q["burst_from"], q["burst_to"]

    from sfhsim.kernels.prospect_sfr import prospect_sfr  # numba takes 0.4 s to import

    def sfr(t: float) -> float:
        burst = burst_sfr if burst_from <= t < burst_to else 0.0
        return prospect_sfr(max(t, YOUNGEST_YR), peak, period, skewness, burst, cut, width)

    return sfr


def _tabulated(family: Tabulated, params: Params, n: int) -> ProspectHistory:
    n = max(n, batch_size(*(value for value in params.values() if np.ndim(value) == 2)))
    age, sfr = (np.broadcast_to(table, (n, table.shape[1])) for table in family._table(params))

    def sfr_at(age_yr: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(age_yr, a, s) for a, s in zip(age, sfr, strict=True)])

    def integral(i: int, from_yr: float, to_yr: float) -> float:
        x, y = age[i].tolist(), sfr[i].tolist()

        def scalar(t: float) -> float:
            k = bisect_right(x, t)
            if k == 0 or k == len(x):
                return y[0 if k == 0 else -1]
            return y[k - 1] + (y[k] - y[k - 1]) / (x[k] - x[k - 1]) * (t - x[k - 1])

        return _r_integrate(scalar, from_yr, to_yr)

    return ProspectHistory(n, sfr_at, integral)


def _exact(family, params: Params, age_max_yr: ArrayLike) -> ProspectHistory:
    """A family without a ProSpect form: its own SFR, and its own integral."""

    def sfr_at(age_yr: np.ndarray) -> np.ndarray:
        return family.sfr(params, age_yr, age_max_yr)

    def integral(i: int, from_yr: float, to_yr: float) -> float:
        below = family.cumulative_mass(params, np.array([from_yr, to_yr]), age_max_yr)
        return float(below[i, 1] - below[i, 0])

    return ProspectHistory(sfr_at(np.array([YOUNGEST_YR])).shape[0], sfr_at, integral)
