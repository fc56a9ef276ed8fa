"""Mixtures of worlds: trained on from disk and live, missing bands and all; evaluated world by world."""

import dataclasses
import json
import math

import numpy as np
import pytest
import yaml
from evaluated_galaxies import made_up_results
from miniature import WAVE_AA, miniature_library, miniature_recipe
from small_model import description
from training_runs import finish, small_config, start

from sfhmodel.data import SplitRecords, TrainingData, batches, live_batches
from sfhmodel.errors import InputError
from sfhmodel.evaluation import collect, evaluate, metrics_of
from sfhmodel.evaluation.report_tables import world_table
from sfhmodel.inference.physical_limits import summary_limits, universe_age_yr
from sfhmodel.spectra.frame import TrainingFrame
from sfhmodel.training import train
from sfhsim import MixtureSimulator, Simulator, generate_dataset
from sfhsim.recipe.loading import recipe_from_dict, recipe_to_dict
from sfhsim.synthesis.origin import quietly

SPECTRUM = {"start_aa": 4800.0, "stop_aa": 5600.0, "step_aa": 8.0, "lsf": {"name": "none"}}
WORLDS = [
    {"name": "first"},
    {
        "name": "optical",
        "override": {
            "library": "optical",
            "metallicity": {"form": "constant", "z_final": 0.03},
            "kinematics": {"velocity_dispersion_kms": 120.0},
            "dust": {"birth": {"tau": 4.0}},
        },
    },
]


@pytest.fixture(scope="module")
def mixture():
    photometry = {"filters": miniature_recipe()["photometry"]["filters"], "error_mag": 0.05, "missing": "allow"}
    content = miniature_recipe(name="many", spectrum=SPECTRUM, nebular={"model": "none"}, photometry=photometry)
    return recipe_from_dict(content | {"worlds": WORLDS})


@pytest.fixture(scope="module")
def simulator(mixture):
    red = slice(int(np.searchsorted(WAVE_AA, 4000.0)), None)
    whole = miniature_library()
    cut = {"wave_aa": WAVE_AA[red], "flux": whole.flux[..., red], "resolution_fwhm_aa": np.full(WAVE_AA[red].size, 2.5)}
    libraries = {"miniature": whole, "optical": miniature_library(name="optical", **cut)}
    with quietly():
        return MixtureSimulator(mixture, [Simulator(w.recipe, libraries[w.recipe.library], 2) for w in mixture.worlds])


@pytest.fixture(scope="module")
def dataset(simulator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixture") / "set"
    split = {"train": 0.5, "validation": 0.3, "test": 0.2}
    with quietly():
        generate_dataset(simulator, 500, folder, split=split)
    return folder


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    return out, train(dataset, out, small_config(batch_size=32))


def test_missing_bands_of_a_world_pass_through_training(run, dataset):
    _, summary = run
    assert math.isfinite(summary["best"]["val_loss"])
    data = TrainingData(dataset)
    inputs, truths = next(iter(batches(data, "train", 64, shuffle=False)))
    world = np.asarray(truths["truth"])[:, data.description.truth_names.index("world")]
    np.testing.assert_array_equal(np.isnan(np.asarray(inputs["magnitudes"])[:, 0]), world == 1)
    assert set(world) == {0, 1}


def test_reports_have_a_row_for_each_world(run, dataset, tmp_path):
    out, _ = run
    metrics = evaluate(out, dataset, tmp_path / "report", random=1, batch_size=32)
    by_world = metrics["by_world"]
    assert {world["name"] for world in by_world} == {"first", "optical"}
    n = [world["n_galaxies"] for world in by_world]
    assert sum(n) == metrics["n_galaxies"]
    mean = sum(world["cumulative_error"] * world["n_galaxies"] for world in by_world) / sum(n)
    assert mean == pytest.approx(metrics["cumulative_error"], rel=1e-6)
    assert json.loads((tmp_path / "report" / "metrics.json").read_text())["by_world"] == by_world
    page = (tmp_path / "report" / "report.html").read_text()
    for row in world_table(by_world):
        assert "".join(f"<td>{cell}</td>" for cell in row) in page
    assert "<th>world</th>" in page


def test_results_know_the_world_of_each_galaxy(run, dataset, simulator):
    from sfhmodel.inference import load

    data = TrainingData(dataset)
    assert data.world_names == ("first", "optical")
    records = SplitRecords(data, "test").batches(range(40), 25)
    results = collect(load(run[0]).model, records, world_names=data.world_names)
    names = np.array(["first", "optical"])
    world = results.truth.world
    np.testing.assert_array_equal(world, names[simulator.world_index(results.truth.sample_id)])
    assert set(results[world == "first"].truth.world) == {"first"}
    told = metrics_of(results, np.full(16, 1 / 16))["by_world"]
    assert {world["name"]: world["n_galaxies"] for world in told} == dict(
        zip(*np.unique(world, return_counts=True), strict=True)
    )


def test_without_worlds_there_is_no_such_table():
    results = made_up_results(40)
    assert metrics_of(results, np.full(5, 0.2))["by_world"] == []
    with pytest.raises(InputError, match="'world': 3 rows for 40 galaxies"):
        made_up_results(40, world=np.array(["a", "b", "c"]))


def test_live_batches_are_those_of_the_data_set(simulator, dataset):
    live = live_batches(simulator, 20, split=None)
    assert live.description.truth_names == TrainingData(dataset).description.truth_names
    stream = iter(live)
    inputs, truths = next(stream)
    stream.close()
    expected = simulator.batch(np.arange(20))
    np.testing.assert_array_equal(inputs["flux"], expected.spectrum)
    np.testing.assert_array_equal(truths["truth"], expected.truth)


def test_training_from_a_mixture_that_is_simulated_meanwhile(tmp_path):
    worlds = [{"name": "a"}, {"name": "b", "override": {"metallicity": {"form": "constant"}}}]
    content = recipe_to_dict(recipe_from_dict(miniature_recipe(spectrum=SPECTRUM, nebular={"model": "none"})))
    (tmp_path / "many.yaml").write_text(yaml.safe_dump({**content, "library": "bc03-miles", "worlds": worlds}))
    few = {"epochs": 1, "validation_records": 128, "calibration_records": 128, "adapt_records": 128}
    # in a process of its own: Keras keeps the streams of a training, and their threads, to its end
    (summary,) = finish(start(tmp_path / "many.yaml", (tmp_path / "run", few)))
    assert math.isfinite(summary["best"]["val_loss"])


def test_limits_and_frame_are_those_of_all_worlds(mixture):
    of_mixture = dataclasses.replace(description(), recipe=recipe_to_dict(mixture))
    each = [dataclasses.replace(of_mixture, recipe=recipe_to_dict(world.recipe)) for world in mixture.worlds]
    oldest_yr = universe_age_yr(of_mixture, np.array([0.002]))
    low, high = summary_limits(of_mixture, oldest_yr)
    lows, highs = zip(*(summary_limits(one, oldest_yr) for one in each), strict=True)
    np.testing.assert_array_equal(low, np.minimum(*lows))
    np.testing.assert_array_equal(high, np.maximum(*highs))
    assert (lows[0] != lows[1]).any()
    assert (highs[0] != highs[1]).any()
    frame = TrainingFrame.of(of_mixture)
    assert (frame.redshift_range, frame.is_fixed, frame.lsf["name"]) == ((0.002, 0.002), True, "none")
    assert (frame.sigma_kms, frame.lowest_sigma_kms) == (None, 120.0)
    assert of_mixture.conditions.redshift == 0.002
