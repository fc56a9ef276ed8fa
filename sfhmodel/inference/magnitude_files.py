"""Magnitudes that come beside files of spectra: in one line, or in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra import ObservedSpectrum

_ERROR_ENDINGS = ("_error", "_err", "_e")
_NAME_COLUMNS = ("name", "names", "id", "object")


@dataclass(frozen=True)
class MagnitudeSource:
    """Magnitudes and their errors by band, in rows.

    Attributes
    ----------
    rows : of each: ({band: mag}, {band: error}).
    names : of the galaxies of the rows, or None: the rows are in the order of the spectra.
    """

    rows: tuple[tuple[dict[str, float], dict[str, float]], ...] = ()
    names: tuple[str, ...] | None = None

    @classmethod
    def of(cls, given: str | Path | None) -> MagnitudeSource:
        """Of ``BAND=mag[:error],...``, which holds for every spectrum, or a table (ECSV, CSV, FITS).

        The columns of a table are bands and ``BAND_error``; one called ``name`` tells which spectrum a row belongs to,
        otherwise there is a row per spectrum, in their order.

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
                row = self.rows[self.names.index(spectrum.name)]
            else:
                row = self.rows[0 if len(self.rows) == 1 else first + k]
            given.append(replace(spectrum, magnitudes=row[0], magnitude_errors=row[1]))
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
    from astropy.table import Table

    formats = {".fits": "fits", ".ecsv": "ascii.ecsv", ".csv": "ascii.csv"}
    try:
        table = Table.read(path, format=formats.get(path.suffix.lower(), "ascii"))
    except Exception as error:  # every format has its own way to fail
        raise InputError(f"{path} cannot be read as a table of magnitudes: {error}") from error
    name_column = next((name for name in table.colnames if name.lower() in _NAME_COLUMNS), None)
    bands: dict[str, str] = {}
    errors: dict[str, str] = {}
    for column in table.colnames:
        ending = next((e for e in _ERROR_ENDINGS if column.endswith(e)), None)
        if column == name_column:
            continue
        if table[column].dtype.kind not in "fiu":
            raise InputError(f"{path}: column {column!r} holds no numbers: keep a name and the bands only")
        (bands if ending is None else errors)[column.removesuffix(ending or "")] = column
    rows = tuple(
        tuple({band: _number(row[column]) for band, column in of.items()} for of in (bands, errors)) for row in table
    )
    names = None if name_column is None else tuple(str(name).strip() for name in table[name_column])
    return MagnitudeSource(rows, names)


def _number(value) -> float:
    return np.nan if np.ma.is_masked(value) else float(value)
