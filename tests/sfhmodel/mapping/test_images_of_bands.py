"""Images in bands become magnitudes of bins: units, grids, errors, gaps."""

import numpy as np
import pytest
import small_cubes
from astropy.io import fits
from astropy.wcs import WCS

from sfhmodel.description import NEEDED_TRUTHS, ModelDescription
from sfhmodel.errors import ConfigError, InputError
from sfhmodel.mapping import MapOptions
from sfhmodel.mapping.binning import BinMap
from sfhmodel.mapping.photometry import magnitudes_of_bins
from sfhmodel.mapping.photometry.images import maggies_per_unit, read_band_image
from sfhmodel.mapping.photometry.reproject import on_spaxels
from sfhmodel.mapping.sky_frame import SkyFrame
from sfhmodel.mapping.survey import Survey

SHAPE = (6, 8)
C_AA_S = 2.99792458e18


def description():
    """Of a model with three bands."""
    return ModelDescription(
        wave_aa=np.linspace(4800.0, 7000.0, 100),
        age_bin_edges_yr=np.array([0.0, 1e8, 1e9, 1.38e10]),
        bands=tuple({"name": f"TEST/B{i}", "pivot_wave_aa": 3000.0 + 2000.0 * i} for i in range(3)),
        truth_names=NEEDED_TRUTHS,
    )


def frame():
    wcs = WCS(small_cubes.wcs_header(np.array([4700.0, 4701.25]))).celestial
    return SkyFrame(wcs, (0.2 * np.pi / 180.0 / 3600.0) ** 2)


def survey(shape=SHAPE):
    ones = np.ones(shape)
    return Survey(ones, 0.01 * ones, ones > 0.0)


