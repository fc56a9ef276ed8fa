"""The small cube, with and without what the instrument does to it."""

import pytest
import yaml
from miniature import miniature_library, miniature_recipe
from small_cube import PLAIN, SMALL

from sfhsim.cubes import cube_model_from_dict, make_cube
from sfhsim.recipe.overrides import merged


@pytest.fixture(scope="session")
def library():
    return miniature_library()


@pytest.fixture(scope="session")
def recipe_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(yaml.safe_dump(miniature_recipe()))
    return path


@pytest.fixture(scope="session")
def small_model(recipe_path):
    """Function that gives the small model with these sections merged in."""

    def make(*changes):
        content = SMALL | {"recipe": str(recipe_path)}
        for change in changes:
            content = merged(content, change)
        return cube_model_from_dict(content)

    return make


@pytest.fixture(scope="session")
def made(small_model, library, tmp_path_factory):
    """The small cube as it is, with images."""
    folder = tmp_path_factory.mktemp("made")
    return make_cube(small_model(), folder / "cube.fits", seed=3, images=folder / "images", library=library)


@pytest.fixture(scope="session")
def made_plain(small_model, library, tmp_path_factory):
    """The galaxy alone."""
    folder = tmp_path_factory.mktemp("plain")
    return make_cube(small_model(PLAIN), folder / "cube.fits", seed=3, images=folder / "images", library=library)
