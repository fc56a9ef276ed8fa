"""The Python blocks of README.md run, in order and in one namespace; its lines of shell name what there is."""

import ast
import inspect
import re
import shlex
import sys
import tomllib
import types
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
import typer
from blocks import REPOSITORY, blocks, compiled

import sfhsim

README = "README.md"
PYTHON = blocks(README, "python")
LINES = [line for block in blocks(README, "sh") for line in block.code.splitlines() if line.strip()]
SMALL_NETWORK = {
    "filters": [2, 4],
    "kernels": [32, 8],
    "strides": [32, 8],
    "blocks": 1,
    "heads": 2,
    "hidden": 8,
    "queries": 2,
    "photometry_units": [4],
    "decoder_units": [8],
}


@pytest.fixture(scope="module")
def namespace():
    return {"__name__": "readme"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the small data sets and the model that the examples open."""
    from sfhmodel.training import TrainingConfig, train

    folder = tmp_path_factory.mktemp("readme")
    simulator = sfhsim.Simulator.from_recipe("phangs-muse-hst-embedded")
    shares = {"train": 0.5, "validation": 0.5}
    sfhsim.generate_dataset(simulator, 240, folder / "training", split=shares, precision="float16")
    config = TrainingConfig(
        architecture_options=SMALL_NETWORK, batch_size=16, epochs=1, steps_per_epoch=2, warmup_steps=1
    )
    train(folder / "training", folder / "runs" / "attention", config)
    return folder


def run(containing: str, namespace: dict) -> None:
    (block,) = (block for block in PYTHON if containing in block.code)
    exec(compiled(README, block), namespace)


def test_a_simulator_a_galaxy_and_records(place, namespace, monkeypatch):
    monkeypatch.chdir(place)
    run("simulator.batch(range(256))", namespace)
    assert namespace["batch"].spectrum.shape == (256, 1761)
    assert namespace["batch"].mass_fraction.shape == (256, 16)
    assert len(namespace["galaxy"].energy_lsun()) > 1
    assert namespace["record"]["mass_fraction"].shape == (16,)


def test_a_stream(namespace):
    namespace.setdefault("sfhsim", sfhsim)
    namespace.setdefault("simulator", sfhsim.Simulator.from_recipe("phangs-muse-hst-embedded"))
    run("PrefetchingStream", namespace)
    assert namespace["records"]["spectrum"].shape == (256, 1761)


def test_a_script_for_a_cluster(namespace, monkeypatch):
    """Imported, as its workers do; what it would call takes the arguments that it gives."""
    jobqueue = types.ModuleType("dask_jobqueue")
    jobqueue.SLURMCluster = type("SLURMCluster", (), {})
    monkeypatch.setitem(sys.modules, "dask_jobqueue", jobqueue)
    run("SLURMCluster(", namespace)
    (block,) = (block for block in PYTHON if "SLURMCluster(" in block.code)
    calls = [node for node in ast.walk(ast.parse(block.code)) if isinstance(node, ast.Call)]
    (call,) = (call for call in calls if ast.unparse(call.func) == "sfhsim.generate_dataset")
    keywords = {keyword.arg: None for keyword in call.keywords}
    inspect.signature(sfhsim.generate_dataset).bind(*call.args, **keywords)


@pytest.mark.filterwarnings("ignore:the spectrum covers")  # it lies at another redshift than the grid
def test_an_observed_galaxy(place, namespace, monkeypatch):
    monkeypatch.chdir(place)
    galaxy = sfhsim.Simulator.from_recipe("phangs-muse-hst-embedded").batch([1])
    wave_aa = sfhsim.Dataset("training").wave_aa
    namespace |= {"wavelength_aa": wave_aa, "flux": galaxy.spectrum[0], "flux_error": galaxy.spectrum_error[0]}
    run("model.predict(", namespace)
    assert np.sum(namespace["answer"].mass_fraction) == pytest.approx(1.0, rel=1e-4)


def test_a_likelihood(namespace):
    galaxy = sfhsim.Simulator.from_recipe("phangs-muse-hst-embedded").batch([1])
    observed = {"flux": galaxy.spectrum[0], "flux_error": galaxy.spectrum_error[0]}
    observed |= {"magnitudes": galaxy.photometry[0], "magnitude_errors": galaxy.photometry_error[0]}
    own = {"sfhsim": sfhsim, "np": np, **observed}
    run("sfhsim.Likelihood(", own)
    assert own["log_likelihood"].shape == (1000,)
    assert own["found"].mass_fraction.shape == (1000, 16)
    truth = own["likelihood"].cube.of_samples([1], 0)
    assert own["likelihood"](truth)[0] > own["log_likelihood"].max()


def test_a_cube(namespace, tmp_path, monkeypatch):
    from benchmarks.maps import write_cube

    monkeypatch.chdir(tmp_path)
    write_cube(tmp_path / "cube.fits", (4, 5), np.arange(4750.0, 7150.0, 1.25), range(4))
    run("map_cube(", namespace)
    assert namespace["outcome"].ok
    assert (tmp_path / "maps.fits").is_file()
    assert (tmp_path / "pictures" / "maps.html").is_file()


def test_records_of_half_floats(place, namespace):
    import tensorflow as tf

    from sfhsim.records.tfrecord import read_records

    dataset = sfhsim.Dataset(place / "training")
    shard = dataset.manifest["shards"][0]
    message = next(iter(read_records(place / "training" / shard["file"])))
    names = [feature["name"] for feature in dataset.manifest["record"]["features"] if feature["name"] != "sample_id"]
    wanted = {name: tf.io.FixedLenFeature([], tf.string) for name in names}
    example = tf.io.parse_single_example(bytes(message), wanted)
    known = {"tf": tf, "decode_raw": tf.io.decode_raw, "example": example, "n_pixel": dataset.wave_aa.size}
    run("tensor_scatter_nd_add", namespace | known)
    out = namespace | known
    run("tensor_scatter_nd_add", out)
    record = next(iter(dataset.records(shard)))
    np.testing.assert_array_equal(out["both"], np.concatenate([record["spectrum"], record["spectrum_error"]]))


def test_an_architecture(namespace, monkeypatch):
    from sfhmodel import architectures

    monkeypatch.setattr(architectures, "_BUILDERS", dict(architectures._BUILDERS))
    run("architectures.register(", namespace)
    network = architectures.build("wide", architectures.NetworkSpec(40, 3, 5, 5, ("a_v_mag",)), units=8)
    assert network.output["latent"].shape == (None, 8)


def test_every_block_is_run():
    ways = (
        "simulator.batch(range(256))",
        "PrefetchingStream",
        "SLURMCluster(",
        "model.predict(",
        "map_cube(",
        "sfhsim.Likelihood(",
        "architectures.register(",
        "scatter_nd_add",
    )
    assert [sum(way in block.code for way in ways) for block in PYTHON] == [1] * len(ways)


def check_command(words: list[str]) -> None:
    """That a command and its options exist."""
    command = typer.main.get_command(import_module(f"{words[0]}.cli.main").app)
    rest = words[1:]
    while hasattr(command, "commands"):
        assert rest[0] in command.commands, f"no command {' '.join(words)!r}"
        command, rest = command.commands[rest[0]], rest[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert given <= options | {"--help", "--plugin"}, f"{' '.join(words)}: no option {given - options}"


def check_line(line: str) -> None:
    words = shlex.split(line.partition(" > ")[0], comments=True)
    if words[0] in ("sfhsim", "sfhmodel"):
        check_command(words)
    elif words[0] == "make":
        assert re.search(rf"^{words[1]}:", (REPOSITORY / "Makefile").read_text(), re.M), line
    else:
        assert words[:2] == ["pip", "install"], f"what is {line!r}?"
        extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert set(re.findall(r"\[(\w+)\]", words[2])) <= set(extras)


@pytest.mark.parametrize("line", LINES)
def test_lines_of_shell(line):
    check_line(line)


def test_commands_in_the_text():
    text = (REPOSITORY / README).read_text(encoding="utf-8")
    modules = set(re.findall(r"`python -m ([\w.]+)", text))
    assert len(modules) >= 5
    assert all(find_spec(module) for module in modules)
    for command in re.findall(r"`(sfh(?:sim|model) [a-z][^`]*)`", text):
        check_line(command)


@pytest.mark.parametrize("line", ["sfhsim generate demo --no-such-option 1", "sfhmodel nothing", "make coffee"])
def test_what_is_not_there_is_noticed(line):
    with pytest.raises(AssertionError):
        check_line(line)
