"""Building a preset from nothing, small: worlds, data, training, uncertainties on unseen worlds, card; and again."""

import json
import sys

import numpy as np
import pytest
import yaml
from miniature import WAVE_AA, miniature_library, miniature_recipe

from sfhmodel import load, presets
from sfhmodel.building import build, definition, definition_names, galaxies, write_worlds
from sfhmodel.building.build import CARD, MODEL
from sfhmodel.building.shipping import ship
from sfhmodel.errors import ConfigError, ModelFileError
from sfhmodel.graph_file import graph_path, has_graph
from sfhmodel.presets import registry
from sfhsim.libraries import load_library, save_library
from sfhsim.recipe import load_recipe

NETWORK = {"filters": [4, 8], "kernels": [16, 4], "strides": [16, 8], "spectrum_units": 8, "decoder_units": [8]}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A definition on the made-up library, with a donor that is redder."""
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    base = miniature_library()
    redder = np.exp(0.1 * (WAVE_AA - 6000.0) / 3000.0).astype(np.float32)
    for library in (base, miniature_library(name="redder", flux=base.flux * redder)):
        save_library(library, tmp_path / "home" / "libraries" / library.name)
    recipe = miniature_recipe()
    nebular = [{"model": "none"}, recipe.pop("nebular")]
    content = {
        "description": "Small.",
        "records": 3000,
        "card": {"holds": "where it was made"},
        "seed": 1,
        "libraries": {"base": "miniature", "donors": ["redder"], "count": 3, "first_seed": 0},
        "in_turn": {"nebular": nebular, "dust.screen": [recipe["dust"].pop("screen")]},
        "unseen": {"count": 2, "first_seed": 50, "records": 1000, "continuum_rms": 0.02},
        "recipe": recipe,
        "training": {
            "architecture": "branched",
            "architecture_options": NETWORK,
            "epochs": 1,
            "batch_size": 64,
            "augmentation": False,
        },
    }
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_worlds_are_what_the_definition_says(small, tmp_path):
    told = []
    path = write_worlds(definition(small), tmp_path / "built", say=told.append)
    assert [text.split(",")[0] for text in told] == [f"library varied-000{k}" for k in range(3)]
    worlds = load_recipe(str(path)).worlds
    assert [world.name for world in worlds] == ["varied-0000", "varied-0001", "varied-0002"]
    assert [world.recipe.nebular.model for world in worlds] == ["none", "cloudy", "none"]
    first, second = (load_library(world.recipe.library) for world in worlds[:2])
    assert not np.array_equal(first.flux, second.flux)
    write_worlds(definition(small), tmp_path / "built", say=told.append)
    assert len(told) == 3  # nothing is made twice
    unseen = load_recipe(str(write_worlds(definition(small), tmp_path / "built", unseen=True, say=told.append)))
    assert unseen.world_names == ("varied-0050", "varied-0051")


def test_a_small_model_is_built_calibrated_and_measured(small, tmp_path, monkeypatch):
    out, told = tmp_path / "built", []
    model = build(small, out, say=told.append)
    card = json.loads((out / CARD).read_text())
    assert card["training"]["epochs"] == 1
    assert card["holds"] == "where it was made"
    assert set(card["worlds"]) == {f"{w}, {b}" for w in ("own", "unseen") for b in ("with bands", "spectrum alone")}
    for row in card["worlds"].values():
        assert 0.5 < row["coverage_cumulative"] < 0.85  # an untrained network, with corrections
        assert row["ratio"] > 0.2
        assert np.isfinite(list(row["bias"].values())).all()
    assert str(tmp_path) not in json.dumps(load(model).description.to_dict())
    assert has_graph(model)
    content = model.read_bytes()
    (out / CARD).unlink()
    said = len(told)
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    graph_path(model).unlink()
    assert build(small, out, say=told.append) == model
    assert model.read_bytes() == content
    assert not [text for text in told[said:] if "uncertainties" in text]
    assert told[-1].startswith("no light graph, Keras will answer: tf2onnx is not installed")


def test_galaxies_are_as_many_as_asked_for(small, tmp_path):
    path = write_worlds(definition(small), tmp_path / "built", say=lambda text: None)
    assert sum(len(inputs["flux"]) for inputs, _ in galaxies(str(path), 1000, seed=3)) == 1000


def test_shipped_definitions_are_whole():
    assert "phangs-muse-hst" in definition_names()
    for name in definition_names():
        assert definition(name)["libraries"]["count"] > 1


def test_a_definition_may_be_like_another(small, tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump({"like": str(small), "seed": 5, "training": {"epochs": 3}}))
    known, other = definition(small), definition(path)
    assert other == known | {"seed": 5, "training": known["training"] | {"epochs": 3}}
    (tmp_path / "third.yaml").write_text(yaml.safe_dump({"like": str(path)}))
    with pytest.raises(ConfigError, match="like no other"):
        definition(tmp_path / "third.yaml")
    assert definition("optical")["recipe"]["histories"] == definition("phangs-muse-hst")["recipe"]["histories"]


def test_what_is_no_definition_is_said(small, tmp_path):
    with pytest.raises(ConfigError, match="no preset 'optcal' to build"):
        definition("optcal")
    odd = yaml.safe_load(small.read_text())
    odd["colour"] = odd.pop("seed")
    (tmp_path / "odd.yaml").write_text(yaml.safe_dump(odd))
    with pytest.raises(ConfigError, match="odd: colour, seed"):
        definition(tmp_path / "odd.yaml")
    (tmp_path / "odd.yaml").write_text("{")
    with pytest.raises(ConfigError, match="not valid YAML"):
        definition(tmp_path / "odd.yaml")


def test_keys_that_worlds_take_in_turn_must_fit_together(small, tmp_path):
    content = definition(small)
    content["in_turn"] = {"library": ["one"], "library.name": ["two"]}
    with pytest.raises(ConfigError, match="in_turn.library.name: library is 'one', which has no keys"):
        write_worlds(content, tmp_path / "built", say=lambda text: None)
    assert not (tmp_path / "built" / "recipe.yaml").exists()


def test_a_model_that_was_built_ships(small, tmp_path, monkeypatch):
    package = tmp_path / "package"
    (package / "models").mkdir(parents=True)
    (package / "shipped.json").write_text('{"presets": {"mine": {"description": "of before", "onnx_sha256": "0"}}}')
    monkeypatch.setattr(registry, "_HERE", package)
    built = tmp_path / "built"
    built.mkdir()
    with pytest.raises(ModelFileError, match=r"card.json cannot be read: .*; build the model first"):
        ship("mine", built)
    (built / CARD).write_text(json.dumps({"description": "a new one"}))
    with pytest.raises(ModelFileError, match="run python -m benchmarks.worlds .* --definition mine --card"):
        ship("mine", built)
    (built / CARD).write_text(json.dumps({"description": "a new one", "benchmarks.worlds": [{"ratio": 0.123456}]}))
    with pytest.raises(ModelFileError, match="holds no finished model$"):
        ship("mine", built)
    (built / MODEL).write_bytes(b"weights")
    with pytest.raises(ModelFileError, match="no finished model with a light graph"):
        ship("mine", built, with_graph=True)
    assert not list((package / "models").iterdir())
    path = ship("mine", built)
    assert path.read_bytes() == b"weights"
    assert json.loads(path.with_suffix(".json").read_text())["benchmarks.worlds"] == [{"ratio": 0.1235}]
    assert presets.find("mine").checked_path() == path
    entry = json.loads((package / "shipped.json").read_text())["presets"]["mine"]
    assert entry["description"] == "of before"
    assert "onnx_sha256" not in entry  # it was of another model
    ship("another", built)
    assert presets.find("another").description == "a new one"
