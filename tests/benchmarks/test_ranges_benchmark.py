"""Worlds of `benchmarks.ranges`: each a recipe that holds, wider than the one before, from the embedded one to home."""

from itertools import pairwise

import pytest

from benchmarks.ranges import STEPS, ranges
from benchmarks.worlds import EMBEDDED, HOME, worlds
from sfhmodel.building import definition
from sfhmodel.training import config_from_dict
from sfhsim.recipe import load_recipe, recipe_from_dict

CHANGED = {
    "motions": {"histories", "kinematics"},
    "dust": {"dust"},
    "enrichment": {"metallicity"},
    "gas": {"nebular", "sources", "kinematics"},
    "calibration": set(),
}


@pytest.mark.parametrize("name", ["phangs-muse-hst", "optical"])
def test_each_step_changes_what_it_says(name):
    content = definition(name)
    found = {step: recipe_from_dict(recipe) for step, (recipe, _) in ranges(content).items()}
    assert tuple(found) == STEPS
    embedded = load_recipe(EMBEDDED)
    assert all(getattr(found["fixed"], key) == getattr(embedded, key) for key in ("histories", "metallicity", "dust"))
    for before, after in pairwise(STEPS):
        fields = type(found[after]).model_fields
        differ = {key for key in fields if getattr(found[before], key) != getattr(found[after], key)}
        assert differ == CHANGED[after]
    home = recipe_from_dict(worlds(content)[HOME])
    last = found["calibration"]
    assert last.nebular.line_scatter_dex == recipe_from_dict(content["recipe"]).nebular.line_scatter_dex
    fields = set(type(home).model_fields) - {"nebular", "description"}
    assert {key: getattr(last, key) for key in fields} == {key: getattr(home, key) for key in fields}


def test_only_the_last_training_has_errors_of_calibration():
    trainings = {step: config_from_dict(training) for step, (_, training) in ranges(definition("optical")).items()}
    augmented = {step: set(training.augmentation) for step, training in trainings.items()}
    assert augmented["calibration"] - augmented["gas"] == {"calibration", "ripples", "sky_lines"}
    assert all(augmented[step] == augmented["gas"] for step in STEPS[:-1])
