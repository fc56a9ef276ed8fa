"""Noise models: definitions, moments and bad input."""

import numpy as np
import pytest

from sfhsim.errors import CoverageError, RecipeError
from sfhsim.histories.parameters import Parameter
from sfhsim.instrument import (
    NOISE_MODELS,
    NoiseModel,
    add_noise,
    error_spectrum,
    photometry_noise,
    register_noise_model,
    signal_to_noise_curve,
)
from sfhsim.kernels import spectra

WAVE_AA = np.linspace(4800.0, 7000.0, 1761)
FLUX = (1e-17 * (1.0 + 0.3 * np.sin(WAVE_AA / 300.0)) * np.array([[1.0], [50.0]])).astype(np.float32)
CURVE = signal_to_noise_curve(WAVE_AA, [4000.0, 6000.0, 8000.0], [5.0, 20.0, 10.0])
NOISY = [name for name in NOISE_MODELS.names() if name != "none"]


def test_the_kernel_knows_the_models_by_their_numbers():
    known = spectra.NO_NOISE, spectra.CONSTANT, spectra.POISSON, spectra.PROPORTIONAL
    names = "none", "constant", "poisson", "proportional"
    assert [NOISE_MODELS.get(name).kernel for name in names] == list(known)
    assert not error_spectrum(FLUX, 10.0, "none").any()


@pytest.mark.parametrize("model", NOISY)
@pytest.mark.parametrize("curve", [None, CURVE])
def test_median_signal_to_noise_is_what_was_asked(model, curve):
    flux, snr = FLUX.copy(), np.array([10.0, 75.0])
    error = error_spectrum(flux, snr, model, curve)
    assert error.dtype == np.float32
    assert error.shape == flux.shape
    np.testing.assert_allclose(np.median(flux / error, axis=1), snr, rtol=1e-6)
    np.testing.assert_array_equal(flux, FLUX)


def test_shapes_of_the_models():
    constant = error_spectrum(FLUX, 20.0)
    np.testing.assert_allclose(constant, np.broadcast_to(constant[:, :1], FLUX.shape), rtol=1e-6)
    poisson = error_spectrum(FLUX, 20.0, "poisson").astype(float)
    ratio = poisson**2 / FLUX
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], FLUX.shape), rtol=1e-5)
    snr = FLUX / error_spectrum(FLUX, 20.0, "proportional", CURVE)
    np.testing.assert_allclose(snr, np.broadcast_to(20.0 * CURVE, FLUX.shape), rtol=1e-5)


def test_zero_flux_pixels_keep_a_positive_error():
    flux = FLUX.copy()
    flux[:, 10] = 0.0
    for model in NOISY:
        assert (error_spectrum(flux, 20.0, model) > 0.0).all()


def test_moments_of_the_noise_and_dtype():
    error = error_spectrum(FLUX, 30.0, "poisson")
    normals = np.random.default_rng(5).standard_normal(FLUX.shape)
    noisy = add_noise(FLUX, error, normals)
    assert noisy.dtype == np.float32
    pull = (noisy - FLUX).astype(float) / error
    np.testing.assert_allclose(pull, normals, atol=1e-4)
    np.testing.assert_array_equal(add_noise(FLUX, error, np.zeros(FLUX.shape)), FLUX)


def test_curve_is_normalised_to_its_median():
    assert np.median(CURVE) == pytest.approx(1.0)
    assert CURVE[np.argmin(np.abs(WAVE_AA - 6000.0))] == CURVE.max()


def test_photometric_errors_in_flux_space():
    flux = np.full((4000, 2), 3.0)
    normals = np.random.default_rng(6).standard_normal(flux.shape)
    noisy, flux_error, mag_error = photometry_noise(flux, np.array([0.01, 0.1]), normals)
    np.testing.assert_allclose(flux_error[0], 3.0 * np.log(10.0) / 2.5 * np.array([0.01, 0.1]))
    magnitude = -2.5 * np.log10(noisy / 3.0)
    np.testing.assert_allclose(magnitude.std(axis=0), [0.01, 0.1], rtol=0.05)
    np.testing.assert_allclose(np.median(mag_error, axis=0), [0.01, 0.1], rtol=0.02)
    _, per_galaxy, _ = photometry_noise(flux, np.full((4000, 1), 0.02), normals)
    assert per_galaxy.shape == flux.shape
    np.testing.assert_array_equal(flux, 3.0)


def test_negative_noisy_flux_has_no_magnitude_but_keeps_its_flux():
    noisy, flux_error, mag_error = photometry_noise(np.ones((1, 2)), 1.0, np.array([[-3.0, 0.0]]))
    assert noisy[0, 0] < 0.0 < flux_error[0, 0]
    np.testing.assert_array_equal(np.isnan(mag_error), [[True, False]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: error_spectrum(FLUX, 10.0, "gauss"), RecipeError, "no noise model is called 'gauss'; known: .*'cons"),
        (lambda: error_spectrum(FLUX, np.array([1.0, 0.0])), RecipeError, "got 0 for galaxy 1 of the batch"),
        (lambda: error_spectrum(FLUX, np.nan), RecipeError, "must be positive and finite, got nan"),
        (
            lambda: error_spectrum(0.0 * FLUX, 1.0),
            CoverageError,
            "galaxy 0 of the batch has a median flux of 0",
        ),
        (lambda: photometry_noise(FLUX, -0.1, FLUX), RecipeError, "must be finite and >= 0 mag, got -0.1"),
        (lambda: signal_to_noise_curve(WAVE_AA, [1.0, 9e3], [1.0, 0.0]), RecipeError, "row 2 is 0"),
        (lambda: signal_to_noise_curve(WAVE_AA, [9e3, 1.0], [1.0, 1.0]), RecipeError, "must increase"),
        (
            lambda: signal_to_noise_curve(WAVE_AA, [5e3, 9e3], [1.0, 1.0]),
            CoverageError,
            "covers 5000.0-9000.0",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


class Odd(NoiseModel):
    name = "odd"
    parameters = (Parameter("value", "", "of the shape", 1.0, -1.0, 1.0),)

    def shape(self, relative_flux, wave_aa, params):
        return params["value"][:, None] * np.ones(relative_flux.shape if params["value"][0] != 0.5 else 3)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "'odd': its shape is -1 in pixel 0 of galaxy 0 of the batch: errors must be above 0"),
        (0.0, "shape is 0 in pixel 0"),
        (0.5, r"shape of shape \(2, 3\), expected that of the spectra, \(2, 1761\)"),
        (2.0, r"noise model odd: value = 2 of galaxy 0 is outside \[-1, 1\]"),
    ],
)
def test_shapes_that_are_no_errors(value, message):
    assert (error_spectrum(FLUX, 10.0, Odd()) > 0).all()
    with pytest.raises(RecipeError, match=message):
        error_spectrum(FLUX, 10.0, Odd(), params={"value": value})


@pytest.mark.parametrize("parameter", [Parameter("a", "", "", 1.0, size=2), Parameter("snr", "", "", 1.0)])
def test_parameters_that_no_noise_model_can_have(parameter):
    model = Odd()
    model.parameters = (parameter,)
    with pytest.raises(RecipeError, match=f"the parameter '{parameter.name}' must be a number with a name other than"):
        register_noise_model(model)
    assert "odd" not in NOISE_MODELS.names()
