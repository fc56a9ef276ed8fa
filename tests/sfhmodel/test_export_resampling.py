"""Observed spectra to the model's grid in TensorFlow's graph, against sfhsim's rebinning and `SpectrumPreparer`."""

import dataclasses
import warnings
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf
from small_networks import N_PIXEL, answers, assert_same_answers, galaxies, small_description, small_model

from sfhmodel.errors import SfhmodelWarning
from sfhmodel.export import export
from sfhmodel.export.resampling import GridResampler
from sfhmodel.spectra.options import PreparationSettings
from sfhmodel.spectra.prepare import SpectrumPreparer
from sfhsim.instrument.resampling import pixel_edges, rebin

GRIDS = {
    "finer": np.linspace(4700.0, 7100.0, 1500),
    "coarser": np.linspace(4650.0, 7200.0, 40),
    "logarithmic": np.geomspace(4700.0, 7100.0, 90),
    "irregular": np.cumsum(np.random.default_rng(3).uniform(1.0, 60.0, 90)) + 4600.0,
}


def spectra(wave_aa, n=4, seed=0):
    """Flux and errors (n, m) float32, in a small unit."""
    rng = np.random.default_rng(seed)
    flux = 1e-17 * (1.0 + 0.5 * np.sin(wave_aa / 90.0) + rng.uniform(0.0, 1.0, (n, wave_aa.size)))
    return flux.astype(np.float32), (flux * rng.uniform(0.01, 0.2, flux.shape)).astype(np.float32)


def resample(description, wave_aa, flux, error=None, mask=None, redshift=0.0):
    """What a graph makes of it that knows neither the number of spectra nor that of their pixels."""
    everything = np.ones_like(flux) if mask is None else mask.astype(np.float32)
    error = np.full_like(flux, np.nan) if error is None else error
    pixels, any_shape = tf.TensorSpec([None, None], tf.float32), tf.TensorSpec(None, tf.float64)
    function = tf.function(GridResampler(description), [any_shape, pixels, pixels, pixels, any_shape])
    arguments = (np.asarray(wave_aa, np.float64), flux, error, everything, np.asarray(redshift, np.float64))
    return [tensor.numpy() for tensor in function(*map(tf.constant, arguments))]


def relative(values, flux):
    """Over the mean of the flux: the scale of what is given to the model does not matter."""
    return values / flux.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("redshift", [0.0, 0.004])
def test_flux_is_that_of_rebin(grid, redshift):
    description = small_description()
    wave_aa = GRIDS[grid]
    flux, _ = spectra(wave_aa)
    found, _, mask, coverage = resample(description, wave_aa, flux, redshift=redshift)
    expected = rebin(wave_aa / (1.0 + redshift), flux.astype(np.float64), pixel_edges(description.wave_aa))
    expected /= np.abs(flux.astype(np.float64)).mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=3e-7)
    assert mask.all()
    np.testing.assert_array_equal(coverage, 1.0)


@pytest.mark.parametrize("grid", GRIDS)
def test_bad_pixels_and_errors_are_treated_as_by_predict(grid):
    description = small_description()
    wave_aa = np.delete(GRIDS[grid], slice(20, 23))[4:-3]
    flux, error = spectra(wave_aa, n=6)
    rng = np.random.default_rng(1)
    mask = rng.uniform(size=flux.shape) > 0.2
    flux[rng.uniform(size=flux.shape) < 0.03] = np.nan
    error[rng.uniform(size=flux.shape) < 0.03] = np.nan
    error[rng.uniform(size=flux.shape) < 0.03] = 0.0
    error[2] = np.nan
    found_flux, found_error, used, coverage = resample(description, wave_aa, flux, error, mask, redshift=0.01)
    prepare = SpectrumPreparer(description, PreparationSettings(mask_sky=False, min_coverage=0.01))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhmodelWarning)
        expected = prepare(wave_aa, flux, error, mask, redshift=0.01)
    np.testing.assert_array_equal(used, expected.mask)
    np.testing.assert_allclose(relative(found_flux, found_flux), relative(expected.flux, expected.flux), rtol=2e-4)
    np.testing.assert_allclose(
        relative(found_error, found_flux), relative(expected.flux_error, expected.flux), rtol=2e-4
    )
    np.testing.assert_allclose(coverage, expected.mask.mean(axis=1), rtol=1e-6)
    assert 0.0 < used.mean() < 1.0
    assert np.isnan(found_error[2]).all()


def test_every_spectrum_may_have_its_own_grid_and_redshift():
    description = small_description()
    waves = np.stack([np.linspace(4600.0, 7300.0, 300), np.geomspace(4700.0, 7200.0, 300)])
    redshifts = np.array([0.0, 0.008])
    flux, error = spectra(waves[0], n=2)
    together = resample(description, waves, flux, error, redshift=redshifts)
    for i in range(2):
        alone = resample(description, waves[i], flux[i : i + 1], error[i : i + 1], redshift=redshifts[i : i + 1])
        for ours, theirs in zip(together, alone, strict=True):
            np.testing.assert_array_equal(ours[i], theirs[0])


