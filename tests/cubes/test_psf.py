"""Kernels of the width asked for, that move flux and make none."""

import numpy as np
import pytest

from sfhsim.cubes.model import PSF, SkyField
from sfhsim.cubes.psf import add_points, convolve, fwhm_arcsec, kernels, reach_pixels

FIELD = SkyField(pixel_arcsec=0.1)


@pytest.mark.parametrize("model", ["moffat", "gaussian"])
@pytest.mark.parametrize("wave_aa", [4800.0, 5500.0, 9000.0])
def test_kernels_have_the_width_asked_for(model, wave_aa):
    psf = PSF(model=model, fwhm_arcsec=1.0)
    kernel = kernels(psf, FIELD, np.array([wave_aa]), 50)[0]
    across = kernel[50, 50:]
    half = np.interp(-0.5 * across[0], -across, np.arange(51)) * 0.2  # to both sides
    assert half == pytest.approx((wave_aa / 5500.0) ** -0.2, rel=1e-2)  # pixels add a little


def test_a_kernel_without_pixels_to_speak_of_is_the_profile():
    """Moffat's own numbers at the FWHM and twice that."""
    psf = PSF(fwhm_arcsec=4.0, beta=2.8, wavelength_exponent=0.0)
    kernel = kernels(psf, FIELD, np.array([5500.0]), 160)[0]
    alpha = 4.0 / (2.0 * np.sqrt(2.0 ** (1 / 2.8) - 1.0))
    for arcsec in (2.0, 4.0, 8.0):
        expected = (1.0 + (arcsec / alpha) ** 2) ** -2.8
        assert kernel[160, 160 + round(arcsec / 0.1)] / kernel[160, 160] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("model", ["moffat", "gaussian"])
def test_flux_is_conserved(model):
    psf = PSF(model=model, fwhm_arcsec=0.6)
    reach = reach_pixels(psf, FIELD, np.array([5500.0]))
    kernel = kernels(psf, FIELD, np.array([5500.0, 6500.0]), reach)
    planes = np.zeros((2, 40 + 2 * reach + 60, 50 + 2 * reach + 60))
    planes[:, reach + 45 : reach + 50, reach + 50 : reach + 60] = np.random.default_rng(1).uniform(1, 5, (2, 5, 10))
    seen = convolve(planes, kernel)
    assert seen.shape == (2, 100, 110)
    assert seen.sum(axis=(1, 2)) == pytest.approx(planes.sum(axis=(1, 2)), rel=1e-12)
    assert seen.max() < planes.max()


def test_light_comes_in_from_the_margins():
    """An even surface stays even up to the edge."""
    psf = PSF(fwhm_arcsec=0.6)
    reach = reach_pixels(psf, FIELD, np.array([4800.0, 7000.0]))
    kernel = kernels(psf, FIELD, np.array([4800.0]), reach)
    assert convolve(np.full((1, 9 + 2 * reach, 8 + 2 * reach), 3.0), kernel) == pytest.approx(np.full((1, 9, 8), 3.0))


def test_without_a_psf_nothing_changes():
    psf = PSF(model="none")
    assert reach_pixels(psf, FIELD, np.array([5500.0])) == 0
    planes = np.random.default_rng(1).normal(size=(2, 4, 5))
    assert (convolve(planes, kernels(psf, FIELD, np.array([5500.0, 5600.0]), 0)) == planes).all()


def test_the_reach_is_that_of_the_widest():
    psf = PSF(fwhm_arcsec=0.8)
    assert reach_pixels(psf, FIELD, np.array([4750.0, 9300.0])) == int(np.ceil(4 * fwhm_arcsec(psf, 4750.0) / 0.1))


def test_points_are_what_a_convolution_makes_of_them():
    """Also where their kernel reaches out of the field; fluxes of the same pixel add up."""
    psf = PSF(fwhm_arcsec=0.5)
    wave_aa = np.array([5000.0, 7000.0])
    reach = reach_pixels(psf, FIELD, wave_aa)
    kernel = kernels(psf, FIELD, wave_aa, reach)
    y, x, flux = np.array([0, 9, 9]), np.array([14, 3, 3]), np.array([[1.0, 2.0], [3.0, 5.0], [1.0, 1.0]])
    planes = np.zeros((2, 12 + 2 * reach, 15 + 2 * reach))
    np.add.at(planes, (slice(None), y + reach, x + reach), flux.T)
    seen = np.full((2, 12, 15), 0.5)
    add_points(seen, kernel, y, x, flux)
    assert seen - 0.5 == pytest.approx(convolve(planes, kernel), abs=1e-12)
