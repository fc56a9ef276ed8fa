"""ECSV and ASCII tables of 2 to 4 columns: wavelength, flux, and perhaps error and mask."""

from __future__ import annotations

from sfhmodel.errors import InputError
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile
from sfhmodel.spectra.table import spectra_of_table

DESCRIPTION = "ECSV, CSV or ASCII table: wavelength, flux, and perhaps error (or variance) and mask"

_FORMATS = ("ascii.commented_header", "ascii.basic", "ascii.no_header", "ascii.csv", "ascii.ipac", "ascii.cds")


def recognises(source: SourceFile) -> bool:
    """Any file that is not FITS, HDF5 or npz and holds text."""
    if source.kind != "text":
        return False
    with open(source.path, "rb") as file:
        return b"\0" not in file.read(4096)


def read(source: SourceFile, options: ReadOptions) -> list[ObservedSpectrum]:
    """The table, by its header if it has one."""
    return spectra_of_table(_table(source), source, options, default_medium="air")


def _table(source: SourceFile):
    from astropy.table import Table

    lines = source.path.read_text(encoding="utf-8", errors="replace").splitlines()
    if not any(line.strip() for line in lines):
        raise InputError(f"{source.path} is empty")
    if lines[0].startswith("# %ECSV"):
        return Table.read(lines, format="ascii.ecsv")
    for name in _FORMATS:
        try:
            table = Table.read(lines, format=name, guess=False)
        except Exception:  # each format has its own way to fail
            continue
        numbers = [column for column in table.colnames if table[column].dtype.kind in "fiu"]
        plain_names = not any(_is_number(column) for column in table.colnames)
        if len(numbers) >= 2 and plain_names:
            return table
    raise InputError(f"{source.path} is no table of numbers that can be read as ECSV, CSV or ASCII")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
