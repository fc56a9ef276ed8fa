"""The plan of a data set: which sample goes into which shard, decided before anything is simulated.

Sample i belongs to the split in whose share of [0, 1) the fractional part of i times the golden ratio falls (a
low-discrepancy sequence: the shares are right for any number of samples, and a sample's split never changes). A shard
holds the samples of one split out of a contiguous range of ids.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.names import check_name
from sfhsim.records.schema import check_precision

DEFAULT_SPLIT = {"train": 0.9, "validation": 0.05, "test": 0.05}
_GOLDEN = np.uint64(2654435769)  # 2^32 / golden ratio, odd
_MODULUS = np.uint64(1 << 32)
_COUNTED_AT_ONCE = 1 << 20
MOST_SAMPLES = 2**53 + 1


def in_split(ids: np.ndarray, name: str, split: Mapping[str, float]) -> np.ndarray:
    """(n,) bool, which samples with these uint64 ids belong to the split ``name`` of the shares ``split``."""
    place = (ids * _GOLDEN) % _MODULUS / float(_MODULUS)
    edges = np.cumsum([0.0, *split.values()])
    k = list(split).index(name)
    upper = np.inf if k == len(split) - 1 else edges[k + 1]
    return (place >= edges[k]) & (place < upper)


def id_after(n_samples: int, name: str, split: Mapping[str, float] = DEFAULT_SPLIT) -> int:
    """The id from which the samples of a split go on after its first ``n_samples``.

    Raises
    ------
    DatasetError
        When the split has no samples, or the number is negative.
    """
    if n_samples < 0 or not split.get(name, 0.0) > 0.0:
        raise DatasetError(f"no {n_samples} samples in split {name!r}: the splits are {', '.join(split)}")
    start = 0
    while n_samples > 0:
        ids = np.arange(start, start + min(max(n_samples, 64), _COUNTED_AT_ONCE), dtype=np.uint64)
        found = np.flatnonzero(in_split(ids, name, split))
        start += int(found[n_samples - 1]) + 1 if found.size >= n_samples else ids.size
        n_samples -= min(found.size, n_samples)
    return start


@dataclass(frozen=True)
class Shard:
    """One file of a data set: the samples of ``split`` with ``first_id <= id < stop_id``."""

    file: str
    split: str
    first_id: int
    stop_id: int


class Shards(Sequence):
    """Every shard of a plan, in order of split and id: made when asked for, so that their number costs no memory."""

    def __init__(self, plan: Plan):
        self._n_samples = plan.n_samples
        self._spans = {
            # a share so small that one shard holds all that there is has no use for a longer one
            split: max(1, math.ceil(min(plan.records_per_shard / share, plan.n_samples)))
            for split, share in plan.split.items()
            if share > 0
        }
        self._counts = {split: -(-plan.n_samples // span) for split, span in self._spans.items()}

    def __len__(self) -> int:
        return sum(self._counts.values())

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"no shard {index}: there are {len(self)}")
        index %= len(self)
        for split, count in self._counts.items():
            if index < count:
                return self._shard(split, index)
            index -= count
        raise AssertionError("the counts add up to the length")

    def named(self, file: str) -> Shard | None:
        """The shard of this file name, None when there is none."""
        parts = re.fullmatch(r"(.+)-([0-9]{5,20})-of-[0-9]{5,20}\.tfrecord", file)
        if parts is None or int(parts[2]) >= self._counts.get(parts[1], 0):
            return None
        shard = self._shard(parts[1], int(parts[2]))
        return shard if shard.file == file else None

    def _shard(self, split: str, k: int) -> Shard:
        span, count = self._spans[split], self._counts[split]
        file = f"{split}-{k:05d}-of-{count:05d}.tfrecord"
        return Shard(file, split, k * span, min((k + 1) * span, self._n_samples))


@dataclass(frozen=True)
class Plan:
    """Everything that decides the bytes of a data set, given the recipe's library.

    Attributes
    ----------
    fingerprint : of the recipe, its library and the schema.
    seed, n_samples : of the data set.
    split : share of each split.
    records_per_shard : aimed at; splits with fewer records have smaller shards.
    precision : of the records, one of `sfhsim.records.schema.PRECISIONS`.
    """

    fingerprint: str
    seed: int
    n_samples: int
    split: Mapping[str, float]
    records_per_shard: int
    precision: str = "float32"

    def __post_init__(self):
        if not 1 <= self.n_samples < MOST_SAMPLES:
            raise DatasetError(f"a data set needs at least one sample and at most 2^53, not {self.n_samples}")
        if not 0 <= self.seed < 2**63:
            raise DatasetError(f"the seed must be between 0 and 2^63 - 1, not {self.seed}")
        for name in self.split:
            check_name(name, "the split name", DatasetError)  # shards are named after it
        if not min(self.split.values()) >= 0 or not math.isclose(sum(self.split.values()), 1.0, abs_tol=1e-9):
            raise DatasetError(f"the shares of the splits must be positive and sum to 1, not {dict(self.split)}")
        check_precision(self.precision)

    def shards(self) -> Shards:
        """Every shard, in order of split and id."""
        return Shards(self)

    def sample_ids(self, shard: Shard) -> np.ndarray:
        """Ids (n,) uint64 of the samples of a shard, increasing."""
        found = []
        for start in range(shard.first_id, shard.stop_id, _COUNTED_AT_ONCE):
            ids = np.arange(start, min(start + _COUNTED_AT_ONCE, shard.stop_id), dtype=np.uint64)
            found.append(ids[in_split(ids, shard.split, self.split)])
        return np.concatenate(found)

    def to_dict(self) -> dict:
        """Plain data, as written beside the shards."""
        return {
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "n_samples": self.n_samples,
            "split": dict(self.split),
            "records_per_shard": self.records_per_shard,
            "precision": self.precision,
        }

    @classmethod
    def from_dict(cls, content: Mapping) -> Plan:
        """The plan that `to_dict` wrote; versions before 0.3 knew one precision only."""
        return cls(**{name: content[name] for name in cls.__dataclass_fields__ if name in content})
