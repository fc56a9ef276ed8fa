"""The models in the package: open by name, answer well for galaxies of another recipe than theirs, and have a card."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from small_networks import assert_same_answers

import sfhsim
from sfhmodel import load, presets
from sfhmodel.checking import checked
from sfhmodel.data import live_batches
from sfhmodel.evaluation.worlds import measure
from sfhmodel.export.onnx_graph import TOLERANCE, probe
from sfhmodel.files import file_sha256
from sfhmodel.graph_file import graph_path
from sfhmodel.inference import Predictor
from sfhmodel.inference.backends import answers_of
from sfhmodel.presets import registry


@pytest.fixture(scope="module")
def model():
    return load("phangs-muse-hst").model


@pytest.mark.parametrize("with_bands", [True, False])
def test_galaxies_of_the_built_in_recipe(model, with_bands):
    """That recipe has one velocity dispersion, and nothing of its libraries was varied."""
    batches = live_batches("phangs-muse-hst-embedded", 500, seed=77, split="test")
    galaxies = list(itertools.islice(iter(batches), 2))
    prior = np.mean([truths["mass_fraction"].mean(axis=0) for _, truths in galaxies], axis=0)
    found = measure(model, galaxies, prior, with_bands=with_bands)
    assert found["ratio"] < 0.6
    assert 0.6 < found["coverage_cumulative"] < 0.9
    assert 0.6 < found["coverage_summaries"] < 0.9
    assert found["flagged"] < 0.05
    assert abs(found["bias"]["mean_log10_age_yr_mass"]) < 0.05


def test_spectra_made_again_from_answers_are_those_that_were_shown(model):
    simulator = sfhsim.Simulator.from_recipe("phangs-muse-hst-embedded", seed=78)
    batch = simulator.batch(range(40))
    shown = simulator.spectrograph.wave_aa, batch.spectrum, batch.spectrum_error
    predicted = Predictor(model).predict(*shown, redshift=0.0, check=True)
    assert predicted.check.mismatch.max() < 1.0
    assert abs(np.median(predicted.check.chi2) - 1.0) < 0.05
    assert any("bc03-miles, one of 41 libraries" in note for note in predicted.notes)
    swapped = replace(predicted, mass_fraction=predicted.mass_fraction[::-1], metallicity=predicted.metallicity[::-1])
    assert np.mean(checked(swapped).check.chi2 > predicted.check.chi2) > 0.9


def test_every_model_has_a_card_and_names_no_place():
    for name in registry._shipped():
        path = presets.find(name).checked_path()
        card = json.loads(path.with_suffix(".json").read_text())
        assert {"training", "worlds", "benchmarks.worlds", "holds", "does_not_hold"} <= set(card)
        assert "/" not in "".join(w["recipe"]["library"] for w in load(name).description.recipe["worlds"])


@pytest.mark.parametrize("name", [name for name, entry in registry._shipped().items() if "onnx_sha256" in entry])
def test_light_graphs_answer_as_keras_does(name):
    path = presets.find(name).checked_path()
    assert presets.graph_sha256(path) == file_sha256(graph_path(path))
    graph, keras = answers_of(path, "onnx"), answers_of(path, "keras")
    inputs = [probe(graph.description, n=80, seed=3)]
    if graph.description.n_pixel == 1761:  # a model of this grid
        inputs.append(next(iter(live_batches("phangs-muse-hst-embedded", 200, seed=78, split="test")))[0])
    for given in inputs:
        assert_same_answers(keras.run(given, 256, 256), graph.run(given, 256, 256), TOLERANCE)


@pytest.mark.parametrize("name", registry._shipped())
def test_noise_alone_is_like_nothing_in_training(name):
    predictor = load(name)
    description = predictor.description
    noise = np.random.default_rng(5).normal(size=(50, description.n_pixel))
    found = predictor.predict(description.wave_aa, noise, np.ones_like(noise), redshift=0.0)
    assert found.unlike_training.all()


def test_the_models_are_small():
    folder = registry._HERE / "models"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 10e6
