"""From what a reader found to spectra: units, masks, errors, redshift, names, and the notes on what was assumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra import redshifts
from sfhmodel.spectra.masks import usable
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import RawSpectra, Values
from sfhmodel.spectra.redshift_tables import read_redshifts
from sfhmodel.spectra.source import SourceFile, plain_name
from sfhmodel.spectra.uncertainties import check_plausible, sigma_per_angstrom, without_huge
from sfhmodel.spectra.units import is_of_vacuum, parsed_unit, per_angstrom_factor, says_nothing
from sfhmodel.spectra.vocabulary import flux_unit_of, is_at_rest
from sfhmodel.spectra.wavelength_guards import valid_range, wavelengths_aa

_PIECE = 512  # spectra


@dataclass
class Calibrated:
    """Arrays on one scale: Angstrom, per Angstrom, one sigma, True where usable; spectra along the last axis."""

    wave_aa: np.ndarray
    flux: np.ndarray
    sigma: np.ndarray | None
    good: np.ndarray | None


def calibrated(raw: RawSpectra, options: ReadOptions, notes: list[str]) -> Calibrated:
    """Wavelengths in Angstrom, fluxes and errors per Angstrom, and which pixels may be used.

    Raises
    ------
    InputError
        Complex fluxes; units that cannot be converted; shapes that do not fit.
    """
    wave_aa = wavelengths_aa(raw.wave, options, notes)
    flux = _real(raw.flux)
    if wave_aa.shape[-1] != flux.shape[-1]:
        raise InputError(
            f"{raw.flux.where} has {flux.shape[-1]} pixels, {raw.wave.where} {wave_aa.shape[-1]}: one value per "
            "wavelength"
        )
    unit = flux_unit(raw.flux, options, notes)
    factor = per_angstrom_factor(unit, wave_aa, raw.flux.where)
    if np.ndim(factor):
        notes.append(f"flux in {unit} ({raw.flux.where}) converted to a density per Angstrom")
    elif unit:
        notes.append(f"flux in {unit} ({raw.flux.where}), per wavelength")
    sigma = None
    if raw.error is None:
        notes.append("no errors found: they are taken to be unknown")
    else:
        error = _fitting(Values(_real(raw.error), raw.error.unit, raw.error.where, raw.error.kind), flux, "errors")
        sigma = sigma_per_angstrom(error, factor, wave_aa, options, notes)
    good = None if raw.good is None else np.broadcast_to(raw.good, flux.shape)
    if raw.mask is not None:
        marked = usable(_fitting(raw.mask, flux, "mask"), options, notes)
        good = marked if good is None else good & marked
    return Calibrated(wave_aa, flux * factor if np.ndim(factor) else flux, sigma, good)


def flux_unit(flux: Values, options: ReadOptions, notes: list[str]) -> str:
    """What the user says, else the file, else the name; else it is said that it is taken to be per Angstrom."""
    if options.flux_unit is not None:
        return options.flux_unit
    implied = flux_unit_of(flux.name)
    if not says_nothing(flux.unit):
        if parsed_unit(flux.unit) is None and parsed_unit(flux.unit.split(",")[0]) is not None:
            return flux.unit.split(",")[0]
        return flux.unit
    if implied:
        notes.append(f"{flux.where}: without a unit, taken to be in {implied} by its name (--flux-unit)")
        return implied
    notes.append(f"{flux.where}: without a unit, taken to be per Angstrom (--flux-unit)")
    return ""


def observed_spectra(raw: RawSpectra, source: SourceFile, options: ReadOptions) -> Iterator[ObservedSpectrum]:
    """The spectra of one file, made one after the other, so that only a piece of them is in memory at a time.

    Raises
    ------
    InputError
        See `calibrated`, `check_plausible`, `ObservedSpectrum`.
    """
    flux = raw.flux.values
    if np.ndim(flux) != 2 or len(flux) <= _PIECE:
        yield from split(calibrated(raw, options, source.notes), raw, source, options)
        return
    n = len(flux)
    raw.names = raw.names if raw.names is not None else _numbered(source, n)
    raw.redshift = _redshifts(raw, source, options, raw.names, n)
    raw.redshift_is_final = True
    _check_rows(raw, n)
    for first in range(0, n, _PIECE):
        part = raw.rows(slice(first, first + _PIECE))
        yield from split(calibrated(part, options, source.notes), part, source, options)


def _check_rows(raw: RawSpectra, n: int) -> None:
    """That what has rows has one for each spectrum."""
    for name in ("wave", "error", "mask"):
        values = getattr(raw, name)
        if values is not None and np.ndim(values.values) == 2 and len(values.values) != n:
            raise InputError(f"{values.where}: {len(values.values)} rows where flux has {n}: one row per spectrum")
    if raw.names is not None and len(raw.names) != n:
        raise InputError(f"names: {len(raw.names)} rows where flux has {n}: one row per spectrum")


def split(arrays: Calibrated, raw: RawSpectra, source: SourceFile, options: ReadOptions) -> Iterator[ObservedSpectrum]:
    """One spectrum a row, of arrays (m,) or (n, m)."""
    flux = np.atleast_2d(arrays.flux)
    n = flux.shape[0]
    names = raw.names if raw.names is not None else _numbered(source, n)
    if len(names) != n:
        raise InputError(f"names: {len(names)} rows where flux has {n}: one row per spectrum")
    redshift = _redshifts(raw, source, options, names, n)
    in_vacuum = is_of_vacuum(options.wave_unit or raw.wave.unit)
    medium = source.medium(options, raw.default_medium, "vacuum" if in_vacuum else raw.medium)
    fwhm_aa = raw.fwhm_aa if raw.fwhm_aa is not None else resolution_of_header(source, arrays.wave_aa)
    of_all = {"sigma": arrays.sigma, "good": arrays.good, "wave_aa": arrays.wave_aa, "fwhm_aa": fwhm_aa}
    rows = {key: _row_of(values, n, key) for key, values in of_all.items()}
    error_where = raw.error.where if raw.error is not None else ""
    implausible = _implausible(flux, rows, options, error_where)
    if 2 * len(implausible) >= n and implausible:
        raise next(iter(implausible.values()))
    for k in range(n):
        one = {key: row(k) for key, row in rows.items()}
        if k in implausible:
            source.notes.append(f"{names[k]} is left out: {implausible[k]}")
            one["good"] = np.zeros(flux[k].shape, dtype=bool)
        yield _spectrum(
            flux[k],
            **one,
            source=source,
            name=names[k],
            medium=medium,
            redshift=None if np.isnan(redshift[k]) else float(redshift[k]),
            magnitudes=raw.magnitudes[k] if raw.magnitudes else {},
            magnitude_errors=raw.magnitude_errors[k] if raw.magnitude_errors else {},
        )


def _implausible(flux: np.ndarray, rows: dict, options: ReadOptions, where: str) -> dict[int, InputError]:
    """The spectra whose errors cannot be true, and why."""
    found: dict[int, InputError] = {}
    for k in range(len(flux)):
        sigma, good, wave_aa = (rows[key](k) for key in ("sigma", "good", "wave_aa"))
        if sigma is None:
            break
        on_axis = np.isfinite(wave_aa) & (wave_aa > 0.0)
        try:
            check_plausible(flux[k], sigma, on_axis if good is None else good & on_axis, options, where)
        except InputError as error:
            found[k] = error
    return found


def _spectrum(flux, wave_aa, sigma, good, fwhm_aa, source: SourceFile, **rest):
    """One spectrum, without padding at its ends."""
    kept = valid_range(wave_aa)
    n_cut = wave_aa.size - (kept.stop - kept.start)
    if kept.stop - kept.start < 2:
        raise InputError(f"{rest['name'] or 'the spectrum'}: there are no wavelengths")
    if n_cut:
        source.notes.append(f"{n_cut} pixels of padding at the ends of the wavelengths cut off")
    wave_aa, flux, sigma, good, fwhm_aa = (
        None if x is None else x[kept] for x in (wave_aa, flux, sigma, good, fwhm_aa)
    )
    if sigma is not None:
        sigma = without_huge(np.asarray(sigma, dtype=np.float64), source.notes)
    return source.spectrum(wave_aa, flux, sigma, good, resolution_fwhm_aa=fwhm_aa, **rest)


def _row_of(values, n: int, what: str):
    """A function that gives the row of spectrum k, of arrays (m,) for all or (n, m)."""
    if values is None:
        return lambda k: None
    if values.ndim == 1:
        return lambda k: values
    if len(values) != n:
        raise InputError(f"{what}: {len(values)} rows where flux has {n}: one row per spectrum")
    return lambda k: values[k]


def _redshifts(raw: RawSpectra, source: SourceFile, options: ReadOptions, names: list[str], n: int) -> np.ndarray:
    """(n,), NaN where unknown: the user's word, the layout's, the file's."""
    if raw.redshift_is_final:
        return raw.redshift
    said = options.redshift
    if isinstance(said, (int, float)):
        return np.full(n, float(said))
    where = raw.redshift_where or "the file"
    if said is None and is_at_rest(raw.wave.name):
        source.notes.append(f"{raw.wave.where}: at rest by its name, no redshift is taken out (--redshift)")
        return np.zeros(n)
    if said is not None and not raw.redshift_said:
        path = Path(said).expanduser()
        if not path.is_file():
            raise InputError(f"redshift {str(said)!r} is no number, no file, and no column of {source.path.name}")
        values, where = read_redshifts(path, [name or plain_name(source.path) for name in names], n)
    elif raw.redshift is not None:
        values = raw.redshift
    elif (found := source.redshift(n)) is not None:
        values, where = found
    else:
        return np.full(n, np.nan)
    values = redshifts.cleaned(values, n, source.notes, where)
    known = values[np.isfinite(values)]
    if known.size:
        shown = f"{known[0]:.6g}" if np.ptp(known) == 0.0 else f"{known.min():.6g} to {known.max():.6g}"
        source.notes.append(f"redshift {shown} from {where} (--redshift)")
    return values


