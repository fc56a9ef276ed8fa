"""The live simulator as a data set: the records of a data set of the same recipe and seed, from any batch on."""

import threading

import numpy as np
import pytest

from sfhmodel.data import TrainingData, batches, live_batches
from sfhmodel.errors import ConfigError
from sfhsim import Simulator, generate_dataset
from sfhsim.recipe.loading import recipe_from_dict


@pytest.fixture(scope="module")
def simulator():
    from miniature import miniature_library, miniature_recipe

    spectrum = {"start_aa": 4800.0, "stop_aa": 5300.0, "step_aa": 5.0}
    content = miniature_recipe(spectrum=spectrum, nebular={"model": "none"}, photometry={"filters": []})
    return Simulator(recipe_from_dict(content), miniature_library(), seed=3)


def _take(live, n):
    stream = iter(live)
    taken = [next(stream) for _ in range(n)]
    stream.close()
    return taken


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_records_of_a_data_set(simulator, tmp_path, split):
    generate_dataset(simulator, 300, tmp_path / "d")
    data = TrainingData(tmp_path / "d")
    live = live_batches(simulator, 5, split=split)
    data.check_same(live.description)
    assert live.description.truth_names == data.description.truth_names
    assert live.description.recipe == data.description.recipe
    stored = list(batches(data, split, 5, shuffle=False, drop_remainder=True, backend="numpy"))
    for ours, theirs in zip(_take(live, len(stored)), stored, strict=True):
        for mine, other in zip(ours, theirs, strict=True):
            assert set(mine) == set(other)
            for name, values in mine.items():
                np.testing.assert_array_equal(values, other[name])


@pytest.mark.parametrize("split", ["train", "validation", None])
def test_it_goes_on_at_any_batch(simulator, split):
    whole = _take(live_batches(simulator, 4, split=split), 6)
    later = _take(live_batches(simulator, 4, split=split, start=4), 2)
    for mine, other in zip(later, whole[4:], strict=True):
        np.testing.assert_array_equal(mine[0]["flux"], other[0]["flux"])
        np.testing.assert_array_equal(mine[1]["truth"], other[1]["truth"])


def test_each_iteration_begins_anew_and_ends_its_thread(simulator):
    live = live_batches(simulator, 4)
    one, two = _take(live, 2), _take(live, 2)
    np.testing.assert_array_equal(one[1][0]["flux"], two[1][0]["flux"])
    assert not [thread for thread in threading.enumerate() if thread.name == "sfhsim-prefetch"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size 0, start 0"),
        ({"batch_size": 4, "start": -1}, "batch_size 4, start -1"),
        ({"batch_size": 4, "split": "dev"}, "no live batches of split 'dev': .* train, validation, test"),
    ],
)
def test_impossible_requests_of_the_simulator(simulator, options, message):
    with pytest.raises(ConfigError, match=message):
        live_batches(simulator, **options)
