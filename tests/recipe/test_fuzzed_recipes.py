"""Whatever recipe is thrown at it: an error that names the key, or finite galaxies, the most extreme ones included.

``SFHSIM_FUZZED_RECIPES`` says how many are drawn; always the same ones.
"""

import os
import warnings
from collections import Counter

import numpy as np
import pytest
from fuzzed_recipes import recipes
from hypothesis import HealthCheck, given, settings
from miniature import miniature_library

from sfhsim.errors import CoverageError, MissingDataError, RecipeError, SfhsimWarning
from sfhsim.recipe import parse_recipe
from sfhsim.synthesis import Simulator
from sfhsim.synthesis.draws import Draws

N_RECIPES = int(os.environ.get("SFHSIM_FUZZED_RECIPES", "200"))
IDS = np.arange(16, dtype=np.uint64)


@pytest.fixture(scope="module")
def library():
    return miniature_library()


def _extreme(recipe, simulator) -> Draws:
    """Draws with every parameter at one end of its range or the other."""
    draws = simulator.plan.draw(IDS, 0)
    ends = np.random.default_rng(0).integers(0, 2, (len(draws.values), IDS.size))
    ends[:, :2] = [[0, 1]] * len(draws.values)
    values = {}
    for name, end in zip(draws.values, ends, strict=True):
        if not name.startswith("history."):
            values[name] = np.array(simulator.plan.bounds(name))[end]
            continue
        values[name] = np.full(IDS.size, np.nan)
        for index, history in enumerate(recipe.histories):
            if name.removeprefix("history.") in history.parameters:
                both = np.array(history.parameters[name.removeprefix("history.")].bounds())
                rows = draws.family == index
                values[name][rows] = both[end[rows]]
    return Draws(draws.sample_id, draws.family, values, draws.vectors)


def _check_finite(batch, simulator) -> None:
    for name in ("spectrum", "spectrum_error", "noise_free_spectrum", "mass_fraction", "metallicity"):
        assert np.isfinite(getattr(batch, name)).all(), name
    # documented: NaN where the noisy flux of a band is not positive, and for parameters that a family does not have
    assert not np.isinf(batch.photometry).any()
    assert (np.isfinite(batch.photometry_error) == np.isfinite(batch.photometry)).all()
    for entry, column in zip(simulator.truths.entries, batch.truth.T, strict=True):
        assert np.isfinite(column).all() or (entry["name"].startswith("history.") and not np.isinf(column).any()), entry


def _simulate(text: str, library) -> tuple[str, str]:
    """What became of a recipe, and why; errors of other kinds than its own go up."""
    try:
        recipe = parse_recipe(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SfhsimWarning)
            simulator = Simulator(recipe, library)
    except (RecipeError, MissingDataError) as error:
        return "refused", str(error)
    except CoverageError as error:  # the grid or a band against what this library holds
        return "not covered", str(error)
    _check_finite(simulator.batch(IDS), simulator)
    _check_finite(simulator.simulate(_extreme(recipe, simulator)), simulator)
    return "simulated", ""


def test_a_recipe_is_refused_by_key_or_simulates_finite_galaxies(library):
    outcomes = Counter()

    # within the test: what became of all of them is asked at the end, by the process that drew them
    @settings(
        max_examples=N_RECIPES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn=recipes())
    def check(drawn):
        text, keys = drawn
        outcome, why = _simulate(text, library)
        outcomes[outcome] += 1
        if outcome == "refused":
            names = {part for key in keys for part in key.split("/") if not part.isdigit()}
            names |= {"is not valid YAML", "filter "}  # these name the line, and the filter
            assert any(name in why for name in names), f"{why} names none of {names}"

    check()
    assert outcomes["refused"] > N_RECIPES / 5
    assert outcomes["simulated"] > N_RECIPES / 10
