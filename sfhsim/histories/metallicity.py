"""Metallicity histories: Z of the stars formed at lookback time t, in mass fractions.

closed_box   Z = Z_start - y ln(1 - F f),  f = 1 - exp(-(Z_final - Z_start)/y)  (Robotham et al. 2020)
linear_mass  Z = Z_start + F (Z_final - Z_start)
constant     Z = Z_final
tabulated    Z linear in lookback time between table points, constant outside

F(t) is the fraction of the final mass formed before lookback time t (1 minus the cumulative mass of
``sfhsim.histories.base``), y the yield. The stars of an age bin take Z at the bin's mass midpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from sfhsim import elementary
from sfhsim.errors import LibraryError, RecipeError
from sfhsim.histories.base import Params, check_ages_yr
from sfhsim.histories.parameters import Parameter, resolve
from sfhsim.histories.registry import Named, Registry

HIGHEST_Z = 0.2  # a larger one can only be [M/H] or Z/Zsun by mistake
START = Parameter("z_start", "", "mass fraction of metals at the start (not [M/H], not Z/Zsun)", 1e-4, 0.0, HIGHEST_Z)
FINAL = Parameter("z_final", "", "mass fraction of metals today (not [M/H], not Z/Zsun)", 0.02, 0.0, HIGHEST_Z)


class MetallicityFamily(Named, Protocol):
    """A family of metallicity histories; every method works on a batch of n galaxies."""

    def evaluate(self, params: Params, fraction_before: np.ndarray, age_yr: np.ndarray) -> np.ndarray:
        """Z (n, m) where ``fraction_before`` (n, m) of the mass had formed, at ages ``age_yr`` (m,)."""
        ...


METALLICITIES: Registry[MetallicityFamily] = Registry("metallicity history")


def register_metallicity(family: MetallicityFamily) -> MetallicityFamily:
    """Make a family known by its name to recipes; returns it."""
    return METALLICITIES.register(family)


def get_metallicity(name: str) -> MetallicityFamily:
    """The family registered as ``name``; raises RecipeError naming the known ones."""
    return METALLICITIES.get(name)


def _start_and_final(family: MetallicityFamily, params: Params, n: int) -> dict[str, np.ndarray]:
    p = resolve(family.parameters, params, family.name, n)
    wrong = p["z_final"] < p["z_start"]
    if wrong.any():
        i = int(np.argmax(wrong))
        raise RecipeError(
            f"{family.name}: z_final = {p['z_final'][i]:g} of galaxy {i} is below z_start = "
            f"{p['z_start'][i]:g}; "
            "stars only enrich: draw z_final above z_start"
        )
    return {name: value[:, None] for name, value in p.items()}


@dataclass(frozen=True)
class ClosedBox:
    """The family ``closed_box``."""

    name: ClassVar[str] = "closed_box"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        START,
        FINAL,
        Parameter("yield", "", "metals returned per mass locked in stars", 0.03, 1e-6, 1.0),
    )

    def evaluate(self, params: Params, fraction_before: np.ndarray, age_yr: np.ndarray) -> np.ndarray:
        """Z (n, m) at ``fraction_before`` (n, m); raises RecipeError where z_final < z_start."""
        p = _start_and_final(self, params, len(fraction_before))
        gas_used = -elementary.expm1((p["z_start"] - p["z_final"]) / p["yield"])
        metallicity = elementary.log1p(fraction_before * -gas_used)
        metallicity *= -p["yield"]
        metallicity += p["z_start"]
        return metallicity


@dataclass(frozen=True)
class LinearMass:
    """The family ``linear_mass``."""

    name: ClassVar[str] = "linear_mass"
    parameters: ClassVar[tuple[Parameter, ...]] = (START, FINAL)

    def evaluate(self, params: Params, fraction_before: np.ndarray, age_yr: np.ndarray) -> np.ndarray:
        """Z (n, m) at ``fraction_before`` (n, m); raises RecipeError where z_final < z_start."""
        p = _start_and_final(self, params, len(fraction_before))
        return p["z_start"] + fraction_before * (p["z_final"] - p["z_start"])


@dataclass(frozen=True)
class Constant:
    """The family ``constant``: every star has ``z_final``."""

    name: ClassVar[str] = "constant"
    parameters: ClassVar[tuple[Parameter, ...]] = (FINAL,)

    def evaluate(self, params: Params, fraction_before: np.ndarray, age_yr: np.ndarray) -> np.ndarray:
        """Z (n, m) for ``fraction_before`` (n, m)."""
        p = resolve(self.parameters, params, self.name, len(fraction_before))
        return np.broadcast_to(p["z_final"][:, None], fraction_before.shape).copy()


@dataclass(frozen=True)
class TabulatedMetallicity:
    """The family ``tabulated``: one table (k,) for the batch, or one a galaxy (n, k)."""

    name: ClassVar[str] = "tabulated"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("age_yr", "yr", "increasing lookback times of the table", None, 0.0, 1e12, size=None),
        Parameter("z", "", "mass fraction of metals at those times (not [M/H])", None, 0.0, HIGHEST_Z, size=None),
    )

    def evaluate(self, params: Params, fraction_before: np.ndarray, age_yr: np.ndarray) -> np.ndarray:
        """Z (n, m) at ``age_yr`` (m,); raises RecipeError where the table's ages do not increase."""
        p = resolve(self.parameters, params, "tabulated metallicity", len(fraction_before))
        table_age, table_z = p["age_yr"], p["z"]
        if table_age.shape != table_z.shape:
            raise RecipeError(
                f"tabulated metallicity: {table_age.shape[1]} ages but {table_z.shape[1]} values of z; give one for one"
            )
        if not (np.diff(table_age, axis=1) > 0.0).all():
            i, k = (int(v) for v in np.argwhere(np.diff(table_age, axis=1) <= 0.0)[0])
            raise RecipeError(f"tabulated metallicity: age_yr[{k + 1}] of galaxy {i} is not above age_yr[{k}]")
        check_ages_yr(table_age[0], "tabulated metallicity: age_yr")
        return np.stack([np.interp(age_yr, a, z) for a, z in zip(table_age, table_z, strict=True)])


