"""Records of a split by their position in it, without TensorFlow. Errors name the shard, the record and the feature."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

import numpy as np

from sfhmodel.data.dataset import ShardPart, TrainingData
from sfhmodel.errors import TrainingDataError


class ShardReader:
    """Reads records in any order, from several threads.

    Parameters
    ----------
    data : the data set, for messages.
    parts : the shards, in order.
    lengths : of the features that are read, by name; others in the records are left out.
    """

    def __init__(self, data: TrainingData, parts: Sequence[ShardPart], lengths: dict[str, int]):
        from sfhsim.records.encoder import RecordEncoder

        self._data, self._parts, self._lengths = data, tuple(parts), dict(lengths)
        self._ends = np.cumsum([part.n_records for part in self._parts])
        self._files: dict = {}
        self._ids: dict[int, np.ndarray] = {}
        self._opening = threading.Lock()
        self._layout = RecordEncoder(lengths, data.precision)

    def features(self, positions: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Each feature (n, length) float32 of the records at these positions.

        Raises
        ------
        TrainingDataError
            When a shard is damaged or has too few records, or a record lacks a feature or has one of another length.
        """
        from sfhsim.errors import DatasetError

        places = [self._place(int(position)) for position in positions]
        messages = [self._message(shard, number) for shard, number in places]
        try:
            return self._layout.decode(messages)
        except DatasetError:  # made by other means than sfhsim's own, or unusable
            rows = [self._decode(*both) for both in zip(messages, places, strict=True)]
            return {name: np.stack([row[name] for row in rows]) for name in self._lengths}

    def _place(self, position: int) -> tuple[int, int]:
        """Which shard a record is in, and its number there."""
        shard = int(np.searchsorted(self._ends, position, side="right"))
        return shard, position - int(self._ends[shard]) + self._parts[shard].n_records

    def _message(self, shard: int, number: int) -> bytes:
        from sfhsim.errors import DatasetError

        try:
            message = self._file(shard).read(number)
        except DatasetError as error:
            what = str(error).removeprefix(f"{self._parts[shard].path.name}, ")
            raise self._data.shard_error(self._parts[shard].path, f"is damaged: {what}") from error
        with contextlib.suppress(DatasetError):  # of a record with other features, which `_decode` looks at
            self._check_id(shard, number, self._layout.sample_id(message))
        return message

    def _check_id(self, shard: int, number: int, sample_id: object) -> None:
        from sfhsim.records.shard import OTHER_SAMPLES

        if sample_id != self._ids[shard][number]:
            raise self._data.shard_error(self._parts[shard].path, f"{OTHER_SAMPLES} (record {number})")

    def _file(self, shard: int):
        from sfhsim.records.random_access import RecordFile

        with self._opening:
            if shard not in self._files:
                part = self._parts[shard]
                file = RecordFile(part.path)
                if len(file) != part.shard["n_records"]:
                    what = f"has {len(file)} records instead of {part.shard['n_records']}"
                    raise self._data.shard_error(part.path, what)
                self._files[shard], self._ids[shard] = file, self._data.ids(part)
            return self._files[shard]

    def _decode(self, message: bytes, place: tuple[int, int]) -> dict[str, np.ndarray]:
        from sfhsim.errors import DatasetError
        from sfhsim.records.example import decode_example

        shard, number = place
        path = self._parts[shard].path
        try:
            record = decode_example(message, self._data.precision)
        except DatasetError as error:
            raise self._data.shard_error(path, f"is damaged: record {number}: {error}") from error
        self._check_id(shard, number, record.get("sample_id"))
        for name, length in self._lengths.items():
            if name not in record:
                raise TrainingDataError(f"shard {path.name} of {self._data.folder}, record {number}: no {name!r}")
            if np.shape(record[name]) != (length,):
                raise TrainingDataError(
                    f"shard {path.name} of {self._data.folder}, record {number}: feature {name!r} has "
                    f"{np.size(record[name])} values, the manifest says {length}"
                )
        return {name: np.asarray(record[name]) for name in self._lengths}
