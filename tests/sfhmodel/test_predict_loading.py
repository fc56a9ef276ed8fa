"""Finding and opening models: files, runs, exports; damaged ones."""

import json
import shutil
import zipfile

import keras
import numpy as np
import pytest
from small_networks import answers, galaxies, small_description, small_model

from sfhmodel import load
from sfhmodel.errors import ModelFileError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A training run, as far as loading needs it."""
    folder = tmp_path_factory.mktemp("run")
    small_model("attention").save(folder / "model.keras")
    return folder


@pytest.mark.parametrize("name", ["", "model.keras"])
def test_a_run_or_its_file(run, name):
    inputs = galaxies(small_description(), 4)[0]
    model = load(run / name).model
    assert model.description.n_age_bin == 5
    np.testing.assert_allclose(
        answers(model, inputs)["mass_fraction"], answers(small_model("attention"), inputs)["mass_fraction"], rtol=1e-5
    )
    assert load(str(run / name)).name == str(run / name)


def rewritten(source, target, change):
    """The archive with ``change(name, content) -> content or None`` applied to every member."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def test_truncated_and_damaged_files(run, tmp_path):
    content = (run / "model.keras").read_bytes()
    path = tmp_path / "a.keras"
    for damaged in (b"", b"no archive", content[: len(content) // 2], content[100:]):
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match=r"a\.keras is damaged or no \.keras file"):
            load(path)
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0xFF
    path.write_bytes(flipped)
    with pytest.raises(ModelFileError, match=r"a\.keras"):
        load(path)


def test_archives_that_are_no_model(run, tmp_path):
    path = tmp_path / "a.keras"
    rewritten(run / "model.keras", path, lambda name, content: None if name == "config.json" else content)
    with pytest.raises(ModelFileError, match=r"lacks config\.json"):
        load(path)
    rewritten(run / "model.keras", path, lambda name, content: b"{" if name == "config.json" else content)
    with pytest.raises(ModelFileError, match="damaged"):
        load(path)
    rewritten(run / "model.keras", path, lambda name, content: b"garbage" if name.endswith(".h5") else content)
    with pytest.raises(ModelFileError, match="cannot be opened"):
        load(path)


def test_model_of_another_version(run, tmp_path):
    def change(name, content):
        if name != "config.json":
            return content
        config = json.loads(content)
        config["config"]["architecture"] = "telepathy"
        return json.dumps(config).encode()

    path = rewritten(run / "model.keras", tmp_path / "a.keras", change)
    with pytest.raises(ModelFileError, match=r"cannot be opened.*telepathy.*another version"):
        load(path)


def test_another_keras_model(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "a.keras")
    with pytest.raises(ModelFileError, match="class Sequential, not one of sfhmodel"):
        load(tmp_path / "a.keras")


def test_folders_without_a_model(tmp_path):
    with pytest.raises(ModelFileError, match=r"holds no model\.keras"):
        load(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ModelFileError, match="is a SavedModel"):
        load(tmp_path)


def test_paths_that_do_not_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("SFHMODEL_HOME", str(tmp_path))
    with pytest.raises(ModelFileError, match=r"no model file .*nothing\.keras; presets: optical, phangs-muse-hst"):
        load(tmp_path / "nothing.keras")
    with pytest.raises(ModelFileError, match="no model file and no preset 'nothing': presets: optical, phangs-muse"):
        load("nothing")


def test_models_are_found_whatever_the_folder_is_called(run, tmp_path):
    shutil.copytree(run, tmp_path / "run.v2")
    assert load(tmp_path / "run.v2").description.n_band == 3
