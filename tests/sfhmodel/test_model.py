"""The model as a whole: normalisation, what it learns, what it refuses, what it remembers."""

import keras
import numpy as np
import pytest
from keras import ops
from small_model import N_AGE_BIN, N_BAND, N_PIXEL, description, inputs_and_truths, small_model

from sfhmodel import architectures
from sfhmodel.errors import ConfigError, TrainingDataError
from sfhmodel.layers import Patches, SpectrumNormalization
from sfhmodel.layers.normalization import smoothing_matrix
from sfhmodel.losses import DEFAULT_LOSSES
from sfhmodel.model import build_model

ARCHITECTURES = architectures.names()


def answers(model, inputs) -> dict:
    return {name: ops.convert_to_numpy(value) for name, value in model(inputs, training=False).items()}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_outputs_have_their_shapes_and_ranges(architecture):
    inputs, _ = inputs_and_truths(7)
    found = answers(small_model(architecture), inputs)
    shapes = {name: value.shape for name, value in found.items()}
    assert shapes == {
        "mass_fraction": (7, N_AGE_BIN),
        "metallicity": (7, N_AGE_BIN),
        "summaries": (7, 6),
        "cumulative_quantiles": (7, N_AGE_BIN, 5),
        "metallicity_quantiles": (7, N_AGE_BIN, 5),
        "summary_quantiles": (7, 6, 5),
        "novelty": (7,),
    }
    assert np.allclose(found["mass_fraction"].sum(axis=1), 1.0, atol=1e-5)
    assert (found["metallicity"] > 0.0).all()
    assert np.array_equal(found["summaries"], found["summary_quantiles"][:, :, 2])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_learns_and_logs(architecture):
    model = small_model(architecture)
    inputs, truths = inputs_and_truths(512, seed=5)
    model.compile(optimizer=keras.optimizers.Adam(5e-3))
    before = model.evaluate(inputs, truths, verbose=0, return_dict=True)
    history = model.fit(inputs, truths, epochs=12, batch_size=64, verbose=0).history
    after = model.evaluate(inputs, truths, verbose=0, return_dict=True)
    assert after["cumulative_error"] < 0.4 * before["cumulative_error"]
    assert after["metallicity_error_dex"] < 0.5 * before["metallicity_error_dex"]
    assert {"loss", "mass_fraction_cumulative", "summary_quantiles_pinball"} <= set(history)


def test_metrics_do_not_depend_on_how_data_are_cut_into_batches():
    model = small_model("branched")
    inputs, truths = inputs_and_truths(100)
    model.compile(optimizer="adam")
    logs = [model.evaluate(inputs, truths, batch_size=b, verbose=0, return_dict=True) for b in (100, 37)]
    for name, value in logs[0].items():
        assert logs[1][name] == pytest.approx(value, rel=1e-5), name
    difference = np.cumsum(answers(model, inputs)["mass_fraction"] - truths["mass_fraction"], axis=1)
    assert logs[0]["cumulative_error"] == pytest.approx(np.abs(difference).mean(), rel=1e-5)


def test_an_untrained_model_answers_with_the_mean_history():
    _, truths = inputs_and_truths(256, seed=99)
    inputs, _ = inputs_and_truths(20, seed=1)
    found = answers(small_model("attention"), inputs)["mass_fraction"]
    assert np.abs(found - truths["mass_fraction"].mean(axis=0)).max() < 0.05


def test_without_bands():
    inputs, _ = inputs_and_truths(3, n_band=0)
    found = answers(small_model("branched", n_band=0), inputs)
    assert np.isfinite(found["mass_fraction"]).all()


def test_normalised_channels_have_mean_zero_and_variance_one():
    model = small_model()
    inputs, _ = inputs_and_truths(256, seed=99)
    features, scaled = model.normalize(inputs)
    for name in ("continuum", "lines"):
        values = ops.convert_to_numpy(features[name])
        assert np.abs(values.mean(axis=0)).max() < 1e-3
        assert np.abs(values.std(axis=0) - 1.0).max() < 1e-2
    assert np.allclose(ops.convert_to_numpy(scaled["flux"]).mean(axis=1), 1.0, atol=1e-5)