def test_what_is_not_covered_is_masked():
    description = small_description()
    wave_aa = np.linspace(5500.0, 9000.0, 2000)
    flux, error = spectra(wave_aa)
    found, found_error, mask, coverage = resample(description, wave_aa, flux, error)
    covered = pixel_edges(description.wave_aa)[:-1] >= pixel_edges(wave_aa)[0]
    np.testing.assert_array_equal(mask, np.tile(covered, (4, 1)))
    np.testing.assert_allclose(coverage, covered.mean(), rtol=1e-6)
    np.testing.assert_array_equal(found[:, ~covered], 0.0)
    np.testing.assert_array_equal(np.isnan(found_error), mask == 0.0)


def test_a_spectrum_elsewhere_covers_nothing():
    found, _, mask, coverage = resample(small_description(), np.linspace(1.0, 2.0, 30), np.ones((2, 30), np.float32))
    assert not mask.any()
    assert not coverage.any()
    assert np.isfinite(found).all()


def test_noise_of_whole_pixels_averages_down():
    description = small_description()
    edges = pixel_edges(description.wave_aa)
    split = np.concatenate([np.linspace(low, high, 4, endpoint=False) for low, high in pairwise(edges)])
    wave_aa = split + 0.5 * (split[1] - split[0])
    flux = np.ones((1, wave_aa.size), np.float32)
    _, error, _, _ = resample(description, wave_aa, flux, 0.1 * flux)
    np.testing.assert_allclose(error, 0.05, rtol=1e-6)


@pytest.mark.parametrize(
    ("recipe", "shown"),
    [
        ({}, 0.0),
        ({"kinematics": {"redshift": 0.1}}, 0.1),
        ({"kinematics": {"redshift": {"distribution": "uniform", "min": 0.0, "max": 0.5}}}, 0.02),
    ],
)
def test_spectra_are_shifted_to_the_frame_of_training(recipe, shown):
    description = dataclasses.replace(small_description(), recipe=recipe)
    wave_aa = np.linspace(4000.0, 9000.0, 3000)
    flux = np.exp(-0.5 * ((wave_aa / 1.02 - 5500.0 / (1.0 + shown)) / 100.0) ** 2)[None].astype(np.float32)
    found, _, _, _ = resample(description, wave_aa, flux, redshift=0.02)
    step_aa = description.wave_aa[1] - description.wave_aa[0]
    assert abs(description.wave_aa[found[0].argmax()] - 5500.0) < step_aa


@pytest.mark.parametrize(
    ("wave_aa", "redshift", "message"),
    [
        (np.linspace(7000.0, 4800.0, 50), 0.0, "increasing"),
        (np.append(np.linspace(4800.0, 7000.0, 49), np.nan), 0.0, "increasing"),
        (np.linspace(-5.0, 7000.0, 50), 0.0, "positive"),
        (np.linspace(4800.0, 7000.0, 50), -1.0, "redshift"),
        (np.linspace(4800.0, 7000.0, 50), np.nan, "redshift"),
        (np.array([5000.0]), 0.0, "at least two"),
        (np.linspace(4800.0, 7000.0, 49), 0.0, "same pixels"),
    ],
)
def test_impossible_input_is_refused(wave_aa, redshift, message):
    flux = np.ones((2, 50 if wave_aa.size > 1 else 1), np.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        resample(small_description(), wave_aa, flux, redshift=redshift)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    model = small_model("attention")
    return model, tf.saved_model.load(str(export(model, tmp_path_factory.mktemp("resampling") / "model")))


def test_predict_wavelengths_is_rebin_and_predict(loaded):
    model, exported = loaded
    wave_aa = np.geomspace(4700.0, 7300.0, 400)
    flux, _ = spectra(wave_aa, n=5)
    photometry = {n: v for n, v in galaxies(model.description, 5)[0].items() if n.startswith("magnitude")}
    found = {
        name: values.numpy()
        for name, values in exported.predict_wavelengths(wave_aa, flux, redshift=0.01, **photometry).items()
    }
    on_grid = rebin(wave_aa / 1.01, flux.astype(np.float64), pixel_edges(model.description.wave_aa)) * 1e17
    inputs = {
        "flux": on_grid.astype(np.float32),
        "flux_error": np.full((5, N_PIXEL), np.nan, np.float32),
        "mask": np.ones((5, N_PIXEL), np.float32),
    }
    np.testing.assert_array_equal(found.pop("coverage"), 1.0)
    np.testing.assert_array_equal(found.pop("unlike_training"), found["novelty"] > 1.0)
    assert_same_answers(answers(model, inputs | photometry), found, 1e-4)


def test_predict_wavelengths_on_the_grid_itself_is_predict(loaded):
    model, exported = loaded
    inputs, _ = galaxies(model.description, 6, seed=4)
    found = exported.predict_wavelengths(model.description.wave_aa, **inputs)
    expected = exported.predict(**inputs)
    assert_same_answers(expected, {name: found[name] for name in expected}, 1e-5)


def test_signature_takes_one_grid_or_many(loaded):
    model, exported = loaded
    inputs, _ = galaxies(model.description, 3, seed=4)
    inputs = {name: tf.constant(values) for name, values in inputs.items()}
    signature = exported.signatures["predict_wavelengths"]
    wave_aa = tf.constant(model.description.wave_aa)
    one = signature(wavelength_aa=wave_aa, redshift=tf.constant(0.0, tf.float64), **inputs)
    many = signature(wavelength_aa=tf.tile(wave_aa[None], [3, 1]), redshift=tf.zeros(3, tf.float64), **inputs)
    assert_same_answers(one, many, 0.0)
