"""Noise of the samples: S/N as drawn, errors that describe the noise, photometric errors by band."""

import numpy as np
import pytest
from miniature import BANDS

from sfhsim.synthesis import synthesize_galaxy

MAG_PER_RELATIVE_FLUX = 2.5 / np.log(10)


@pytest.mark.parametrize("model", ["constant", "poisson"])
def test_median_signal_to_noise_is_as_drawn(make_simulator, model):
    snr = {"distribution": "log_uniform", "min": 5.0, "max": 200.0}
    batch = make_simulator(noise={"model": model, "snr": snr}).batch(np.arange(50))
    median = np.median(batch.noise_free_spectrum / batch.spectrum_error, axis=1)
    np.testing.assert_allclose(median, batch.draws.values["snr"], rtol=1e-4)


@pytest.mark.parametrize("model", ["constant", "poisson"])
def test_errors_describe_the_noise(make_simulator, model):
    batch = make_simulator(noise={"model": model, "snr": 30.0}).batch(np.arange(60))
    deviate = (batch.spectrum - batch.noise_free_spectrum) / batch.spectrum_error
    n = deviate.size
    assert np.mean(deviate**2) == pytest.approx(1.0, abs=5 * np.sqrt(2 / n) + 1e-3)
    assert np.mean(deviate) == pytest.approx(0.0, abs=5 / np.sqrt(n))
    assert np.mean(deviate**4) == pytest.approx(3.0, abs=5 * np.sqrt(96 / n) + 5e-3)


def test_constant_noise_is_the_same_everywhere_and_poisson_follows_flux(make_simulator):
    constant = make_simulator(noise={"model": "constant", "snr": 30.0}).batch([0])
    assert np.ptp(constant.spectrum_error) == 0.0
    poisson = make_simulator(noise={"model": "poisson", "snr": 30.0}).batch([0])
    per_flux = poisson.spectrum_error[0].astype(np.float64) ** 2 / poisson.noise_free_spectrum[0]
    np.testing.assert_allclose(per_flux, per_flux[0], rtol=1e-4)


def test_a_curve_shapes_the_error(make_simulator):
    curve = {"wave_aa": [4700.0, 7100.0], "relative_snr": [1.0, 3.0]}
    batch = make_simulator(noise={"model": "constant", "snr": 30.0, "curve": curve}).batch([0])
    error = batch.spectrum_error[0]
    wave = np.linspace(4800.0, 7000.0, error.size)
    relative = np.interp(wave, curve["wave_aa"], curve["relative_snr"])
    np.testing.assert_allclose(error * relative, error[0] * relative[0], rtol=1e-4)


@pytest.mark.parametrize("model", ["none", "constant", "poisson", "proportional"])
def test_errors_are_those_of_the_readable_path(make_simulator, library, model):
    curve = {"wave_aa": [4700.0, 7100.0], "relative_snr": [1.0, 3.0]}
    simulator = make_simulator(basis_tolerance=0.0, noise={"model": model, "snr": 30.0, "curve": curve})
    batch = simulator.batch([2])
    galaxy = synthesize_galaxy(simulator.recipe, library=library, draws=batch.draws)
    scale = simulator.flux_scale(batch.draws)[0] / batch.draws.values["total_mass_msun"][0]
    error = galaxy.spectrum_error(simulator.recipe) * scale
    np.testing.assert_allclose(batch.spectrum_error[0], error, rtol=2e-3)


def test_without_noise_there_is_none(make_simulator):
    simulator = make_simulator(noise={"model": "none"}, photometry={"filters": list(BANDS), "error_mag": 0.0})
    batch = simulator.batch(np.arange(3))
    np.testing.assert_array_equal(batch.spectrum, batch.noise_free_spectrum)
    assert not batch.spectrum_error.any()
    np.testing.assert_array_equal(batch.photometry, batch.noise_free_photometry.astype(np.float32))
    assert not batch.photometry_error.any()
    assert "snr" not in simulator.plan.names


def test_photometric_errors_are_those_of_each_band(make_simulator):
    error_mag = dict(zip(BANDS, (0.02, 0.1, {"distribution": "uniform", "min": 0.03, "max": 0.06}), strict=True))
    batch = make_simulator(photometry={"filters": list(BANDS), "error_mag": error_mag}).batch(np.arange(400))
    asked = np.stack([batch.draws.values[f"photometry_error_mag.{band}"] for band in BANDS], axis=1)
    ratio = 10 ** (-0.4 * (batch.photometry - batch.noise_free_photometry))  # noisy over noise-free flux
    deviate = (ratio - 1) / (asked / MAG_PER_RELATIVE_FLUX)
    spread = 5 / np.sqrt(2 * len(batch))
    np.testing.assert_allclose(deviate.std(axis=0), 1.0, atol=spread)
    np.testing.assert_allclose(deviate.mean(axis=0), 0.0, atol=5 / np.sqrt(len(batch)))
    np.testing.assert_allclose(batch.photometry_error * ratio, asked, rtol=1e-3)


def test_a_recipe_without_bands(make_simulator):
    batch = make_simulator(photometry={"filters": []}).batch(np.arange(3))
    assert batch.photometry.shape == batch.photometry_error.shape == (3, 0)
