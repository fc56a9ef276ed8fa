"""The records of a split by place or id, without TensorFlow: the one reader of what looks at single galaxies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from sfhmodel.data.dataset import TrainingData
from sfhmodel.data.features import feature_lengths, inputs_and_truths
from sfhmodel.data.shard_reader import ShardReader
from sfhmodel.errors import InputError


class RecordBatch(NamedTuple):
    """Records (n,) with their ids: inputs as models take them, truths as `sfhmodel.targets` takes them."""

    sample_id: np.ndarray
    inputs: dict[str, np.ndarray]
    truths: dict[str, np.ndarray]


class SplitRecords:
    """A split, in the order of its files.

    Parameters
    ----------
    data : the data set.
    split : its name.
    limit : have only the first so many records, and look at no shard beyond them; all by default.

    Attributes
    ----------
    sample_id : (n_records,) int64 ids, in order.

    Raises
    ------
    TrainingDataError
        There is no such split, it is empty, or a shard is missing or of another size. While reading: a record that is
        damaged, named with its shard.
    """

    def __init__(self, data: TrainingData, split: str, limit: int | None = None):
        parts = data.parts(split, limit)
        if limit is None:
            data.check_shards(split)
        self._data, self._split = data, split
        self._reader = ShardReader(data, parts, feature_lengths(data.description))
        self.sample_id = np.concatenate([data.ids(part) for part in parts])

    def __len__(self) -> int:
        return len(self.sample_id)

    def places(self, sample_ids: Iterable[int]) -> list[int]:
        """Where the samples of these ids are, in the order asked, each once.

        Raises
        ------
        InputError
            Naming the ids that are not in the split.
        """
        wanted = list(dict.fromkeys(int(i) for i in sample_ids))
        found = {int(self.sample_id[k]): int(k) for k in np.flatnonzero(np.isin(self.sample_id, wanted))}
        if missing := [i for i in wanted if i not in found]:
            some = ", ".join(map(str, self.sample_id[:5]))
            raise InputError(
                f"no sample {', '.join(map(str, missing))} in split {self._split!r} of {self._data.folder}, which "
                f"begins with samples {some}: choose from the split's ids"
            )
        return [found[i] for i in wanted]

    def batches(self, places: Sequence[int] | np.ndarray, batch_size: int) -> Iterator[RecordBatch]:
        """The records at these places, a batch at a time; the next is read while one is used."""
        places = np.asarray(places, dtype=np.int64)
        chunks = [places[start : start + batch_size] for start in range(0, len(places), batch_size)]
        with ThreadPoolExecutor(1, thread_name_prefix="sfhmodel-records") as thread:
            following = [thread.submit(self._read, chunk) for chunk in chunks[:1]]
            for k in range(len(chunks)):
                batch = following.pop().result()
                following += [thread.submit(self._read, chunk) for chunk in chunks[k + 1 : k + 2]]
                yield batch

    def _read(self, places: np.ndarray) -> RecordBatch:
        features = self._reader.features(places)
        return RecordBatch(self.sample_id[places], *inputs_and_truths(features, np.ones_like))
