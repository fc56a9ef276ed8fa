"""The same weights on Keras' TensorFlow and JAX backends; models and layers through their files and configurations."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from small_networks import OPTIONS, answers, assert_same_answers, galaxies, small_description, small_model

from sfhmodel import architectures, layers
from sfhmodel.layers.residual_rows import encoded_rows
from sfhmodel.model import build_model

N = 16

ANSWER = """
import sys
from pathlib import Path
import keras, numpy as np
import sfhmodel.model
assert keras.backend.backend() == "jax"
for path in map(Path, sys.argv[1:]):
    outputs = keras.saving.load_model(path, compile=False).predict(dict(np.load(path.with_suffix(".npz"))), verbose=0)
    np.savez(path.with_suffix(".answers.npz"), **outputs)
"""


@pytest.fixture(scope="module")
def models() -> dict:
    return {name: small_model(name) for name in architectures.names()}


@pytest.fixture(scope="module")
def saved(models, tmp_path_factory) -> Path:
    """A folder with the file of every model, and inputs for it, some of them unknown or masked."""
    folder = tmp_path_factory.mktemp("saved")
    for name, model in models.items():
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", **inputs_with_gaps(model))
    return folder


@pytest.fixture(scope="module")
def answers_of_jax(saved) -> Path:
    """The same folder, with the answers of JAX."""
    # compiling without optimisation takes a fraction of the time
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    subprocess.run(
        [sys.executable, "-c", ANSWER, *map(str, saved.glob("*.keras"))], env=os.environ | environment, check=True
    )
    return saved


def inputs_with_gaps(model) -> dict[str, np.ndarray]:
    inputs, _ = galaxies(model.description, N, seed=30)
    inputs["mask"][:, 10:14] = 0.0
    inputs["flux"][1, 3:5] = np.nan
    inputs["flux_error"][2] = np.nan
    inputs["magnitudes"][3, 0] = np.nan
    inputs["magnitude_errors"][4] = np.nan
    inputs["magnitudes"][5] = np.nan
    return inputs


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="compares TensorFlow with JAX")
@pytest.mark.parametrize("name", architectures.names())
def test_jax_answers_as_tensorflow(models, answers_of_jax, name):
    pytest.importorskip("jax")
    found = dict(np.load(answers_of_jax / f"{name}.answers.npz"))
    assert_same_answers(answers(models[name], inputs_with_gaps(models[name])), found, 1e-4)


@pytest.mark.parametrize("name", architectures.names())
def test_a_saved_model_answers_the_same(models, saved, name):
    model, loaded = models[name], keras.saving.load_model(saved / f"{name}.keras")
    inputs = inputs_with_gaps(model)
    assert_same_answers(answers(model, inputs), answers(loaded, inputs), 0.0)
    for ours, theirs in zip(model.weights, loaded.weights, strict=True):
        assert ours.path == theirs.path
        np.testing.assert_array_equal(to_numpy(theirs), to_numpy(ours))
    assert loaded.architecture == name
    assert loaded.description.to_dict() == model.description.to_dict()
    assert loaded.get_config() == model.get_config()


@pytest.mark.parametrize("name", architectures.names())
def test_saving_again_changes_nothing(models, saved, tmp_path, name):
    keras.saving.load_model(saved / f"{name}.keras").save(tmp_path / "again.keras")
    inputs = inputs_with_gaps(models[name])
    found = answers(keras.saving.load_model(tmp_path / "again.keras"), inputs)
    assert_same_answers(answers(models[name], inputs), found, 0.0)


@pytest.mark.parametrize("name", architectures.names())
def test_options_survive(name, tmp_path):
    option, value = next((o, v) for o, v in architectures.options(name).items() if isinstance(v, float))
    chosen = {**OPTIONS[name], option: value + 0.25}
    model = build_model(small_description(), name, architecture_options=chosen, losses=None, seed=5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.architecture_options == chosen
    assert loaded.seed == 5


@pytest.mark.parametrize("name", architectures.names())
def test_the_seed_makes_the_weights(name):
    def weights(seed):
        model = build_model(small_description(), name, architecture_options=OPTIONS[name], seed=seed)
        return np.concatenate([to_numpy(weight).ravel() for weight in model.trainable_weights])

    np.testing.assert_array_equal(weights(1), weights(1))
    assert (weights(1) != weights(2)).any()


# --- layers -----------------------------------------------------------------------------------------------------

TOKENS, PIXELS, BANDS, FLAT = (6, 8), (40,), (3,), (12,)  # shapes of one galaxy
INPUTS = {"flux": PIXELS, "flux_error": PIXELS, "mask": PIXELS, "magnitudes": BANDS, "magnitude_errors": BANDS}
ROWS = encoded_rows(np.random.default_rng(5).normal(0.0, 0.02, (3, *PIXELS)))
SWITCHES = {
    "noise": {"snr": [5.0, 50.0], "probability": 0.5},
    "masked_pixels": {"runs": 2, "length": 3, "probability": 0.4},
    "partial_coverage": {"shortest": 0.4, "probability": 0.3},
    "dropped_bands": {"probability": 0.3},
    "missing_photometry": {"probability": 0.2},
    "calibration": {"amplitude": 0.02, "order": 2, "probability": 0.6},
    "ripples": {"amplitude": [0.001, 0.01], "pixels": [5.0, 50.0], "probability": 0.3},
    "residuals": {"bank": ROWS, "amplitude": [0.5, 2.0], "shift_pixels": 5, "probability": 0.4},
    "sky_lines": {"lines": 2, "amplitude": 0.02, "pixels": [1.0, 4.0], "probability": 0.3},
    "redshift": {"sigma": 1e-3, "probability": 0.7},
    "missing_errors": {"probability": 0.1},
    "wave_aa": np.linspace(4800.0, 7000.0, *PIXELS).tolist(),
    "seed": 4,
}

# every argument with a value that is not its default, and the shapes of what a call takes
LAYERS = {
    "Augmentation": (SWITCHES, [INPUTS]),
    "AttentionPooling": ({"queries": 3}, [TOKENS]),
    "CumulativeQuantiles": ({"n_age_bin": 4, "n_level": 3, "n_group": 2}, [FLAT, (2,)]),
    "NoveltyScore": ({"components": 5, "n_group": 2}, [PIXELS, PIXELS, PIXELS, (7,), (2,)]),
    "NoiseGroups": ({"n_group": 3}, [(1,)]),
    "OrderedQuantiles": ({"n_target": 4, "n_level": 3, "n_group": 2}, [FLAT, (2,)]),
    "Patches": ({"size": 16}, [[PIXELS, PIXELS]]),
    "PhotometryNormalization": ({}, [BANDS, BANDS]),
    "SelfAttentionBlock": ({"heads": 2, "hidden": 5, "dropout": 0.3}, [TOKENS]),
    "SpectrumNormalization": ({"half_width": 9}, [PIXELS, PIXELS, PIXELS]),
    "TokenPosition": ({}, [TOKENS]),
}


def own_layers() -> dict[str, type]:
    """Every layer of sfhmodel.layers and its modules."""
    found = {}
    for path in Path(layers.__file__).parent.glob("*.py"):
        module = layers if path.stem == "__init__" else __import__(f"sfhmodel.layers.{path.stem}", fromlist=["*"])
        found |= {
            name: each
            for name, each in inspect.getmembers(module, inspect.isclass)
            if issubclass(each, keras.layers.Layer) and each.__module__.startswith("sfhmodel.layers")
        }
    return found


def to_numpy(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def flat(outputs) -> list[np.ndarray]:
    return [to_numpy(tensor) for tensor in keras.tree.flatten(outputs)]


@pytest.mark.parametrize("name", sorted(own_layers()))
def test_every_layer_has_its_round_trips(name):
    assert name in LAYERS, f"add {name}, with arguments that are not its defaults, to LAYERS"


@pytest.mark.parametrize("name", LAYERS)
def test_layer_from_its_configuration(name):
    cls, (arguments, _) = own_layers()[name], LAYERS[name]
    layer = cls(**arguments, name="mine")
    config = layer.get_config()
    assert cls.from_config(config).get_config() == config
    parameters = inspect.signature(cls).parameters.values()
    known = {p.name: p.default for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    assert set(known) == set(arguments), "every argument must be tried"
    for argument, value in arguments.items():
        assert value != known[argument], f"{argument} has its default"
        assert config[argument] == value


def each_shape(make, shapes):
    """The structure of shapes with ``make(shape)`` in place of each."""
    return keras.tree.map_shape_structure(make, shapes)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_in_a_saved_model(name, tmp_path):
    cls, (arguments, shapes) = own_layers()[name], LAYERS[name]
    inputs = each_shape(keras.Input, shapes)
    model = keras.Model(inputs, cls(**arguments, name="mine")(*inputs))
    rng = np.random.default_rng(0)
    for weight in model.get_layer("mine").weights:
        weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    batch = each_shape(lambda shape: rng.uniform(0.2, 1.0, (5, *shape)).astype(np.float32), shapes)
    for ours, theirs in zip(flat(model(batch)), flat(loaded(batch)), strict=True):
        np.testing.assert_array_equal(theirs, ours)
    assert loaded.get_layer("mine").get_config() == model.get_layer("mine").get_config()
