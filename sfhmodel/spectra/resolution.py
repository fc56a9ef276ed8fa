"""Bringing an observed spectrum to the resolution of the training spectra.

    sigma^2 = [FWHM_train / k]^2 - [FWHM_obs / k]^2 + [sigma_train lambda / c]^2 - [sigma_obs lambda / c]^2,
    k = 2 sqrt(2 ln 2)

The first two are the instruments' line-spread functions: they are matched wherever both are known. The last two are the
velocity dispersions of the stars: these are matched only where the user gives the observed one, to the single
dispersion of the training spectra, or up to the lowest of those that were drawn. Where the sum is negative the observed
spectrum is the broader one; nothing sharpens it.
"""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.frame import C_KMS, FWHM_PER_SIGMA, TrainingFrame
from sfhmodel.spectra.options import PreparationSettings

_NEGLIGIBLE = 0.02  # of the training spectra's sigma; less broadening than this changes nothing


def matching_sigma_aa(
    observed_wave_aa: np.ndarray,
    wave_aa: np.ndarray,
    redshift: float,
    frame: TrainingFrame,
    settings: PreparationSettings,
    fwhm_of_file_aa: np.ndarray | None = None,
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Gaussian sigma by which to broaden, and what to tell the user.

    Parameters
    ----------
    observed_wave_aa : (m,) as observed.
    wave_aa : (m,) in the frame of the training spectra.
    redshift : of the galaxy: the observed line-spread function shrinks with the shift to rest.
    fwhm_of_file_aa : (m,) of the observed line-spread function, as the file says; NaN or None where it does not.

    Returns
    -------
    sigma_aa : (m,), or None when nothing is to be done.
    notes : sentences.

    Raises
    ------
    InputError
        The user gives a resolution, and the training spectra's is not known.
    """
    asked = settings.resolution_fwhm_aa is not None or settings.resolving_power is not None
    fwhm_aa = settings.observed_fwhm_aa(observed_wave_aa, fwhm_of_file_aa)
    if fwhm_aa is None and settings.velocity_dispersion_kms is None:
        return None, ()
    if (asked and frame.lsf is None) or (
        settings.velocity_dispersion_kms is not None and frame.lowest_sigma_kms is None
    ):
        raise InputError(
            "the recipe of the training spectra does not say which velocity dispersion and line-spread function to "
            "match: leave velocity_dispersion_kms, resolution_fwhm_aa and resolving_power away"
        )
    variance, scale = np.zeros(wave_aa.shape), np.zeros(wave_aa.shape)
    if fwhm_aa is not None and frame.lsf is not None:
        shift = (1.0 + frame.target_redshift(redshift)) / (1.0 + redshift)
        target_aa = _target_fwhm_aa(frame, wave_aa, asked)
        if target_aa is not None:
            fwhm_aa = _filled(np.asarray(fwhm_aa, dtype=np.float64)) * shift
            variance += (target_aa**2 - fwhm_aa**2) / FWHM_PER_SIGMA**2
            scale += target_aa**2 / FWHM_PER_SIGMA**2
    if (given := settings.velocity_dispersion_kms) is not None:
        target_kms = max(frame.lowest_sigma_kms or 0.0, 0.0)
        if frame.sigma_kms is None:  # drawn: a galaxy among them stays as it is
            given = min(given, target_kms) if given < target_kms else target_kms
        variance += (target_kms**2 - given**2) * (wave_aa / C_KMS) ** 2
        scale += (target_kms / C_KMS * wave_aa) ** 2
    return _broadening(variance, scale, wave_aa, frame)


def _target_fwhm_aa(frame: TrainingFrame, wave_aa: np.ndarray, asked: bool) -> np.ndarray | None:
    """Of the training spectra; None where it cannot be had and the user did not ask for it."""
    try:
        return frame.lsf_fwhm_aa(wave_aa)
    except InputError:
        if asked:
            raise
        return None


def _filled(fwhm_aa: np.ndarray) -> np.ndarray:
    """Gaps between known widths bridged."""
    known = np.isfinite(fwhm_aa) & (fwhm_aa > 0.0)
    if known.all() or not known.any():
        return np.where(known, fwhm_aa, np.inf)
    places = np.arange(fwhm_aa.size)
    return np.interp(places, places[known], fwhm_aa[known])


def _broadening(variance, scale, wave_aa: np.ndarray, frame: TrainingFrame):
    """The sigma of a difference of variances, and what it comes to."""
    scale = np.maximum(scale, 1e-12)
    broader = variance < -1e-9 * scale
    variance = np.where(np.isfinite(variance), variance, -1.0)
    if broader.all():
        finite = variance[np.isfinite(variance) & (variance < 0.0)]
        excess = np.sqrt(np.median(-finite)) / np.median(wave_aa) * C_KMS
        stars = "" if frame.sigma_kms is None else f"{frame.sigma_kms:g} km/s and "
        note = (
            f"the spectrum is broader than the training spectra ({stars}their line-spread function) by {excess:.0f} "
            "km/s in quadrature: it is left as it is"
        )
        return None, (note,)
    sigma_aa = np.sqrt(np.maximum(variance, 0.0))
    if not (sigma_aa > _NEGLIGIBLE * np.sqrt(scale)).any():
        return None, ()
    median_kms = np.median(sigma_aa / wave_aa) * C_KMS
    notes: tuple[str, ...] = (f"broadened by {median_kms:.0f} km/s (median) to the resolution of the training spectra",)
    if broader.any():
        notes += (f"{np.mean(broader):.0%} of the pixels are broader than the training spectra and stay so",)
    return sigma_aa, notes
