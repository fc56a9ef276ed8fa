"""Fixtures that every test may use; what is absent is skipped with its reason."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """What is kept to save time goes into a folder of the test run, of its subprocesses, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFHSIM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _slow(request):
    """Tests that take a minute or more are opt-in."""
    if request.node.get_closest_marker("slow") and os.environ.get("SFHSIM_SLOW_TESTS") != "1":
        pytest.skip("slow tests are opt-in: set SFHSIM_SLOW_TESTS=1")


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder with the ProSpect reference outputs, line tables, filters and observed spectra."""
    folder = Path(os.environ.get("SFHSIM_REFERENCE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "prospect_reference").is_dir():
        pytest.skip(f"reference data not found in {folder}: set SFHSIM_REFERENCE_DATA")
    return folder


@pytest.fixture(scope="session")
def library():
    """The miniature library."""
    from miniature import miniature_library

    return miniature_library()


@pytest.fixture
def make_simulator(library):
    """Function that compiles the small recipe on it with some sections replaced."""
    from miniature import miniature_recipe

    from sfhsim import Simulator
    from sfhsim.recipe.loading import recipe_from_dict

    def make(seed=0, basis_tolerance=2e-4, on=None, **sections):
        recipe = recipe_from_dict(miniature_recipe(**sections))
        return Simulator(recipe, on if on is not None else library, seed=seed, basis_tolerance=basis_tolerance)

    return make


@pytest.fixture(scope="session")
def download_cache() -> Path:
    """Where large downloads are kept, outside the checkout; tests that need one are opt-in."""
    if os.environ.get("SFHSIM_DOWNLOAD_TESTS") != "1":
        pytest.skip("large downloads are opt-in: set SFHSIM_DOWNLOAD_TESTS=1")
    from sfhsim.libraries.places import data_home

    return data_home()
