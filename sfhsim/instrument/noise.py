"""Observational noise, as pure functions of standard-normal draws that the caller makes.

Spectra: the error spectrum is sigma_k = A g_k / c_k with the shape g of a model (`sfhsim.instrument.noise_models`), an
optional curve c of S/N against wavelength (divided by its median; 1 without one), and A such that the median over the
grid of f_k / sigma_k is the S/N asked for: S/N is per output pixel.

Photometry: an error of s magnitudes is sigma_F = (ln 10 / 2.5) s F in flux; the noise is added to the flux,
and the magnitude and its error are those of the noisy flux: m = AB(F'), dm = 2.5/ln 10 sigma_F / F'. Where
the noisy flux is not positive both are NaN; the flux and its error remain.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from sfhsim.constants import LN10
from sfhsim.errors import CoverageError, RecipeError
from sfhsim.histories.parameters import resolve
from sfhsim.instrument.noise_models import NoiseModel, checked_shape, get_noise_model

MAG_PER_RELATIVE_FLUX = 2.5 / LN10


def signal_to_noise_curve(wave_aa: np.ndarray, curve_wave_aa: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """A tabulated S/N curve on the grid ``wave_aa`` (n_pix,), linear, divided by its median there.

    Raises
    ------
    CoverageError
        The curve does not reach over the grid.
    RecipeError
        It is not positive somewhere, or its wavelengths do not increase.
    """
    wave_aa, curve_wave_aa = (
        np.asarray(wave_aa, dtype=np.float64),
        np.asarray(curve_wave_aa, dtype=np.float64),
    )
    curve = np.asarray(curve, dtype=np.float64)
    if not (np.diff(curve_wave_aa) > 0.0).all():
        raise RecipeError("S/N curve: wavelengths must increase")
    bad = np.flatnonzero(~(np.isfinite(curve) & (curve > 0.0)))
    if bad.size:
        raise RecipeError(f"S/N curve: row {bad[0] + 1} is {curve[bad[0]]:g}; it must be positive")
    if wave_aa[0] < curve_wave_aa[0] or wave_aa[-1] > curve_wave_aa[-1]:
        raise CoverageError(
            f"S/N curve covers {curve_wave_aa[0]:.1f}-{curve_wave_aa[-1]:.1f} A, "
            f"the spectrum needs {wave_aa[0]:.1f}-{wave_aa[-1]:.1f} A"
        )
    values = np.interp(wave_aa, curve_wave_aa, curve)
    return values / np.median(values)


def error_spectrum(
    flux: np.ndarray,
    snr: np.ndarray | float,
    model: NoiseModel | str = "constant",
    curve: np.ndarray | None = None,
    wave_aa: np.ndarray | None = None,
    params: Mapping[str, ArrayLike] | None = None,
) -> np.ndarray:
    """One-sigma errors (n, n_pix) of noise-free spectra (n, n_pix); of the dtype of ``flux``.

    Parameters
    ----------
    flux : (n, n_pix) noise-free.
    snr : (n,) or scalar, median S/N per pixel.
    model : a noise model or its name.
    curve : (n_pix,), optional
        From `signal_to_noise_curve`.
    wave_aa : (n_pix,) observed, for models that depend on it; pixel numbers when absent.
    params : the model's parameters by name, numbers or (n,); absent ones take their defaults.

    Raises
    ------
    RecipeError
        Unknown model or parameter, an S/N that is not positive, or errors that cannot be.
    CoverageError
        A spectrum whose median is not positive (the library holds no light there): no S/N is defined.
    """
    flux, model = np.asarray(flux), get_noise_model(model) if isinstance(model, str) else model
    if model.name == "none":
        return np.zeros_like(flux)
    snr = np.broadcast_to(np.asarray(snr, dtype=np.float64), flux.shape[:1])
    given = resolve(model.parameters, params or {}, f"noise model {model.name}", len(flux))
    wave_aa = np.arange(flux.shape[1], dtype=np.float64) if wave_aa is None else np.asarray(wave_aa, dtype=np.float64)
    bad = np.flatnonzero(~(np.isfinite(snr) & (snr > 0.0)))
    if bad.size:
        raise RecipeError(f"S/N must be positive and finite, got {snr[bad[0]]:g} for galaxy {bad[0]} of the batch")
    median = np.median(flux, axis=1).astype(np.float64)[:, None]
    bad = np.flatnonzero(~(median[:, 0] > 0.0))
    if bad.size:
        raise CoverageError(
            f"galaxy {bad[0]} of the batch has a median flux of {median[bad[0], 0]:g}: no S/N can be defined "
            "(does the library hold light in this wavelength range?)"
        )
    scaled = flux / median  # about 1, so that nothing under- or overflows
    shape = checked_shape(model, scaled, wave_aa, given)
    if curve is not None:
        shape = shape / curve
    amplitude = np.median(scaled / shape, axis=1, keepdims=True) / snr[:, None]
    return (amplitude * shape * median).astype(flux.dtype)


def add_noise(flux: np.ndarray, error: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """flux + error * normals (n, n_pix), of the dtype of ``flux``; ``normals`` are standard-normal draws."""
    return (flux + error * normals).astype(np.asarray(flux).dtype)


def photometry_noise(
    flux: np.ndarray, error_mag: np.ndarray | float, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noisy band fluxes, their errors, and the errors of their magnitudes.

    Parameters
    ----------
    flux : (n, n_bands) noise-free, in any linear unit.
    error_mag : scalar, (n_bands,), (n, 1) or (n, n_bands), magnitudes.
    normals : (n, n_bands) standard-normal draws.

    Returns
    -------
    noisy_flux, flux_error, magnitude_error : (n, n_bands)
        ``magnitude_error`` is NaN where ``noisy_flux`` is not positive, as its magnitude is.

    Raises
    ------
    RecipeError
        A negative or non-finite error.
    """
    flux, error_mag = np.asarray(flux), np.asarray(error_mag, dtype=np.float64)
    if not (np.isfinite(error_mag).all() and (error_mag >= 0.0).all()):
        raise RecipeError(f"photometric errors must be finite and >= 0 mag, got {np.min(error_mag):g}")
    flux_error = np.abs(flux) * (error_mag / MAG_PER_RELATIVE_FLUX)
    noisy = flux + flux_error * normals
    magnitude_error = MAG_PER_RELATIVE_FLUX * flux_error / np.where(noisy > 0.0, noisy, np.nan)
    return noisy, flux_error, magnitude_error
