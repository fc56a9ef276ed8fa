"""What is carried from a trained model to one for other bands, bins or wavelengths; what is frozen, and the pull."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from small_model import description, inputs_and_truths, small_model

from sfhmodel import architectures
from sfhmodel.errors import ConfigError
from sfhmodel.model import build_model
from sfhmodel.training.transfer.carrying import carry
from sfhmodel.training.transfer.config import TransferConfig
from sfhmodel.training.transfer.network_graph import NetworkGraph
from sfhmodel.training.transfer.origin import Origin
from sfhmodel.training.transfer.start import Start, begin, new_start

ARCHITECTURES = ("attention", "branched")
BIN_HEADS = {"mass", "cumulative_quantiles", "metallicity_quantiles"}


def made(architecture: str):
    """A model whose every weight matters."""
    model = small_model(architecture, seed=3)
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign(np.asarray(weight) + 0.1 * rng.standard_normal(weight.shape))
    return model


@pytest.fixture(scope="module", params=ARCHITECTURES)
def either(request):
    """Of each architecture."""
    return made(request.param)


@pytest.fixture(scope="module")
def source():
    """Of the one that is made sooner."""
    return made("branched")


def twin(source, bands=("TEST/B0", "TEST/B1", "TEST/B2"), **changes):
    """A model of other weights, fitted to galaxies of another seed."""
    known = {band["name"]: band for band in source.description.bands}
    bands = tuple(known.get(name, {"name": name, "pivot_wave_aa": 9000.0}) for name in bands)
    model = build_model(
        replace(source.description, bands=bands, **changes),
        source.architecture,
        architecture_options=source.architecture_options,
        seed=8,
    )
    inputs, truths = inputs_and_truths(64, seed=5, n_band=len(bands))
    n_pixel = model.description.n_pixel
    inputs |= {name: inputs[name][:, :n_pixel] for name in ("flux", "flux_error", "mask")}
    n_bin = model.description.n_age_bin
    truths |= {name: truths[name][:, :n_bin] for name in ("mass_fraction", "metallicity")}
    model.fit_normalization([(inputs, truths)])
    return model


def answers(model, inputs) -> dict[str, np.ndarray]:
    """In learning space, without the limits of the training data."""
    answer = model.forward(inputs)
    names = ("mass_fraction", "cumulative_quantiles", "log10_metallicity_quantiles", "summary_quantiles", "latent")
    return {name: np.asarray(getattr(answer, name)) for name in names}


def assert_same(found: dict, expected: dict, but=()) -> None:
    for name in set(expected) - set(but):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-5, err_msg=name)


def not_carried(found) -> dict[str, str]:
    return {piece.name: piece.said for piece in found.pieces if piece.carried < piece.parameters}


def test_of_the_same_kind_everything_is_carried(either):
    model = twin(either)
    inputs, _ = inputs_and_truths(20, seed=1)
    before = answers(model, inputs)["latent"]
    found = carry(model, either)
    assert not not_carried(found)
    assert not found.left_behind
    assert sum(piece.carried for piece in found.pieces) == sum(w.numpy().size for w in model.trainable_weights)
    assert_same(answers(model, inputs), answers(either, inputs))
    assert np.abs(before - answers(either, inputs)["latent"]).max() > 0.01


def test_another_rate_of_dropout_changes_nothing(source):
    model = build_model(
        source.description, "branched", architecture_options={**source.architecture_options, "dropout": 0.3}
    )
    assert not not_carried(carry(model, source))


def test_limits_of_the_answers_hold_both_data(source):
    model = twin(source)
    fitted = [np.array(getattr(model.summary, name).numpy()) for name in ("lowest", "highest")]
    carry(model, source)
    for k, (name, of_both) in enumerate((("lowest", np.minimum), ("highest", np.maximum))):
        theirs = getattr(source.summary, name).numpy()
        np.testing.assert_array_equal(getattr(model.summary, name).numpy(), of_both(fitted[k], theirs))


def test_a_band_that_is_gone_is_one_that_is_missing(either):
    """The weights of the other bands go by name, in whatever order, and the answers are those without the band."""
    model = twin(either, bands=("TEST/B2", "TEST/B0"))
    found = carry(model, either)
    inputs, _ = inputs_and_truths(20, seed=1)
    without = {name: values.copy() for name, values in inputs.items()}
    without["magnitudes"][:, 1] = without["magnitude_errors"][:, 1] = np.nan
    expected = answers(either, without)
    inputs |= {name: inputs[name][:, [2, 0]] for name in ("magnitudes", "magnitude_errors")}
    assert_same(answers(model, inputs), expected)
    assert not not_carried(found)
    assert found.left_behind == {"photometry_dense_0": "3 of 9 rows: band TEST/B1"}


def test_rows_of_new_bands_start_at_nothing(source):
    model = twin(source, bands=("TEST/NEW", "TEST/B1", "TEST/B0", "TEST/B2"))
    fitted = np.array(model.photometry_normalization.mean.numpy())
    found = carry(model, source)
    assert not_carried(found) == {"photometry_dense_0": "in part; starting at 0: band TEST/NEW"}
    kernel = NetworkGraph(model).layers["photometry_dense_0"].kernel
    theirs = NetworkGraph(source).layers["photometry_dense_0"].kernel.numpy()
    rows = kernel.numpy().reshape(3, 4, -1)  # colours, flags, errors
    assert not rows[:, 0].any()
    np.testing.assert_array_equal(rows[:, 1:], theirs.reshape(3, 3, -1)[:, [1, 0, 2]])
    np.testing.assert_array_equal(found.masks[id(kernel)].reshape(3, 4, -1)[:, :, 0], [[0, 1, 1, 1]] * 3)
    mean = model.photometry_normalization.mean.numpy()
    np.testing.assert_array_equal(mean[1:], source.photometry_normalization.mean.numpy()[[1, 0, 2]])
    assert mean[0] == fitted[0]
    assert found.constants["photometry_normalization"] == "carried; fitted to the data: TEST/NEW"


def test_without_bands_the_rest_is_carried(source):
    model = twin(source, bands=())
    found = carry(model, source)
    assert set(found.left_behind) >= {"photometry_dense_0"}
    assert "spectrum_conv_0" not in not_carried(found)
    assert all(piece.carried for piece in found.pieces)


@pytest.mark.parametrize("edges", [[0.0, 2e7, 1e8, 1e9, 5e9, 1e10, 1.38e10], [0.0, 1e8, 1e9, 1.38e10]])
def test_heads_of_other_bins_are_new(source, edges):
    """Also where there are as many of them."""
    model = twin(source, age_bin_edges_yr=np.array(edges))
    fitted = {name: np.array(getattr(model.metallicity, name).numpy()) for name in ("mean", "std", "lowest")}
    heads = {name: NetworkGraph(model).layers[name].kernel.numpy().copy() for name in BIN_HEADS}
    found = carry(model, source)
    assert not_carried(found) == dict.fromkeys(BIN_HEADS, "new: other age bins")
    for name, kernel in heads.items():
        np.testing.assert_array_equal(NetworkGraph(model).layers[name].kernel.numpy(), kernel)
    for name, values in fitted.items():
        np.testing.assert_array_equal(getattr(model.metallicity, name).numpy(), values)
    inputs, _ = inputs_and_truths(20, seed=1)
    mine, theirs = answers(model, inputs), answers(source, inputs)
    for name in ("latent", "summary_quantiles"):
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_pixel", [160])
def test_what_depends_on_the_place_along_the_spectrum_is_new_on_another_grid(either, n_pixel):
    model = twin(either, wave_aa=np.linspace(4900.0, 6900.0, n_pixel))
    fitted = np.array(model.spectrum_normalization.mean.numpy())
    found = carry(model, either)
    if either.architecture == "branched":
        assert not_carried(found) == {"spectrum_dense_0": "new: spectrum_flat of another grid"}
    else:
        places = not_carried(found)
        assert places["decoder_0"] == "in part; starting at 0: narrow_flat of another grid"
        assert places["position"].startswith("new: ")
        assert len(places) == 2
    np.testing.assert_array_equal(model.spectrum_normalization.mean.numpy(), fitted)
    assert found.constants["spectrum_normalization"] == "fitted to the data: another wavelength grid"


def test_normalisation_of_the_inputs_can_be_fitted(source):
    model = twin(source)
    fitted = np.array(model.spectrum_normalization.mean.numpy())
    carry(model, source, "fitted")
    np.testing.assert_array_equal(model.spectrum_normalization.mean.numpy(), fitted)
    np.testing.assert_array_equal(model.summary.mean.numpy(), source.summary.mean.numpy())


def nameless(spec, units: int = 6):
    """Layers that Keras has to name; heads whose shape the units decide."""
    inputs = spec.inputs()
    features = keras.layers.Concatenate()([inputs["continuum"], inputs["photometry"]])
    latent = keras.layers.Dense(units)(keras.layers.Dense(units, activation="relu")(features))
    heads = spec.history_outputs(latent) | spec.metallicity_outputs(latent) | spec.summary_output(latent)
    return keras.Model(inputs, heads | {"latent": latent})


@pytest.fixture
def networks(monkeypatch):
    """Function that makes a model of `nameless`, with so many units."""
    architectures.builder("attention")
    monkeypatch.setitem(architectures._BUILDERS, "nameless", nameless)
    return lambda units, seed: build_model(description(), "nameless", architecture_options={"units": units}, seed=seed)


def test_layers_that_keras_named_find_each_other(networks):
    model, other = networks(6, 1), networks(6, 2)
    found = carry(model, other)
    assert [piece.name for piece in found.pieces][:2] == ["dense", "dense_1"]
    assert not not_carried(found)
    inputs, _ = inputs_and_truths(5)
    assert_same(answers(model, inputs), answers(other, inputs))


def test_nothing_to_carry_is_an_error(networks):
    with pytest.raises(ConfigError, match=r"nothing of the model to start from can be carried: its layers are dense, "):
        carry(networks(6, 1), networks(7, 2))


# --- freezing, and the pull -------------------------------------------------------------------------------------


def start_of(source, model=None, **changes) -> tuple[object, Start, TransferConfig]:
    model, config = model or twin(source), TransferConfig(source="there", **changes)
    return model, new_start(model, Origin("there", Path("there.keras"), "0" * 64, source), config), config


def test_branches_are_what_sees_one_kind_of_input(either):
    branches = NetworkGraph(either).branches()
    assert branches["photometry"] == ["photometry_dense_0"]
    assert branches["noise"] == ["noise_dense"]
    assert {"spectrum_conv_0", "spectrum_conv_1"} <= set(branches["spectrum"])
    assert set(branches["heads"]) >= BIN_HEADS
    assert all("decoder" in name for name in branches["decoder"])
    assert sorted(name for names in branches.values() for name in names) == sorted(NetworkGraph(either).layers)


def test_frozen_layers_are_not_trained(source):
    model, start, config = start_of(source, freeze=("spectrum", "noise_dense"))
    n_free = len(model.trainable_variables)
    begin(model, start, config)
    frozen = NetworkGraph(model).branches()["spectrum"] + ["noise_dense"]
    assert start.said["frozen"] == frozen
    paths = [variable.path for variable in model.trainable_variables]
    assert 0 < len(paths) < n_free
    assert not [path for path in paths if path.startswith(tuple(f"{name}/" for name in frozen))]


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        (
            ("spektrum",),
            "no layer or branch 'spektrum' to freeze: the branches are spectrum, photometry, noise, decoder, ",
        ),
        (("spectrum", "photometry", "noise", "decoder", "heads"), "everything would be frozen"),
    ],
)
def test_what_cannot_be_frozen(source, freeze, message):
    with pytest.raises(ConfigError, match=message):
        start_of(source, freeze=freeze)


def test_what_is_new_cannot_be_frozen(source):
    model = twin(source, age_bin_edges_yr=np.array([0.0, 1e8, 1e9, 1.38e10]))
    with pytest.raises(ConfigError, match="cannot freeze mass: nothing of it could be carried"):
        start_of(source, model, freeze=("mass",))


def test_the_pull_grows_with_the_square_of_what_carried_weights_moved(source):
    model, start, config = start_of(source, twin(source, bands=("TEST/NEW", "TEST/B1")), pull=0.5, freeze=("noise",))
    begin(model, start, config)
    assert float(model.pull()) == 0.0
    layers = NetworkGraph(model).layers
    kernel = layers["photometry_dense_0"].kernel
    kernel.assign(kernel.numpy() + 0.1)  # 3 of 6 rows are of the new band
    expected = 0.25 * 0.01 * kernel.numpy().size / 2
    assert float(model.pull()) == pytest.approx(expected, rel=1e-4)
    layers["mass"].bias.assign(layers["mass"].bias.numpy() + 1.0)
    assert float(model.pull()) == pytest.approx(expected + 0.25 * layers["mass"].bias.numpy().size, rel=1e-4)


def test_the_pull_is_a_part_of_the_loss_in_training_alone(source):
    model, start, config = start_of(source, pull=2.0)
    begin(model, start, config)
    layers = NetworkGraph(model).layers
    layers["mass"].bias.assign(layers["mass"].bias.numpy() + 1.0)  # the same for all bins: the answers stay
    inputs, truths = inputs_and_truths(8)
    answer = model.forward(inputs)
    loss = {
        training: float(model.compute_loss(inputs, truths, answer, training=training)) for training in (True, False)
    }
    model.pull = None
    free = float(model.compute_loss(inputs, truths, answer, training=True))
    assert loss[True] - free == pytest.approx(layers["mass"].bias.numpy().size, rel=1e-4)
    assert loss[False] < loss[True] - 1.0


def test_no_pull_costs_nothing(source):
    model, start, config = start_of(source, pull=0.0)
    begin(model, start, config)
    assert model.pull is None
