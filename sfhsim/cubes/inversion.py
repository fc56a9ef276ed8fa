"""Which history has the mean age asked for, and which metallicity history the mean Z: looked up in tables of both.

    <log10 age> = sum over cells of dC <log10 t>,   <Z> = Int_0^1 Z(F) dF

C is the cumulative mass of the history without a burst; F, the fraction of the mass that had formed, is even in mass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sfhsim.constants import LN10
from sfhsim.cubes.model import HistoryShape
from sfhsim.errors import RecipeError
from sfhsim.histories import get_history, get_metallicity

PEAKS_GYR = (-20.0, 13.5)
LOWEST_Z, HIGHEST_Z = 1.0e-5, 0.1
FORMS = ("closed_box", "linear_mass", "constant")


def peaks_gyr(log10_age_yr: np.ndarray, shape: HistoryShape, age_max_yr: float) -> np.ndarray:
    """Peaks of skewed normals of this shape whose mass-weighted means of log10 age are these.

    Raises
    ------
    RecipeError
        For means that no peak gives.
    """
    edges_yr = np.concatenate([[0.0], np.geomspace(1e4, age_max_yr, 3000)])
    peaks = np.linspace(*PEAKS_GYR, 671)
    given: dict[str, ArrayLike] = {"peak_gyr": peaks, "period_gyr": shape.period_gyr, "skewness": shape.skewness}
    cumulative = get_history("skewed_normal").cumulative_mass(given, edges_yr, age_max_yr)
    antiderivative = edges_yr[1:] * (np.log(edges_yr[1:]) - 1.0)
    of_cell = np.diff(antiderivative, prepend=0.0) / np.diff(edges_yr) / LN10
    means = (np.diff(cumulative, axis=1) * of_cell).sum(axis=1)
    name = f"a history with galaxy.history.period_gyr {shape.period_gyr:g}"
    return _inverse(log10_age_yr, means, peaks, "galaxy: log10 of mean ages", name)


def z_finals(log10_metallicity: np.ndarray, form: str, given: dict[str, float]) -> np.ndarray:
    """z_final of a form of metallicity history whose log10 of mean Z are these.

    Parameters
    ----------
    log10_metallicity : of any shape.
    form : one of `FORMS`.
    given : the other parameters of the form.

    Raises
    ------
    RecipeError
        For means that no z_final gives.
    """
    z_final = np.geomspace(given.get("z_start", LOWEST_Z), HIGHEST_Z, 500)
    fraction = np.broadcast_to((np.arange(4000) + 0.5) / 4000, (z_final.size, 4000))
    means = get_metallicity(form).evaluate(given | {"z_final": z_final}, fraction, np.zeros(4000)).mean(axis=1)
    return _inverse(log10_metallicity, np.log10(means), z_final, "galaxy: log10 of mean Z", f"metallicity form {form}")


def _inverse(wanted: np.ndarray, given: np.ndarray, parameter: np.ndarray, what: str, where: str) -> np.ndarray:
    """The parameter (k,) that gives ``wanted``, of values ``given`` (k,) that rise with it."""
    rising = np.concatenate([[True], np.diff(np.maximum.accumulate(given)) > 1e-9])
    given, parameter = given[rising], parameter[rising]
    low, high = float(wanted.min()), float(wanted.max())
    if low < given[0] or high > given[-1]:
        raise RecipeError(
            f"{what} run from {low:.3f} to {high:.3f}, but {where} can have {given[0]:.3f} to {given[-1]:.3f}: "
            "change the gradients, the bulge, or that"
        )
    return np.interp(wanted, given, parameter)
