"""A library at a lower spectral resolution: convolved with the Gaussian that its own resolution lacks.

sigma^2 = (FWHM_wanted^2 - FWHM_native^2) / 2.3548^2 - D^2 / 12 at each wavelength, for averaging over new pixels of
width D broadens by D^2 / 12; nothing where that is not positive.
"""

from __future__ import annotations

import numpy as np

from sfhsim.constants import FWHM_PER_SIGMA
from sfhsim.libraries.ssp_library import SSPLibrary

_MARGIN_SIGMA = 7.0  # beyond that of `broaden_operator`


def broadened(library: SSPLibrary, fwhm_aa: float, wave_aa: np.ndarray | None = None) -> SSPLibrary:
    """The library at a FWHM of at least ``fwhm_aa``.

    Parameters
    ----------
    library : SSPLibrary
    fwhm_aa : float
    wave_aa : (n,) centres of the new pixels; the library's own, without those too near its ends, when absent.

    Raises
    ------
    CoverageError
        When the new pixels, and what broadening brings into them, reach beyond the library.
    """
    from sfhsim.instrument import broaden_operator, pixel_edges

    native_aa = np.asarray(library.resolution_fwhm_aa)
    variance_aa2 = np.maximum(fwhm_aa**2 - native_aa**2, 0.0) / FWHM_PER_SIGMA**2
    if wave_aa is None:
        ends_aa = np.diff(library.wave_aa)[[0, -1]]
        margin = _MARGIN_SIGMA * np.sqrt(variance_aa2.max()) + 2.0 * ends_aa.max()
        inside = (library.wave_aa > library.wave_aa[0] + margin) & (library.wave_aa < library.wave_aa[-1] - margin)
        wave_aa = library.wave_aa[inside]
    edges_aa = pixel_edges(wave_aa)
    pixels_aa = np.interp(library.wave_aa, wave_aa, np.diff(edges_aa))
    sigma_aa = np.sqrt(np.maximum(variance_aa2 - pixels_aa**2 / 12.0, 0.0))
    operator = broaden_operator(library.wave_aa, sigma_aa, edges_aa, preserve="continuum")
    n_z, n_age, n_wave = library.shape
    flux = (operator @ np.asarray(library.flux).reshape(-1, n_wave).T).T.astype(np.float32)
    return library.replace(
        wave_aa=wave_aa,
        flux=flux.reshape(n_z, n_age, -1),
        resolution_fwhm_aa=np.maximum(np.interp(wave_aa, library.wave_aa, native_aa), fwhm_aa),
        ionizing_photon_rate=library.ionizing_photon_rate,
        ionizing_luminosity_lsun=library.ionizing_luminosity_lsun,
        notes=f"{library.notes} Broadened to {fwhm_aa:g} A.".strip(),
    )
