"""Wavelengths in vacuum and in standard air (15 C, 101325 Pa).

    lambda_air = lambda_vac / n(s),  s = 10^4 A / lambda_vac,
    n = 1 + 8.34254e-5 + 2.406147e-2 / (130 - s^2) + 1.5998e-4 / (38.9 - s^2)

Morton 2000, ApJS 130, 403, eq. 8 (after Birch & Downs 1994), adopted by the IAU; it agrees with Ciddor 1996,
Applied Optics 35, 1566, to 1e-8. Below 2000 A wavelengths are given in vacuum by convention and stay as they are.
"""

from __future__ import annotations

import numpy as np

VACUUM_BELOW_AA = 2000.0
_ITERATIONS = 4  # each gains four digits


def refractive_index(vacuum_wave_aa: np.ndarray) -> np.ndarray:
    """n of standard air at vacuum wavelengths, of any shape; 1 below 2000 A."""
    wave_aa = np.asarray(vacuum_wave_aa, dtype=np.float64)
    s2 = (1e4 / np.maximum(wave_aa, VACUUM_BELOW_AA)) ** 2
    n = 1.0 + 8.34254e-5 + 2.406147e-2 / (130.0 - s2) + 1.5998e-4 / (38.9 - s2)
    return np.where(wave_aa < VACUUM_BELOW_AA, 1.0, n)


def vacuum_to_air(vacuum_wave_aa: np.ndarray) -> np.ndarray:
    """Air wavelengths [Angstrom] of vacuum ones, of any shape."""
    return np.asarray(vacuum_wave_aa, dtype=np.float64) / refractive_index(vacuum_wave_aa)


def air_to_vacuum(air_wave_aa: np.ndarray) -> np.ndarray:
    """Vacuum wavelengths [Angstrom] of air ones, of any shape: the inverse of `vacuum_to_air`."""
    air_wave_aa = np.asarray(air_wave_aa, dtype=np.float64)
    vacuum = air_wave_aa
    for _ in range(_ITERATIONS):
        vacuum = air_wave_aa * refractive_index(vacuum)
    return vacuum
