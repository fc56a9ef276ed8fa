"""What is wrong with the records, when TensorFlow only says that something is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sfhmodel.data.dataset import TrainingData
from sfhmodel.data.features import feature_lengths
from sfhmodel.data.shard_reader import ShardReader
from sfhmodel.errors import TrainingDataError

# InvalidArgumentError is raised by any operation: these words are in those of the input pipeline
_WORDS = ("parse", "Feature", "DecodeRaw", "EnsureShape", "TensorScatter", "cardinality", "IteratorGetNext")
_CHUNK = 256


@contextlib.contextmanager
def explained_errors(data: TrainingData, *splits: str) -> Iterator[None]:
    """In the block, TensorFlow's errors about records become errors that name shard, record and feature.

    Parameters
    ----------
    data : the data set that the block reads.
    splits : that it reads; all by default.

    Raises
    ------
    TrainingDataError
        Instead of the error of TensorFlow, when the records are to blame.
    """
    try:
        yield
    except Exception as error:
        if blames_records(error):
            for split in splits or data.splits:
                if (problem := first_problem(data, split)) is not None:
                    raise problem from error
        raise


def blames_records(error: Exception) -> bool:
    """Whether this error of TensorFlow can come from reading records."""
    kind = type(error).__name__
    if kind in ("DataLossError", "NotFoundError"):
        return True
    return kind in ("InvalidArgumentError", "FailedPreconditionError") and any(word in str(error) for word in _WORDS)


def first_problem(data: TrainingData, split: str) -> TrainingDataError | None:
    """The error of the first record of a split that cannot be used, or None when all can."""
    try:
        data.check_shards(split)
        reader = ShardReader(data, data.parts(split), feature_lengths(data.description))
        for start in range(0, data.n(split), _CHUNK):
            reader.features(range(start, min(start + _CHUNK, data.n(split))))
    except TrainingDataError as error:
        return error
    return None
