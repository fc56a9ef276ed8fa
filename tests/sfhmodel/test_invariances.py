"""What must not matter to an answer: units, distance, the batch, masked values; and what every answer obeys."""

import numpy as np
import pytest
from small_networks import answers, assert_same_answers, galaxies, small_model

from sfhmodel import architectures

TOLERANCE = 1e-4  # single precision through the network, of the largest value of each output
N = 12


@pytest.fixture(scope="module", params=architectures.names())
def model(request):
    return small_model(request.param)


@pytest.fixture(scope="module")
def inputs(model):
    """With gaps: masked pixels and bands that some galaxies lack."""
    inputs, _ = galaxies(model.description, N, seed=20)
    rng = np.random.default_rng(21)
    inputs["mask"][rng.uniform(size=inputs["mask"].shape) < 0.1] = 0.0
    missing = rng.uniform(size=inputs["magnitudes"].shape) < 0.3
    inputs["magnitudes"][missing] = inputs["magnitude_errors"][missing] = np.nan
    for values in inputs.values():
        values.setflags(write=False)
    return inputs


@pytest.fixture(scope="module")
def expected(model, inputs):
    return answers(model, inputs)


LACKING = {
    "nothing": {},
    "photometry": {"magnitudes": np.nan, "magnitude_errors": np.nan},
    "flux errors": {"flux_error": np.nan},
    "magnitude errors": {"magnitude_errors": np.nan},
    "all errors": {"flux_error": np.nan, "magnitude_errors": np.nan},
    "spectrum": {"mask": 0.0},
    "finite flux": {"flux": np.nan},
    "light": {"flux": 0.0},
    "positive light": {"flux": -1.0},
    "noise": {"flux_error": 1e-12, "magnitude_errors": 1e-12},
    "signal": {"flux_error": 1e12, "magnitude_errors": 1e12},
    "everything": {"mask": 0.0, "flux": np.nan, "flux_error": np.nan, "magnitudes": np.nan, "magnitude_errors": np.nan},
}


@pytest.mark.parametrize("scale", [1e-20, 1e10])
def test_flux_scale(model, inputs, expected, scale):
    scaled = {name: (inputs[name] * scale).astype(np.float32) for name in ("flux", "flux_error")}
    assert_same_answers(expected, answers(model, inputs | scaled), TOLERANCE)


@pytest.mark.parametrize("offset", [-7.0, 11.0])
def test_common_magnitude_offset(model, inputs, expected, offset):
    moved = {"magnitudes": inputs["magnitudes"] + np.float32(offset)}
    assert_same_answers(expected, answers(model, inputs | moved), TOLERANCE)


def test_batch_order(model, inputs, expected):
    order = np.random.default_rng(0).permutation(N)
    shuffled = answers(model, {name: values[order] for name, values in inputs.items()})
    assert_same_answers({name: values[order] for name, values in expected.items()}, shuffled, TOLERANCE)


@pytest.mark.parametrize("size", [1, 5])
def test_batch_size(model, inputs, expected, size):
    some = answers(model, {name: values[:size] for name, values in inputs.items()})
    assert_same_answers({name: values[:size] for name, values in expected.items()}, some, TOLERANCE)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, -np.inf, 1e30, -1e30, 0.0])
@pytest.mark.parametrize("name", ["flux", "flux_error"])
def test_values_of_masked_pixels(model, inputs, expected, name, garbage):
    masked = np.where(inputs["mask"] == 0.0, np.float32(garbage), inputs[name])
    assert_same_answers(expected, answers(model, inputs | {name: masked}), 0.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_flux_that_is_not_finite_is_masked(model, inputs, expected, value):
    changed = {"flux": np.where(inputs["mask"] == 0.0, np.float32(value), inputs["flux"])}
    changed["mask"] = np.ones_like(inputs["mask"])
    assert_same_answers(expected, answers(model, inputs | changed), 0.0)


@pytest.mark.parametrize("garbage", [np.inf, 1e30, -1.0, 0.0])
def test_errors_of_missing_bands(model, inputs, expected, garbage):
    errors = np.where(np.isnan(inputs["magnitudes"]), np.float32(garbage), inputs["magnitude_errors"])
    assert_same_answers(expected, answers(model, inputs | {"magnitude_errors": errors}), 0.0)


@pytest.mark.parametrize("unknown", [np.nan, 0.0, -1.0])
@pytest.mark.parametrize("name", ["flux_error", "magnitude_errors"])
def test_unknown_errors_are_all_alike(model, inputs, name, unknown):
    nan = answers(model, inputs | {name: np.full_like(inputs[name], np.nan)})
    found = answers(model, inputs | {name: np.full_like(inputs[name], unknown)})
    assert_same_answers(nan, found, 0.0)


@pytest.mark.parametrize("name", ["flux", "magnitudes"])
def test_what_should_matter_does(model, inputs, expected, name):
    changed = answers(model, inputs | {name: inputs[name][::-1]})
    # the novelty is the larger of two distances, of which the spectrum's residual knows no magnitudes
    for output in set(expected) - ({"novelty"} if name == "magnitudes" else set()):
        assert np.abs(changed[output] - expected[output]).max() > 10 * TOLERANCE * np.abs(expected[output]).max(), (
            output
        )


def test_inputs_are_not_changed(model, inputs):
    before = {name: values.copy() for name, values in inputs.items()}
    answers(model, inputs)
    for name, values in inputs.items():
        np.testing.assert_array_equal(values, before[name])


@pytest.mark.parametrize("lacking", LACKING)
def test_every_answer_obeys(model, inputs, lacking):
    without = {name: np.full_like(inputs[name], value) for name, value in LACKING[lacking].items()}
    found = answers(model, inputs | without)
    for name, values in found.items():
        assert np.isfinite(values).all(), name
    np.testing.assert_allclose(found["mass_fraction"].sum(axis=1), 1.0, rtol=1e-5)
    assert (found["mass_fraction"] >= 0.0).all()
    assert (found["metallicity"] > 0.0).all()
    assert (found["novelty"] >= 0.0).all()
    cumulative = found["cumulative_quantiles"]
    assert (cumulative >= 0.0).all()
    assert (np.diff(cumulative, axis=1) >= 0.0).all()
    np.testing.assert_array_equal(cumulative[:, -1], 1.0)
    for name in ("cumulative_quantiles", "metallicity_quantiles", "summary_quantiles"):
        assert (np.diff(found[name], axis=2) >= 0.0).all(), name


def test_one_band_or_one_pixel(model, inputs):
    one = {name: inputs[name].copy() for name in ("magnitudes", "mask")}
    one["magnitudes"][:, 1:] = np.nan
    one["mask"][:, 1:] = 0.0
    for name, values in answers(model, inputs | one).items():
        assert np.isfinite(values).all(), name
