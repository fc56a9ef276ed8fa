"""One pass over a split, or an endless number of passes, as batches of inputs and truths.

The order of the records is decided by the seed and the number of the pass (the epoch), nothing else; a pass can be
entered at any batch, so that an interrupted training goes on with the batch that would have come next.
"""

from __future__ import annotations

from sfhmodel.data.dataset import TrainingData
from sfhmodel.data.order import Pass
from sfhmodel.errors import ConfigError, TrainingDataError

BACKENDS = ("auto", "tensorflow", "numpy")


def batches(
    data: TrainingData,
    split: str,
    batch_size: int,
    *,
    seed: int = 0,
    epoch: int = 0,
    shuffle: bool = True,
    drop_remainder: bool = False,
    limit: int | None = None,
    skip: int = 0,
    endless: bool = False,
    backend: str = "auto",
):
    """Batches of the records of a split.

    Parameters
    ----------
    data : the data set.
    split : name of the split.
    batch_size : records in a batch; the last of a pass may have fewer.
    seed, epoch : decide the order of the records (not across backends).
    shuffle : if not, records come in the order of the files. Shuffling mixes shards, and records among some thousands.
    drop_remainder : leave out an incomplete last batch.
    limit : take only the first so many records of the split (the same ones in each epoch).
    skip : start with this batch of the pass; skipped ones are not parsed.
    endless : after the pass comes that of the next epoch, and so on.
    backend : 'tensorflow' (tf.data), 'numpy' (no TensorFlow needed), or 'auto' for the one that suits Keras' backend.

    Returns
    -------
    tf.data.Dataset or NumpyBatches
        An iterable of ``(inputs, truths)``: dicts of float32 arrays, as `sfhmodel.data.features` tells. It can be
        iterated again, for the same batches in the same order, and be given to ``model.fit`` (with
        ``shuffle=False``, or Keras changes the order of the NumPy batches once more).

    Raises
    ------
    TrainingDataError
        No such split, an empty one, fewer records than one batch when incomplete ones are left out, a shard that is
        missing or has another size. While iterating: a damaged record, or one that lacks a feature or has one of
        another length, named with its shard (from tf.data inside `sfhmodel.data.diagnosis.explained_errors`).
    ConfigError
        An impossible number, or an unknown backend.
    """
    _check_at_least(1, batch_size=batch_size)
    _check_at_least(0, seed=seed, epoch=epoch, skip=skip)
    if backend not in BACKENDS:
        raise ConfigError(f"no data backend {backend!r}: there are {', '.join(BACKENDS)}")
    parts = tuple(data.parts(split, limit))
    order = Pass(parts, batch_size, seed, epoch, shuffle, drop_remainder, skip, endless)
    if order.n_batches == 0:
        raise TrainingDataError(
            f"split {split!r} of {data.folder} gives {order.n_records} records, less than one batch of {batch_size}: "
            "choose a smaller batch_size"
        )
    if skip >= order.n_batches:
        raise ConfigError(f"skip must be less than the {order.n_batches} batches of a pass, not {skip}")
    data.check_shards(split)
    if backend == "auto":
        import keras

        backend = "tensorflow" if keras.backend.backend() == "tensorflow" else "numpy"
    if backend == "tensorflow":
        from sfhmodel.data.tensorflow_pipeline import tensorflow_batches

        return tensorflow_batches(data, order)
    from sfhmodel.data.numpy_pipeline import NumpyBatches

    return NumpyBatches(data, order)


def _check_at_least(smallest: int, **numbers: int) -> None:
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int) or not smallest <= number < 2**31:
            raise ConfigError(f"{name} must be an integer from {smallest} to 2^31 - 1, not {number!r}")
