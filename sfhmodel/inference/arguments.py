"""What callers may give, as plain arrays of one shape and one scale: Quantity, masked arrays, uncertainties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import Values
from sfhmodel.spectra.spectrum_objects import error_values, plain_values
from sfhmodel.spectra.uncertainties import sigma_per_angstrom
from sfhmodel.spectra.units import is_of_vacuum, per_angstrom_factor, to_angstrom


def medium_of_axis(wavelength_aa) -> str:
    """'vacuum' for a Quantity of a frequency, energy or wavenumber, else 'air'."""
    return "vacuum" if is_of_vacuum(plain_values(wavelength_aa)[1]) else "air"


def in_angstrom(wavelength_aa) -> np.ndarray:
    """Plain numbers (m,); an astropy Quantity of a length, frequency or energy is converted.

    Raises
    ------
    InputError
        Another quantity, or masked wavelengths.
    """
    values, unit = plain_values(wavelength_aa)
    if values.dtype.kind not in "fiu":
        raise InputError(f"wavelengths are of type {values.dtype}: need numbers in Angstrom")
    wave_aa = to_angstrom(values, unit)
    if np.any(getattr(wavelength_aa, "mask", False)):
        raise InputError("some wavelengths are masked: remove those pixels")
    return wave_aa


def flux_and_error(wave_aa: np.ndarray, flux, flux_error) -> tuple[np.ndarray, np.ndarray | None]:
    """Flux and one sigma (n, m) on one scale, of arrays (m,) or (n, m); masked ones become NaN.

    Units of Quantity are converted to densities per Angstrom (plain numbers are taken to be that), astropy's variances
    and inverse variances to one sigma.

    Raises
    ------
    InputError
        Complex numbers, units that cannot be converted, shapes of more than two axes.
    """
    values, unit = plain_values(flux)
    values = two_dimensional(values, "flux")
    wave_aa = wave_aa if wave_aa.shape == values.shape[-1:] else np.full(values.shape[-1], np.nan)
    factor = per_angstrom_factor(unit, wave_aa, "flux")
    error = error_values(flux_error, "flux_error")
    if error is not None:
        error = Values(two_dimensional(error.values, "flux_error"), error.unit or "", "flux_error", error.kind)
        said = ReadOptions(error_is=error.kind)
        sigma = sigma_per_angstrom(error, factor, wave_aa, said, [])
    else:
        sigma = None
    return (values * factor if np.ndim(factor) else values), sigma


def two_dimensional(values, what: str = "an array of a spectrum") -> np.ndarray:
    """(n, m), of (m,) or (n, m); masked values become NaN."""
    values = plain_values(values)[0]
    if values.dtype.kind not in "fiub":
        kind = "complex" if values.dtype.kind == "c" else str(values.dtype)
        raise InputError(f"{what} holds {kind} values: need real numbers")
    if values.ndim not in (1, 2):
        raise InputError(f"{what} has shape {values.shape}: need (m,), or (n, m) for n spectra")
    return np.atleast_2d(values)


def in_magnitudes(values, errors) -> tuple[Any, Any]:
    """AB magnitudes and their errors as plain numbers, of Quantity too: magnitudes, or flux densities like Jy.

    Raises
    ------
    InputError
        A unit that is neither.
    """
    if isinstance(values, Mapping) and errors is not None and not isinstance(errors, Mapping):
        return {band: _in_magnitudes(value, None)[0] for band, value in values.items()}, _unmasked(errors)
    if isinstance(values, Mapping):
        pairs = {band: _in_magnitudes(value, _of_band(errors, band)) for band, value in values.items()}
        given = errors if isinstance(errors, Mapping) else {}
        others = {band: error for band, error in given.items() if band not in pairs}
        return (
            {band: mag for band, (mag, _) in pairs.items()},
            {band: error for band, (_, error) in pairs.items() if error is not None} | others or None,
        )
    return _in_magnitudes(values, errors)


def _of_band(errors, band: str):
    return errors.get(band) if isinstance(errors, Mapping) else None


def _unmasked(values):
    """Numbers of an astropy Masked, NaN where masked; others as they are."""
    return plain_values(values)[0] if hasattr(values, "unmasked") else getattr(values, "value", values)


def _in_magnitudes(values, errors):
    unit, plain_error = getattr(values, "unit", None), _unmasked(errors)
    if values is None or unit is None:
        return _unmasked(values), plain_error
    if hasattr(values, "unmasked"):
        mags, plain_error = _in_magnitudes(values.unmasked, getattr(errors, "unmasked", errors))
        return np.where(values.mask, np.nan, mags), plain_error
    from astropy import units

    try:
        if str(unit) in ("mag", "mag(AB)"):
            return np.asarray(values.value), plain_error
        if isinstance(unit, units.MagUnit):
            return np.asarray(values.to_value(units.ABmag)), plain_error
        mags = np.asarray(units.Quantity(values).to_value(units.ABmag))
        if errors is None or getattr(errors, "unit", None) is None or str(errors.unit).startswith("mag"):
            return mags, plain_error
        return mags, np.asarray(2.5 / np.log(10.0) * (errors / values).to_value(""))
    except (units.UnitsError, TypeError, ValueError) as error:
        raise InputError(f"magnitudes in {unit}: need AB magnitudes, or flux densities such as Jy") from error


def labels_of(names: Sequence[str] | None, n: int) -> list[str]:
    """How each spectrum is called in messages."""
    if names is None:
        return [""] if n == 1 else [f"spectrum {k + 1} of {n}" for k in range(n)]
    if len(names) != n:
        raise InputError(f"{len(names)} names for {n} spectra: give one each")
    return list(names)


def redshifts_of(redshift, n: int) -> np.ndarray:
    """(n,) float64."""
    redshift = np.asarray(plain_values(redshift)[0], dtype=np.float64)
    if redshift.shape not in ((), (1,), (n,)):
        raise InputError(f"redshift has shape {redshift.shape}, there are {n} spectra: give one number, or one each")
    return np.ascontiguousarray(np.broadcast_to(redshift, (n,)))


def check_rows(n: int, *, flux_error: np.ndarray | None, mask: np.ndarray | None) -> None:
    """That there are errors and masks for n spectra, or one mask for all; InputError otherwise."""
    for name, values, allowed in (("flux_error", flux_error, (n,)), ("mask", mask, (1, n))):
        if values is not None and len(values) not in allowed:
            raise InputError(f"{name} has shape {values.shape}, there are {n} spectra: give one row each")
