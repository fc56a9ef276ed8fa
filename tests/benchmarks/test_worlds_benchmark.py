"""Worlds of `benchmarks.worlds`: recipes that hold, on the libraries they name."""

import numpy as np
import pytest

from benchmarks.worlds import LIBRARIES, METALLICITIES, worlds
from sfhmodel.building import definition
from sfhsim.errors import MissingDataError
from sfhsim.libraries import load_library
from sfhsim.recipe import recipe_from_dict


@pytest.mark.parametrize("name", ["phangs-muse-hst", "optical"])
def test_every_world_is_a_recipe(name):
    found = {world: recipe_from_dict(recipe) for world, recipe in worlds(definition(name)).items()}
    assert len({str(recipe) for recipe in found.values()}) == len(found)
    for library, (lowest, highest) in METALLICITIES.items():
        for lines in ("cloudy", "levesque"):
            wide, within = found[f"{library} {lines}"], found[f"{library} {lines} within Z"]
            assert wide.library == within.library == LIBRARIES[library]
            assert wide.nebular == within.nebular
            metallicity = within.metallicity
            assert (metallicity.z_start.min, metallicity.z_final.max) == (lowest, highest)
            assert lowest < metallicity.z_start.max == metallicity.z_final.min < highest


@pytest.mark.parametrize("name", LIBRARIES)
def test_ranges_are_those_of_the_libraries(name):
    try:
        known = load_library(LIBRARIES[name]).metallicity
    except MissingDataError as error:
        pytest.skip(str(error))
    np.testing.assert_allclose((known.min(), known.max()), METALLICITIES[name], rtol=1e-6)
