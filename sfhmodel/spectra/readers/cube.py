"""FITS cubes with a wavelength axis: MUSE (DATA, STAT, DQ), JWST s3d, CALIFA, PMAS, GMOS, KCWI, SAMI and others."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sfhmodel.spectra import fits_images, vocabulary
from sfhmodel.spectra.assembly import Calibrated, calibrated, split
from sfhmodel.spectra.columns import UnclearLayoutError
from sfhmodel.spectra.cubes import spectrum_of_cube
from sfhmodel.spectra.fits_axis import Axis, has_bands, spectral_axis
from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import RawSpectra, Values
from sfhmodel.spectra.source import SourceFile, plain_name

DESCRIPTION = "FITS cube with a wavelength axis, e.g. MUSE (DATA, STAT, DQ), JWST s3d, CALIFA; one spaxel or the sum"


def recognises(source: SourceFile) -> bool:
    """A FITS file whose flux is an image of three axes."""
    return source.kind == "fits" and cube_image(fits_images.images_of(source)) is not None


def read(source: SourceFile, options: ReadOptions) -> Iterable[ObservedSpectrum]:
    """One spaxel, or the sum of all. Errors of a sum are those of independent spaxels."""
    found = fits_images.images_of(source)
    flux = cube_image(found)
    if flux is None:
        raise UnclearLayoutError("there is no cube in it")
    fits_images.say_unused(found, flux, source.notes)
    axis = cube_axis(source, found, flux)
    parts = (
        flux.values(),
        fits_images.error_values(found, flux),
        fits_images.mask_values(found, flux, axis.index),
    )
    raw = RawSpectra(axis.wave, *(_spectra_last(values, axis.index) for values in parts), medium=axis.medium)
    return spectra_of_cube(raw, source, options)


def spectra_of_cube(raw: RawSpectra, source: SourceFile, options: ReadOptions, covariance_factor=None):
    """The spaxel that is wanted, or the sum, of arrays (n_y, n_x, m)."""
    arrays = calibrated(raw, options, source.notes)
    good = np.isfinite(arrays.flux) if arrays.good is None else arrays.good & np.isfinite(arrays.flux)
    if arrays.sigma is not None:
        good = good & np.isfinite(arrays.sigma) & (arrays.sigma > 0.0)
        if options.spaxel is None and covariance_factor is None:
            source.notes.append("the error of the sum is that of independent spaxels: correlated ones have more")
    first = [None if x is None else np.moveaxis(x, -1, 0) for x in (arrays.flux, arrays.sigma, good)]
    one = spectrum_of_cube(*first, options.spaxel, source.notes, covariance_factor)
    name = "" if options.spaxel is None else "{}-{}-{}".format(plain_name(source.path), *options.spaxel)
    raw.names = [name]
    return split(Calibrated(arrays.wave_aa, *one), raw, source, options)


def cube_image(found: list[fits_images.Image]) -> fits_images.Image | None:
    """The flux among the images of three axes; None where the flux is another, or there is none."""
    cubes = [i for i in found if len(fits_images.long_axes(i.shape)) == 3 and not has_bands(i.hdu.header)]
    chosen, of_all = fits_images.flux_image(cubes), fits_images.flux_image(found)
    if chosen is not None and chosen.role != "flux" and of_all is not None and of_all.role == "flux":
        return None
    return chosen


def cube_axis(source: SourceFile, found: list[fits_images.Image], flux: fits_images.Image) -> Axis:
    wave = fits_images.wavelength_values(source, [image for image in found if len(image.shape) == 1], flux.shape)
    if wave is not None and wave.values.ndim == 1:
        # where several axes are as long, the first of the array is the spectral one, as in every known layout
        index = min(k for k, length in enumerate(flux.shape) if length == wave.values.size)
        return Axis(index, wave, vocabulary.medium_of(wave.where))
    return spectral_axis(flux.hdu, source.hdus, flux.where)


def _spectra_last(values: Values | None, index: int) -> Values | None:
    """(n_y, n_x, m), of an array with its spectral axis anywhere and perhaps axes of one element."""
    if values is None:
        return None
    data = np.moveaxis(np.asarray(values.values), index, -1)
    spatial = [n for n in data.shape[:-1] if n > 1]
    return Values(data.reshape(*spatial, data.shape[-1]), values.unit, values.where, values.kind)
