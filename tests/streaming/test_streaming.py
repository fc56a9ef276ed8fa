"""Streaming: the records of a data set, in order, from any index, made ahead; errors arrive; threads end."""

import gc
import threading
import time

import numpy as np
import pytest

from sfhsim import Dataset, MixtureSimulator, Simulator, generate_dataset
from sfhsim.errors import DatasetError
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.records.plan import DEFAULT_SPLIT, in_split
from sfhsim.streaming import PrefetchingStream


@pytest.fixture(scope="module")
def simulator():
    from miniature import miniature_library, miniature_recipe

    spectrum = {"start_aa": 4800.0, "stop_aa": 5300.0, "step_aa": 5.0}
    content = miniature_recipe(spectrum=spectrum, nebular={"model": "none"}, photometry={"filters": []})
    return Simulator(recipe_from_dict(content), miniature_library(), seed=3)


class Counting:
    """A simulator that does nothing but count, and fails at a batch if asked to."""

    def __init__(self, fail_at=None):
        self.starts, self.fail_at = [], fail_at

    def batch(self, ids):
        if len(self.starts) == self.fail_at:
            raise ZeroDivisionError("on purpose")
        self.starts.append(int(ids[0]))
        return self

    def features(self):
        return {}


def _threads():
    return [t for t in threading.enumerate() if t.name == "sfhsim-prefetch"]


@pytest.mark.parametrize("split", [None, "train", "test"])
def test_it_yields_what_the_records_hold(simulator, tmp_path, split):
    generate_dataset(simulator, 300, tmp_path / "d")
    expected = Dataset(tmp_path / "d").arrays(split)
    n = len(expected["sample_id"])
    order = np.argsort(expected["sample_id"], kind="stable")
    with PrefetchingStream(simulator, batch_size=5, split=split) as stream:
        batches = [next(stream) for _ in range(-(-n // 5))]
    assert set(batches[0]) == set(expected)
    for name, values in expected.items():
        streamed = np.concatenate([batch[name] for batch in batches])[:n]
        np.testing.assert_array_equal(streamed, values[order])
        assert streamed.dtype == values.dtype


@pytest.mark.parametrize("split", [None, "train"])
def test_of_a_mixture(split):
    """Several batches are simulated at once, and come out one by one."""
    from miniature import miniature_library, miniature_recipe

    spectrum = {"start_aa": 4800.0, "stop_aa": 5300.0, "step_aa": 5.0}
    content = miniature_recipe(spectrum=spectrum, nebular={"model": "none"}, photometry={"filters": []})
    worlds = [{"name": "a"}, {"name": "b", "override": {"metallicity": {"form": "constant"}}}, {"name": "c"}]
    mixture = recipe_from_dict(content | {"worlds": worlds})
    simulator = MixtureSimulator(mixture, [Simulator(w.recipe, miniature_library(), 3) for w in mixture.worlds])
    with PrefetchingStream(simulator, start=11, batch_size=5, split=split) as stream:
        batches = [next(stream) for _ in range(8)]
    assert {len(batch["sample_id"]) for batch in batches} == {5}
    ids = np.concatenate([batch["sample_id"] for batch in batches])
    wanted = np.arange(11, 61, dtype=np.uint64)
    wanted = wanted if split is None else wanted[in_split(wanted, split, DEFAULT_SPLIT)]
    np.testing.assert_array_equal(ids, wanted[:40])
    for name, values in simulator.batch(ids).features().items():
        np.testing.assert_array_equal(np.concatenate([batch[name] for batch in batches]), values)


def test_it_starts_anywhere(simulator):
    with (
        PrefetchingStream(simulator, batch_size=4) as zero,
        PrefetchingStream(simulator, start=9, batch_size=4) as nine,
    ):
        first = [next(zero) for _ in range(4)]
        later = next(nine)
    np.testing.assert_array_equal(later["sample_id"], [9, 10, 11, 12])
    for name, values in later.items():
        np.testing.assert_array_equal(values, np.concatenate([batch[name] for batch in first])[9:13])


def test_shares_decide_who_is_in_a_split():
    with PrefetchingStream(Counting(), start=100, batch_size=50, split="b", shares={"a": 0.5, "b": 0.5}) as b:
        ids = np.concatenate([next(b)["sample_id"] for _ in range(4)])
    with PrefetchingStream(Counting(), start=100, batch_size=50, split="a", shares={"a": 0.5, "b": 0.5}) as a:
        other = np.concatenate([next(a)["sample_id"] for _ in range(4)])
    assert (np.diff(ids) > 0).all()
    assert ids[0] >= 100
    union = np.union1d(ids, other)
    common = min(ids[-1], other[-1])
    np.testing.assert_array_equal(union[union <= common], np.arange(100, common + 1))


def test_batches_are_made_ahead_but_not_too_far():
    source = Counting()
    with PrefetchingStream(source, batch_size=10, depth=3) as stream:
        deadline = time.monotonic() + 30
        while len(source.starts) < 4 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.05)
        assert source.starts == [0, 10, 20, 30]  # three ready, one in hand
        assert next(stream)["sample_id"][0] == 0
        assert next(stream)["sample_id"][0] == 10


def test_an_error_comes_in_its_place_and_stays():
    with PrefetchingStream(Counting(fail_at=2), batch_size=1) as stream:
        assert [int(next(stream)["sample_id"][0]) for _ in range(2)] == [0, 1]
        for _ in range(2):
            with pytest.raises(ZeroDivisionError, match="on purpose"):
                next(stream)


def test_closed_or_forgotten_streams_end_their_thread():
    stream = PrefetchingStream(Counting())
    next(stream)
    assert len(_threads()) == 1
    stream.close()
    assert _threads() == []
    assert list(stream) == []
    stream.close()
    forgotten = PrefetchingStream(Counting())
    next(forgotten)
    (thread,) = _threads()
    del forgotten
    gc.collect()
    thread.join(30)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": -1}, "start must not be negative"),
        ({"batch_size": 0}, "at least 1"),
        ({"depth": 0}, "at least 1"),
        ({"split": "dev"}, "no samples in split 'dev': there are train, validation, test"),
        ({"split": "a", "shares": {"a": 0.0, "b": 1.0}}, "no samples in split 'a'"),
    ],
)
def test_impossible_numbers_are_refused(options, message):
    with pytest.raises(DatasetError, match=message):
        PrefetchingStream(Counting(), **options)
    assert _threads() == []