def resolution_of_header(source: SourceFile, wave_aa: np.ndarray) -> np.ndarray | None:
    """FWHM [Angstrom] of the line-spread function, of ESO's resolving power SPEC_RES in a header; None without one."""
    power = source.header_value("SPEC_RES", "SPECRES") if source.hdus is not None else None
    if not isinstance(power, (int, float)) or isinstance(power, bool) or not 10.0 < power < 1e6:
        return None
    return wave_aa / float(power)


def _numbered(source: SourceFile, n: int) -> list[str]:
    return [f"{plain_name(source.path)}-{k + 1}" for k in range(n)] if n > 1 else [""]


def _real(values: Values) -> np.ndarray:
    """The numbers of fluxes or errors; masked ones NaN, in this machine's byte order."""
    array: np.ndarray = np.ma.asarray(values.values)
    if array.dtype.kind == "c":
        raise InputError(f"{values.where} holds complex numbers: give the flux density itself")
    if array.dtype.kind not in "fiub":
        raise InputError(f"{values.where} holds no numbers ({array.dtype})")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    plain = np.ma.filled(array, np.nan)
    return plain.astype(plain.dtype.newbyteorder("="), copy=False)


def _fitting(values: Values, flux: np.ndarray, what: str) -> Values:
    """Values that have the flux's shape, or are one row for all of it."""
    array = np.ma.asarray(values.values)
    if array.shape == flux.shape:
        return values
    if array.ndim == 1 and array.shape == flux.shape[-1:]:
        return Values(np.ma.asarray(np.broadcast_to(array, flux.shape)), values.unit, values.where, values.kind)
    if array.ndim == 2 and flux.ndim == 1 and array.shape == (1, flux.size):
        return Values(array[0], values.unit, values.where, values.kind)
    if array.ndim == flux.ndim and flux.ndim == 2:
        raise InputError(f"{values.where or what}: {len(array)} rows where flux has {len(flux)}, {array.shape} for "
                         f"{flux.shape}: one row per spectrum")  # fmt: skip
    raise InputError(f"{values.where or what} has shape {array.shape}, the flux {flux.shape}: they must be the same")
