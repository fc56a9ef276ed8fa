"""From drawn parameters to stars: masses and metallicities per SSP, and the labels that a network learns.

One grid of lookback times holds every edge that anything needs (the library's age bins, the label bins, 10 and 100
Myr), so that each history is integrated once. All masses are fractions of the total mass formed.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from sfhsim import elementary
from sfhsim.constants import LN10, UNIVERSE_AGE_YR
from sfhsim.cosmology import FlatLCDM
from sfhsim.histories import (
    bin_metallicity,
    get_history,
    get_metallicity,
    mass_weighted_metallicity,
    metallicity_weights,
)
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.draws import Draws

KERNEL_FORMS = ("closed_box", "linear_mass", "constant")  # in the order of sfhsim.kernels.populations


@dataclass(frozen=True)
class Populations:
    """The stars of a batch of n galaxies on a library of n_age ages.

    Attributes
    ----------
    mass : (n, n_age) fraction of the mass formed in each age bin; sums to 1.
    metallicity : (n, n_age) Z of those stars.
    lower, upper_share : (n, n_age) library metallicity below, and the weight of the one above it.
        For the highest of the library, ``upper_share`` is 0.
    n_clipped : (n,) age bins whose Z lay outside the library and was clipped.
    sfr_10myr, sfr_100myr : (n,) mean SFR in 1/yr for a total mass of 1.
    label_mass, label_metallicity : (n, n_bin) of the label bins.
    mean_log10_age_yr : (n,) mass-weighted.
    mean_metallicity : (n,) mass-weighted.
    """

    mass: np.ndarray
    metallicity: np.ndarray
    lower: np.ndarray
    upper_share: np.ndarray
    n_clipped: np.ndarray
    sfr_10myr: np.ndarray
    sfr_100myr: np.ndarray
    label_mass: np.ndarray
    label_metallicity: np.ndarray
    mean_log10_age_yr: np.ndarray
    mean_metallicity: np.ndarray


class PopulationModel:
    """Compiled from a recipe's histories and metallicity, for one library's ages.

    Parameters
    ----------
    recipe : Recipe
    age_yr, age_edges_yr : (n_age,), (n_age + 1,) of the library.
    metallicity : (n_metallicity,) of the library.
    """

    def __init__(self, recipe: Recipe, age_yr: np.ndarray, age_edges_yr: np.ndarray, metallicity: np.ndarray):
        self.recipe = recipe
        self.age_yr = np.array(age_yr, dtype=np.float64)
        self.age_edges_yr = np.array(age_edges_yr, dtype=np.float64)
        self.width_yr = np.diff(age_edges_yr)
        # stars older than the library's last bin count in it
        library_edges_yr = np.array(age_edges_yr, dtype=np.float64)
        library_edges_yr[-1] = max(library_edges_yr[-1], UNIVERSE_AGE_YR)
        self.metallicity = self.library_metallicity = np.array(metallicity, dtype=np.float64)
        self.label_edges_yr = np.asarray(recipe.labels.age_bin_edges_myr) * 1e6
        # the last label bin holds all that is older, mass and metals
        self._whole_label_edges_yr = self.label_edges_yr.copy()
        self._whole_label_edges_yr[-1] = max(self.label_edges_yr[-1], UNIVERSE_AGE_YR)
        extra = [1.0e7, 1.0e8, UNIVERSE_AGE_YR]
        needed = np.unique(np.concatenate([library_edges_yr, self.label_edges_yr, self._whole_label_edges_yr, extra]))
        self.edges_yr = _refined(needed)
        self._at_library = np.searchsorted(self.edges_yr, library_edges_yr)
        middle_yr = 0.5 * (self._whole_label_edges_yr[1:] + self._whole_label_edges_yr[:-1])
        self._middle_cell = np.searchsorted(self.edges_yr, middle_yr, side="right") - 1
        n_label = self.label_edges_yr.size - 1
        of_cell = np.searchsorted(self._whole_label_edges_yr, self.edges_yr[:-1], side="right") - 1
        self._first_of_label = np.searchsorted(np.minimum(of_cell, n_label - 1), np.arange(n_label + 1)).astype(np.intp)
        self._at_10myr, self._at_100myr = np.searchsorted(self.edges_yr, extra[:2])
        self._mean_log10_age = _mean_log10(self.edges_yr)
        self._tables = None
        self._metallicity = get_metallicity(recipe.metallicity.form)
        self._cosmology = FlatLCDM(recipe.cosmology.h0_kms_mpc, recipe.cosmology.omega_m)

    def axes(self) -> dict[str, np.ndarray]:
        """The axes of the library, as the constructor takes them."""
        return {name: getattr(self, name) for name in ("age_yr", "age_edges_yr", "metallicity")}

    def evaluate(self, draws: Draws) -> Populations:
        """Stars and labels of a batch."""
        age_max_yr = self.age_max_yr(draws)
        cumulative = np.empty((len(draws), self.edges_yr.size))
        for _index, rows, family, params in self._families(draws):
            cumulative[rows] = family.cumulative_mass(params, self.edges_yr, age_max_yr[rows])
        if self.recipe.discretisation == "exact" and self.recipe.metallicity.form in KERNEL_FORMS:
            return self._by_kernel(draws, cumulative)
        return self._by_family(draws, cumulative, age_max_yr)

    def _by_kernel(self, draws: Draws, cumulative: np.ndarray) -> Populations:
        """Metallicity forms that the kernel knows."""
        from sfhsim.kernels.populations import populations

        form = KERNEL_FORMS.index(self.recipe.metallicity.form)
        z_params = self._metallicity_params(draws)
        self._metallicity.evaluate(z_params, np.zeros((len(draws), 1)), np.zeros(1))  # checks the parameters
        z_final = np.ascontiguousarray(z_params["z_final"])
        z_start = np.ascontiguousarray(z_params.get("z_start", z_final))
        yield_ = np.ascontiguousarray(z_params.get("yield", np.ones(len(draws))))
        shape, labels = (len(draws), self.age_yr.size), (len(draws), self.label_edges_yr.size - 1)
        mass, z, share = np.empty(shape), np.empty(shape), np.empty(shape)
        lower, n_clipped = np.empty(shape, dtype=np.int32), np.empty(len(draws), dtype=np.int64)
        label_mass, label_z, means = np.empty(labels), np.empty(labels), np.empty((len(draws), 2))
        populations(
            *(cumulative, form, z_start, z_final, yield_),
            *(self._cell_tables(), mass, z, lower, share, n_clipped, label_mass, label_z, means),
        )
        recent = cumulative[:, self._at_10myr] / 1.0e7, cumulative[:, self._at_100myr] / 1.0e8
        return Populations(
            mass, z, lower, share, n_clipped, *recent, label_mass, label_z, means[:, 0].copy(), means[:, 1].copy()
        )

    def _cell_tables(self):
        from sfhsim.kernels.populations import CellTables

        if self._tables is None:
            self._tables = CellTables(
                first_of_age=self._at_library.astype(np.intp),
                first_of_label=self._first_of_label,
                wide_ages=np.flatnonzero(np.diff(self._at_library) > 1).astype(np.intp),
                middle_cell=self._middle_cell.astype(np.intp),
                mean_log10_age=self._mean_log10_age,
                log10_library=elementary.log10(self.library_metallicity),
            )
        return self._tables

    def _by_family(self, draws: Draws, cumulative: np.ndarray, age_max_yr: np.ndarray) -> Populations:
        """Any metallicity family, and ProSpect's discretisation."""
        z_params = self._metallicity_params(draws)
        cell_z = bin_metallicity(self._metallicity, z_params, cumulative, self.edges_yr)
        label_mass, label_z = mass_weighted_metallicity(cumulative, cell_z, self.edges_yr, self._whole_label_edges_yr)
        cell_mass = np.diff(cumulative, axis=1)
        sfr_10myr = cumulative[:, self._at_10myr] / 1.0e7
        sfr_100myr = cumulative[:, self._at_100myr] / 1.0e8
        if self.recipe.discretisation == "prospect":
            mass, z, sfr_10myr, sfr_100myr = self._prospect(draws, age_max_yr, z_params)
        else:
            at_library = cumulative[:, self._at_library]
            mass = np.diff(at_library, axis=1)
            z = bin_metallicity(self._metallicity, z_params, at_library, self.edges_yr[self._at_library])
        lower, upper_share, n_clipped = metallicity_weights(z, self.library_metallicity)
        return Populations(
            mass,
            z,
            lower,
            upper_share,
            n_clipped,
            sfr_10myr,
            sfr_100myr,
            label_mass,
            label_z,
            (cell_mass * self._mean_log10_age).sum(axis=1),
            (cell_mass * cell_z).sum(axis=1),
        )

    def age_max_yr(self, draws: Draws) -> np.ndarray:
        """(n,) lookback time at which the first star can form: 13.8 Gyr minus that of the redshift."""
        return UNIVERSE_AGE_YR - _of_redshift(self._cosmology.lookback_time_yr, draws)

    def luminosity_distance_cm(self, draws: Draws) -> np.ndarray:
        """(n,); 10 pc at redshift 0."""
        return _of_redshift(self._cosmology.luminosity_distance_cm, draws)

    def sfr(self, draws: Draws, age_yr: np.ndarray) -> np.ndarray:
        """SFR (n, m) in 1/yr for a total mass of 1, at lookback times ``age_yr`` (m,)."""
        out = np.empty((len(draws), len(age_yr)))
        age_max_yr = self.age_max_yr(draws)
        for _, rows, family, params in self._families(draws):
            out[rows] = family.sfr(params, age_yr, age_max_yr[rows])
        return out

    def _families(self, draws: Draws):
        """(index, rows, family, its parameters) for each history family that occurs in the batch."""
        for index, history in enumerate(self.recipe.histories):
            rows = np.flatnonzero(draws.family == index)
            if not rows.size:
                continue
            params: dict = {name: draws.values[f"history.{name}"][rows] for name in history.parameters}
            params |= {name: vector[rows] for name, vector in draws.vectors.get(index, {}).items()}
            if history.table is not None:
                params["age_yr"] = np.asarray(history.table.age_yr)
                params["sfr"] = np.asarray(history.table.value)
            yield index, rows, get_history(history.family), params

    def _metallicity_params(self, draws: Draws) -> dict:
        metallicity = self.recipe.metallicity
        if metallicity.table is not None:
            return {"age_yr": np.asarray(metallicity.table.age_yr), "z": np.asarray(metallicity.table.value)}
        names = [name for name in draws.values if name.startswith("metallicity.")]
        return {name.removeprefix("metallicity."): draws.values[name] for name in names}

    def _prospect(self, draws: Draws, age_max_yr: np.ndarray, z_params: dict):
        """Masses, metallicities and recent SFR as ProSpect discretises them."""
        from sfhsim.histories.prospect import (
            prospect_fraction_before,
            prospect_history,
            prospect_masses,
            prospect_mean_sfr,
        )

        shape = (len(draws), self.age_yr.size)
        mass, before = np.empty(shape), np.empty(shape)
        sfr_10myr, sfr_100myr = np.empty(len(draws)), np.empty(len(draws))
        for _, rows, family, params in self._families(draws):
            history = prospect_history(family.name, params, age_max_yr[rows])
            part = prospect_masses(history, self.age_yr, self.width_yr, age_max_yr[rows])
            mass[rows] = part
            before[rows] = prospect_fraction_before(history, self.age_yr)
            sfr_10myr[rows] = prospect_mean_sfr(history, part, self.age_yr, self.width_yr, 1.0e7)
            sfr_100myr[rows] = prospect_mean_sfr(history, part, self.age_yr, self.width_yr, 1.0e8)
        z = self._metallicity.evaluate(z_params, before, self.age_yr)
        return mass, z, sfr_10myr, sfr_100myr


