"""Many spectra in one npz or HDF5 file, as arrays with fixed names; read in pieces, so that memory does not grow.

wavelength_aa (m,) or (n, m)     flux (n, m) or (m,)
flux_error, mask (n, m)          optional; mask: non-zero = use
redshift (n,) or a number        optional
magnitudes, magnitude_errors     optional, (n, n_band) with ``bands`` (n_band,), the names
names (n,)                       optional

Other names (wave, ivar, dq ...) are understood as those of columns are, with their conventions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra import vocabulary
from sfhmodel.spectra.array_files import ArrayFile, open_arrays
from sfhmodel.spectra.assembly import observed_spectra
from sfhmodel.spectra.columns import UnclearLayoutError, find_columns
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import RawSpectra, Values
from sfhmodel.spectra.source import SourceFile, plain_name

DESCRIPTION = "npz or HDF5 of many spectra: wavelength_aa, flux, flux_error, mask, redshift, magnitudes, bands, names"

KEYS = (
    "wavelength_aa",
    "flux",
    "flux_error",
    "mask",
    "redshift",
    "magnitudes",
    "magnitude_errors",
    "bands",
    "names",
)
_PIECE = 512  # spectra


def recognises(source: SourceFile) -> bool:
    """By the first bytes."""
    return source.kind in ("npz", "hdf5")


def read(source: SourceFile, options: ReadOptions) -> Iterator[ObservedSpectrum]:
    """A spectrum per row."""
    with open_arrays(source) as groups:
        for arrays in groups:
            try:
                yield from _of_group(arrays, source, options, len(groups) > 1)
            except InputError as error:
                if len(groups) == 1:
                    raise
                raise type(error)(f"group {arrays.name!r}: {error}") from error


def _of_group(arrays: ArrayFile, source: SourceFile, options: ReadOptions, named: bool) -> Iterator[ObservedSpectrum]:
    """Spectra of one group; with its name before theirs where it is one of several."""
    chosen = _chosen(arrays, source, options)
    source.meta = arrays.attributes
    flux_shape = arrays.shape(chosen["flux"])
    if len(flux_shape) not in (1, 2):
        raise InputError(f"flux has shape {flux_shape}: need (m,), or (n, m) for n spectra")
    n = flux_shape[0] if len(flux_shape) == 2 else 1
    if n == 0:
        raise InputError("flux has no rows: there is no spectrum in it")
    arrays.check_growth(chosen["flux"])
    small = _small(arrays, chosen, source, options, n)
    if named:
        small["names"] = [arrays.name if n == 1 else f"{arrays.name}-{k + 1}" for k in range(n)]
    for first in range(0, n, _PIECE):
        rows = slice(first, min(first + _PIECE, n))
        yield from observed_spectra(_piece(arrays, chosen, small, rows, n), source, options)


def _chosen(arrays: ArrayFile, source: SourceFile, options: ReadOptions) -> dict[str, str]:
    """{our key: name in the file}, with 'error_is' and 'mask_is' for what they mean."""
    found = {key: key for key in KEYS if key in arrays.names}
    named = any((options.wave_column, options.flux_column, options.error_column, options.mask_column))
    ours = {"wavelength_aa", "flux"} <= found.keys() and not named
    if not ours:
        numbers = [name for name in arrays.names if arrays.is_numbers(name) and name not in KEYS[5:]]
        try:
            columns = find_columns(numbers, options, source.notes)
        except UnclearLayoutError:
            missing = [key for key in KEYS[:2] if key not in found] or list(KEYS[:2])
            raise UnclearLayoutError(
                f"there is no {' and no '.join(missing)} in it, but {', '.join(list(arrays.names)[:8]) or 'nothing'}: "
                f"keys are {', '.join(KEYS)}"
            ) from None
        found |= {"wavelength_aa": columns.wave, "flux": columns.flux, "wave_unit": columns.wave_unit}
        for key, name in (("flux_error", columns.error), ("mask", columns.mask), ("redshift", columns.redshift)):
            found.pop(key, None)
            if name is not None:
                found[key] = name
        found["error_is"] = columns.error_is
        if columns.mask is not None:
            found["mask_is"] = vocabulary.mask_means(columns.mask)
    else:
        others = [name for name in arrays.names if arrays.is_numbers(name) and name not in KEYS]
        extra = find_columns(["wavelength_aa", "flux", *others], ReadOptions(), [])
        if "flux_error" not in found and extra.error is not None:
            found |= {"flux_error": extra.error, "error_is": extra.error_is}
        if "mask" not in found and extra.mask is not None:
            found |= {"mask": extra.mask, "mask_is": vocabulary.mask_means(extra.mask)}
        if "redshift" not in found and extra.redshift is not None:
            found["redshift"] = extra.redshift
    if isinstance(options.redshift, str) and options.redshift in arrays.names:
        found |= {"redshift": options.redshift, "redshift_said": "yes"}
    return found


def _small(arrays: ArrayFile, chosen: dict[str, str], source: SourceFile, options: ReadOptions, n: int) -> dict:
    """What is small enough to be read at once: names, redshifts, magnitudes; and wavelengths that all share."""
    small = {"wave": None}
    if len(arrays.shape(chosen["wavelength_aa"])) == 1:
        small["wave"] = arrays.all_of(chosen["wavelength_aa"])
    redshift = arrays.all_of(chosen["redshift"]) if "redshift" in chosen else None
    if redshift is not None and np.size(redshift) not in (1, n):
        raise InputError(f"there are {np.size(redshift)} redshifts and {n} spectra: give one, or one each")
    names = arrays.all_of(chosen["names"]) if "names" in chosen else None
    small["redshift"] = redshift
    small["names"] = _names(names, source, n)
    if len(small["names"]) != n:
        raise InputError(f"names: {len(small['names'])} rows where flux has {n}: one row per spectrum")
    for key in ("magnitudes", "magnitude_errors"):
        small[key] = _by_band(arrays, chosen, key, n)
    flux_shape = arrays.shape(chosen["flux"])
    for key in ("flux_error", "mask", "wavelength_aa"):
        shape = arrays.shape(chosen[key]) if key in chosen else flux_shape
        if len(shape) == 2 and shape[0] != n:
            raise InputError(f"{key}: {shape[0]} rows where flux has {n}: one row per spectrum")
        if len(shape) not in (1, 2) or shape[-1] != flux_shape[-1]:
            raise InputError(f"{key} has shape {shape}, the flux {flux_shape}: one value per wavelength")
    return small


def _piece(arrays: ArrayFile, chosen: dict[str, str], small: dict, rows: slice, n: int) -> RawSpectra:
    """Some of the spectra."""

    def values(key: str, kind: str = "", unit: str = "") -> Values | None:
        if key not in chosen:
            return None
        name = chosen[key]
        data = arrays.rows(name, rows) if len(arrays.shape(name)) == 2 else arrays.all_of(name)
        return Values(data, arrays.unit(name) or unit, f"{name!r}", kind)

    wave = values("wavelength_aa", unit=chosen.get("wave_unit", "")) if small["wave"] is None else None
    if wave is None:
        name = chosen["wavelength_aa"]
        wave = Values(small["wave"], arrays.unit(name) or chosen.get("wave_unit", ""), f"{name!r}")
    redshift = small["redshift"]
    return RawSpectra(
        wave,
        values("flux"),
        values("flux_error", chosen.get("error_is", "error")),
        values("mask", chosen.get("mask_is", "use")),
        medium=vocabulary.medium_of(chosen["wavelength_aa"]),
        redshift=redshift if redshift is None or np.size(redshift) == 1 else np.ravel(redshift)[rows],
        redshift_where=f"{chosen.get('redshift', '')!r}",
        redshift_said="redshift_said" in chosen,
        names=small["names"][rows],
        magnitudes=small["magnitudes"][rows],
        magnitude_errors=small["magnitude_errors"][rows],
    )


def _names(names, source: SourceFile, n: int) -> list[str]:
    if names is None:
        return [f"{plain_name(source.path)}-{k + 1}" if n > 1 else "" for k in range(n)]
    return [name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in np.atleast_1d(names)]


def _by_band(arrays: ArrayFile, chosen: dict[str, str], key: str, n: int) -> list[dict[str, float]]:
    """Of each spectrum, the values by band name."""
    if key not in chosen:
        return [{}] * n
    values = np.atleast_2d(arrays.all_of(chosen[key]))
    if "bands" not in chosen:
        raise InputError(f"{key} needs `bands`, the names of its columns")
    bands = arrays.all_of(chosen["bands"])
    bands = [band.decode() if isinstance(band, bytes) else str(band) for band in np.atleast_1d(bands)]
    if values.shape != (n, len(bands)):
        raise InputError(f"{key} has shape {values.shape}: need ({n}, {len(bands)}), spectra by bands")
    return [dict(zip(bands, row.tolist(), strict=True)) for row in values]
