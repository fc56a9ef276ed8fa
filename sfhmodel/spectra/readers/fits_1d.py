"""FITS images of one spectrum, with wavelengths from the header: SAURON, IRAF, and most else.

Errors may stand in an HDU called ERROR, ERR, STAT, VARIANCE or IVAR of the same length.
"""

from __future__ import annotations

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.source import SourceFile
from sfhmodel.spectra.units import per_angstrom, to_error
from sfhmodel.spectra.wcs import axis_wavelengths

DESCRIPTION = "FITS image of one spectrum with a wavelength axis in its header (linear or logarithmic)"

ERROR_HDUS = {
    "ERROR": "error",
    "ERR": "error",
    "SIGMA": "error",
    "STAT": "variance",
    "VAR": "variance",
    "VARIANCE": "variance",
    "IVAR": "inverse_variance",
}


def recognises(source: SourceFile) -> bool:
    """A FITS file whose first image is one spectrum."""
    hdu = first_image(source) if source.kind == "fits" else None
    return hdu is not None and _n_axes(hdu) == 1


def read(source: SourceFile, options: ReadOptions) -> list[ObservedSpectrum]:
    """The spectrum of the first image."""
    hdu = first_image(source)
    if hdu is None or _n_axes(hdu) != 1:
        raise InputError("there is no image of one spectrum in it")
    wave_aa, medium = axis_wavelengths(hdu.header, 1, options.wave_unit)
    unit = hdu.header.get("BUNIT")
    flux = np.ravel(hdu.data)
    error = error_of(source, options, flux.shape)
    return [
        source.spectrum(
            wave_aa,
            per_angstrom(flux, unit, wave_aa),
            None if error is None else per_angstrom(error, unit, wave_aa),
            medium=options.medium or medium or source.medium(options, "air"),
            redshift=source.redshift(options),
        )
    ]


def first_image(source: SourceFile):
    """The first HDU with an image, or None."""
    return next((hdu for hdu in source.hdus if getattr(hdu, "is_image", False) and hdu.header["NAXIS"] > 0), None)


def error_of(source: SourceFile, options: ReadOptions, shape: tuple[int, ...]) -> np.ndarray | None:
    """One sigma of an HDU whose name says that it holds errors, of the given number of values; None without one."""
    for hdu in source.hdus:
        kind = ERROR_HDUS.get(hdu.name.upper())
        if kind and hdu.data is not None and hdu.data.size == int(np.prod(shape)):
            return to_error(hdu.data, options.error_is or kind).reshape(shape)
    return None


def _n_axes(hdu) -> int:
    """Axes with more than one element."""
    return sum(hdu.header[f"NAXIS{k + 1}"] > 1 for k in range(hdu.header["NAXIS"]))
