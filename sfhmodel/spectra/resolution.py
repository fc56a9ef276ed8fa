"""Bringing an observed spectrum to the resolution of the training spectra.

    sigma^2 = [sigma_train lambda / c]^2 + [FWHM_train / k]^2 - [sigma_obs lambda / c]^2 - [FWHM_obs / k]^2,
    k = 2 sqrt(2 ln 2)

Where this is negative the observed spectrum is the broader one; nothing sharpens it.
"""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.frame import C_KMS, FWHM_PER_SIGMA, TrainingFrame
from sfhmodel.spectra.settings import PreparationSettings


def matching_sigma_aa(
    wave_aa: np.ndarray, redshift: float, frame: TrainingFrame, settings: PreparationSettings
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Gaussian sigma by which to broaden, and what to tell the user.

    Parameters
    ----------
    wave_aa : (m,) in the frame of the training spectra.
    redshift : of the galaxy: the observed line-spread function shrinks with the shift to rest.

    Returns
    -------
    sigma_aa : (m,), or None when nothing is to be done.
    notes : sentences.

    Raises
    ------
    InputError
        The recipe of the training spectra has no fixed dispersion or line-spread function.
    """
    if not settings.matches_resolution:
        return None, ()
    target_aa = frame.sigma_aa(wave_aa)
    if target_aa is None:
        raise InputError(
            "the training spectra have no single velocity dispersion and line-spread function to match: leave "
            "velocity_dispersion_kms and resolution_fwhm_aa away"
        )
    shift = (1.0 + frame.target_redshift(redshift)) / (1.0 + redshift)
    sigma_kms = frame.sigma_kms if settings.velocity_dispersion_kms is None else settings.velocity_dispersion_kms
    if settings.resolution_fwhm_aa is None:
        fwhm_aa = frame.lsf_fwhm_aa(wave_aa)
    else:
        fwhm_aa = np.full(wave_aa.shape, settings.resolution_fwhm_aa * shift)
    variance = target_aa**2 - np.hypot(sigma_kms / C_KMS * wave_aa, fwhm_aa / FWHM_PER_SIGMA) ** 2
    broader = variance < -1e-9 * target_aa**2
    sigma_aa = np.sqrt(np.maximum(variance, 0.0))
    if broader.all():
        excess = np.sqrt(np.median(-variance)) / np.median(wave_aa) * C_KMS
        note = (
            f"the spectrum is broader than the training spectra ({frame.sigma_kms:g} km/s and their line-spread "
            f"function) by {excess:.0f} km/s in quadrature: it is left as it is"
        )
        return None, (note,)
    if not (sigma_aa > 0.0).any():
        return None, ()
    median_kms = np.median(sigma_aa / wave_aa) * C_KMS
    notes = (f"broadened by {median_kms:.0f} km/s (median) to the resolution of the training spectra",)
    if broader.any():
        notes += (f"{np.mean(broader):.0%} of the pixels are broader than the training spectra and stay so",)
    return sigma_aa, notes
