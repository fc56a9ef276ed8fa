"""The plan of a data set: every sample once, in a split that does not change, in shards of the right size."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfhsim.errors import DatasetError
from sfhsim.records.plan import DEFAULT_SPLIT, Plan, Shard, id_after, in_split


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


def test_a_plan_of_a_million_million_samples_holds_no_list():
    tracemalloc.start()
    try:
        shards = _plan(n_samples=10**12, records_per_shard=1000).shards()
        ends = shards[0], shards[-1]
        found = shards.named(ends[1].file), shards.named(ends[1].file.replace("test-", "test-1"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ends[0] == Shard("train-00000-of-899280576.tfrecord", "train", 0, 1112)
    assert ends[1] == Shard("test-49999999-of-50000000.tfrecord", "test", 10**12 - 20000, 10**12)
    assert len(shards) == 899280576 + 2 * 50000000
    assert found == (ends[1], None)
    assert peak < 100_000


@pytest.mark.parametrize("n", [1, 63, 64, 65, 5000])
def test_shards_are_a_sequence_and_known_by_name(n):
    shards = _plan(n_samples=n, split={"train": 0.7, "none": 0.0, "test": 0.3}).shards()
    listed = list(shards)
    assert len(listed) == len(shards)
    assert [shards[k] for k in range(-len(shards), 0)] == listed == shards[:]
    assert [shards.named(shard.file) for shard in listed] == listed
    with pytest.raises(IndexError, match=f"there are {len(shards)}"):
        shards[len(shards)]
    others = "none-00000-of-00001.tfrecord", "manifest.json", f"train-000000-of-{n:05d}.tfrecord", "train-00000-of-0"
    assert [shards.named(name) for name in others] == [None] * 4


def test_ids_of_a_long_range_are_counted_in_pieces(monkeypatch):
    plan = _plan(split={"train": 0.99, "test": 0.01}, n_samples=20000)
    whole = [plan.sample_ids(shard) for shard in plan.shards()]
    monkeypatch.setattr("sfhsim.records.plan._COUNTED_AT_ONCE", 100)
    for shard, ids in zip(plan.shards(), whole, strict=True):
        np.testing.assert_array_equal(plan.sample_ids(shard), ids)


def test_a_share_too_small_for_any_shard_to_be_full():
    (train, test) = _plan(n_samples=50, split={"train": 1.0, "test": 1e-320}).shards()
    assert (train.stop_id, test.stop_id) == (50, 50)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_samples": 0}, "at least one sample"),
        ({"n_samples": 2**53 + 1}, "at most 2\\^53"),
        ({"split": {"train": float("nan"), "test": 0.5}}, "sum to 1"),
        ({"split": {"../train": 1.0}}, "the split name '../train' cannot be used"),
        ({"seed": -1}, "seed must be between"),
        ({"split": {"train": 0.5}}, "sum to 1"),
    ],
)
def test_impossible_plans(changes, message):
    with pytest.raises(DatasetError, match=message):
        _plan(**changes)


@st.composite
def splits(draw):
    """Shares of one to five splits, some of them 0."""
    parts = np.array(draw(st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 1.0)), min_size=1, max_size=5)))
    if not parts.any():
        parts[0] = 1.0
    return {f"s{k}": float(share) for k, share in enumerate(parts / parts.sum())}


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(split=splits(), n=st.integers(1, 3000), per_shard=st.integers(1, 500))
def test_any_plan_holds_every_sample_once_and_in_the_right_split(split, n, per_shard):
    plan = _plan(split=split, n_samples=n, records_per_shard=per_shard)
    assert Plan.from_dict(plan.to_dict()) == plan
    counts, seen = dict.fromkeys(split, 0), []
    for shard in plan.shards():
        ids = plan.sample_ids(shard)
        assert in_split(ids, shard.split, split).all()
        counts[shard.split] += ids.size
        seen.append(ids)
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(n))
    for name, share in split.items():  # a low-discrepancy sequence: a few samples off, however many there are
        assert abs(counts[name] - share * n) <= 3 + np.log(n)


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(split=splits(), n=st.integers(0, 2000))
def test_the_id_after_some_samples_of_a_split_has_just_these_before_it(split, n):
    name = max(split, key=split.get)
    after = id_after(n, name, split)
    assert in_split(np.arange(after, dtype=np.uint64), name, split).sum() == n
    assert n == 0 or in_split(np.array([after - 1], dtype=np.uint64), name, split).all()
