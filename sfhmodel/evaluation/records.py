"""Records of a data set, decoded without TensorFlow: a split's first ones, or those of given ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from sfhmodel.data import TrainingData
from sfhmodel.errors import InputError


def records_of(data: TrainingData, split: str, limit: int | None = None) -> Iterator[dict]:
    """The first ``limit`` records of a split, all by default: dicts of the features and ``sample_id``.

    Raises
    ------
    TrainingDataError
        When there is no such split, it is empty, or a shard is missing or damaged.
    """
    n = sum(part.n_records for part in data.parts(split, limit))
    shards = (shard for shard in data.manifest["shards"] if shard["split"] == split)
    yield from islice(chain.from_iterable(map(data.records, shards)), n)


def chosen_records(data: TrainingData, split: str, sample_ids: Iterable[int]) -> list[dict]:
    """The records of a split with these ids, in their order.

    Raises
    ------
    InputError
        Naming the ids that are not in the split.
    """
    wanted = list(dict.fromkeys(int(i) for i in sample_ids))
    found: dict[int, dict] = {}
    for shard in data.manifest["shards"]:
        here = {i for i in wanted if shard["first_id"] <= i < shard["stop_id"]} - found.keys()
        if shard["split"] == split and here:
            found |= _pick(data.records(shard), here)
    if missing := [i for i in wanted if i not in found]:
        some = ", ".join(str(record["sample_id"]) for record in records_of(data, split, 5))
        raise InputError(
            f"no sample {', '.join(map(str, missing))} in split {split!r} of {data.folder}, which begins with samples "
            f"{some}: choose from the split's ids"
        )
    return [found[i] for i in wanted]


def _pick(records: Iterable[dict], ids: set[int]) -> dict[int, dict]:
    found = {}
    for record in records:
        if record["sample_id"] in ids:
            found[record["sample_id"]] = record
            if len(found) == len(ids):
                break
    return found
