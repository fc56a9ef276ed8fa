"""Light graphs: the same answers as Keras, only for the very model they were made from, and without importing Keras."""

import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
import small_networks
import typer
from small_model import description, inputs_and_truths, small_model
from small_networks import assert_same_answers
from test_predict_loading import rewritten
from typer.testing import CliRunner

from sfhmodel import load, presets
from sfhmodel.calibration import calibrate
from sfhmodel.cli.export import register
from sfhmodel.errors import ConfigError, ModelFileError, SfhmodelWarning
from sfhmodel.export import export_onnx, onnx_graph
from sfhmodel.export.onnx_graph import TOLERANCE, probe
from sfhmodel.files import file_sha256
from sfhmodel.graph_file import graph_path, has_graph, sealed
from sfhmodel.inference.backends import GraphAnswers, KerasAnswers, answers_of


def galaxies(n: int, seed: int, n_band: int = 3):
    return tuple(inputs_and_truths(n, seed, n_band))


def model_of(architecture: str, n_band: int = 3, seed: int = 3):
    """Adapted, calibrated, and every weight moved at random so that every input matters."""
    model = small_model(architecture, n_band)
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign(np.asarray(weight) + 0.05 * rng.standard_normal(weight.shape))
    calibrate(model, [galaxies(400, 2, n_band)])
    return model


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run with a model and its graph."""
    folder = tmp_path_factory.mktemp("run")
    model_of("attention").save(folder / "model.keras")
    assert export_onnx(folder) == folder / "model.onnx"
    return folder


@pytest.fixture
def run(made, tmp_path):
    """A copy of it, to be changed."""
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


def without_onnxruntime(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)


def assert_alike(path, n_band):
    graph, keras = answers_of(path, "onnx"), answers_of(path, "keras")
    assert isinstance(graph, GraphAnswers)
    assert isinstance(keras, KerasAnswers)
    for inputs in (galaxies(30, 5, n_band)[0], probe(description(n_band), n=40, seed=6)):
        assert_same_answers(graph.run(inputs, 64, 64), keras.run(inputs, 64, 64), TOLERANCE)


def test_answers_are_those_of_keras(made):
    assert_alike(made / "model.keras", 3)


@pytest.mark.parametrize(("architecture", "n_band"), [("branched", 3), ("attention", 0)])
def test_of_other_networks_too(tmp_path, architecture, n_band):
    model_of(architecture, n_band).save(tmp_path / "m.keras")
    export_onnx(tmp_path / "m.keras")
    assert_alike(tmp_path / "m.keras", n_band)


def test_of_a_network_with_a_projection(tmp_path):
    small_networks.small_model("attention").save(tmp_path / "m.keras")
    export_onnx(tmp_path / "m.keras")
    inputs = small_networks.galaxies(small_networks.small_description(), 30)[0]
    graph, keras = (answers_of(tmp_path / "m.keras", backend) for backend in ("onnx", "keras"))
    assert_same_answers(graph.run(inputs, 64, 64), keras.run(inputs, 64, 64), TOLERANCE)


def test_predictions_are_those_of_keras(made):
    wave_aa = np.linspace(4700.0, 7100.0, 300)
    flux = 1.0 + 0.1 * np.sin(wave_aa / 300.0) + 0.01 * np.random.default_rng(0).standard_normal((5, 300))
    flux[1, 40:90] = np.nan
    given = wave_aa, flux, 0.01 * np.abs(flux), [[17.0, 18.0, np.nan]] * 5, 0.001
    graph, keras = (load(made, backend=name).predict(*given, batch_size=2) for name in ("onnx", "keras"))
    for name in ("mass_fraction", "metallicity_quantiles", "summary_quantiles", "novelty", "masked_fraction"):
        np.testing.assert_allclose(getattr(graph, name), getattr(keras, name), rtol=1e-4, atol=1e-5, err_msg=name)
    np.testing.assert_array_equal(graph.at_edge, keras.at_edge)
    assert graph.model_name == keras.model_name == str(made)


def test_the_model_itself_is_opened_when_it_is_asked_for(made):
    predictor = load(made)
    assert isinstance(predictor._answers, GraphAnswers)
    assert predictor.model(galaxies(3, 0)[0])["mass_fraction"].shape == (3, 6)
    assert predictor.model is predictor.model


@pytest.mark.parametrize("change", ["model", "flipped", "cut", "empty", "foreign"])
def test_a_graph_of_another_model_or_a_damaged_one_is_never_used(run, change):
    graph = run / "model.onnx"
    content = bytearray(graph.read_bytes())
    if change == "model":
        small_model("attention").save(run / "model.keras")
        message = r"model\.onnx was made from another model than model\.keras, .* export .*model\.keras --format onnx"
    else:
        content[len(content) // 2] ^= 1
        cut, foreign = content[:-1], onnx.ModelProto(producer_name="another").SerializeToString()
        graph.write_bytes({"flipped": content, "cut": cut, "empty": b"", "foreign": foreign}[change])
        message = r"model\.onnx is damaged or no light graph of sfhmodel: make it with `sfhmodel export"
    assert not has_graph(run / "model.keras")
    with pytest.raises(ModelFileError, match=message):
        load(run, backend="onnx")
    with pytest.warns(SfhmodelWarning, match="Keras answers.*" + message):
        predictor = load(run)
    assert isinstance(predictor._answers, KerasAnswers)


def test_without_a_graph_keras_answers(run):
    (run / "model.onnx").unlink()
    assert isinstance(load(run)._answers, KerasAnswers)
    with pytest.raises(ModelFileError, match=r"model\.keras has no light graph model\.onnx beside it: make it with"):
        load(run, backend="onnx")


def test_without_onnxruntime_keras_answers(made, monkeypatch):
    without_onnxruntime(monkeypatch)
    assert isinstance(load(made)._answers, KerasAnswers)
    with pytest.raises(ConfigError, match=r"onnxruntime is not installed.*pip install 'sfhsim\[light\]'"):
        load(made, backend="onnx")


def test_backends_that_there_are_not(made):
    with pytest.raises(ConfigError, match="no backend 'torch': choose from auto, onnx, keras"):
        load(made, backend="torch")


@pytest.mark.parametrize("what", ["garbage", "other outputs"])
def test_graphs_that_do_not_run(run, what):
    content = b"no graph"
    if what == "other outputs":
        value = onnx.helper.make_tensor_value_info("flux", onnx.TensorProto.FLOAT, [1])
        twin = onnx.helper.make_tensor_value_info("twin", onnx.TensorProto.FLOAT, [1])
        node = onnx.helper.make_node("Identity", ["flux"], ["twin"])
        graph = onnx.helper.make_graph([node], "g", [value], [twin])
        opset = [onnx.helper.make_opsetid("", onnx_graph.OPSET)]
        content = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    (run / "model.onnx").write_bytes(sealed(content, file_sha256(run / "model.keras")))
    message = "onnxruntime cannot run" if what == "garbage" else "does not give cumulative_quantiles, mass_fraction"
    with pytest.raises(ModelFileError, match=message):
        load(run, backend="onnx")


def test_a_model_whose_description_is_none(run, tmp_path):
    def change(name, content):
        return json.dumps(json.loads(content) | {"config": {}}).encode() if name == "config.json" else content

    path = rewritten(run / "model.keras", tmp_path / "odd.keras", change)
    with pytest.raises(ModelFileError, match=r"odd\.keras cannot be opened: its description is not one of sfhmodel's"):
        GraphAnswers(path, b"")


def test_any_program_that_reads_onnx_opens_the_file(made):
    proto = onnx.load(made / "model.onnx")
    onnx.checker.check_model(proto)
    said = {entry.key: entry.value for entry in proto.metadata_props}
    assert said["sfhmodel_model_sha256"] == file_sha256(made / "model.keras")
    with pytest.raises(ModelFileError, match=r"model\.onnx is a light graph: give the \.keras file"):
        load(made / "model.onnx")


# --- making them ------------------------------------------------------------------------------------------------------


def command(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.fixture
def quick(monkeypatch):
    """Exports without the slow part."""

    def write(path, out):
        out.write_bytes(sealed(b"graph", file_sha256(path)))

    monkeypatch.setattr(onnx_graph, "write_graph", write)


def test_the_command(quick, run, tmp_path):
    done = command(run, "--format", "onnx")
    assert isinstance(done.exception, ConfigError)
    assert "model.onnx exists" in str(done.exception)
    (run / "model.onnx").unlink()
    assert "model.onnx: light graph" in command(run, "--format", "onnx").output
    assert has_graph(run / "model.keras")
    assert command(run, "--format", "onnx", "--out", tmp_path / "there.onnx").exit_code == 0
    assert (tmp_path / "there.onnx").read_bytes() == (run / "model.onnx").read_bytes()
    for odd, message in {
        ("--format", "onnx", "--out", "graph.pb"): "graph.pb has another ending than .onnx",
        ("--format", "h5"): "no format 'h5': choose savedmodel or onnx",
        (): "a SavedModel is a folder: name the one to make with --out",
    }.items():
        assert message in str(command(run, *odd).exception)


def test_a_graph_that_answers_otherwise_is_not_written(run, monkeypatch):
    graph, answers = (run / "model.onnx").read_bytes(), onnx_graph.session_answers
    monkeypatch.setattr(onnx_graph, "_traced", lambda *_: graph)
    (run / "model.onnx").unlink()
    monkeypatch.setattr(
        onnx_graph, "session_answers", lambda *given: {name: v + 1e-3 for name, v in answers(*given).items()}
    )
    with pytest.raises(ConfigError, match="its graph answers otherwise than Keras, mass_fraction by 1.0e-03, where"):
        export_onnx(run)
    assert [path.name for path in run.iterdir()] == ["model.keras"]


def test_what_it_is_made_with_may_be_missing(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ConfigError, match=r"tf2onnx is not installed.*pip install 'sfhsim\[model\]'"):
        export_onnx(run, overwrite=True)
    assert has_graph(run / "model.keras")


def test_where_keras_runs_on_another_backend(quick, run, monkeypatch):
    """`tests/sfhmodel/test_export_folder.py` starts such a process."""

    def elsewhere(module, function, *arguments):
        asked.append((module, function))
        return getattr(sys.modules[module], function)(*arguments) or ""

    asked = []
    monkeypatch.setattr(onnx_graph, "is_tensorflow", lambda: False)
    monkeypatch.setattr(onnx_graph, "in_tensorflow", elsewhere)
    (run / "model.onnx").unlink()
    export_onnx(run)
    assert asked == [("sfhmodel.export.onnx_graph", "write_graph")]
    assert has_graph(run / "model.keras")
    monkeypatch.setattr(onnx_graph, "in_tensorflow", lambda *_: "it was said")
    with pytest.raises(ConfigError, match=r"model\.keras was not made, in a process of TensorFlow's: it was said"):
        export_onnx(run, overwrite=True)


# --- presets ----------------------------------------------------------------------------------------------------------


def test_a_preset_is_installed_with_its_graph(quick, run, tmp_path, monkeypatch):
    monkeypatch.setenv("SFHMODEL_HOME", str(tmp_path / "home"))
    path = presets.install(run, "small")
    graph = graph_path(path)
    assert presets.graph_sha256(path) == file_sha256(graph)
    assert isinstance(load("small")._answers, GraphAnswers)
    graph.write_bytes(sealed(b"another", file_sha256(path)))
    with pytest.raises(ModelFileError, match=r"is not the graph that was registered with model\.keras"):
        load("small", backend="onnx")
    export_onnx("small", overwrite=True)
    assert presets.graph_sha256(path) == file_sha256(graph)
    assert presets.find("small").checked_path() == path
    (run / "model.onnx").unlink()
    assert not graph_path(presets.install(run, "without")).exists()
    assert presets.graph_sha256(presets.find("without").path) is None


def test_predicting_imports_no_keras(made, tmp_path):
    wave_aa = np.linspace(4700.0, 7100.0, 300)
    np.savez(tmp_path / "g.npz", wave_aa=wave_aa, flux=2.0 + np.sin(wave_aa / 300.0), flux_error=np.full(300, 0.05))
    code = (
        "import sys\nfrom sfhmodel.cli.main import app\n"
        f"app(['predict', {str(made)!r}, 'g.npz', '--redshift', '0.001', '--out', 'o.ecsv', '--plots', 'pictures'], "
        "standalone_mode=False)\n"
        "print(sorted({'keras', 'tensorflow', 'jax', 'onnx', 'tf2onnx', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "picture: pictures/g.png" in done.stdout
    assert (tmp_path / "pictures" / "g.png").stat().st_size > 10_000
