"""SDSS ``spec-PLATE-MJD-FIBER.fits``, and tables with the same columns: vacuum wavelengths, inverse variance.

Wavelengths are heliocentric and in vacuum; the redshift is in the SPECOBJ table, or in the header. Bits of the
mask: https://www.sdss4.org/dr17/algorithms/bitmasks/#SPPIXMASK. ``wdisp`` is the sigma of the line-spread function in
pixels of 1e-4 in log10 of the wavelength.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sfhmodel.spectra.assembly import observed_spectra
from sfhmodel.spectra.frame import FWHM_PER_SIGMA
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import RawSpectra, Values
from sfhmodel.spectra.source import SourceFile

DESCRIPTION = "SDSS spec-*.fits: loglam (vacuum), flux, ivar, and_mask, wdisp; redshift of SPECOBJ"

# FULLREJECT, NOSKY, BRIGHTSKY, NODATA, COMBINEREJ, BADFLUXFACTOR, BADSKYCHI, REDMONSTER
BAD_BITS = sum(1 << bit for bit in (18, 22, 23, 24, 25, 26, 27, 28))
_IVAR = ("ivar", "inverse_variance")
_LN_STEP = 1e-4 * np.log(10.0)


def recognises(source: SourceFile) -> bool:
    """A first table with SDSS' columns."""
    return source.kind == "fits" and _coadd(source) is not None


def read(source: SourceFile, options: ReadOptions) -> Iterable[ObservedSpectrum]:
    """The co-added spectrum."""
    hdu = _coadd(source)
    columns = {column.name.lower(): column for column in hdu.columns}

    def values(name: str, unit: str = "", kind: str = "") -> Values:
        column = columns[name]
        return Values(np.asarray(hdu.data[column.name]), column.unit or unit, f"column {column.name!r}", kind)

    wave = values("loglam", "log10") if "loglam" in columns else values("wavelength")
    ivar = next(values(name, kind="inverse_variance") for name in _IVAR if name in columns)
    mask = values("and_mask")
    if options.mask_means is None:
        bad = (np.asarray(mask.values, dtype=np.int64) & BAD_BITS) != 0
        mask = Values(bad, "", "column 'and_mask', bits of bad data", "ignore")
    raw = RawSpectra(wave, values("flux"), ivar, mask, default_medium="vacuum")
    if "wdisp" in columns and "loglam" in columns:
        sigma_aa = np.asarray(hdu.data[columns["wdisp"].name]) * _LN_STEP * 10.0 ** np.asarray(wave.values, dtype=float)
        raw.fwhm_aa = np.where(sigma_aa > 0.0, FWHM_PER_SIGMA * sigma_aa, np.nan)
    _say_unsure(source)
    return observed_spectra(raw, source, options)


def _coadd(source: SourceFile):
    """The HDU of the co-added spectrum, or None."""
    for hdu in source.hdus[:2]:
        names = {name.lower() for name in hdu.columns.names} if getattr(hdu, "columns", None) is not None else set()
        if {"flux", "and_mask"} <= names and names & {"loglam", "wavelength"} and names & set(_IVAR):
            return hdu
    return None


def _say_unsure(source: SourceFile) -> None:
    """Whether SDSS marks its redshift as uncertain."""
    for hdu in source.hdus[1:]:
        columns = getattr(hdu, "columns", None)
        if columns is not None and {"Z", "ZWARNING"} <= set(columns.names) and len(hdu.data):
            if int(hdu.data["ZWARNING"][0]) != 0:
                source.notes.append("SDSS is not sure of this redshift (ZWARNING is set)")
            return
