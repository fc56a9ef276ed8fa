"""Batches by tf.data: shards interleaved, records shuffled as bytes, then parsed a batch at a time.

    shards in random order -> interleaved, each record's checksum verified -> windows, each in random order
        -> batches of bytes -> tf.io.parse_example -> arrays

Random orders come from stateless random numbers of (seed, epoch, window): TensorFlow's global seed and what ran before
do not change them, unlike those of ``tf.data.Dataset.shuffle``.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from sfhmodel.data.dataset import TrainingData
from sfhmodel.data.features import feature_lengths, inputs_and_truths
from sfhmodel.data.order import SHUFFLE_WINDOW, Pass

_SHARDS_AT_ONCE = 8
_BLOCK = 16  # records of one shard after another
_READ_BYTES = 1 << 20
_THREADS = 2  # more only wait for each other at the rates that training needs
_BATCHES_AHEAD = 4


def tensorflow_batches(data: TrainingData, order: Pass) -> tf.data.Dataset:
    """The tf.data implementation of `sfhmodel.data.batches`."""
    if order.endless:
        epochs = tf.data.Dataset.range(order.epoch, tf.int64.max)
        first = _batches_of_bytes(order, tf.constant(order.epoch, tf.int64)).skip(order.skip)
        later = epochs.skip(1).flat_map(lambda epoch: _batches_of_bytes(order, epoch))
        serialized = first.concatenate(later)
    else:
        serialized = _batches_of_bytes(order, tf.constant(order.epoch, tf.int64)).skip(order.skip)
    lengths = feature_lengths(data.description)
    parsed = serialized.map(lambda messages: _parse(messages, lengths, data.precision), num_parallel_calls=_THREADS)
    n_batches = tf.data.INFINITE_CARDINALITY if order.endless else order.n_batches - order.skip
    counted = parsed.apply(tf.data.experimental.assert_cardinality(n_batches))
    return counted.prefetch(_BATCHES_AHEAD).with_options(_options())


def _options() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return options


def _batches_of_bytes(order: Pass, epoch: tf.Tensor) -> tf.data.Dataset:
    records = _shuffled_records(order, epoch) if order.shuffle else _records(order)
    return records.batch(order.batch_size, drop_remainder=order.drop_remainder)


def _parts(order: Pass) -> tuple[tf.Tensor, tf.Tensor]:
    paths = tf.constant([str(part.path) for part in order.parts])
    return paths, tf.constant([part.n_records for part in order.parts], tf.int64)


def _read(path: tf.Tensor, n_records: tf.Tensor) -> tf.data.Dataset:
    """The first records of a file; an error where there are fewer."""
    records = tf.data.TFRecordDataset(path, buffer_size=_READ_BYTES).take(n_records)
    return records.apply(tf.data.experimental.assert_cardinality(n_records))


def _records(order: Pass) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(_parts(order)).flat_map(_read)


def _shuffled_records(order: Pass, epoch: tf.Tensor) -> tf.data.Dataset:
    paths, numbers = _parts(order)
    seed = tf.random.fold_in(tf.constant([order.seed, 0]), tf.cast(epoch, tf.int32))
    shards = _permutation(len(order.parts), seed)
    at_once = min(_SHARDS_AT_ONCE, len(order.parts))
    records = tf.data.Dataset.from_tensor_slices((tf.gather(paths, shards), tf.gather(numbers, shards))).interleave(
        _read,
        cycle_length=at_once,
        block_length=_BLOCK,
        num_parallel_calls=min(_THREADS, at_once),
        deterministic=True,
    )

    def shuffled(number, window):
        own = tf.random.fold_in(seed, tf.cast(number, tf.int32) + 1)
        return tf.gather(window, _permutation(tf.shape(window)[0], own))

    # one window ready while another is used: training doesn't wait for the next to fill
    return records.batch(SHUFFLE_WINDOW).enumerate().map(shuffled).prefetch(1).unbatch()


def _permutation(n, seed: tf.Tensor) -> tf.Tensor:
    """(n,) the integers below n in an order that the seed (2,) decides."""
    keys = tf.random.stateless_uniform([n], seed, minval=None, maxval=None, dtype=tf.int32)
    return tf.argsort(keys, stable=True)


def _parse(messages: tf.Tensor, lengths: dict[str, int], precision: str) -> tuple[dict, dict]:
    """Inputs and truths of serialized records (n,)."""
    from sfhsim.records.schema import stored_features

    stored = stored_features(lengths, precision)
    raw = tf.io.parse_example(messages, {name: tf.io.FixedLenFeature([], tf.string) for name in stored})
    arrays = {name: _decode(raw[name], of) for name, of in stored.items()}
    if precision == "float16":
        arrays |= _restored(arrays)
    return inputs_and_truths({name: arrays[name] for name in lengths}, tf.ones_like)


def _decode(raw: tf.Tensor, stored) -> tf.Tensor:
    """(n, length) values of n strings of bytes; zeros fill up those that are shorter than the longest of a feature
    whose length varies."""
    dtype = tf.as_dtype(np.dtype(stored.dtype))
    if stored.length is None:
        longest = tf.maximum(tf.reduce_max(tf.strings.length(raw)), dtype.size)
        return tf.io.decode_raw(raw, dtype, little_endian=True, fixed_length=longest)
    return tf.ensure_shape(tf.io.decode_raw(raw, dtype, little_endian=True), (None, stored.length))


def _restored(arrays: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Spectra and errors that were stored as half floats; `sfhsim.records.halves` tells how."""
    from sfhsim.records.schema import CORRECTION, CORRECTION_INDEX, HALVES, SCALE

    scale = tf.split(arrays[SCALE], len(HALVES), axis=1)
    both = tf.concat([tf.cast(arrays[name], tf.float32) * scale[k] for k, name in enumerate(HALVES)], axis=1)
    values = arrays[CORRECTION_INDEX]
    rows = tf.broadcast_to(tf.range(tf.shape(values)[0])[:, None], tf.shape(values))
    both = tf.tensor_scatter_nd_add(both, tf.stack([rows, values], axis=-1), arrays[CORRECTION])
    return dict(zip(HALVES, tf.split(both, len(HALVES), axis=1), strict=True))