def test_noise_is_that_of_the_errors_or_estimated_from_the_spectrum():
    rng = np.random.default_rng(0)
    layer = SpectrumNormalization()
    clean = np.linspace(1.2, 0.8, 2000)
    flux = (clean + 0.03 * rng.normal(size=(4, 2000))).astype("float32")
    known, unknown = np.full_like(flux, 0.05), np.full_like(flux, np.nan)
    mask = np.ones_like(flux)
    given = ops.convert_to_numpy(layer(flux, known, mask)["rms"])
    estimated = ops.convert_to_numpy(layer(flux, unknown, mask)["rms"])
    assert np.allclose(given, 0.05, rtol=0.02)
    assert np.allclose(estimated, 0.03, rtol=0.1)


def test_running_mean_follows_a_slope_past_masked_pixels():
    layer = SpectrumNormalization(half_width=20)
    flux = np.linspace(1.5, 0.5, 400, dtype="float32")[None]
    good = np.ones((1, 400), dtype=bool)
    good[:, 150:170] = False
    layer.build(flux.shape)
    _, lines = layer.features(np.where(good, flux, 0.0).astype("float32"), good)
    inside = ops.convert_to_numpy(lines)[0, 60:-60]
    assert np.abs(inside).max() < 0.02
    assert (smoothing_matrix(400, 20, 16).sum(axis=0) > 0.0).all()


def test_patches_keep_every_pixel():
    channels = [np.arange(20.0, dtype="float32").reshape(2, 10) + 100 * i for i in range(2)]
    patches = ops.convert_to_numpy(Patches(4)(channels))
    assert patches.shape == (2, 3, 8)
    assert patches[1, 2].tolist() == [18.0, 19.0, 0.0, 0.0, 118.0, 119.0, 0.0, 0.0]


def test_attention_weights_are_shares_with_wavelengths():
    inputs, _ = inputs_and_truths(9)
    weights, wave_aa = small_model("attention").attention_weights(inputs)
    assert weights.shape == (9, wave_aa.size)
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    assert (np.diff(wave_aa) > 0.0).all()
    assert 4800.0 < wave_aa[0] < wave_aa[-1] < 7000.0
    assert small_model("branched").attention_weights(inputs) is None


def test_attention_has_fewer_parameters_by_default():
    size = {name: build_model(description(), name).network.count_params() for name in ARCHITECTURES}
    assert size["attention"] < size["branched"]


