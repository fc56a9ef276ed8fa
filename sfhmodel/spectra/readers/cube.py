"""FITS cubes with a wavelength axis in the header: MUSE (DATA and STAT), CALIFA, SAMI and others."""

from __future__ import annotations

import numpy as np

from sfhmodel.spectra.cubes import spectrum_of_cube
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.readers.fits_1d import error_of, first_image
from sfhmodel.spectra.source import SourceFile, plain_name
from sfhmodel.spectra.wcs import axis_wavelengths

DESCRIPTION = "FITS cube with a wavelength axis in its header, e.g. MUSE (DATA, STAT); one spaxel or the sum"


def recognises(source: SourceFile) -> bool:
    """A FITS file whose first image has three axes."""
    hdu = first_image(source) if source.kind == "fits" else None
    return hdu is not None and hdu.header["NAXIS"] == 3 and all(hdu.header[f"NAXIS{k}"] > 1 for k in (1, 2, 3))


def read(source: SourceFile, options: ReadOptions) -> list[ObservedSpectrum]:
    """One spaxel, or the sum of all. Errors of a sum are those of independent spaxels."""
    hdu = first_image(source)
    wave_aa, medium = axis_wavelengths(hdu.header, 3, options.wave_unit)
    flux = np.asarray(hdu.data, dtype=np.float64)
    error = error_of(source, options, flux.shape)
    good = np.isfinite(flux) if error is None else np.isfinite(flux) & np.isfinite(error)
    if options.spaxel is None and error is not None:
        source.notes.append("the error of the sum is that of independent spaxels: correlated ones have more")
    name = "" if options.spaxel is None else "{}-{}-{}".format(plain_name(source.path), *options.spaxel)
    return [
        source.spectrum(
            wave_aa,
            *spectrum_of_cube(flux, error, good, options.spaxel, source.notes),
            medium=options.medium or medium or source.medium(options, "air"),
            redshift=source.redshift(options),
            name=name,
        )
    ]
