"""Magnitudes that come beside files of spectra: in one line, or in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra import ObservedSpectrum
from sfhmodel.spectra.redshifts import HIGHEST, LOWEST
from sfhmodel.spectra.vocabulary import role_of

_ERROR_ENDINGS = ("_error", "_err", "_e", "_sigma", "_unc", "err")
_ERROR_STARTS = ("e_", "err_", "error_", "sigma_", "d_", "e")
_NAME_COLUMNS = ("name", "names", "id", "object")


@dataclass(frozen=True)
class MagnitudeSource:
    """Magnitudes and their errors by band, in rows.

    Attributes
    ----------
    rows : of each: ({band: mag}, {band: error}).
    names : of the galaxies of the rows, or None: the rows are in the order of the spectra.
    redshifts : of the rows, or None; for spectra that have none themselves.
    """

    rows: tuple[tuple[dict[str, float], dict[str, float]], ...] = ()
    names: tuple[str, ...] | None = None
    redshifts: tuple[float | None, ...] | None = None

    @classmethod
    def of(cls, given: str | Path | None) -> MagnitudeSource:
        """Of ``BAND=mag[:error],...``, which holds for every spectrum, or a table (ECSV, CSV, FITS).

        The columns of a table are bands and ``BAND_error`` or ``e_BAND``; one called ``name`` tells which spectrum a
        row belongs to, otherwise there is a row per spectrum, in their order; one of redshifts is for spectra whose
        files have none.

        Raises
        ------
        InputError
            Neither; something that is no number.
        """
        if given is None:
            return cls()
        path = Path(given)
        if path.is_file():
            return _of_table(path)
        if "=" not in str(given):
            raise InputError(f"magnitudes {str(given)!r}: no such file, and not of the form BAND=mag[:error],...")
        return cls(rows=(_of_text(str(given)),))

    def check_rows(self, n_spectra: int) -> None:
        """That rows without names can be told apart: one for all, or one per spectrum; InputError otherwise."""
        if self.names is None and len(self.rows) not in (0, 1, n_spectra):
            raise InputError(
                f"the table of magnitudes has {len(self.rows)} rows and there are {n_spectra} spectra: give a row per "
                "spectrum, or a column `name`"
            )

    def given_to(self, spectra: Sequence[ObservedSpectrum], first: int) -> list[ObservedSpectrum]:
        """The spectra with their magnitudes; ``first`` is the number of the first of them among all.

        Raises
        ------
        InputError
            A spectrum without a row of its name.
        """
        if not self.rows:
            return list(spectra)
        given = []
        for k, spectrum in enumerate(spectra):
            if self.names is not None:
                if spectrum.name not in self.names:
                    raise InputError(
                        f"the table of magnitudes has no row for {spectrum.name!r}: its names are "
                        f"{', '.join(self.names[:5])}{', ...' if len(self.names) > 5 else ''}"
                    )
                number = self.names.index(spectrum.name)
            else:
                number = 0 if len(self.rows) == 1 else first + k
                if number >= len(self.rows):
                    self.check_rows(number + 1)
            change: dict[str, Any] = {"magnitudes": self.rows[number][0], "magnitude_errors": self.rows[number][1]}
            if spectrum.redshift is None and self.redshifts is not None and self.redshifts[number] is not None:
                change["redshift"] = self.redshifts[number]
                change["notes"] = (*spectrum.notes, "redshift from the table of magnitudes")
            given.append(replace(spectrum, **change))
        return given


def _of_text(text: str) -> tuple[dict[str, float], dict[str, float]]:
    magnitudes, errors = {}, {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        band, _, values = part.partition("=")
        value, _, error = values.partition(":")
        try:
            magnitudes[band.strip()] = float(value)
            if error:
                errors[band.strip()] = float(error)
        except ValueError:
            raise InputError(f"magnitudes: {part!r} is not of the form BAND=mag[:error]") from None
    return magnitudes, errors


def _of_table(path: Path) -> MagnitudeSource:
    table = _table(path)
    name_column = next((name for name in table.colnames if name.lower() in _NAME_COLUMNS), None)
    redshift_column = next((name for name in table.colnames if _is_redshift(name, table)), None)
    bands: dict[str, str] = {}
    errors: dict[str, str] = {}
    for column in table.colnames:
        if column in (name_column, redshift_column):
            continue
        if table[column].dtype.kind not in "fiu":
            raise InputError(f"{path}: column {column!r} holds no numbers: keep a name and the bands only")
        band = _band_of_error(column, table.colnames)
        (bands if band is None else errors)[band or column] = column

    def numbers(row, columns: dict[str, str]) -> dict[str, float]:
        return {band: _number(row[column]) for band, column in columns.items()}

    rows = tuple((numbers(row, bands), numbers(row, errors)) for row in table)
    names = None if name_column is None else tuple(str(name).strip() for name in table[name_column])
    redshifts = None
    if redshift_column is not None:
        values = (_number(value) for value in table[redshift_column])
        redshifts = tuple(value if LOWEST < value < HIGHEST else None for value in values)
    return MagnitudeSource(rows, names, redshifts)


def _table(path: Path):
    from astropy.table import Table

    from sfhmodel.spectra.source import open_source
    from sfhmodel.spectra.text_tables import catalogue_of

    try:
        with open_source(path) as source:
            if source.kind == "text":
                return catalogue_of(source)
            return Table.read(next(hdu for hdu in source.hdus if getattr(hdu, "columns", None) is not None))
    except Exception as error:  # every format has its own way to fail
        raise InputError(f"{path} cannot be read as a table of magnitudes: {error}") from error


def _is_redshift(name: str, table) -> bool:
    """Whether a column holds redshifts; one called z may as well hold magnitudes, which are no such numbers."""
    role = role_of(name)
    if role is None or role[0] != "redshift" or table[name].dtype.kind not in "fiu":
        return False
    values = np.ma.compressed(np.ma.masked_invalid(np.ma.asarray(table[name], dtype=np.float64)))
    return name.lower() != "z" or not (values > 9.0).any()


def _band_of_error(column: str, names: list[str]) -> str | None:
    """The band whose errors a column holds: BAND_error, e_BAND and the like, where BAND is a column too."""
    for ending in _ERROR_ENDINGS:
        if column.endswith(ending) and (ending in _ERROR_ENDINGS[:3] or column.removesuffix(ending) in names):
            return column.removesuffix(ending)
    for start in _ERROR_STARTS:
        if column.startswith(start) and column.removeprefix(start) in names:
            return column.removeprefix(start)
    return None


def _number(value) -> float:
    return np.nan if np.ma.is_masked(value) else float(value)
