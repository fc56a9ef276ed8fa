"""Native spectral resolution of the known libraries, as FWHM in Angstrom against wavelength.

E-MILES (Vazdekis et al. 2016): 3 A below 3061 A, 5 A over 3061-3541 A, 2.51 A over 3541-8950 A, and a
constant sigma = 60 km/s redward: FWHM = 2.3548 lambda 60 / c.

MILES (Falcon-Barroso et al. 2011): 2.51 A over 3540-7410 A; MIUSCAT (Vazdekis et al. 2012) the same to 9430 A.

BC03, 2016 version (Bruzual & Charlot 2003, with the libraries listed by Vidal-Garcia et al. 2017, appendix
A): MILES, 2.5 A, over its 0.9 A sampling (3540-7350 A); STELIB, 3 A (Le Borgne et al. 2003), over its 1 A
sampling (to 8750 A); theoretical spectra of about 1 A over 912-3540 A (0.5 A sampling). Everywhere else the
spectra are low-resolution models (BaSeL and others): two pixels, nominal.
"""

from __future__ import annotations

import numpy as np

from sfhsim.constants import C_KMS, FWHM_PER_SIGMA

MILES_FWHM_AA = 2.51


def emiles_fwhm_aa(wave_aa: np.ndarray) -> np.ndarray:
    """FWHM (n_wave,) of E-MILES at ``wave_aa`` (n_wave,)."""
    wave_aa = np.asarray(wave_aa, dtype=np.float64)
    infrared = FWHM_PER_SIGMA * 60.0 / C_KMS * wave_aa
    return np.select([wave_aa < 3061.0, wave_aa < 3541.0, wave_aa <= 8950.0], [3.0, 5.0, MILES_FWHM_AA], infrared)


def bc03_miles_fwhm_aa(wave_aa: np.ndarray) -> np.ndarray:
    """FWHM (n_wave,) of the 2016 BC03 at ``wave_aa`` (n_wave,)."""
    wave_aa = np.asarray(wave_aa, dtype=np.float64)
    two_pixels = 2.0 * np.gradient(wave_aa) if wave_aa.size > 1 else np.zeros(wave_aa.size)
    return np.select(
        [wave_aa < 912.0, wave_aa < 3540.0, wave_aa <= 7350.0, wave_aa <= 8750.0],
        [two_pixels, np.maximum(1.0, two_pixels), 2.5, 3.0],
        two_pixels,
    )


def miles_fwhm_aa(wave_aa: np.ndarray) -> np.ndarray:
    """FWHM (n_wave,) of the MILES base models: 2.51 A throughout."""
    return np.full(np.shape(wave_aa), MILES_FWHM_AA)
