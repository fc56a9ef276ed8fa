"""Batches by tf.data: shards interleaved, records shuffled as bytes, then parsed a batch at a time.

    shards in random order -> interleaved, each record's checksum verified -> windows, each in random order
        -> batches of bytes -> tf.io.parse_example, ids verified -> arrays

Random orders come from stateless random numbers of (seed, epoch, window): TensorFlow's global seed and what ran before
do not change them, unlike those of ``tf.data.Dataset.shuffle``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import tensorflow as tf

from sfhmodel.data.dataset import TrainingData
from sfhmodel.data.features import feature_lengths, inputs_and_truths
from sfhmodel.data.order import SHUFFLE_WINDOW, Pass

_SHARDS_AT_ONCE = 8
_BLOCK = 16  # records of one shard after another, handled together
_READ_BYTES = 1 << 20
_THREADS = 2  # more only wait for each other at the rates that training needs
_BATCHES_AHEAD = 4


def tensorflow_batches(data: TrainingData, order: Pass) -> tf.data.Dataset:
    """The tf.data implementation of `sfhmodel.data.batches`."""
    first_epoch = tf.constant(order.epoch, tf.int64)
    if order.endless:
        epochs = tf.data.Dataset.range(order.epoch, tf.int64.max)
        first = _batches_of_bytes(data, order, first_epoch).skip(order.skip)
        later = epochs.skip(1).flat_map(lambda epoch: _batches_of_bytes(data, order, epoch))
        serialized = first.concatenate(later)
    else:
        serialized = _batches_of_bytes(data, order, first_epoch).skip(order.skip)
    parsed = serialized.map(partial(_parse, data), num_parallel_calls=_THREADS)
    n_batches = tf.data.INFINITE_CARDINALITY if order.endless else order.n_batches - order.skip
    counted = parsed.apply(tf.data.experimental.assert_cardinality(n_batches))
    return counted.prefetch(_BATCHES_AHEAD).with_options(pipeline_options())


def pipeline_options() -> tf.data.Options:
    """Of every pipeline of a training."""
    options = tf.data.Options()
    options.deterministic = True
    # nothing is left to tune, and an iterator would wait for its tuner's next turn, up to a minute, before it ends
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return options


def _batches_of_bytes(data: TrainingData, order: Pass, epoch: tf.Tensor) -> tf.data.Dataset:
    """Batches of serialized records, and of the ids that they must have."""
    blocks = _shuffled_blocks(data, order, epoch) if order.shuffle else _blocks(data, order)
    return blocks.rebatch(order.batch_size, drop_remainder=order.drop_remainder)


def _reader(data: TrainingData, order: Pass) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """Function that gives the records of the part of this number, in blocks, with the ids that they must have."""
    paths = tf.constant([str(part.path) for part in order.parts])

    def read(number: tf.Tensor) -> tf.data.Dataset:
        ids = tf.numpy_function(lambda k: data.ids(order.parts[k]), [number], tf.int64)
        n_records = tf.size(ids, tf.int64)
        records = tf.data.TFRecordDataset(paths[number], buffer_size=_READ_BYTES).take(n_records)
        counted = records.apply(tf.data.experimental.assert_cardinality(n_records))  # an error where there are fewer
        expected = tf.data.Dataset.from_tensor_slices(tf.ensure_shape(ids, (None,)))
        return tf.data.Dataset.zip(counted.batch(_BLOCK), expected.batch(_BLOCK))

    return read


def _blocks(data: TrainingData, order: Pass) -> tf.data.Dataset:
    return tf.data.Dataset.range(len(order.parts)).flat_map(_reader(data, order))


def _shuffled_blocks(data: TrainingData, order: Pass, epoch: tf.Tensor) -> tf.data.Dataset:
    seed = tf.random.fold_in(tf.constant([order.seed, 0]), tf.cast(epoch, tf.int32))
    shards = tf.cast(_permutation(len(order.parts), seed), tf.int64)
    at_once = min(_SHARDS_AT_ONCE, len(order.parts))
    blocks = tf.data.Dataset.from_tensor_slices(shards).interleave(
        _reader(data, order),
        cycle_length=at_once,
        block_length=1,
        num_parallel_calls=min(_THREADS, at_once),
        deterministic=True,
    )

    def shuffled(number, window):
        own = tf.random.fold_in(seed, tf.cast(number, tf.int32) + 1)
        places = _permutation(tf.shape(window[0])[0], own)
        return tuple(tf.gather(each, places) for each in window)

    # one window ready while another is used: training doesn't wait for the next to fill
    return blocks.rebatch(SHUFFLE_WINDOW).enumerate().map(shuffled).prefetch(1)


def _permutation(n, seed: tf.Tensor) -> tf.Tensor:
    """(n,) the integers below n in an order that the seed (2,) decides."""
    keys = tf.random.stateless_uniform([n], seed, minval=None, maxval=None, dtype=tf.int32)
    return tf.argsort(keys, stable=True)


def _parse(data: TrainingData, messages: tf.Tensor, ids: tf.Tensor) -> tuple[dict, dict]:
    """Inputs and truths of serialized records (n,) with these ids (n,)."""
    from sfhsim.records.schema import SAMPLE_ID, stored_features

    lengths = feature_lengths(data.description)
    stored = stored_features(lengths, data.precision)
    schema = {name: tf.io.FixedLenFeature([], tf.string) for name in stored}
    raw = tf.io.parse_example(messages, schema | {SAMPLE_ID: tf.io.FixedLenFeature([], tf.int64)})
    tf.debugging.assert_equal(raw.pop(SAMPLE_ID), ids, message="Feature sample_id is not that of the plan")
    arrays = {name: _decode(raw[name], of) for name, of in stored.items()}
    if data.precision == "float16":
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
