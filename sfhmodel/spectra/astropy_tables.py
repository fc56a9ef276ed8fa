"""From an astropy table, read of FITS, ECSV, VOTable or ASCII, to spectra."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra import vocabulary
from sfhmodel.spectra.assembly import observed_spectra
from sfhmodel.spectra.columns import Columns, find_columns
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import RawSpectra, Values
from sfhmodel.spectra.source import SourceFile, plain_name
from sfhmodel.spectra.units import unit_in_name


def spectra_of_table(
    table,
    source: SourceFile,
    options: ReadOptions,
    *,
    where: str = "",
    units: Mapping[str, str] | None = None,
    wave: Values | None = None,
    medium: str | None = None,
) -> Iterable[ObservedSpectrum]:
    """One spectrum with a row per pixel, or one per row when the cells hold arrays.

    Parameters
    ----------
    table : astropy Table.
    where : the HDU in words, before the names of columns in messages.
    units : of columns, as written; those of the table are used besides.
    wave : wavelengths that stand outside of the table.
    medium : what the file says of the wavelengths.

    Raises
    ------
    InputError
        See `find_columns`, `observed_spectra`.
    """
    colnames = list(table.colnames)
    if wave is not None:
        colnames = ["wavelength", *colnames]
    columns = find_columns(colnames, options, source.notes)
    units = _units(table, units or {})

    def values(name: str | None, kind: str = "", unit: str = "") -> Values | None:
        if name is None:
            return None
        said = units.get(name) or unit_in_name(name)[1] or unit
        return Values(_plain(table[name]), said, f"{where}column {name!r}", kind)

    rest = {
        "medium": medium or vocabulary.medium_of(columns.wave),
        "default_medium": "air",
        **_redshift(table, columns, options, where),
    }
    error = values(columns.error, columns.error_is)
    mask = values(columns.mask)
    if mask is not None:
        mask = Values(mask.values, "", mask.where, vocabulary.mask_means(columns.mask))
    waves = wave if wave is not None else values(columns.wave, unit=columns.wave_unit)
    raw = RawSpectra(waves, values(columns.flux), error, mask, **rest)
    if raw.flux.values.dtype.kind != "O":
        return observed_spectra(raw, source, options)
    return _ragged(raw, source, options)


def _units(table, given: Mapping[str, str]) -> dict[str, str]:
    """Units as they are written: those given, those of a text's second line, those of the table."""
    found = {name: str(table[name].unit) for name in table.colnames if table[name].unit is not None}
    return found | dict(table.meta.get("units", {})) | {name: unit for name, unit in given.items() if unit}


def _plain(column) -> np.ma.MaskedArray:
    """Values of a column, masked where they are missing."""
    values = np.ma.asarray(getattr(column, "value", column))
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 and values.shape[0] > 1 else values


def _redshift(table, columns: Columns, options: ReadOptions, where: str) -> dict:
    """The redshift of a column: the one the user names, or one called so that is the same for all pixels."""
    said = options.redshift if isinstance(options.redshift, str) and options.redshift in table.colnames else None
    name = said or columns.redshift
    if name is None:
        return {}
    values = _plain(table[name])
    if values.dtype.kind not in "fiu" or values.ndim != 1:
        return {}
    if _plain(table[columns.flux]).ndim == 1 and _plain(table[columns.flux]).dtype.kind != "O":
        known = np.ma.compressed(values)
        if known.size == 0 or np.ptp(known[np.isfinite(known)]) > 0.0:
            if said:
                raise InputError(f"column {said!r} has a value of its own at each wavelength: it is no redshift")
            return {}
        values = known[:1]
    return {"redshift": values, "redshift_where": f"{where}column {name!r}", "redshift_said": said is not None}


def _ragged(raw: RawSpectra, source: SourceFile, options: ReadOptions) -> Iterable[ObservedSpectrum]:
    """Spectra of cells whose arrays have lengths of their own."""
    n = len(raw.flux.values)
    spectra = []
    for k in range(n):
        row = {
            key: None if part is None else Values(_cell(part.values, k), part.unit, part.where, part.kind)
            for key, part in (("wave", raw.wave), ("flux", raw.flux), ("error", raw.error), ("mask", raw.mask))
        }
        redshift = raw.redshift if np.ndim(raw.redshift) == 0 or len(raw.redshift) != n else raw.redshift[k : k + 1]
        name = f"{plain_name(source.path)}-{k + 1}" if n > 1 else ""
        one = RawSpectra(**row, medium=raw.medium, redshift=redshift, redshift_where=raw.redshift_where,
                         redshift_said=raw.redshift_said, names=[name])  # fmt: skip
        spectra += observed_spectra(one, source, options)
    return spectra


def _cell(values, k: int):
    return np.asarray(values[k]) if values.dtype.kind == "O" or values.ndim > 1 else values
