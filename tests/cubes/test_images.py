"""Images of bands beside a cube, and foreground stars in both."""

import numpy as np
import pytest
from astropy.io import fits
from miniature import BANDS

from sfhsim.cubes.galaxy import galaxy_maps
from sfhsim.cubes.layout import Grid
from sfhsim.cubes.spaxels import SpaxelSimulator
from sfhsim.cubes.stars import StarField
from sfhsim.instrument import load_filter
from sfhsim.instrument.lsf import NoLSF


def test_magnitudes_of_an_image_are_those_of_its_spaxels(made_plain, small_model, library):
    model = small_model({"psf": {"model": "none"}})
    spaxels = SpaxelSimulator(model, galaxy_maps(model.galaxy, Grid(model.field)), with_bands=True, library=library)
    rows = slice(50, 60)
    parameters = spaxels.parameters[rows]
    magnitudes = spaxels.batch(parameters).noise_free_photometry
    expected = magnitudes - 2.5 * np.log10(spaxels.scale(parameters) * 1e-20)[:, None]
    assert [p.name for p in made_plain.images] == [f"cube_{band.replace('/', '_')}.fits" for band in BANDS]
    for k, path in enumerate(made_plain.images):
        with fits.open(path) as opened:
            opened.verify("exception")
            header, flux, error = opened[0].header, opened[0].data, opened["ERROR"].data
        assert header["FILTER"] == BANDS[k]
        assert header["ABZP"] - 2.5 * np.log10(flux.ravel()[rows]) == pytest.approx(expected[:, k], abs=1e-4)
        assert error == pytest.approx(flux * 0.05 * np.log(10) / 2.5, rel=1e-4)


def test_an_image_agrees_with_the_cube_in_its_band(made_plain):
    """F555W reaches beyond the planes: to a few percent, the mean of the cube under the curve."""
    with fits.open(made_plain.cube) as opened:
        header, data = opened["DATA"].header, opened["DATA"].data
    wave_aa = header["CRVAL3"] + header["CD3_3"] * np.arange(len(data))
    band = load_filter("HST/WFC3_UVIS.F555W")
    weight = np.interp(wave_aa, band.wave_aa, band.throughput) * wave_aa
    from_cube = np.tensordot(weight / weight.sum(), data, axes=1)
    image = fits.getdata(next(p for p in made_plain.images if "F555W" in p.name))
    assert image / from_cube == pytest.approx(np.ones(image.shape), abs=0.15)


def test_stars_have_their_magnitudes_and_lines():
    one = np.array([0])
    cool, hot = (StarField(one, one, np.array([t]), np.array([18.0]), np.zeros(1)) for t in (4000.0, 9500.0))
    wave_aa = np.arange(4800.0, 7000.0, 1.0)
    expected = 10 ** (-0.4 * (18.0 + 48.6)) * 2.99792458e18 / 5500.0**2
    for star in (cool, hot):
        flux = star.spectra(wave_aa, NoLSF())[0]
        assert flux[wave_aa == 5500.0][0] == pytest.approx(expected, rel=0.02)
        # the continuum turns the colour: AB magnitudes of a black body are near each other at one wavelength
        assert -2.5 * np.log10(star.band_fluxes(load_filter("HST/WFC3_UVIS.F555W"))[0]) == pytest.approx(
            -2.5 * np.log10(expected), abs=0.1
        )

    def depth(star, line_aa, width_aa):
        flux = star.spectra(wave_aa, NoLSF())[0]
        near, beside = (flux[np.abs(wave_aa - at) < width_aa].mean() for at in (line_aa, line_aa + 30.0))
        return 1.0 - near / beside

    assert depth(hot, 6562.8, 10.0) > 0.2 > 3 * abs(depth(cool, 6562.8, 10.0))
    assert depth(cool, 5893.0, 5.0) > 0.2 > 3 * abs(depth(hot, 5893.0, 5.0))


def test_stars_move():
    one, hot = np.array([0]), np.array([9500.0])
    wave_aa = np.arange(6500.0, 6640.0, 0.5)
    stars = [StarField(one, one, hot, np.array([18.0]), np.array([kms])) for kms in (0.0, 300.0)]
    lowest = [wave_aa[star.spectra(wave_aa, NoLSF())[0].argmin()] for star in stars]
    assert lowest[1] - lowest[0] == pytest.approx(6562.8 * 300.0 / 299792.458, abs=0.6)
