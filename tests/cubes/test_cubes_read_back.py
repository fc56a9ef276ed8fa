"""A mock cube is a cube to the reader of observed spectra."""

import numpy as np
import pytest
from astropy.io import fits

from sfhmodel.spectra import ReadOptions, read_spectra


def test_a_spaxel_of_it_is_read_as_of_any_cube(made):
    (spectrum,) = read_spectra(made.cube, ReadOptions(spaxel=(7, 3)))
    with fits.open(made.cube) as opened:
        flux, stat = (opened[name].data[:, 3, 7].astype(float) for name in ("DATA", "STAT"))
        good = opened["DQ"].data[:, 3, 7] == 0
    assert spectrum.medium == "air"
    assert spectrum.redshift == pytest.approx(0.01)
    assert spectrum.wave_aa == pytest.approx(4800.0 + 5.0 * np.arange(441))
    ratio = spectrum.flux[good] / flux[good]
    assert ratio == pytest.approx(np.full(good.sum(), ratio[0]), rel=1e-5)
    assert (spectrum.flux_error / np.sqrt(stat))[good] == pytest.approx(np.full(good.sum(), ratio[0]), rel=1e-5)
