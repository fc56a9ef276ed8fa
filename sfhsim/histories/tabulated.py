"""Tabulated star formation history: SFR linear in lookback time between the points of a table.

SFR(t) = SFR_k + (SFR_k+1 - SFR_k)(t - t_k)/(t_k+1 - t_k); constant below the first age, zero above the
last. The mass between two ages is the exact integral of the piecewise linear function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from sfhsim.errors import RecipeError
from sfhsim.histories.base import Params, check_age_max_yr, check_ages_yr, register_history
from sfhsim.histories.parameters import Parameter, batch_size, resolve


@dataclass(frozen=True)
class Tabulated:
    """The family ``tabulated``; one table (k,) for the batch, or one a galaxy (n, k)."""

    name: ClassVar[str] = "tabulated"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("age_yr", "yr", "increasing lookback times of the table", None, 0.0, 1e12, size=None),
        Parameter("sfr", "any", "star formation rate at those times", None, 0.0, 1e300, size=None),
    )

    def cumulative_mass(self, params: Params, age_edges_yr: ArrayLike, age_max_yr: ArrayLike) -> np.ndarray:
        """Fraction of the mass formed at lookback times below each edge.

        Parameters
        ----------
        params : ``age_yr`` and ``sfr``, each (k,) or (n, k).
        age_edges_yr : (m,) increasing, yr.
        age_max_yr : number or (n,), yr; the table is cut there.

        Returns
        -------
        (n, m) float64, 0 at age 0, 1 at and beyond age_max.

        Raises
        ------
        RecipeError
            For tables that do not increase in age, are not in yr, hold negative rates or form no mass.
        """
        return self._integrate(params, check_ages_yr(age_edges_yr, "age_edges_yr"), age_max_yr)[0]

    def sfr(self, params: Params, age_yr: ArrayLike, age_max_yr: ArrayLike) -> np.ndarray:
        """SFR in 1/yr for a total mass of 1, (n, m), at ``age_yr`` (m,); arguments as ``cumulative_mass``."""
        age_yr = check_ages_yr(age_yr)
        _, total, table_age, table_sfr, age_max = self._integrate(params, age_yr[:0], age_max_yr)
        rows = range(total.size)
        rate = np.stack([np.interp(age_yr, table_age[i % len(table_age)], table_sfr[i % len(table_sfr)]) for i in rows])
        end = np.minimum(age_max, table_age[:, -1])
        return np.where(age_yr[None, :] <= end[:, None], rate / total[:, None], 0.0)

    def check(self, params: Params, age_max_yr: ArrayLike) -> None:
        """Raise RecipeError where ``cumulative_mass`` would, for the tables alone."""
        self._integrate(params, np.empty(0), age_max_yr)

    def _integrate(self, params: Params, edges_yr: np.ndarray, age_max_yr: ArrayLike) -> tuple[np.ndarray, ...]:
        from sfhsim.kernels.tabulated import tabulated_cumulative  # numba takes 0.4 s to import

        n = batch_size(age_max_yr, *(value for value in params.values() if np.ndim(value) == 2))
        table_age, table_sfr = self._table(params)
        age_max = check_age_max_yr(age_max_yr, n)
        out, total = np.empty((n, edges_yr.size)), np.empty(n)
        tabulated_cumulative(table_age, table_sfr, age_max, edges_yr, out, total)
        if not (total > 0.0).all():
            i = int(np.argmin(total > 0.0))
            raise RecipeError(f"tabulated: the table of galaxy {i} forms no mass below age_max_yr = {age_max[i]:g}")
        return out, total, table_age, table_sfr, age_max

    def _table(self, params: Params) -> tuple[np.ndarray, np.ndarray]:
        """(1 or n, k) ages and rates, checked; a shared table is not repeated."""
        shared = {name: value for name, value in params.items() if np.ndim(value) == 1}
        own = {name: value for name, value in params.items() if np.ndim(value) != 1}
        table = {p.name: resolve((p,), {p.name: shared[p.name]}, self.name, 1)[p.name]
                 for p in self.parameters if p.name in shared}  # fmt: skip
        rest = tuple(p for p in self.parameters if p.name not in shared)
        table |= resolve(rest, own, self.name, batch_size(*own.values()))
        age, sfr = table["age_yr"], table["sfr"]
        if age.shape[1] != sfr.shape[1] or age.shape[1] < 2:
            raise RecipeError(f"tabulated: {age.shape[1]} ages but {sfr.shape[1]} rates; give two or more, one for one")
        if not (np.diff(age, axis=1) > 0.0).all():
            i, k = (int(v) for v in np.argwhere(np.diff(age, axis=1) <= 0.0)[0])
            raise RecipeError(f"tabulated: age_yr[{k + 1}] = {age[i, k + 1]:g} of galaxy {i} is not above age_yr[{k}]")
        check_ages_yr(age[0], "tabulated: age_yr")
        return age, sfr


register_history(Tabulated())
