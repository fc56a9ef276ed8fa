"""Wavelengths in standard air (15 C, 101325 Pa) of wavelengths in vacuum.

    lambda_air = lambda_vac / n(s),  s = 10^4 A / lambda_vac,
    n = 1 + 8.34254e-5 + 2.406147e-2 / (130 - s^2) + 1.5998e-4 / (38.9 - s^2)

Morton 2000, ApJS 130, 403, eq. 8, adopted by the IAU. Below 2000 A wavelengths stay in vacuum, as is usual.
"""

from __future__ import annotations

import numpy as np

VACUUM_BELOW_AA = 2000.0


def vacuum_to_air(vacuum_wave_aa: np.ndarray) -> np.ndarray:
    """Air wavelengths [Angstrom] of vacuum ones, of any shape."""
    wave_aa = np.asarray(vacuum_wave_aa, dtype=np.float64)
    s2 = (1e4 / np.maximum(wave_aa, VACUUM_BELOW_AA)) ** 2
    n = 1.0 + 8.34254e-5 + 2.406147e-2 / (130.0 - s2) + 1.5998e-4 / (38.9 - s2)
    return np.where(wave_aa < VACUUM_BELOW_AA, wave_aa, wave_aa / n)
