"""Tables of text, also packed: ECSV, CSV, VOTable and plain columns of wavelength, flux, and perhaps error and mask."""

from __future__ import annotations

from collections.abc import Iterable

from sfhmodel.spectra.astropy_tables import spectra_of_table
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile
from sfhmodel.spectra.text_tables import table_of

DESCRIPTION = "ECSV, CSV, VOTable or ASCII table: wavelength, flux, and perhaps error (or variance) and mask"


def recognises(source: SourceFile) -> bool:
    """Any file that is not FITS, HDF5 or npz and holds text."""
    if source.kind != "text":
        return False
    with source.open() as file:
        start = file.read(4096)
    return start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" not in start


def read(source: SourceFile, options: ReadOptions) -> Iterable[ObservedSpectrum]:
    """The table, by its header if it has one."""
    return spectra_of_table(table_of(source), source, options)