def image_header(step_arcsec, size):
    """North up, the centre of the cube's field in the middle."""
    sky = frame().wcs.pixel_to_world((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2)
    header = fits.Header()
    header["CTYPE1"], header["CTYPE2"], header["CUNIT1"], header["CUNIT2"] = "RA---TAN", "DEC--TAN", "deg", "deg"
    header["CRVAL1"], header["CRVAL2"] = sky.ra.deg, sky.dec.deg
    header["CRPIX1"] = header["CRPIX2"] = (size + 1) / 2
    header["CDELT1"], header["CDELT2"] = -step_arcsec / 3600.0, step_arcsec / 3600.0
    return header


@pytest.mark.parametrize("unit", ["erg/s/cm2/Angstrom", "1e-20 erg/s/cm2/A/arcsec2", "uJy", "MJy/sr", "e-/s", "ABmag"])
def test_one_sky_in_all_units_gives_one_magnitude(unit, tmp_path):
    """A constant 22 AB mag per arcsec2, in pixels of 0.05 arcsec."""
    pivot, area_arcsec2 = 5308.28, 0.05**2
    jy = 3631.0 * 10.0 ** (-0.4 * 22.0) * area_arcsec2
    flam = jy * 1e-23 * C_AA_S / pivot**2
    value = {
        "erg/s/cm2/Angstrom": flam,
        "1e-20 erg/s/cm2/A/arcsec2": flam * 1e20 / area_arcsec2,
        "uJy": jy * 1e6,
        "MJy/sr": jy / 1e6 / (area_arcsec2 * (np.pi / 180 / 3600) ** 2),
        "e-/s": flam / 1e-19,
        "ABmag": -2.5 * np.log10(jy / 3631.0),
    }[unit]
    header = image_header(0.05, 60)
    header["BUNIT"], header["PHOTPLAM"] = unit, pivot
    if unit == "e-/s":
        header["PHOTFLAM"] = 1e-19
    fits.PrimaryHDU(np.full((60, 60), value), header).writeto(tmp_path / "image.fits")
    image = on_spaxels(read_band_image(tmp_path / "image.fits", 5000.0), frame(), SHAPE, "")
    expected = 10.0 ** (-0.4 * 22.0) * 0.2**2
    np.testing.assert_allclose(image.flux, expected, rtol=2e-3)


def test_flux_of_a_star_is_conserved_and_errors_add_in_quadrature(tmp_path):
    size = 61
    header = image_header(0.043, size)
    header["BUNIT"] = "uJy"
    y, x = np.indices((size, size)) - (size - 1) / 2
    star = np.exp(-0.5 * (x**2 + y**2) / 4.0**2)
    hdus = [fits.PrimaryHDU(star, header), fits.ImageHDU(np.full(star.shape, 0.1), header, name="ERROR")]
    fits.HDUList(hdus).writeto(tmp_path / "star.fits")
    image = on_spaxels(read_band_image(tmp_path / "star.fits", 5000.0), frame(), SHAPE, "")
    assert image.flux.sum() * 3631e6 == pytest.approx(star.sum(), rel=5e-3)
    per_spaxel = (0.2 / 0.043) ** 2
    np.testing.assert_allclose(image.error * 3631e6, 0.1 * np.sqrt(per_spaxel), rtol=1e-2)


def test_bins_have_the_light_of_their_spaxels_and_gaps_are_made_up_for(tmp_path):
    header = small_cubes.wcs_header(np.array([4700.0, 4701.25]))
    flux = np.full(SHAPE, 100.0)
    flux[0, 0] = np.nan
    flux[4:, :4] = np.nan
    image = fits.ImageHDU(flux, WCS(header).celestial.to_header(), name="SCI")
    image.header["BUNIT"] = "uJy"
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "b1.fits")
    y, x = np.indices(SHAPE)
    bins = BinMap.of((y // 2) * 2 + x // 4)
    options = MapOptions(bins="spaxel", velocity="0", images={"B1": str(tmp_path / "b1.fits")}, ebv=0.1)
    red = magnitudes_of_bins(options, description(), bins, survey(), frame(), np.full(6, 0.1))
    plain = magnitudes_of_bins(options, description(), bins, survey(), frame(), None)
    expected = -2.5 * np.log10(8 * 100.0 / 3631e6)
    np.testing.assert_allclose(plain.magnitudes[[0, 1, 2, 3, 5], 1], expected, atol=2e-3)
    assert np.isnan(plain.magnitudes[4, 1])
    assert np.isnan(plain.magnitudes[:, [0, 2]]).all()
    assert np.isnan(plain.errors).all()
    np.testing.assert_allclose((plain.magnitudes - red.magnitudes)[[0, 5], 1], 0.1 * 3.1 * 1.13, atol=0.05)


def test_what_is_wrong_is_named(tmp_path):
    path = tmp_path / "image.fits"
    fits.PrimaryHDU(np.ones((5, 5))).writeto(path)
    with pytest.raises(InputError, match="neither PHOTFLAM nor a zero point"):
        read_band_image(path, 5000.0)
    fits.setval(path, "ABZP", value=25.0)
    image = read_band_image(path, 5000.0)
    assert image.flux[0, 0] == pytest.approx(1e-10)
    with pytest.raises(InputError, match="the image has no celestial coordinates, and the image has 5 x 5"):
        on_spaxels(image, frame(), SHAPE, str(path))
    with pytest.raises(InputError, match="per area, and the header has no WCS"):
        maggies_per_unit({}, "MJy/sr", 5000.0, None, "it")
    far = image_header(0.2, 5)
    far["CRVAL1"], far["BUNIT"] = 25.0, "uJy"
    fits.PrimaryHDU(np.ones((5, 5)), far).writeto(tmp_path / "far.fits")
    with pytest.raises(InputError, match="does not overlap"):
        on_spaxels(read_band_image(tmp_path / "far.fits", 5000.0), frame(), SHAPE, "it")
    both = MapOptions(bins="spaxel", images={"B1": str(path), "TEST/B1": str(path)})
    with pytest.raises(InputError, match="the same band"):
        magnitudes_of_bins(both, description(), BinMap.of(np.zeros((5, 5))), survey((5, 5)), SkyFrame(None, None), None)
    with pytest.raises(ConfigError, match="but no images"):
        MapOptions(image_errors={"B1": str(path)})
    with pytest.raises(ConfigError, match="there is no file"):
        MapOptions(images={"B1": str(tmp_path / "none.fits")})