def test_a_projection_is_of_averages_over_the_whole_spectrum():
    model = build_model(description(), architecture_options={"projection_units": 5, "projection_pixels": 4})
    kernel = model.network.get_layer("projection").kernel
    assert tuple(kernel.shape) == (2 * N_PIXEL // 4, 5)  # of continuum and lines
    weights = np.zeros(kernel.shape, dtype=np.float32)
    weights[2 * 4, 0] = 1.0  # the continuum of pixels 16 to 19
    kernel.assign(weights)
    inner = keras.Model(model.network.input, model.network.get_layer("projection").output)
    random = np.random.default_rng(1)
    given = {name: random.normal(size=(2, *t.shape[1:])).astype("float32") for name, t in inner.input.items()}
    found = ops.convert_to_numpy(inner(given))
    assert np.allclose(found[:, 0], given["continuum"][:, 16:20].mean(axis=1), atol=1e-6)
    assert (found[:, 1:] == 0.0).all()


def test_seeds_decide_the_initial_weights():
    first, again, other = (small_model(adapted=False, seed=s).get_weights() for s in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_new_architecture_can_be_registered(monkeypatch):
    monkeypatch.setattr(architectures, "_BUILDERS", dict(architectures._BUILDERS))
    architectures.register("mine", lambda interface, width=8: None)
    assert architectures.options("mine") == {"width": 8}
    with pytest.raises(ConfigError, match="there is an architecture 'mine' already"):
        architectures.register("mine", lambda interface: None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architecture": "recurrent"}, "no architecture 'recurrent': choose from attention, branched"),
        ({"architecture_options": {"width": 3}}, "'attention' has no option width: it has filters"),
        ({"architecture_options": {"kernels": [24, 8]}}, "first kernel that is a multiple"),
        ({"architecture_options": {"kernels": [32]}}, "convolutions need as many of each"),
        ({"architecture_options": {"heads": 5}}, "width 64 cannot be shared among 5 heads"),
        ({"architecture_options": {"strides": [16, 16], "kernels": [16, 8]}}, "make one token"),
        ({"losses": {"age": {"mae": 1.0}}}, "no output 'age'"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_model(description(), **arguments)


def test_adapting_to_nothing_or_to_garbage_is_refused():
    model = small_model(adapted=False)
    with pytest.raises(TrainingDataError, match="no samples to fit the normalisation to"):
        model.fit_normalization([])
    inputs, truths = inputs_and_truths(4)
    truths["mass_fraction"][1, 0] = np.nan
    with pytest.raises(TrainingDataError, match="mass_fraction of the training data are not finite in 1 samples"):
        model.fit_normalization([(inputs, truths)])


def test_mixed_precision_keeps_physical_outputs_in_float32():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small_model("attention")
    finally:
        keras.config.set_dtype_policy(policy)
    assert model.network.get_layer("decoder_0").compute_dtype == "bfloat16"
    inputs, _ = inputs_and_truths(4)
    for name, value in model(inputs).items():
        assert keras.backend.standardize_dtype(value.dtype) == "float32", name


def test_inputs_are_left_alone():
    inputs, _ = inputs_and_truths(4)
    inputs["flux"][0, 3], inputs["magnitudes"][1, 0] = np.nan, np.nan
    before = {name: value.copy() for name, value in inputs.items()}
    answers(small_model(), inputs)
    assert all(np.array_equal(before[name], inputs[name], equal_nan=True) for name in inputs)
    assert inputs["flux"].shape == (4, N_PIXEL)
    assert inputs["magnitudes"].shape == (4, N_BAND)


def test_answers_stay_within_the_range_of_the_training_data():
    model = small_model()
    _, truths = inputs_and_truths(256, seed=99)
    inputs, _ = inputs_and_truths(5)
    wild = 1e3 * np.random.default_rng(0).normal(size=model.network.get_layer("summary_quantiles").bias.shape)
    model.network.get_layer("summary_quantiles").bias.assign(wild)
    quantiles = answers(model, inputs)["summary_quantiles"]
    true = ops.convert_to_numpy(model.targets(truths)["summaries"])
    reach = 0.11 * np.ptp(true, axis=0) + 0.01
    assert (quantiles[:, :5].min(axis=(0, 2)) >= (true.min(axis=0) - reach)[:5]).all()
    assert (quantiles[:, :5].max(axis=(0, 2)) <= (true.max(axis=0) + reach)[:5]).all()
    assert quantiles[:, 4:].min() >= 0.0
    assert quantiles[:, 5].max() <= 1.0


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_one_forward_pass_gives_answers_in_learning_space_and_in_physical_units(architecture):
    model = small_model(architecture)
    inputs, _ = inputs_and_truths(5)
    answer, found = model.forward(inputs), answers(model, inputs)
    for name, value in model.physical(answer).items():
        assert np.array_equal(ops.convert_to_numpy(value), found[name]), name
    log10_z = ops.convert_to_numpy(answer.log10_metallicity_quantiles)
    np.testing.assert_allclose(np.log10(found["metallicity_quantiles"]), log10_z, atol=1e-5)
    summaries = ops.convert_to_numpy(answer.summary_quantiles)
    np.testing.assert_allclose(found["summary_quantiles"][:, :4], summaries[:, :4], rtol=1e-6)


def test_training_and_evaluation_compute_losses_in_learning_space_and_calls_stay_physical():
    table = {**DEFAULT_LOSSES, "metallicity": {"smape": 1.5}}
    model = small_model("branched", losses=table)
    inputs, truths = inputs_and_truths(40)
    truths["metallicity"][:, 0] = 0.0  # learnt as the floor
    model.compile(optimizer="adam")
    found = model.evaluate(inputs, truths, verbose=0, return_dict=True)
    by_call = answers(model, inputs)
    log10_z = np.maximum(np.log10(np.maximum(truths["metallicity"], 1e-6)), -6.0)
    above = log10_z[..., None] - np.maximum(np.log10(by_call["metallicity_quantiles"]), -6.0)
    levels = np.array(model.description.quantile_levels)
    pinball = np.maximum(levels * above, (levels - 1.0) * above).mean()
    z = 10.0**log10_z
    smape = (np.abs(by_call["metallicity"] - z) / (by_call["metallicity"] + z + 1e-6)).mean()
    assert found["metallicity_quantiles_pinball"] == pytest.approx(pinball, rel=1e-4)
    assert found["metallicity_smape"] == pytest.approx(smape, rel=1e-4)
    total = sum(w * found[f"{output}_{name}"] for output, terms in table.items() for name, w in terms.items())
    assert found["loss"] == pytest.approx(total, rel=1e-5)
    model.fit(inputs, truths, verbose=0)
    assert set(model.predict(inputs, verbose=0)) == set(by_call)