def bin_metallicity(
    family: MetallicityFamily, params: Params, cumulative: np.ndarray, age_edges_yr: ArrayLike
) -> np.ndarray:
    """Z of the stars in each age bin: at the bin's mass midpoint (tabulated: at its middle age).

    Parameters
    ----------
    family : from ``get_metallicity``.
    params : numbers or (n,) arrays by name.
    cumulative : (n, m + 1) fraction of the mass formed at lookback times below each edge.
    age_edges_yr : (m + 1,) increasing, yr.

    Returns
    -------
    (n, m) float64 mass fractions.

    Raises
    ------
    RecipeError
        For parameters out of bounds, or z_final below z_start.
    """
    age_edges_yr = np.asarray(age_edges_yr, dtype=np.float64)
    fraction_before = cumulative[:, 1:] + cumulative[:, :-1]
    fraction_before *= -0.5
    fraction_before += 1.0
    return family.evaluate(params, fraction_before, 0.5 * (age_edges_yr[1:] + age_edges_yr[:-1]))


def mass_weighted_metallicity(
    cumulative: np.ndarray, metallicity: np.ndarray, age_edges_yr: ArrayLike, label_edges_yr: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Mass fraction and mass-weighted Z in coarse age bins, from fine ones.

    Parameters
    ----------
    cumulative : (n, m + 1) at the fine edges.
    metallicity : (n, m) of the fine bins.
    age_edges_yr : (m + 1,) fine edges, increasing, yr; they include every coarse one.
    label_edges_yr : (k + 1,) coarse edges, increasing, yr.

    Returns
    -------
    mass_fraction, metallicity : (n, k) float64. A coarse bin that forms no mass takes Z at its middle age.

    Raises
    ------
    RecipeError
        Where the coarse edges do not increase, or one of them is not among the fine ones.
    """
    age_edges_yr = np.asarray(age_edges_yr, dtype=np.float64)
    label_edges_yr = np.asarray(label_edges_yr, dtype=np.float64)
    if label_edges_yr.size < 2 or (np.diff(label_edges_yr) <= 0.0).any():
        raise RecipeError(f"label edges must be two or more increasing ages in yr; got {label_edges_yr}")
    missing = label_edges_yr[~np.isin(label_edges_yr, age_edges_yr)]
    if missing.size:
        raise RecipeError(f"label edge {missing[0]:g} yr is not among the age edges; compile the union of both")
    at = np.searchsorted(age_edges_yr, label_edges_yr)
    mass = np.diff(cumulative[:, at], axis=1)
    # reduceat, not a matrix product, whose roundoff would depend on the length of the batch
    metals = np.diff(cumulative[:, : at[-1] + 1], axis=1)
    weight = np.add.reduceat(metals, at[:-1], axis=1)
    metals *= metallicity[:, : at[-1]]
    metals = np.add.reduceat(metals, at[:-1], axis=1)
    middle = np.searchsorted(age_edges_yr, 0.5 * (label_edges_yr[1:] + label_edges_yr[:-1]), side="right") - 1
    weighted = np.divide(metals, weight, out=metallicity[:, middle].astype(np.float64), where=weight > 0.0)
    return mass, weighted


def metallicity_weights(
    metallicity: np.ndarray, library_metallicity: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each Z lies between the metallicities of a library: linear in log10 Z, clipped at the ends.

    Parameters
    ----------
    metallicity : (n, m) mass fractions, 0 or more.
    library_metallicity : (k,) increasing mass fractions, above 0.

    Returns
    -------
    lower : (n, m) int32, index of the metallicity below; the one above is ``lower + 1`` (k = 1: 0, with
        weight 0).
    fraction : (n, m) float64 in [0, 1], weight of the one above.
    clipped : (n,) int64, how many values lay outside the library.

    Raises
    ------
    LibraryError
        Where the library's metallicities do not increase from above 0.
    RecipeError
        For a Z that is negative or NaN.
    """
    from sfhsim.kernels.metallicity_weights import metallicity_weights as kernel  # numba takes 0.4 s to import

    library = np.atleast_1d(np.asarray(library_metallicity, dtype=np.float64))
    if library.ndim != 1 or not (library[0] > 0.0 and (np.diff(library) > 0.0).all() and np.isfinite(library[-1])):
        raise LibraryError(f"library metallicities must increase from above 0, as mass fractions; got {library}")
    metallicity = np.array(metallicity, dtype=np.float64, order="C")  # a copy: writable for numba
    if not metallicity.min(initial=0.0) >= 0.0:
        i, j = (int(v) for v in np.argwhere(~(metallicity >= 0.0))[0])
        raise RecipeError(f"metallicity[{i}, {j}] = {metallicity[i, j]:g}: expected a mass fraction of 0 or more")
    single = library.size == 1
    lower = np.empty(metallicity.shape, dtype=np.int32)
    fraction = np.empty(metallicity.shape)
    clipped = np.empty(len(metallicity), dtype=np.int64)
    # a lone metallicity is given a twin so close that both ends clip to it
    log10_library = elementary.log10(library if not single else np.array([library[0], library[0] * (1.0 + 1e-12)]))
    kernel(metallicity, log10_library, lower, fraction, clipped)
    if single:
        fraction[:] = 0.0
    return lower, fraction, clipped


for _family in (ClosedBox(), LinearMass(), Constant(), TabulatedMetallicity()):
    register_metallicity(_family)
