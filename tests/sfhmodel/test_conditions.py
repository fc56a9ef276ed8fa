"""What a recipe says of the training, in numbers: once for all who ask."""

import dataclasses
import json

import numpy as np
import pytest
from small_model import description

from sfhmodel.conditions import TrainingConditions, bounds
from sfhmodel.description import ModelDescription

UNIFORM = {"distribution": "uniform", "min": 0.1, "max": 0.3}
RECIPE = {
    "cosmology": {"h0_kms_mpc": 70, "omega_m": 0.3},
    "kinematics": {"redshift": UNIFORM, "velocity_dispersion_kms": {"distribution": "constant", "value": 150.0}},
    "spectrum": {"lsf": {"name": "muse"}},
    "metallicity": {"form": "closed_box", "z_start": 0.0004, "z_final": {"min": 0.002, "max": 0.03}},
    "dust": {
        "birth": {"law": "power_law", "tau": {"min": 0.0, "max": 2.0}},
        "screen": {"law": "power_law_bump", "tau": {"min": 0.0, "max": 1.0}, "parameters": {"bump_strength": 3.0}},
    },
}


def of(**sections) -> TrainingConditions:
    return TrainingConditions.of_recipe(sections)


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (0.3, (0.3, 0.3)),
        ({"distribution": "constant", "value": 0.3}, (0.3, 0.3)),
        (UNIFORM, (0.1, 0.3)),
        ({"distribution": "choice", "values": [0.2, 0.1]}, (0.1, 0.2)),
        ({"distribution": "normal", "mean": 0.1, "std": 0.1, "min": None, "max": None}, (-np.inf, np.inf)),
    ],
)
def test_bounds_of_a_parameter(parameter, expected):
    assert bounds(parameter) == expected


def test_of_a_recipe():
    found = TrainingConditions.of_recipe(RECIPE)
    assert (found.redshift_range, found.redshift) == ((0.1, 0.3), None)
    assert found.velocity_dispersion_range_kms == (150.0, 150.0)
    assert found.lsf == {"name": "muse"}
    assert found.metallicity_range == (0.0004, 0.03)
    # 1.0857 mag per optical depth; a bump of strength 3 adds 3.1% at 5500 A to the screen's 1
    assert found.a_v_range_mag == (0.0, pytest.approx(1.0857 * (2.0 + 1.0309), abs=1e-3))
    assert found.cosmology == {"h0_kms_mpc": 70.0, "omega_m": 0.3}


def test_what_a_recipe_does_not_say():
    assert of() == TrainingConditions()
    assert of(kinematics={"redshift": 0.02}).redshift == 0.02
    assert of(metallicity={"form": "tabulated"}).metallicity_range == (0.0, np.inf)
    assert of(metallicity={"form": "constant", "z_start": 1e-4, "z_final": 0.02}).metallicity_range == (0.02, 0.02)
    linear = {"form": "linear_mass", "z_start": {"min": 1e-4, "max": 1e-3}, "z_final": 0.02}
    assert of(metallicity=linear).metallicity_range == (1e-4, 0.02)
    assert of(dust={"birth": {"law": "mine", "tau": 1.0}}).a_v_range_mag == (0.0, np.inf)


def test_of_several_worlds_together():
    other = {**RECIPE, "spectrum": {"lsf": {"name": "other"}}, "metallicity": {"form": "constant", "z_final": 0.05}}
    other["kinematics"] = {"redshift": 0.5}
    found = of(worlds=[{"name": "a", "recipe": RECIPE}, {"name": "b", "recipe": other}])
    assert (found.redshift_range, found.velocity_dispersion_range_kms, found.lsf) == ((0.1, 0.5), None, None)
    assert found.metallicity_range == (0.0004, 0.05)
    assert found.a_v_range_mag == TrainingConditions.of_recipe(RECIPE).a_v_range_mag
    assert found.cosmology == {"h0_kms_mpc": 70.0, "omega_m": 0.3}


def test_a_description_holds_them_in_its_files_and_files_without_them_are_read():
    made = dataclasses.replace(description(), recipe=RECIPE)
    content = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert content["conditions"]["redshift_range"] == [0.1, 0.3]
    unknown = json.loads(json.dumps(description().to_dict(), allow_nan=False))["conditions"]
    assert unknown["metallicity_range"] == [0.0, None]
    assert ModelDescription.from_dict(content).conditions == made.conditions
    del content["conditions"]  # as models of before
    assert ModelDescription.from_dict(content).conditions == made.conditions
