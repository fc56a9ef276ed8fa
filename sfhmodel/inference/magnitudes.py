"""Magnitudes in the order of the model's bands, from arrays or from names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from sfhmodel.errors import InputError, SfhmodelWarning

_NO_MEASUREMENT = np.float32(-1.0)  # what an error that is a sentinel becomes: its magnitude is none
_FAINTEST, _BRIGHTEST = 60.0, -60.0  # beyond these it is no magnitude
_SENTINELS = (99.0, 99.9, 99.99, 99.999, 999.0, 999.9, 999.99, 9999.0, 99999.0)


def find_band(name: str, bands: tuple[str, ...]) -> int:
    """The number of the band called ``name``, whole or by what follows the last dot or slash, in any case.

    Raises
    ------
    InputError
        No such band, or several.
    """
    if name in bands:
        return bands.index(name)
    wanted = name.lower()
    found = [k for k, band in enumerate(bands) if band.lower() == wanted]
    found = found or [k for k, band in enumerate(bands) if band.replace("/", ".").split(".")[-1].lower() == wanted]
    if len(found) == 1:
        return found[0]
    what = "several bands are called" if found else "the model has no band"
    raise InputError(f"{what} {name!r}: its bands are {', '.join(bands) or 'none'}")


def magnitude_array(values, bands: tuple[str, ...], n: int, what: str = "magnitudes") -> np.ndarray:
    """Values (n, n_band) float32, NaN where missing.

    Parameters
    ----------
    values : (n_band,) for one spectrum, (n, n_band), {band: value or (n,)}, or None.
    bands : names, in the model's order.
    n : number of spectra.
    what : 'magnitudes' or 'magnitude_errors', in messages.

    Raises
    ------
    InputError
        A wrong number of values, an unknown band, or numbers that are not magnitudes (errors: negative ones).
    """
    if values is None:
        return np.full((n, len(bands)), np.nan, dtype=np.float32)
    if isinstance(values, Mapping):
        out = _by_name(values, bands, n, what)
    else:
        out = np.array(np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan))
        if out.ndim == 1 and n == 1:
            out = out[None]
        if out.shape != (n, len(bands)):
            raise InputError(
                f"{what} have shape {np.shape(values)}: need ({n}, {len(bands)}), in the order "
                f"{', '.join(bands) or 'none'}, with NaN where one is missing; or a dict by band name"
            )
    out[~np.isfinite(out)] = np.nan
    _without_sentinels(out, bands, what)
    _check_range(out, bands, what)
    return out.astype(np.float32)


def measured_magnitudes(magnitudes, errors, bands: tuple[str, ...], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes and errors (n, n_band) float32, both NaN where either is a sentinel that says so.

    Raises and warns as `magnitude_array`.
    """
    mags = magnitude_array(magnitudes, bands, n)
    raw = magnitude_array(errors, bands, n, "magnitude_errors")
    says_none = raw == _NO_MEASUREMENT
    return np.where(says_none, np.float32(np.nan), mags), np.where(says_none, np.float32(np.nan), raw)


def _without_sentinels(values: np.ndarray, bands: tuple[str, ...], what: str) -> None:
    """Numbers like 99, -99 and -999 become NaN, those of errors and -1 that nothing was measured; it is said."""
    is_error = what.endswith("errors")
    nines = np.isin(np.abs(values), _SENTINELS)
    marked = nines | (values == -1.0) if is_error else nines
    if marked.any():
        shown = ", ".join(f"{value:g}" for value in np.unique(values[marked])[:3])
        count, names = int(marked.sum()), ", ".join(bands[k] for k in np.flatnonzero(marked.any(axis=0))[:4])
        warnings.warn(
            f"{what} of {shown} mean that there is none: {count} left out ({names})", SfhmodelWarning, stacklevel=4
        )
        values[marked] = -1.0 if is_error else np.nan


def _by_name(values: Mapping, bands: tuple[str, ...], n: int, what: str) -> np.ndarray:
    out = np.full((n, len(bands)), np.nan)
    seen: dict[int, str] = {}
    for name, of_band in values.items():
        k = find_band(str(name), bands)
        if k in seen:
            raise InputError(f"{what}: {seen[k]!r} and {name!r} are the same band {bands[k]}")
        seen[k] = str(name)
        of_band = np.asarray(np.nan if of_band is None else of_band, dtype=np.float64)
        if of_band.shape not in ((), (1,), (n,)):
            raise InputError(f"{what}: {of_band.size} values for band {name!r}, {n} spectra: one each")
        out[:, k] = of_band
    return out


def _check_range(values: np.ndarray, bands: tuple[str, ...], what: str) -> None:
    is_error = what.endswith("errors")
    with np.errstate(invalid="ignore"):
        bad = (values < 0.0) & (values != -1.0) if is_error else (values > _FAINTEST) | (values < _BRIGHTEST)
    if bad.any():
        row, k = np.argwhere(bad)[0]
        wanted = "errors in mag, not negative" if is_error else "AB magnitudes: convert fluxes first"
        raise InputError(f"{what}: {values[row, k]:g} in band {bands[k]} (row {row + 1}): need {wanted}")
