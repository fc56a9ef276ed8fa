"""Made-up spectra in files, for the tests of readers."""

import numpy as np
from astropy.io import fits

from sfhmodel.spectra import ReadOptions, read_spectra

WAVE_AA = 4000.0 + 2.0 * np.arange(1500)
FLUX = 5.0 + np.sin(WAVE_AA / 300.0)


def only(path, **options):
    (spectrum,) = read_spectra(path, ReadOptions(**options))
    return spectrum


def write(path, *hdus):
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def image(data, name, **cards):
    hdu = fits.ImageHDU(np.asarray(data), name=name)
    hdu.header.update(cards)
    return hdu
