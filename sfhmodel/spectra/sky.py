"""Where the night sky and the atmosphere leave residuals: windows in observed wavelengths.

Lines of the night sky: Osterbrock et al. 1996, PASP 108, 277; Hanuschik 2003, A&A 407, 1157. Absorption of O2 and
H2O: Stevenson 1994, MNRAS 267, 904; Smette et al. 2015, A&A 576, A77. Lines get 6 A on either side.
"""

from __future__ import annotations

import numpy as np

HALF_WIDTH_AA = 6.0

SKY_LINES_AA = (
    ("[O I] 5577", 5577.34),
    ("[O I] 6300", 6300.30),
    ("[O I] 6364", 6363.78),
)

BANDS_AA = (
    ("Na I D of the sky", 5886.0, 5900.0),
    ("O2 B band", 6860.0, 6945.0),
    ("H2O 7200", 7160.0, 7340.0),
    ("O2 A band", 7590.0, 7710.0),
    ("H2O 8200", 8130.0, 8350.0),
    ("H2O 9400", 8940.0, 9850.0),
)


def sky_windows() -> tuple[tuple[str, float, float], ...]:
    """(name, low, high), of all windows [Angstrom, observed frame, air]."""
    lines = tuple((name, wave - HALF_WIDTH_AA, wave + HALF_WIDTH_AA) for name, wave in SKY_LINES_AA)
    return tuple(sorted(lines + BANDS_AA, key=lambda window: window[1]))


def in_sky_window(observed_air_wave_aa: np.ndarray) -> np.ndarray:
    """(m,) bool: pixel centres inside a window."""
    wave_aa = np.asarray(observed_air_wave_aa)
    inside = np.zeros(wave_aa.shape, dtype=bool)
    for _, low, high in sky_windows():
        inside |= (wave_aa >= low) & (wave_aa <= high)
    return inside
