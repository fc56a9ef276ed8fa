"""Ionising output of spectra: photons and luminosity below the Lyman limit.

    Q(H) = Int_0^911.75 A  lambda L_lambda / (h c) dlambda        [photons/s]
    L    = Int_0^911.75 A  L_lambda dlambda                       [Lsun]

L_lambda is taken as linear between samples, so both integrands are polynomials on each interval and are
integrated exactly, including the part of the last interval that lies below the limit (Osterbrock & Ferland
2006, ch. 2).
"""

from __future__ import annotations

import numpy as np

from sfhsim.constants import C_AA_S, H_ERG_S, LSUN_ERG_S, LYMAN_LIMIT_AA


def ionizing_output(wave_aa: np.ndarray, flux_lsun_aa: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Photon rate and luminosity below 911.75 A.

    Parameters
    ----------
    wave_aa : (n_wave,) increasing.
    flux_lsun_aa : (..., n_wave) Lsun/Angstrom.

    Returns
    -------
    photon_rate : (...) photons/s.
    luminosity_lsun : (...) Lsun.
        Both NaN where the wavelengths do not reach below the limit.
    """
    wave_aa = np.asarray(wave_aa, dtype=np.float64)
    flux_lsun_aa = np.asarray(flux_lsun_aa)
    if wave_aa[0] >= LYMAN_LIMIT_AA:
        nothing = np.full(flux_lsun_aa.shape[:-1], np.nan)
        return nothing, nothing.copy()
    n_below = int(np.searchsorted(wave_aa, LYMAN_LIMIT_AA, side="left"))
    wave = wave_aa[: n_below + 1]
    flux = np.asarray(flux_lsun_aa[..., : n_below + 1], dtype=np.float64)
    if wave.size > n_below:  # the interval that straddles the limit ends on it
        fraction = (LYMAN_LIMIT_AA - wave[-2]) / (wave[-1] - wave[-2])
        flux = flux.copy()
        flux[..., -1] = flux[..., -2] + fraction * (flux[..., -1] - flux[..., -2])
        wave = wave.copy()
        wave[-1] = LYMAN_LIMIT_AA
    left, right = flux[..., :-1], flux[..., 1:]
    w_left, w_right = wave[:-1], wave[1:]
    width = w_right - w_left
    luminosity = (0.5 * width * (left + right)).sum(axis=-1)
    # Int w L dw with both linear: Simpson's rule is exact for this quadratic.
    moment = (width / 6.0 * (w_left * left + (w_left + w_right) * (left + right) + w_right * right)).sum(axis=-1)
    return moment * LSUN_ERG_S / (H_ERG_S * C_AA_S), luminosity
