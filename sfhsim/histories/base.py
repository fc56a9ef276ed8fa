"""The interface of a star formation history family, and the checks all families share.

C(t) = Int_0^t SFR dt' / Int_0^t_max SFR dt': the fraction of the total mass formed at lookback times below t.
t_max is the age at which the first star may form, 13.8 Gyr minus the lookback time of the redshift.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from sfhsim.errors import RecipeError
from sfhsim.histories.registry import Named, Registry

if TYPE_CHECKING:
    from sfhsim.recipe.galaxy_sections import History

Params = Mapping[str, ArrayLike]


class HistoryFamily(Named, Protocol):
    """A family of star formation histories; every method works on a batch of n galaxies.

    One that is drawn with vectors of numbers beside its parameters is a `VectorHistoryFamily`.
    """

    def cumulative_mass(self, params: Params, age_edges_yr: ArrayLike, age_max_yr: ArrayLike) -> np.ndarray:
        """Fraction of the mass formed at lookback times below each edge: (n, m), 1 from age_max on."""
        ...

    def sfr(self, params: Params, age_yr: ArrayLike, age_max_yr: ArrayLike) -> np.ndarray:
        """SFR in 1/yr for a total mass of 1: (n, m), zero beyond age_max."""
        ...


class VectorHistoryFamily(HistoryFamily, Protocol):
    """A family that is drawn with vectors of numbers beside its parameters."""

    @property
    def vector_parameters(self) -> Mapping[str, str]:
        """Their names, with what one of their elements is in a record's truths: ``{"interval_fractions": "share"}``."""
        ...

    def vector_size(self, name: str, history: History) -> int:
        """The size of a vector under a recipe's history."""
        ...

    def vector_from_uniform(self, name: str, uniform: np.ndarray, history: History) -> np.ndarray:
        """(n, size) of a vector from as many uniform numbers in (0, 1)."""
        ...


def vector_sizes(history: History) -> dict[str, int]:
    """Sizes of the vector parameters of a recipe's history, by name, in the order of the family."""
    family = get_history(history.family)
    if not hasattr(family, "vector_parameters"):
        return {}
    drawn = cast(VectorHistoryFamily, family)
    return {name: int(drawn.vector_size(name, history)) for name in drawn.vector_parameters}


HISTORIES: Registry[HistoryFamily] = Registry("star formation history")


def register_history(family: HistoryFamily) -> HistoryFamily:
    """Make a family known by its name to recipes; returns it."""
    return HISTORIES.register(family)


def get_history(name: str) -> HistoryFamily:
    """The family registered as ``name``; raises RecipeError naming the known ones."""
    return HISTORIES.get(name)


def check_ages_yr(age_yr: ArrayLike, what: str = "age_yr") -> np.ndarray:
    """(m,) float64, not negative, not decreasing.

    Raises
    ------
    RecipeError
        Naming the first offending element; also where the largest age is so small that the unit must be Gyr
        or Myr.
    """
    age_yr = np.array(age_yr, dtype=np.float64, order="C", ndmin=1)  # a copy: writable for numba
    if age_yr.ndim != 1 or age_yr.size == 0:
        raise RecipeError(f"{what} has shape {age_yr.shape}; expected (m,) ages in yr")
    if not (np.isfinite(age_yr).all() and age_yr.min() >= 0.0):
        i = int(np.argmin(np.isfinite(age_yr) & (age_yr >= 0.0)))
        raise RecipeError(f"{what}[{i}] = {age_yr[i]:g}: ages are lookback times in yr, finite and not negative")
    if (np.diff(age_yr) < 0.0).any():
        i = int(np.argmax(np.diff(age_yr) < 0.0)) + 1
        raise RecipeError(f"{what}[{i}] = {age_yr[i]:g} is below the age before it; sort the ages")
    if 0.0 < age_yr[-1] < 1.0e4:
        raise RecipeError(f"{what} ends at {age_yr[-1]:g}: that is not yr; multiply Gyr by 1e9, Myr by 1e6")
    return age_yr


def check_age_max_yr(age_max_yr: ArrayLike, n: int) -> np.ndarray:
    """(n,) float64 from a number or (n,); raises RecipeError where one is not finite or below 1e4 yr."""
    age_max_yr = np.asarray(age_max_yr, dtype=np.float64)
    if age_max_yr.ndim > 1 or age_max_yr.size not in (1, n):
        raise RecipeError(f"age_max_yr has shape {age_max_yr.shape}; expected a number or ({n},)")
    good = (age_max_yr >= 1.0e4) & np.isfinite(age_max_yr)
    if not good.all():
        worst = np.atleast_1d(age_max_yr)[int(np.argmin(np.atleast_1d(good)))]
        raise RecipeError(f"age_max_yr = {worst:g}: expected the oldest possible age in yr, above 1e4")
    return np.array(np.broadcast_to(age_max_yr.reshape(-1), (n,)), order="C")
