"""SDSS ``spec-PLATE-MJD-FIBER.fits``, and tables with the same columns: vacuum wavelengths, inverse variance.

Wavelengths are heliocentric and in vacuum; the redshift is in the SPECOBJ table, or in the header. Bits of the
mask: https://www.sdss4.org/dr17/algorithms/bitmasks/#SPPIXMASK.
"""

from __future__ import annotations

import numpy as np

from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile
from sfhmodel.spectra.units import to_angstrom, to_error

DESCRIPTION = "SDSS spec-*.fits: loglam (vacuum), flux, ivar, and_mask; redshift of SPECOBJ"

# FULLREJECT, NOSKY, BRIGHTSKY, NODATA, COMBINEREJ, BADFLUXFACTOR, BADSKYCHI, REDMONSTER
BAD_BITS = sum(1 << bit for bit in (18, 22, 23, 24, 25, 26, 27, 28))
_IVAR = ("ivar", "inverse_variance")


def recognises(source: SourceFile) -> bool:
    """A first table with SDSS' columns."""
    return source.kind == "fits" and _coadd(source) is not None


def read(source: SourceFile, options: ReadOptions) -> list[ObservedSpectrum]:
    """The co-added spectrum."""
    hdu = _coadd(source)
    names = {name.lower(): name for name in hdu.columns.names}
    if "loglam" in names:
        wave_aa = to_angstrom(hdu.data[names["loglam"]], options.wave_unit or "log10")
    else:
        wave_aa = to_angstrom(hdu.data[names["wavelength"]], options.wave_unit)
    ivar = next(hdu.data[names[name]] for name in _IVAR if name in names)
    redshift = options.redshift
    if redshift is None:
        redshift = _specobj_redshift(source)
    return [
        source.spectrum(
            wave_aa,
            hdu.data[names["flux"]],
            to_error(ivar, "inverse_variance"),
            (np.asarray(hdu.data[names["and_mask"]], dtype=np.int64) & BAD_BITS) == 0,
            medium=source.medium(options, "vacuum"),
            redshift=source.redshift(options) if redshift is None else redshift,
        )
    ]


def _coadd(source: SourceFile):
    """The HDU of the co-added spectrum, or None."""
    for hdu in source.hdus[:2]:
        names = {name.lower() for name in hdu.columns.names} if getattr(hdu, "columns", None) is not None else set()
        if {"flux", "and_mask"} <= names and names & {"loglam", "wavelength"} and names & set(_IVAR):
            return hdu
    return None


def _specobj_redshift(source: SourceFile) -> float | None:
    """Z of the first row of the table that SDSS calls SPECOBJ, SPALL or leaves without a name."""
    for hdu in source.hdus[1:]:
        columns = getattr(hdu, "columns", None)
        names = columns.names if columns is not None else []
        if "Z" in names and "ZWARNING" in names and len(hdu.data):
            if int(hdu.data["ZWARNING"][0]) != 0:
                source.notes.append("SDSS is not sure of this redshift (ZWARNING is set)")
            return float(hdu.data["Z"][0])
    return None
