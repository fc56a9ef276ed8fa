"""Extinction by dust of the Milky Way, taken out of spectra and magnitudes; curves by the package dust_extinction.

CCM89: Cardelli, Clayton & Mathis 1989, ApJ 345, 245; F99: Fitzpatrick 1999, PASP 111, 63; both with R_V = 3.1.
"""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import ConfigError

CURVES = ("F99", "CCM89")
_R_V = 3.1


def attenuation_mag(curve: str, wave_aa: np.ndarray) -> np.ndarray:
    """A_lambda per magnitude of E(B-V), at observed wavelengths of any shape.

    Raises
    ------
    ConfigError
        An unknown curve, or the package is not installed.
    """
    try:
        from astropy import units
        from dust_extinction import parameter_averages
    except ImportError:
        raise ConfigError("a foreground extinction needs dust_extinction: pip install 'sfhsim[maps]'") from None
    if curve not in CURVES:
        raise ConfigError(f"no extinction curve {curve!r}: there are {', '.join(CURVES)}")
    law = getattr(parameter_averages, curve)(Rv=_R_V)
    return _R_V * np.asarray(law(np.asarray(wave_aa, dtype=np.float64) * units.AA))


def correction(curve: str, wave_aa: np.ndarray, ebv_mag: np.ndarray) -> np.ndarray:
    """(n, m) by what to multiply fluxes behind E(B-V) (n,) at observed wavelengths (m,)."""
    return 10.0 ** (0.4 * np.asarray(ebv_mag, dtype=np.float64)[:, None] * attenuation_mag(curve, wave_aa)[None, :])