def _of_redshift(function, draws: Draws) -> np.ndarray:
    """A function of redshift (n,), once where all galaxies have the same."""
    redshift = draws.values["redshift"]
    if (redshift == redshift[0]).all():
        return np.repeat(function(redshift[:1]), len(draws))
    return function(redshift)


def _refined(edges_yr: np.ndarray) -> np.ndarray:
    """Edges with no cell longer than 0.25 Gyr, nor than a tenth of its age beyond 10 Myr.

    Metallicity is taken once per cell, so that labels must not depend on how coarse a library's ages are.
    """
    parts = []
    for low, high in itertools.pairwise(edges_yr):
        longest = min(2.5e8, 0.1 * max(high, 1.0e7))
        parts.append(np.linspace(low, high, int(np.ceil((high - low) / longest)) + 1)[:-1])
    return np.concatenate([*parts, edges_yr[-1:]])


def _mean_log10(edges_yr: np.ndarray) -> np.ndarray:
    """Mean of log10 of age over each cell (n,), for a constant rate in it."""
    antiderivative = np.zeros(edges_yr.size)
    positive = edges_yr > 0
    antiderivative[positive] = edges_yr[positive] * (elementary.log(edges_yr[positive]) - 1.0)
    return np.diff(antiderivative) / np.diff(edges_yr) / LN10
