"""The benchmark of mixtures: what it times is right, and its table is complete."""

import numpy as np
import pytest

from benchmarks import mixtures
from sfhsim import MixtureSimulator
from sfhsim.recipe import recipe_from_dict

SMALL = {**mixtures.DEFAULT, "worlds": mixtures.DEFAULT["worlds"][:2]}


def test_the_table_has_every_world_and_the_mixture():
    found = mixtures.measure(recipe_from_dict(SMALL), 1)
    assert list(found) == ["demo", "constant", "mixture, 256 at once", "mixture, 512 at once", "mean of the worlds"]
    assert all(us > 0 for us in found.values())
    assert found["mean of the worlds"] == pytest.approx((found["demo"] + found["constant"]) / 2)


def test_wrong_samples_are_not_timed(monkeypatch):
    mixture = MixtureSimulator.from_recipe(recipe_from_dict(SMALL), seed=1)
    mixtures.check(mixture)
    monkeypatch.setattr(mixture, "worlds", mixture.worlds[::-1])
    batch = MixtureSimulator.from_recipe(recipe_from_dict(SMALL), seed=1).batch(np.arange(60))
    monkeypatch.setattr(mixture, "batch", lambda ids: batch)
    with pytest.raises(AssertionError):
        mixtures.check(mixture)
