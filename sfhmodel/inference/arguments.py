"""What callers may give, as plain arrays of one shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sfhmodel.errors import InputError


def in_angstrom(wavelength_aa) -> np.ndarray:
    """Plain numbers; an astropy Quantity is converted."""
    if hasattr(wavelength_aa, "unit"):
        from astropy import units

        try:
            return np.asarray(units.Quantity(wavelength_aa).to_value(units.AA))
        except units.UnitsError as error:
            raise InputError(f"wavelengths in {wavelength_aa.unit}: need a length, e.g. Angstrom") from error
    return np.asarray(wavelength_aa, dtype=np.float64)


def two_dimensional(values) -> np.ndarray | None:
    """(n, m), of (m,) or (n, m); masked values become NaN, the unit of a Quantity is dropped."""
    if values is None:
        return None
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    values = np.asarray(getattr(values, "value", values))
    if values.ndim not in (1, 2):
        raise InputError(f"an array of a spectrum has shape {values.shape}: need (m,), or (n, m) for n spectra")
    return np.atleast_2d(values)


def labels_of(names: Sequence[str] | None, n: int) -> list[str]:
    """How each spectrum is called in messages."""
    if names is None:
        return [""] if n == 1 else [f"spectrum {k + 1} of {n}" for k in range(n)]
    if len(names) != n:
        raise InputError(f"{len(names)} names for {n} spectra: give one each")
    return list(names)


def redshifts_of(redshift, n: int) -> np.ndarray:
    """(n,) float64."""
    redshift = np.asarray(redshift, dtype=np.float64)
    if redshift.shape not in ((), (1,), (n,)):
        raise InputError(f"redshift has shape {redshift.shape}, there are {n} spectra: give one number, or one each")
    return np.ascontiguousarray(np.broadcast_to(redshift, (n,)))


def check_rows(n: int, *, flux_error: np.ndarray | None, mask: np.ndarray | None) -> None:
    """That there are errors and masks for n spectra, or one mask for all; InputError otherwise."""
    for name, values, allowed in (("flux_error", flux_error, (n,)), ("mask", mask, (1, n))):
        if values is not None and len(values) not in allowed:
            raise InputError(f"{name} has shape {values.shape}, there are {n} spectra: give one row each")
