"""Batches by NumPy, without TensorFlow: for Keras' other backends.

A pass is a list of positions of records, so any batch of it can be read at once; a thread reads a few batches ahead.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import keras
import numpy as np

from sfhmodel.data.dataset import TrainingData
from sfhmodel.data.features import feature_lengths, inputs_and_truths
from sfhmodel.data.order import SHUFFLE_WINDOW, Pass
from sfhmodel.data.shard_reader import ShardReader

_BATCHES_AHEAD = 4
_BLOCK = 16  # records that are read one after another


class NumpyBatches(keras.utils.PyDataset):
    """The NumPy implementation of `sfhmodel.data.batches`.

    Batch i is ``batches[i]``: a pair ``(inputs, truths)``.
    """

    def __init__(self, data: TrainingData, order: Pass):
        super().__init__()
        self._reader = ShardReader(data, order.parts, feature_lengths(data.description))
        self._order = order
        self._positions: dict[int, np.ndarray] = {}
        self._ahead: dict[int, Future] = {}
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sfhmodel-batches")

    @property
    def num_batches(self) -> int | None:
        """Number of batches; None when they are endless."""
        return None if self._order.endless else self._order.n_batches - self._order.skip

    def __len__(self) -> int:
        if self.num_batches is None:
            raise TypeError("these batches are endless")
        return self.num_batches

    def __getitem__(self, index: int) -> tuple[dict, dict]:
        if index < 0 or not self._exists(index):
            raise IndexError(f"no batch {index}: there are {self.num_batches}")
        with self._lock:
            wanted = [later for later in range(index, index + 1 + _BATCHES_AHEAD) if self._exists(later)]
            self._ahead = {later: self._ahead.get(later) or self._thread.submit(self._read, later) for later in wanted}
            future = self._ahead[index]
        return future.result()

    def _exists(self, index: int) -> bool:
        return self.num_batches is None or index < self.num_batches

    def _read(self, index: int) -> tuple[dict, dict]:
        order = self._order
        later_epochs, k = divmod(order.skip + index, order.n_batches)
        positions = self._positions_of(order.epoch + later_epochs)
        features = self._reader.features(positions[k * order.batch_size : (k + 1) * order.batch_size].tolist())
        return inputs_and_truths(features, np.ones_like)

    def _positions_of(self, epoch: int) -> np.ndarray:
        """(n,) the positions of the records of a pass, in order; those of the last pass are kept."""
        if epoch not in self._positions:
            self._positions = {epoch: _positions(self._order, epoch)}
        return self._positions[epoch]


def _positions(order: Pass, epoch: int) -> np.ndarray:
    positions = np.arange(order.n_records)
    if not order.shuffle:
        return positions
    rng = np.random.default_rng([order.seed, epoch])
    blocks = np.array_split(positions, range(_BLOCK, positions.size, _BLOCK))
    positions = np.concatenate([blocks[k] for k in rng.permutation(len(blocks))])
    for start in range(0, positions.size, SHUFFLE_WINDOW):
        rng.shuffle(positions[start : start + SHUFFLE_WINDOW])
    return positions
