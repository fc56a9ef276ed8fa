"""Worlds of `benchmarks.worlds`: recipes that hold, on the libraries they name."""

import numpy as np
import pytest

from benchmarks.worlds import ALONE, HELD_OUT, LIBRARIES, METALLICITIES, reduced_definitions, worlds
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


def test_definitions_without_a_maker_differ_in_that_alone():
    content = definition("phangs-muse-hst")
    found = {name: (reduced, only) for name, reduced, only in reduced_definitions(content)}
    assert set(found) == {*HELD_OUT, "nothing", *(f"all-but-{name}" for name in ALONE)}
    assert found["nothing"] == (content, None)
    for name, (reduced, only) in found.items():
        # not every library reaches as far as the donors do: unseen ones are about the base
        assert (reduced["libraries"] | reduced["unseen"])["base"] == "bc03-miles"
        same = set(content) - {"libraries", "in_turn", "unseen"}
        assert {key: reduced[key] for key in same} == {key: content[key] for key in same}
        assert only is None or set(only) <= set(worlds(content))
        assert name == "nothing" or reduced != content
