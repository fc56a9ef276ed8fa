"""Noise of the size that STAT says, correlated as asked, the same for every way of making it."""

import numpy as np
import pytest
from astropy.io import fits

from sfhsim.cubes.model import CubeNoise, SkyField
from sfhsim.cubes.noise import covariance_factor, neighbour_weight, noise_model
from sfhsim.instrument import make_lsf

FIELD = SkyField(n_x=60, n_y=50, start_aa=5000.0, stop_aa=5100.0, step_aa=2.0)  # without lines of the sky


def model_of(**changes):
    return noise_model(CubeNoise(**changes), FIELD, make_lsf("muse"), np.full(FIELD.wave_aa.size, 50.0))


@pytest.mark.parametrize(("spatial", "spectral"), [(0.0, 0.0), (0.3, 0.1), (0.6, 0.5)])
def test_deviates_have_unit_variance_and_the_correlations_asked_for(spatial, spectral):
    noise = model_of(spatial_correlation=spatial, spectral_correlation=spectral)
    values = noise.deviates(7, 0, (51, 50, 60)).astype(float)
    assert values.shape == (51, 50, 60)
    assert values.mean() == pytest.approx(0.0, abs=0.02)
    assert values.var() == pytest.approx(1.0, abs=0.02)
    for axis, expected in ((0, spectral), (1, spatial), (2, spatial)):
        moved = np.moveaxis(values, axis, 0)
        assert (moved[1:] * moved[:-1]).mean() == pytest.approx(expected, abs=0.02)
        assert (moved[3:] * moved[:-3]).mean() == pytest.approx(0.0, abs=0.02)


def test_sums_have_more_noise_by_the_covariance_factor():
    noise = model_of(spatial_correlation=0.3, spectral_correlation=0.0)
    sums = noise.deviates(1, 0, (51, 50, 60)).astype(float).reshape(51, 2, 25, 2, 30).sum(axis=(2, 4))
    # blocks of 25 x 30 spaxels have edges, hence a little less
    assert sums.std() / np.sqrt(25 * 30) == pytest.approx(covariance_factor(0.3, 2), rel=0.12)
    assert covariance_factor(0.0, 2) == 1.0
    assert covariance_factor(0.3, 2) == covariance_factor(0.3, 1) ** 2 > 1.5


def test_the_weight_of_neighbours_gives_their_correlation():
    for correlation in (0.0, 0.1, 0.65):
        a = neighbour_weight(correlation)
        assert 2 * a / (1 + 2 * a * a) == pytest.approx(correlation)


def test_planes_are_the_same_however_many_are_asked_for():
    noise = model_of(bad_pixel_share=0.01)
    at_once = noise.deviates(3, 0, (6, 50, 60))
    assert (noise.deviates(3, 2, (3, 50, 60)) == at_once[2:5]).all()
    lost = noise.bad_pixels(3, 0, (6, 50, 60))
    assert (noise.bad_pixels(3, 4, (2, 50, 60)) == lost[4:]).all()
    assert lost.mean() == pytest.approx(0.01, rel=0.2)
    assert not model_of(bad_pixel_share=0.0).bad_pixels(3, 0, (2, 50, 60)).any()
    assert (noise.deviates(4, 0, (1, 50, 60)) != at_once[:1]).mean() > 0.99


def test_the_variance_is_that_of_photons():
    """By hand at 5000 A: 48.5 m2, 2400 s, 0.3, 2 A, and a sky of AB 21.2 in 0.04 square arcseconds."""
    noise = model_of()
    photons = 1e-20 * 48.5e4 * 2400 * 0.3 * 2.0 * 5000 / (6.62607015e-27 * 2.99792458e18)
    sky = 10 ** (-0.4 * (21.2 + 48.6)) * 2.99792458e18 / 5000**2 * 0.04 / 1e-20
    flux = np.array([[[-5.0, 0.0, 100.0]]])
    assert noise.variance(flux, 0)[0, 0] == pytest.approx((np.array([0.0, 0.0, 100.0]) + sky) / photons, rel=1e-9)


def test_the_signal_to_noise_asked_for_sets_the_exposure():
    noise = model_of(snr_at_re=12.0)
    flux = np.full((51, 1, 1), 50.0)
    assert np.median(flux / np.sqrt(noise.variance(flux, 0))) == pytest.approx(12.0)
    assert noise.exposure_s != 2400.0


def test_lines_of_the_sky_are_noisy():
    field = SkyField(start_aa=5500.0, stop_aa=5650.0)
    noise = noise_model(CubeNoise(), field, make_lsf("muse"), np.ones(field.wave_aa.size))
    assert field.wave_aa[noise.sky.argmax()] == pytest.approx(5577.34, abs=1.0)
    excess = (noise.sky / np.median(noise.sky) - 1.0).sum() * 1.25
    assert excess == pytest.approx(150.0, rel=0.05)
    dark = noise_model(CubeNoise(sky_lines=False), field, make_lsf("muse"), np.ones(field.wave_aa.size))
    assert dark.sky.max() / dark.sky.min() < 1.1


def test_the_noise_of_a_cube_is_that_of_its_stat(made, small_model, library, tmp_path):
    from sfhsim.cubes import make_cube

    silent = make_cube(small_model({"noise": {"add": False}}), tmp_path / "silent.fits", seed=3, library=library)
    noisy, free, stat, silent_stat = (
        fits.getdata(path, name)
        for path, name in ((made.cube, "DATA"), (silent.cube, "DATA"), (made.cube, "STAT"), (silent.cube, "STAT"))
    )
    deviates = (noisy - free) / np.sqrt(stat)
    assert np.nanstd(deviates) == pytest.approx(1.0, abs=0.02)
    assert np.nanmean(deviates[:, :, 1:] * deviates[:, :, :-1]) == pytest.approx(0.2, abs=0.03)
    good = np.isfinite(stat)
    assert stat[good] == pytest.approx(silent_stat[good], rel=1e-4)  # bands share a basis with the pixels
    assert np.isfinite(silent_stat).all()
