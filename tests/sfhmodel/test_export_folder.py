"""The folder of an export: whole or absent, never another's; bad models and destinations; the command; Keras on JAX."""

import os
import shutil
import subprocess
import sys

import keras
import pytest
import tensorflow as tf
import typer
from small_networks import answers, assert_same_answers, galaxies, small_model
from typer.testing import CliRunner

from sfhmodel.cli.export import register
from sfhmodel.errors import ConfigError, ModelFileError
from sfhmodel.export import export, saved_model

WRITTEN = {"README.txt", "description.json", "model.keras", "saved_model.pb", "variables"}


@pytest.fixture(scope="module")
def model():
    return small_model("branched")


@pytest.fixture(scope="module")
def run_directory(model, tmp_path_factory):
    """A finished run, as far as an export needs it."""
    run = tmp_path_factory.mktemp("run")
    (run / "config.yaml").write_text("")
    model.save(run / "model.keras")
    return run


@pytest.fixture
def quick(monkeypatch):
    """Exports without the slow part: the graph."""
    monkeypatch.setattr(
        saved_model, "write_saved_model", lambda model, text, staging: (staging / "saved_model.pb").touch()
    )


def command(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.mark.parametrize("name", ["", "model.keras"])
def test_of_a_run_or_of_a_file(quick, run_directory, tmp_path, name):
    out = tmp_path / "some" / "where"
    assert export(str(run_directory / name), str(out)) == out
    assert {path.name for path in out.iterdir()} == WRITTEN - {"variables"}
    assert (out / "model.keras").read_bytes() == (run_directory / "model.keras").read_bytes()
    assert [path.name for path in out.parent.iterdir()] == ["where"]


def test_of_an_earlier_export(quick, run_directory, tmp_path):
    export(run_directory, tmp_path / "first")
    export(tmp_path / "first", tmp_path / "second")
    for name in WRITTEN - {"variables", "README.txt"}:
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()


def test_the_command(run_directory, tmp_path):
    done = command(run_directory, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert "predict_wavelengths" in done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} >= WRITTEN


def test_an_export_is_replaced_only_when_asked(quick, run_directory, tmp_path):
    out = tmp_path / "out"
    export(run_directory, out)
    (out / "left").touch()
    with pytest.raises(ConfigError, match="holds an export already: give another folder, or --overwrite"):
        export(run_directory, out)
    assert isinstance(command(run_directory, "--out", out).exception, ConfigError)
    assert (out / "left").exists()
    assert command(run_directory, "--out", out, "--overwrite").exit_code == 0
    assert not (out / "left").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("content", ["", "{}", "[]", "no JSON", '{"format": "another"}'])
def test_a_foreign_folder_is_never_replaced(quick, run_directory, tmp_path, content):
    (tmp_path / "description.json").write_text(content)
    with pytest.raises(ConfigError, match="not empty and no export of sfhmodel"):
        export(run_directory, tmp_path, overwrite=True)
    assert (tmp_path / "description.json").read_text() == content


def test_an_empty_folder_is_used(quick, run_directory, tmp_path):
    (tmp_path / "out").mkdir()
    export(run_directory, tmp_path / "out")
    assert (tmp_path / "out" / "saved_model.pb").exists()


def test_a_file_in_the_place(quick, run_directory, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ConfigError, match="out is a file"):
        export(run_directory, tmp_path / "out", overwrite=True)
    with pytest.raises(ConfigError, match="cannot write .*out/deeper: Not a directory; give a folder"):
        export(run_directory, tmp_path / "out" / "deeper")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (OSError(28, "No space left on device"), ConfigError),
        (tf.errors.ResourceExhaustedError(None, None, "No space left on device"), ConfigError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_what_was_there(quick, run_directory, tmp_path, monkeypatch, failure, expected):
    out = tmp_path / "out"
    export(run_directory, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fail(model, text, staging):
        (staging / "saved_model.pb").touch()
        raise failure

    monkeypatch.setattr(saved_model, "write_saved_model", fail)
    with pytest.raises(expected, match="No space left" if expected is ConfigError else None):
        export(run_directory, out, overwrite=True)
    with pytest.raises(expected):
        export(run_directory, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_damaged_model(quick, run_directory, tmp_path):
    content = (run_directory / "model.keras").read_bytes()
    for name, damaged in {"cut": content[: len(content) // 2], "empty": b"", "text": b"no model"}.items():
        path = tmp_path / f"{name}.keras"
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match=f"{name}.keras is damaged or no .keras file"):
            export(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_of_something_else(quick, tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(ModelFileError, match="class Sequential, not one of sfhmodel"):
        export(tmp_path / "other.keras", tmp_path / "out")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ((), "no model file and no preset|there is no model file"),
        (("run/config.yaml",), "run has no finished model .*`sfhmodel train`"),
        (("run/checkpoints/1.keras",), "run has no finished model .*`sfhmodel train`"),
        (("run/something",), "holds no model.keras: it is no finished training run"),
        (("run",), "is damaged or no .keras file"),
    ],
)
def test_no_model_there(tmp_path, made, message):
    for name in made:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(ModelFileError, match=message):
        export(tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def on_jax(run_directory, out, **environment):
    """An export in a process where Keras uses JAX."""
    script = f"from sfhmodel.export import export; export({str(run_directory)!r}, {str(out)!r})"
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **environment}
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)


def test_keras_on_jax_exports_the_same(model, run_directory, tmp_path):
    done = on_jax(run_directory, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    inputs, _ = galaxies(model.description, 4)
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    found = {name: values.numpy() for name, values in loaded.predict(**inputs).items()}
    del found["unlike_training"]
    assert_same_answers(answers(model, inputs), found, 1e-5)


def test_keras_on_jax_names_a_damaged_model(tmp_path):
    (tmp_path / "cut.keras").write_bytes(b"no model")
    done = on_jax(tmp_path / "cut.keras", tmp_path / "out")
    assert f"ModelFileError: {tmp_path / 'cut.keras'} is damaged or no .keras file" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cut.keras"]


def test_keras_on_jax_without_tensorflow(run_directory, tmp_path):
    (tmp_path / "absent" / "tensorflow").mkdir(parents=True)
    (tmp_path / "absent" / "tensorflow" / "__init__.py").write_text("raise ImportError('no tensorflow here')")
    path = os.pathsep.join(filter(None, [str(tmp_path / "absent"), os.environ.get("PYTHONPATH")]))
    done = on_jax(run_directory, tmp_path / "out", PYTHONPATH=path)
    assert "ConfigError: the export needs TensorFlow, whose process failed" in done.stderr
    assert "no tensorflow here" in done.stderr
    assert not (tmp_path / "out").exists()
    shutil.rmtree(tmp_path / "absent")
    assert not list(tmp_path.iterdir())
