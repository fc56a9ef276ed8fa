"""MaNGA: HDUs FLUX, IVAR, MASK, WAVE (vacuum), of a cube (LOGCUBE, LINCUBE), of rows (RSS, stacks) or of one spectrum.

Spaxels of a cube are correlated: the error of a sum of N spaxels is (1 + 1.62 log10 N) times that of independent
ones, at most 4.2 times (Law et al. 2016, AJ 152, 83, eq. 9). Bits of the mask: NOCOV 0, FORESTAR 3, DONOTUSE 10.
The resolution is that of the HDU SPECRES, where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.assembly import observed_spectra
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import RawSpectra, Values
from sfhmodel.spectra.readers.cube import spectra_of_cube
from sfhmodel.spectra.source import SourceFile

DESCRIPTION = "MaNGA: HDUs FLUX, IVAR, MASK, WAVE; a cube, rows of fibres, or one spectrum"

BAD_BITS = (1 << 0) | (1 << 3) | (1 << 10)


def recognises(source: SourceFile) -> bool:
    """A FITS file with HDUs called FLUX, IVAR and WAVE."""
    return source.kind == "fits" and {"FLUX", "IVAR", "WAVE"} <= {hdu.name.upper() for hdu in source.hdus}


def read(source: SourceFile, options: ReadOptions) -> Iterable[ObservedSpectrum]:
    """One spaxel or the sum of a cube; every fibre of rows; or the one spectrum."""
    wave, flux, ivar = (_values(source, name) for name in ("WAVE", "FLUX", "IVAR"))
    mask = _mask(source, options) if "MASK" in source.hdus else None
    data = flux.values
    if data.ndim == 3:
        flux, ivar, mask = (None if v is None else _spectra_last(v) for v in (flux, ivar, mask))
    elif options.spaxel is not None:
        raise InputError(f"there are no spaxels: FLUX has shape {data.shape}, leave --spaxel away")
    raw = RawSpectra(wave, flux, ivar, mask, default_medium="vacuum", fwhm_aa=fwhm_aa(source))
    if data.ndim == 3:
        return spectra_of_cube(raw, source, options, covariance_factor)
    return observed_spectra(raw, source, options)


def _values(source: SourceFile, name: str) -> Values:
    hdu = source.hdus[name]
    kind = "inverse_variance" if name == "IVAR" else ""
    return Values(np.asarray(hdu.data), str(hdu.header.get("BUNIT", "")), f"HDU {name}", kind)


def _mask(source: SourceFile, options: ReadOptions) -> Values:
    """Bad pixels: by MaNGA's bits, or all that are not zero where the mask has one value only or the user says so."""
    mask = np.asarray(source.hdus["MASK"].data)
    if options.mask_means is not None or mask.dtype.kind not in "iu" or np.unique(mask[mask != 0]).size < 2:
        return Values(mask, "", "HDU MASK", "ignore")
    return Values((mask.astype(np.int64) & BAD_BITS) != 0, "", "HDU MASK, bits NOCOV, FORESTAR, DONOTUSE", "ignore")


def _spectra_last(values: Values) -> Values:
    return Values(np.moveaxis(values.values, 0, -1), values.unit, values.where, values.kind)


def fwhm_aa(source: SourceFile) -> np.ndarray | None:
    """Wavelength over the resolving power of the HDU SPECRES, (m,)."""
    if "SPECRES" not in source.hdus or source.hdus["SPECRES"].data is None:
        return None
    power, wave_aa = (np.asarray(source.hdus[name].data, dtype=np.float64) for name in ("SPECRES", "WAVE"))
    if power.shape != wave_aa.shape:
        return None
    return np.divide(wave_aa, power, out=np.full(power.shape, np.nan), where=power > 0.0)


def covariance_factor(n_spaxel: int) -> float:
    """By how much the error of a sum exceeds that of independent spaxels."""
    return min(1.0 + 1.62 * float(np.log10(n_spaxel)), 4.2)
