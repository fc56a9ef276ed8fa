"""The plan of a data set: every sample once, in a split that does not change, in shards of the right size."""

import numpy as np
import pytest

from sfhsim.errors import DatasetError
from sfhsim.generation.plan import DEFAULT_SPLIT, Plan


def _plan(**changes):
    return Plan(
        **{"fingerprint": "x", "seed": 1, "n_samples": 1000, "split": DEFAULT_SPLIT, "records_per_shard": 64} | changes
    )


@pytest.mark.parametrize("n", [1, 7, 1000, 2048])
def test_every_sample_is_in_exactly_one_shard(n):
    plan = _plan(n_samples=n)
    ids = np.concatenate([plan.sample_ids(shard) for shard in plan.shards()])
    np.testing.assert_array_equal(np.sort(ids), np.arange(n))


def test_shares_and_sizes():
    plan = _plan(n_samples=20000)
    counts = dict.fromkeys(DEFAULT_SPLIT, 0)
    for shard in plan.shards():
        size = plan.sample_ids(shard).size
        assert size <= 66
        counts[shard.split] += size
    assert counts == pytest.approx({"train": 18000, "validation": 1000, "test": 1000}, abs=20)


def test_a_samples_split_does_not_depend_on_the_size_of_the_set():
    def split_of(plan):
        return {int(i): s.split for s in plan.shards() for i in plan.sample_ids(s)}

    small, large = split_of(_plan(n_samples=200)), split_of(_plan(n_samples=5000, records_per_shard=500))
    assert all(large[i] == split for i, split in small.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_samples": 0}, "at least one sample"),
        ({"seed": -1}, "seed must be between"),
        ({"split": {"train": 0.5}}, "sum to 1"),
    ],
)
def test_impossible_plans(changes, message):
    with pytest.raises(DatasetError, match=message):
        _plan(**changes)
