"""Models of any part of a range: what they accept, and the parts that their uncertainties are set on."""

from dataclasses import replace

import numpy as np
import pytest
from small_model import description, small_model

from sfhmodel.building import definition
from sfhmodel.data.coverage import between, in_part, min_coverage, part_of, shortest_part
from sfhmodel.description import ModelDescription
from sfhmodel.errors import InputError
from sfhmodel.inference.predictor import Predictor


def test_galaxies_are_seen_through_windows():
    augmentation = definition("optical")["training"]["augmentation"]
    assert shortest_part(augmentation) == min_coverage(augmentation) == 0.2
    batch = ({"mask": np.ones((90, 400), np.float32), "flux": np.zeros((90, 400))}, "truths")
    ((inputs, truths),) = in_part([batch], shortest_part(augmentation))
    assert truths == "truths"
    seen = inputs["mask"].sum(axis=1)
    assert (seen[::3] == 400).all()
    others = np.delete(seen, np.s_[::3])
    assert others.min() >= 80
    assert others.mean() == pytest.approx(240, abs=30)
    assert (np.abs(np.diff(inputs["mask"], axis=1)).sum(axis=1) <= 2).all()  # one window each


def test_a_range_of_wavelengths():
    wave_aa = np.array([4000.0, 5000.0, 6000.0, 7000.0])
    batch = ({"mask": np.array([[1, 1, 0, 1], [1, 1, 1, 1]]), "flux": np.ones((2, 4))}, "truths")
    ((inputs, _),) = between([batch], wave_aa, 5000.0, 6500.0)
    np.testing.assert_array_equal(inputs["mask"], [[0, 1, 0, 0], [0, 1, 1, 0]])
    with pytest.raises(InputError, match="the grid is 4000-7000 A"):
        next(between([batch], wave_aa, 8000.0, 9000.0))


@pytest.mark.parametrize("augmentation", [True, False, None, {}, {"partial_coverage": None}])
def test_models_trained_on_the_whole_range_are_calibrated_on_it(augmentation):
    batch = ({"mask": np.ones((3, 4))}, "truths")
    assert next(in_part([batch], shortest_part(augmentation))) is batch
    assert min_coverage(augmentation) == 0.5


def test_the_part_that_a_model_was_trained_to_see():
    whole = description()
    assert part_of(whole) is None
    assert part_of(replace(whole, min_coverage=0.2)) == 0.2


def test_a_model_takes_what_it_was_trained_for_unless_told_otherwise():
    model = small_model()
    wave_aa = model.description.wave_aa
    third = slice(0, wave_aa.size * 2 // 5)
    flux = np.ones(wave_aa[third].size)
    with pytest.raises(InputError, match="at least 50% are needed"):
        Predictor(model).predict(wave_aa[third], flux)
    described = {**model.description.to_dict(), "min_coverage": 0.2}
    model.description = ModelDescription.from_dict(described)
    assert model.description.to_dict()["min_coverage"] == 0.2
    with pytest.warns(UserWarning, match="cover"):
        assert len(Predictor(model).predict(wave_aa[third], flux)) == 1
    del described["min_coverage"]  # of models of before
    assert ModelDescription.from_dict(described).min_coverage == 0.5
