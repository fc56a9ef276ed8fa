"""Errors of spectra as one sigma per Angstrom: what kind they are, in which unit, and whether they can be true."""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import Values
from sfhmodel.spectra.units import parsed_unit, per_angstrom_factor, says_nothing

HIGHEST_SN = 1e4  # per pixel; no detector is that linear
_TINY, _SMALL = 1.0 / 20.0, 1.0 / 4.0  # of the pixel-to-pixel scatter
_HUGE = 1e5  # times the median error: a pixel that its maker marked as bad
_WORDS = {"error": "one sigma", "variance": "variance", "inverse_variance": "inverse variance"}
_POWER = {"error": 1.0, "variance": 0.5, "inverse_variance": -0.5}  # of the unit


def to_error(values: np.ndarray, kind: str) -> np.ndarray:
    """One sigma, of 'error', 'variance' or 'inverse_variance'; NaN where that is not a positive finite number."""
    values = np.asarray(values)
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "variance":
            return np.sqrt(np.where(values > 0.0, values, np.nan))
        if kind == "inverse_variance":
            return 1.0 / np.sqrt(np.where(values > 0.0, values, np.nan).astype(np.float64))
    return values


def sigma_per_angstrom(
    error: Values, flux_factor, wave_aa: np.ndarray, options: ReadOptions, notes: list[str]
) -> np.ndarray:
    """One sigma on the scale of the fluxes: in their own unit where ``flux_factor`` is a number, else per Angstrom.

    Errors may have a unit of their own; one that says nothing, or cannot be that of an error, is taken to be the
    flux's.
    """
    kind, unit = _kind_and_unit(error, wave_aa, options, notes)
    factor = flux_factor if unit is None else per_angstrom_factor(unit, wave_aa, error.where)
    if np.ndim(flux_factor) == 0:
        factor = factor / flux_factor
    notes.append(f"errors from {error.where}, {_WORDS[kind]} (--error-is)")
    sigma = to_error(np.ma.filled(np.ma.asarray(error.values), np.nan if _is_float(error.values) else 0), kind)
    return sigma if np.ndim(factor) == 0 and factor == 1.0 else sigma * factor


def _is_float(values) -> bool:
    return np.ma.asarray(values).dtype.kind == "f"


def _kind_and_unit(error: Values, wave_aa, options: ReadOptions, notes: list[str]):
    """What the errors are, and the unit of their sigma; None for that of the flux."""
    named = options.error_is or error.kind or "error"
    if says_nothing(error.unit):
        return named, None
    parsed = parsed_unit(error.unit)
    if parsed is None:
        return named, None
    if options.error_is is None and named == "error" and not _fits(parsed, "error", wave_aa):
        for kind in ("variance", "inverse_variance"):
            if _fits(parsed, kind, wave_aa):
                notes.append(f"{error.where} has the unit {error.unit}: taken to hold the {_WORDS[kind]}")
                return kind, parsed ** _POWER[kind]
    if _fits(parsed, named, wave_aa):
        return named, parsed if named == "error" else parsed ** _POWER[named]
    return named, None  # e.g. a variance with the unit of the flux, as many files write it


def _fits(parsed, kind: str, wave_aa) -> bool:
    """Whether this is the unit of such errors of a flux density."""
    try:
        per_angstrom_factor(parsed ** _POWER[kind], np.ravel(wave_aa)[:1])
    except InputError:
        return False
    return True


def without_huge(sigma: np.ndarray, notes: list[str]) -> np.ndarray:
    """Errors (m,) with NaN where one is so large that it was meant to say that the pixel is bad."""
    known = sigma[np.isfinite(sigma) & (sigma > 0.0)]
    if known.size == 0:
        return sigma
    huge = sigma > _HUGE * np.median(known)
    if not huge.any():
        return sigma
    notes.append(f"errors more than {_HUGE:g} times the median one mark bad pixels: left out")
    return np.where(huge, np.nan, sigma)


def check_plausible(flux: np.ndarray, sigma: np.ndarray, good: np.ndarray, options: ReadOptions, where: str) -> None:
    """That errors (m,) of ``where`` can be one sigma of these fluxes (m,), unless the user says what they are.

    Raises
    ------
    InputError
        A median S/N above 1e4, or errors far below the scatter from pixel to pixel.
    """
    if options.error_is is not None:
        return
    used = good & np.isfinite(flux) & np.isfinite(sigma) & (sigma > 0.0)
    if used.sum() < 20:
        return
    flux, sigma = flux[used], sigma[used]
    median, scatter = float(np.median(sigma)), pixel_scatter(flux)
    signal = float(np.median(np.abs(flux)))
    hint = "say what they are: --error-is error, variance or inverse_variance (a variance is often called ERR)"
    if signal > HIGHEST_SN * median:
        ratio = f"{signal / median:.3g} per pixel, more than is possible"
        raise InputError(f"the errors of {where} give a S/N of {ratio}; {hint}")
    is_scatter_squared = median < _SMALL * scatter and 0.5 < np.sqrt(median) / scatter < 2.0
    if median < _TINY * scatter or is_scatter_squared:
        ratio = f"{median / scatter:.2g} of the scatter of the flux from pixel to pixel, too small to be one sigma"
        raise InputError(f"the errors of {where} are {ratio}; {hint}")


def pixel_scatter(flux: np.ndarray) -> float:
    """Robust one sigma of the noise of fluxes (m,), from pixels and their second neighbours.

    1.482602 / sqrt(6) median |2 f_i - f_(i-2) - f_(i+2)|: Stoehr et al. 2008, ADASS XVII, 505.
    """
    if flux.size < 5:
        return 0.0
    return 1.482602 / np.sqrt(6.0) * float(np.median(np.abs(2.0 * flux[2:-2] - flux[:-4] - flux[4:])))
