"""Maps of what is true of a cube: of every spaxel before the PSF, and as the PSF mixes them.

A mean by mass is mixed by mass, one by light by the stars' light before dust, V, SIGMA and A_V by the light that is
seen; sums (mass, SFR) are convolved. The PSF is that of the middle wavelength.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.cubes.galaxy import GalaxyMaps
from sfhsim.cubes.layout import Grid
from sfhsim.cubes.psf import convolve
from sfhsim.cubes.recipe import REFERENCE_MASS_MSUN, SpaxelParameters
from sfhsim.cubes.spaxels import SpaxelSimulator
from sfhsim.synthesis.batch import Batch

Z_SUN = 0.02  # metallicities of maps are relative to it
_DARKEST = 1e-12  # of the brightest spaxel
_COLUMNS = (
    "mean_log10_age_yr_mass",
    "mean_log10_age_yr_light",
    "mean_metallicity_mass",
    "mean_metallicity_light",
    "a_v_mag",
    "sfr_10myr_msun_yr",
    "sfr_100myr_msun_yr",
)


@dataclass(frozen=True)
class Sums:
    """What adds up when spaxels are mixed, (n_y, n_x) and (n_bin, n_y, n_x) each: masses, light, and their products."""

    mass: np.ndarray
    seen: np.ndarray
    bare: np.ndarray
    moments: dict[str, np.ndarray]

    def through(self, kernel: np.ndarray) -> Sums:
        """As a PSF (side, side) mixes them."""

        def mixed(values: np.ndarray) -> np.ndarray:
            planes = values if values.ndim == 3 else values[None]
            out = convolve(planes, kernel[None])
            return out if values.ndim == 3 else out[0]

        moments = {name: mixed(values) for name, values in self.moments.items()}
        return Sums(mixed(self.mass), mixed(self.seen), mixed(self.bare), moments)


class TruthMaps:
    """Collects the truths of spaxels, row by row."""

    def __init__(self, simulator: SpaxelSimulator, maps: GalaxyMaps, grid: Grid):
        entries = [entry["name"] for entry in simulator.simulator.truths.entries]
        self._columns = [entries.index(name) for name in _COLUMNS]
        self.edges_yr = simulator.simulator.populations.label_edges_yr
        self._maps, self.grid = maps, grid
        n, n_bin = int(np.prod(grid.shape)), self.edges_yr.size - 1
        self._values = np.empty((n, len(_COLUMNS)))
        self._seen = np.empty(n)
        self._bins = np.empty((2, n_bin, n))

    def add(self, rows: slice, batch: Batch, white: np.ndarray, parameters: SpaxelParameters) -> None:
        """Truths of spaxels ``rows``, with the mean flux (n,) of each."""
        values = batch.truth[:, self._columns].astype(np.float64)
        values[:, 5:] *= (parameters.mass_msun / REFERENCE_MASS_MSUN)[:, None]
        self._values[rows], self._seen[rows] = values, white
        self._bins[0, :, rows], self._bins[1, :, rows] = batch.mass_fraction.T, batch.metallicity.T

    def sums(self) -> Sums:
        """Of the whole grid."""
        values = self._values.T.reshape(len(_COLUMNS), *self.grid.shape)
        age_mass, age_light, z_mass, z_light, a_v, sfr_10, sfr_100 = values
        mass, seen = self._maps.mass_msun, self._seen.reshape(self.grid.shape)
        bare = seen * 10 ** (0.4 * a_v)
        velocity, dispersion = self._maps.velocity_kms, self._maps.dispersion_kms
        in_bins, z_bins = self._bins.reshape(2, -1, *self.grid.shape)
        return Sums(
            mass,
            seen,
            bare,
            {
                "velocity": seen * velocity,
                "squares": seen * (velocity**2 + dispersion**2),
                "age_mass": mass * age_mass,
                "age_light": bare * age_light,
                "z_mass": mass * z_mass,
                "z_light": bare * z_light,
                "sfr_10": sfr_10,
                "sfr_100": sfr_100,
                "bins": mass * in_bins,
                "z_bins": mass * in_bins * z_bins,
                "z_plain": mass * z_bins,  # where nothing formed
            },
        )


def truths_of(sums: Sums, kpc2_per_spaxel: float) -> dict[str, np.ndarray]:
    """Maps and cubes by the names of `sfhsim.cubes.truth_file`, of spaxels of ``kpc2_per_spaxel``.

    NaN where the galaxy is so faint that a convolution leaves nothing but rounding.
    """
    tiny = np.finfo(np.float64).tiny
    m, (mass, seen, bare) = sums.moments, (np.maximum(x, tiny) for x in (sums.mass, sums.seen, sums.bare))
    velocity = m["velocity"] / seen
    formed = m["bins"] > 1e-9 * mass
    z_bins = np.where(formed, m["z_bins"] / np.where(formed, m["bins"], 1.0), m["z_plain"] / mass)
    truths = {
        "V": velocity,
        "SIGMA": np.sqrt(np.maximum(m["squares"] / seen - velocity**2, 0.0)),
        "LOG_AGE_MW": m["age_mass"] / mass,
        "LOG_AGE_LW": m["age_light"] / bare,
        "METAL_MW": np.log10(m["z_mass"] / mass / Z_SUN),
        "METAL_LW": np.log10(m["z_light"] / bare / Z_SUN),
        "A_V": 2.5 * np.log10(bare / seen),
        "FRAC_100MYR": m["sfr_100"] * 1e8 / mass,
        "LOG_MASS_DENSITY": np.log10(mass / kpc2_per_spaxel / 1e6),
        "SFR_DENSITY_10MYR": m["sfr_10"] / kpc2_per_spaxel,
        "SFR_DENSITY_100MYR": m["sfr_100"] / kpc2_per_spaxel,
        "FLUX": seen,
        "SFH": m["bins"] / mass,
        "METAL_AGE": z_bins,
    }
    dark = seen < _DARKEST * seen.max()
    return {name: np.where(dark, np.nan, values) for name, values in truths.items()}
