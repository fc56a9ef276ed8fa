"""A plug-in with an architecture and a loss of one's own: trained, saved, and used to predict in other processes."""

import functools
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from small_networks import small_description
from training_runs import REPOSITORY, small_dataset

from sfhmodel import architectures, archive
from sfhmodel.data import TrainingData
from sfhmodel.errors import ModelFileError
from sfhmodel.layers import Patches
from sfhmodel.losses import SMAPE
from sfhmodel.model_file import check_model_file, open_model
from sfhmodel.plugins import check_plugins, modules_of

PLUGIN = """
import keras
from keras import ops

from sfhmodel import architectures, losses


class Scaled(keras.layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(name="factor", shape=(shape[-1],), initializer="ones")

    def call(self, values):
        return values * self.factor


def wide(spec, units=8):
    inputs = spec.inputs()
    joined = Scaled(name="scaled")(keras.layers.Concatenate()([inputs["continuum"], inputs["noise"]]))
    latent = keras.layers.Dense(units, activation="relu", name="latent")(joined)
    outputs = {**spec.history_outputs(latent), **spec.metallicity_outputs(latent), **spec.summary_output(latent)}
    return keras.Model(inputs, {**outputs, "latent": latent})


class Squared(keras.losses.Loss):
    def call(self, target, prediction):
        return ops.mean((prediction - target) ** 2, axis=-1)


architectures.register("wide", wide)
losses.register("squared", Squared, ("mass_fraction", "metallicity"))
"""
SETTINGS = [
    "architecture_options.units=5",
    "losses.mass_fraction.squared=1.0",
    "losses.metallicity.squared=0.5",
    "losses.cumulative_quantiles.pinball=1.0",
    "losses.metallicity_quantiles.pinball=1.0",
    "losses.summary_quantiles.pinball=1.0",
    "steps_per_epoch=4",
    "warmup_steps=2",
]


def run(place, *arguments):
    program = "from sfhmodel.cli import main; main()"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the plug-in, a spectrum, and a run that a process of its own has trained."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "my_nets.py").write_text(PLUGIN)
    description = TrainingData(small_dataset(folder / "data")).description
    flux = np.linspace(1.0, 2.0, description.n_pixel)
    np.savez(folder / "galaxy.npz", wavelength_aa=description.wave_aa, flux=flux, flux_error=0.1 * flux)
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    options = ("--epochs", 1, "--batch-size", 16, "--plugin", "my_nets.py")
    done = run(folder, "train", "data", "--out", "run", "--architecture", "wide", *settings, *options)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_run_minimised_the_loss_and_its_model_file_names_the_plug_in(place):
    best = json.loads((place / "run" / "summary.json").read_text())["best"]
    assert best["mass_fraction_squared"] > 0.0
    assert best["val_metallicity_squared"] > 0.0
    with zipfile.ZipFile(place / "run" / "model.keras") as file:
        config = json.loads(file.read("config.json"))["config"]
    assert config["plugins"] == ["my_nets"]
    assert (config["architecture"], config["architecture_options"]) == ("wide", {"units": 5})
    check_model_file(place / "run" / "model.keras")  # a sound file, with and without its plug-in


def test_another_process_predicts_with_the_plug_in_and_says_what_is_missing_without(place):
    refused = run(place, "predict", "run", "galaxy.npz", "--out", "without.npz")
    assert refused.returncode == 1
    assert "model.keras was made with the plug-in 'my_nets' (architecture 'wide')" in refused.stderr
    assert "--plugin my_nets.py" in refused.stderr
    assert not (place / "without.npz").exists()
    done = run(place, "predict", "run", "galaxy.npz", "--out", "with.npz", "--plugin", "my_nets.py")
    assert done.returncode == 0, done.stderr
    with np.load(place / "with.npz") as found:
        assert np.isfinite(found["summary_quantiles"]).all()
        np.testing.assert_allclose(found["mass_fraction"].sum(axis=1), 1.0, rtol=1e-5)


def test_training_without_the_plug_in_says_what_could_be_missing(place):
    done = run(place, "train", "data", "--out", "other", "--architecture", "wide")
    assert done.returncode == 1
    assert "no architecture 'wide': choose from attention, branched, or load the plug-in" in done.stderr
    assert not (place / "other").exists()


def test_modules_of_ones_own_are_named():
    assert modules_of([architectures.builder("attention"), SMAPE, Patches]) == []
    assert modules_of([small_description, functools.partial(small_description), SMAPE]) == ["small_networks"]


def test_plug_ins_that_are_no_names(tmp_path):
    for wrong in ("my_nets", [3], {"my_nets": 1}):
        with pytest.raises(ModelFileError, match="its plug-ins are no list of names"):
            check_plugins(tmp_path / "a.keras", {"plugins": wrong})
    check_plugins(tmp_path / "a.keras", {"plugins": ["small_networks"]})


def test_a_file_names_modules_but_nothing_is_imported_for_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "plug_harmful.py").write_text(f"open({str(tmp_path / 'harm')!r}, 'w')")
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as file:
        file.writestr(archive.CONFIG, json.dumps({"config": {"architecture": "x", "plugins": ["plug_harmful"]}}))
    with pytest.raises(ModelFileError, match="'plug_harmful'"):
        open_model(tmp_path / "a.keras")
    assert not (tmp_path / "harm").exists()
