"""FITS binary tables with columns of wavelength and flux: a row per pixel, or arrays in the cells (ESO's layout)."""

from __future__ import annotations

from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile
from sfhmodel.spectra.table import spectra_of_table

DESCRIPTION = "FITS table with columns of wavelength, flux and perhaps error and mask"


def recognises(source: SourceFile) -> bool:
    """A FITS file whose first HDU with data is a table."""
    return source.kind == "fits" and _first_with_data(source) is not None


def read(source: SourceFile, options: ReadOptions) -> list[ObservedSpectrum]:
    """All spectra of the first table."""
    from astropy.table import Table

    hdu = _first_with_data(source)
    return spectra_of_table(Table.read(hdu), source, options, default_medium="air")


def _first_with_data(source: SourceFile):
    for hdu in source.hdus:
        if hdu.header.get("NAXIS", 0) > 0:
            return hdu if hdu.header.get("XTENSION", "").strip() in ("BINTABLE", "TABLE") else None
    return None
