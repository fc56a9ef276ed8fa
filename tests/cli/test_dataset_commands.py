"""`sfhsim generate`, `inspect` and `plot` on the miniature library."""

import json

import numpy as np
import pytest
import yaml
from miniature import miniature_recipe

from sfhsim import Dataset
from sfhsim.generation import generate_dataset

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def dataset(home, recipe_file, tmp_path_factory):
    """A data set of 60 samples of seed 5; nothing here changes it."""
    folder = tmp_path_factory.mktemp("data") / "set"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFHSIM_HOME", str(home))
        generate_dataset(str(recipe_file), 60, folder, seed=5)
    return folder


@pytest.fixture
def coarse_pictures(monkeypatch):
    """Pictures of few pixels: drawing is most of the time that the commands take."""
    monkeypatch.setattr("sfhsim.plots.style.DPI", 40)


def test_generate_makes_a_data_set_and_says_so(sfhsim, recipe_file, dataset, tmp_path):
    outcome = sfhsim("generate", recipe_file, "--workers", 1, "-n", 60, "--out", "set", "--shard-size", "64kB")
    assert outcome.code == 0
    assert "set: 60 samples in" in outcome.out
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert manifest["n_samples"] == 60
    assert manifest["recipe"]["name"] == "small"
    assert len(manifest["shards"]) > 3
    made, other = Dataset(tmp_path / "set").arrays(), Dataset(dataset).arrays()
    assert len(made["spectrum"]) == 60
    assert not np.array_equal(made["spectrum"][0], other["spectrum"][0])  # of another seed


def test_generate_again_keeps_what_is_there(sfhsim, recipe_file, dataset):
    before = {p.name: p.stat().st_mtime_ns for p in dataset.glob("*.tfrecord*")}
    outcome = sfhsim("generate", recipe_file, "--workers", 1, "-n", 60, "--out", dataset, "--seed", 5)
    assert outcome.code == 0
    assert "60 were there already" in outcome.out
    assert {p.name: p.stat().st_mtime_ns for p in dataset.glob("*.tfrecord*")} == before


def test_generate_takes_a_precision(sfhsim, recipe_file, dataset, tmp_path):
    options = ("--workers", 1, "-n", 60, "--out", "set", "--seed", 5)
    outcome = sfhsim("generate", recipe_file, *options, "--precision", "half")
    assert (outcome.code, "no precision 'half': there are float32, float16" in outcome.err) == (1, True)
    assert sfhsim("generate", recipe_file, *options, "--precision", "float16").code == 0
    made, other = Dataset(tmp_path / "set"), Dataset(dataset)
    assert made.precision == "float16"
    np.testing.assert_allclose(made.arrays()["spectrum"], other.arrays()["spectrum"], rtol=5e-4)
    outcome = sfhsim("inspect", tmp_path / "set")
    assert "4800-7000 A, float16" in outcome.out


def test_generate_refuses_another_data_set(sfhsim, recipe_file, dataset):
    outcome = sfhsim("generate", recipe_file, "--workers", 1, "-n", 60, "--out", dataset, "--seed", 6)
    assert outcome.code == 1
    assert outcome.err.startswith("error: ")
    assert "holds another data set" in outcome.err
    assert "seed (5 there, 6 wanted)" in outcome.err


@pytest.mark.usefixtures("coarse_pictures")
def test_generate_with_plots(sfhsim, recipe_file, tmp_path):
    outcome = sfhsim("generate", recipe_file, "--workers", 1, "-n", 40, "--out", "set", "--plots")
    assert outcome.code == 0
    assert outcome.out.count("picture: ") == 4
    for name in ("spectra", "histories", "labels", "truths"):
        assert (tmp_path / "set" / "plots" / f"{name}.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate", "no-such-recipe", "-n", 5, "--out", "set"], "no recipe 'no-such-recipe'"),
        (["generate", "RECIPE", "-n", 5, "--out", "set", "--shard-size", "many"], "'many' is not a size"),
        (["generate", "RECIPE", "-n", 5, "--out", "RECIPE"], "is a file"),
        (["inspect", "nowhere"], "nowhere holds no manifest.json"),
        (["plot", "nowhere"], "no recipe 'nowhere'"),
        (["plot", "."], "holds no manifest.json"),
    ],
)
def test_errors_are_one_message(sfhsim, recipe_file, arguments, message):
    outcome = sfhsim(*[recipe_file if a == "RECIPE" else a for a in arguments])
    assert outcome.code == 1
    assert outcome.err.startswith("error: ")
    assert message in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("arguments", [["-n", 0], ["-n", -3], ["-n", "x"], ["-n", 5, "--seed", -1]])
def test_impossible_numbers_are_usage_errors(sfhsim, recipe_file, arguments):
    outcome = sfhsim("generate", recipe_file, "--out", "set", *arguments)
    assert outcome.code == 2
    assert "Invalid value" in outcome.err


@pytest.mark.usefixtures("coarse_pictures")
def test_inspect_describes_and_draws(sfhsim, dataset, tmp_path):
    outcome = sfhsim("inspect", dataset, "--sample", 7, "--plot", "pictures/seven.png")
    assert outcome.code == 0
    for words in ("small: 60 samples", "library     miniature", "441 pixels", "sample 7\n", "total_mass_msun", "mag"):
        assert words in outcome.out
    assert (tmp_path / "pictures" / "seven.png").read_bytes().startswith(PNG)


def test_inspect_a_sample_that_is_not_there(sfhsim, dataset):
    outcome = sfhsim("inspect", dataset, "--sample", 60)
    assert outcome.code == 1
    assert "no sample 60" in outcome.err
    assert "0 to 59" in outcome.err


@pytest.mark.usefixtures("coarse_pictures")
def test_plot_a_recipe_and_a_data_set(sfhsim, recipe_file, dataset, tmp_path):
    of_recipe = sfhsim("plot", recipe_file, "--out", "a")
    assert of_recipe.code == 0
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["histories.png", "spectrum.png"]
    of_dataset = sfhsim("plot", dataset, "--out", "b")
    assert of_dataset.code == 0
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == [
        "histories.png", "labels.png", "spectra.png", "truths.png",
    ]  # fmt: skip


@pytest.mark.filterwarnings("always::sfhsim.errors.SfhsimWarning")
def test_warnings_are_notes(sfhsim, tmp_path):
    path = tmp_path / "rich.yaml"
    path.write_text(yaml.safe_dump(miniature_recipe(metallicity={"form": "constant", "z_final": 0.1})))
    outcome = sfhsim("generate", path, "--workers", 1, "-n", 5, "--out", "set")
    assert outcome.code == 0
    assert "note: " in outcome.err
    assert "metallicit" in outcome.err
    assert ".py:" not in outcome.err


def test_interrupted(sfhsim, recipe_file, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("sfhsim.generation.generate_dataset", interrupt)
    outcome = sfhsim("generate", recipe_file, "--workers", 1, "-n", 5, "--out", "set")
    assert outcome.code == 130
    assert "what was complete is kept" in outcome.err
