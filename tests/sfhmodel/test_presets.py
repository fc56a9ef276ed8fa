"""Models by name: registered, found, checked; shipped ones; bad names."""

import hashlib
import json

import pytest
from small_networks import small_model

from sfhmodel import load, presets
from sfhmodel.errors import ConfigError, ModelFileError
from sfhmodel.presets import installing, registry


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    small_model("attention").save(path)
    return path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SFHMODEL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_nothing_is_made_by_looking(home):
    assert "small" not in presets.names()
    assert not home.exists()


def test_installed_models_are_loaded_by_name(model_file, home):
    path = presets.install(model_file, "small", description="for tests")
    assert path.read_bytes() == model_file.read_bytes()
    assert "small" in presets.names()
    assert load("small").description.n_age_bin == 5
    preset = presets.find("small")
    assert preset.description == "for tests"
    assert preset.sha256 == hashlib.sha256(model_file.read_bytes()).hexdigest()
    assert [entry.name for entry in (home / "presets").iterdir()] == ["small"]


def test_a_run_can_be_installed(model_file):
    presets.install(model_file.parent, "run-1")
    assert presets.find("run-1").checked_path().is_file()


def test_names_that_are_taken_or_bad(model_file):
    presets.install(model_file, "small")
    with pytest.raises(ConfigError, match="there is a preset 'small' already"):
        presets.install(model_file, "small")
    presets.install(model_file, "small", description="newer", overwrite=True)
    assert presets.find("small").description == "newer"
    for name in ("", "a/b", "../small", ".hidden", "two words"):
        with pytest.raises(ConfigError, match="letters, digits, '.'"):
            presets.install(model_file, name)


def test_what_is_no_model_is_not_installed(tmp_path, home):
    (tmp_path / "a.keras").write_text("no model")
    with pytest.raises(ModelFileError, match="damaged"):
        presets.install(tmp_path / "a.keras", "broken")
    assert not home.exists()


def test_unknown_presets_name_the_known(model_file):
    presets.install(model_file, "small")
    with pytest.raises(ModelFileError, match=r"no preset 'smal': did you mean 'small'\? presets: .*small"):
        load("smal")


def test_changed_files_are_refused(model_file):
    path = presets.install(model_file, "small")
    with open(path, "ab") as file:
        file.write(b"x")
    with pytest.raises(ModelFileError, match="preset 'small': .* is damaged, its sha256"):
        load("small")
    path.unlink()
    with pytest.raises(ModelFileError, match="is missing; install it again"):
        load("small")


@pytest.mark.parametrize("content", ["{", "[]", '{"description": "no checksum"}'])
def test_damaged_entries(model_file, home, content):
    presets.install(model_file, "small")
    (home / "presets" / "small" / "preset.json").write_text(content)
    with pytest.raises(ModelFileError, match=r"small.*install"):
        load("small")


def test_a_home_that_cannot_be_written(model_file, home):
    home.write_text("a file")
    with pytest.raises(ModelFileError, match="cannot write .*small"):
        presets.install(model_file, "small")


@pytest.mark.parametrize("step", ["copyfile", "exchange"])
def test_an_overwrite_that_fails_keeps_the_old_one(model_file, home, monkeypatch, step):
    from sfhsim import folders

    path = presets.install(model_file, "small", description="old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((installing.shutil, "copyfile") if step == "copyfile" else (folders, "exchange")), fail)
    with pytest.raises(ModelFileError, match="cannot write .*small: No space left"):
        presets.install(model_file, "small", description="new", overwrite=True)
    assert presets.find("small").description == "old"
    assert presets.find("small").checked_path() == path
    assert [entry.name for entry in (home / "presets").iterdir()] == ["small"]


def test_an_overwrite_that_was_killed_between_its_steps_is_finished(model_file, home, monkeypatch):
    from sfhsim import folders

    presets.install(model_file, "small", description="old")
    monkeypatch.setattr(folders, "exchange", lambda *_: False)  # a file system that cannot exchange names
    rename = folders.os.rename

    class Killed(BaseException):
        pass

    def die_before_the_second(source, target):
        rename(source, target)
        if str(target).endswith(".sfhsim-old"):
            raise Killed

    monkeypatch.setattr(folders.os, "rename", die_before_the_second)
    monkeypatch.setattr(folders.shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(Killed):
        presets.install(model_file, "small", description="new", overwrite=True)
    monkeypatch.undo()
    monkeypatch.setenv("SFHMODEL_HOME", str(home))
    assert not (home / "presets" / "small").exists()
    assert presets.find("small").description in ("old", "new")
    assert presets.find("small").checked_path().is_file()


def test_shipped_models(model_file, tmp_path, monkeypatch):
    shipped = tmp_path / "package"
    (shipped / "models").mkdir(parents=True)
    (shipped / "models" / "s.keras").write_bytes(model_file.read_bytes())
    entry = {"file": "s.keras", "sha256": hashlib.sha256(model_file.read_bytes()).hexdigest(), "description": "ours"}
    (shipped / "shipped.json").write_text(json.dumps({"presets": {"shipped": entry}}))
    monkeypatch.setattr(registry, "_HERE", shipped)
    assert presets.names() == ("shipped",)
    assert load("shipped").description.n_band == 3
    (shipped / "models" / "s.keras").write_bytes(b"changed")
    with pytest.raises(ModelFileError, match="sha256"):
        load("shipped")


def test_every_shipped_model_is_whole():
    for name in registry._shipped():
        assert presets.find(name).checked_path().is_file()
