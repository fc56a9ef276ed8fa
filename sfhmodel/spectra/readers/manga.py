"""MaNGA: HDUs FLUX, IVAR, MASK, WAVE (vacuum), of a cube (LOGCUBE, LINCUBE), of rows (RSS) or of one spectrum.

Spaxels of a cube are correlated: the error of a sum of N spaxels is (1 + 1.62 log10 N) times that of independent
ones, at most 4.2 times (Law et al. 2016, AJ 152, 83, eq. 9). Bits of the mask: NOCOV 0, FORESTAR 3, DONOTUSE 10.
"""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.cubes import spectrum_of_cube
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile, plain_name
from sfhmodel.spectra.units import to_angstrom, to_error

DESCRIPTION = "MaNGA: HDUs FLUX, IVAR, MASK, WAVE; a cube, rows of fibres, or one spectrum"

BAD_BITS = (1 << 0) | (1 << 3) | (1 << 10)


def recognises(source: SourceFile) -> bool:
    """A FITS file with HDUs called FLUX, IVAR and WAVE."""
    return source.kind == "fits" and {"FLUX", "IVAR", "WAVE"} <= {hdu.name.upper() for hdu in source.hdus}


def read(source: SourceFile, options: ReadOptions) -> list[ObservedSpectrum]:
    """One spaxel or the sum of a cube; every fibre of rows; or the one spectrum."""
    wave_aa = to_angstrom(source.hdus["WAVE"].data, options.wave_unit)
    flux = np.asarray(source.hdus["FLUX"].data, dtype=np.float64)
    error = to_error(source.hdus["IVAR"].data, "inverse_variance")
    good = np.isfinite(error)
    if "MASK" in source.hdus:
        good &= (np.asarray(source.hdus["MASK"].data, dtype=np.int64) & BAD_BITS) == 0
    rest = {"medium": source.medium(options, "vacuum"), "redshift": source.redshift(options)}
    if flux.ndim == 3:
        one = spectrum_of_cube(flux, error, good, options.spaxel, source.notes, covariance_factor)
        name = "" if options.spaxel is None else "{}-{}-{}".format(plain_name(source.path), *options.spaxel)
        return [source.spectrum(wave_aa, *one, name=name, **rest)]
    if options.spaxel is not None:
        raise InputError(f"there are no spaxels: FLUX has shape {flux.shape}, leave --spaxel away")
    if flux.ndim == 1:
        return [source.spectrum(wave_aa, flux, error, good, **rest)]
    waves = np.broadcast_to(wave_aa, flux.shape)
    return [
        source.spectrum(waves[k], flux[k], error[k], good[k], name=f"{plain_name(source.path)}-{k + 1}", **rest)
        for k in range(flux.shape[0])
    ]


def covariance_factor(n_spaxel: int) -> float:
    """By how much the error of a sum exceeds that of independent spaxels."""
    return min(1.0 + 1.62 * float(np.log10(n_spaxel)), 4.2)
