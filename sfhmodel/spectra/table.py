"""From an astropy table, read of FITS, ECSV or ASCII, to spectra."""

from __future__ import annotations

import numpy as np

from sfhmodel.spectra.columns import Columns, find_columns
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile, plain_name
from sfhmodel.spectra.units import per_angstrom, to_angstrom, to_error


def spectra_of_table(table, source: SourceFile, options: ReadOptions, default_medium: str) -> list[ObservedSpectrum]:
    """One spectrum with a row per pixel, or one per row when the cells hold arrays.

    Parameters
    ----------
    table : astropy Table.
    default_medium : of wavelengths about which nothing is said.

    Raises
    ------
    InputError
        See `find_columns`, `to_angstrom`.
    """
    columns = find_columns(list(table.colnames), options, source.notes)
    if columns.error and columns.error_is != "error":
        source.notes.append(f"errors of column {columns.error!r}, {columns.error_is.replace('_', ' ')}")
    medium, redshift = source.medium(options, default_medium), source.redshift(options)
    if redshift is None and options.redshift is None and "redshift" in table.meta:
        redshift = float(table.meta["redshift"])
    cells = _cells(table, columns)
    spectra = []
    for k, row in enumerate(cells):
        wave_aa = _wavelengths(row["wave"], table[columns.wave], columns, options)
        unit = table[columns.flux].unit
        error = None if row["error"] is None else to_error(row["error"], columns.error_is)
        mask = None if row["mask"] is None else (np.asarray(row["mask"]) != 0) == (options.mask_means == "use")
        spectra.append(
            source.spectrum(
                wave_aa,
                per_angstrom(row["flux"], unit, wave_aa),
                None if error is None else per_angstrom(error, unit, wave_aa),
                mask,
                medium=medium,
                redshift=redshift,
                name=f"{plain_name(source.path)}-{k + 1}" if len(cells) > 1 else "",
            )
        )
    return spectra


def _cells(table, columns: Columns) -> list[dict[str, np.ndarray | None]]:
    """Arrays (m,) by kind, for each spectrum of the table."""
    names = {"wave": columns.wave, "flux": columns.flux, "error": columns.error, "mask": columns.mask}
    values = {kind: None if name is None else _filled(table[name]) for kind, name in names.items()}
    if values["flux"].ndim == 1:
        return [values]
    n = values["flux"].shape[0]
    return [{kind: None if v is None else (v[k] if v.ndim > 1 else v) for kind, v in values.items()} for k in range(n)]


def _filled(column) -> np.ndarray:
    """Values of a column; masked ones as NaN, in a column of integers as 0."""
    values = np.ma.asarray(column)
    return np.ma.filled(values, np.nan if values.dtype.kind == "f" else 0)


def _wavelengths(values, column, columns: Columns, options: ReadOptions) -> np.ndarray:
    unit = options.wave_unit or ("log10" if columns.wave_is_log10 else str(column.unit or ""))
    return to_angstrom(values, unit)
