"""The miniature library, and simulators on it."""

import pytest
from miniature import miniature_library, miniature_recipe

from sfhsim import Simulator
from sfhsim.recipe.loading import recipe_from_dict


@pytest.fixture(scope="session")
def library():
    return miniature_library()


@pytest.fixture
def make_simulator(library):
    """Function that compiles the small recipe with some sections replaced."""

    def make(seed=0, basis_tolerance=2e-4, on=None, **sections):
        recipe = recipe_from_dict(miniature_recipe(**sections))
        return Simulator(recipe, on if on is not None else library, seed=seed, basis_tolerance=basis_tolerance)

    return make
