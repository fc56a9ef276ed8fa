"""Masses from light: what a history that the model found shines at 5500 A, and so how much mass there is.

    Sigma_M = 4 pi (1 + z)^5 F_5500 / Omega / sum_i m_i l_i(Z_i) / 10^(-0.4 A_V)

F_5500 is the observed flux density at 5500 A at rest, Omega the solid angle, m_i the fraction of the mass formed in age
bin i, l_i(Z) the light per Msun formed of its stars, of the simulator's library. No distance is needed. Masses are
those formed; what stars have lost since is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sfhsim.constants import LSUN_ERG_S, PC_CM

LIBRARY = "bc03-miles"
REFERENCE_AA, _HALF_WIDTH_AA = 5500.0, 50.0


@dataclass(frozen=True, eq=False)
class LightPerMass:
    """Light at 5500 A of the stars of age bins.

    Attributes
    ----------
    log10_z : (n_z,)
    log10_light : (n_z, n_age_bin) log10 of Lsun/A per Msun formed.
    imf : of the library, in words.
    """

    log10_z: np.ndarray
    log10_light: np.ndarray
    imf: str

    @classmethod
    def of(cls, age_bin_edges_yr: np.ndarray) -> LightPerMass:
        """Of the library in the package, with a constant star formation rate within each bin."""
        library, light = _light_of_library()
        low, high = library.age_edges_yr[:-1], library.age_edges_yr[1:]
        edges = np.asarray(age_bin_edges_yr, dtype=np.float64)
        overlap = np.minimum(high, edges[1:, None]) - np.maximum(low, edges[:-1, None])
        weight = np.maximum(overlap, 0.0)
        nearest = np.argmin(np.abs(library.age_yr - 0.5 * (edges[1:, None] + edges[:-1, None])), axis=1)
        empty = weight.sum(axis=1) <= 0.0
        weight[empty, nearest[empty]] = 1.0
        weight /= weight.sum(axis=1, keepdims=True)
        return cls(np.log10(library.metallicity), np.log10(light @ weight.T), library.imf)

    def __call__(self, mass_fraction: np.ndarray, metallicity: np.ndarray, a_v_mag: np.ndarray) -> np.ndarray:
        """(n,) attenuated Lsun/A per Msun formed, of histories (n, n_age_bin) and A_V (n,)."""
        log10_z = np.log10(np.maximum(metallicity, 10.0 ** self.log10_z[0]))
        light = np.zeros(mass_fraction.shape[0])
        for k in range(mass_fraction.shape[1]):
            light += mass_fraction[:, k] * 10.0 ** np.interp(log10_z[:, k], self.log10_z, self.log10_light[:, k])
        return light * 10.0 ** (-0.4 * a_v_mag)


@lru_cache(maxsize=1)
def _light_of_library():
    """The library, and the light (n_z, n_age) of its populations at 5500 A."""
    from sfhsim.libraries import load_library

    library = load_library(LIBRARY)
    window = np.abs(library.wave_aa - REFERENCE_AA) <= _HALF_WIDTH_AA
    return library, np.asarray(library.flux[..., window], dtype=np.float64).mean(axis=-1)


def luminosity_per_area(flux_cgs: np.ndarray, solid_angle_sr: float, redshift: float) -> np.ndarray:
    """Lsun/A per pc^2 at the source, of observed erg/s/cm2/A in a solid angle."""
    per_cm2 = 4.0 * np.pi * (1.0 + redshift) ** 5 * np.asarray(flux_cgs, dtype=np.float64) / solid_angle_sr
    return per_cm2 * PC_CM**2 / LSUN_ERG_S
