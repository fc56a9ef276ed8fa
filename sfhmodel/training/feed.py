"""Training batches of one epoch after another, without going back to the beginning of the pass each time.

A source gives the batches from any step of the run on, but what lies before that step in its pass has to be read and
left away, of a large data set for longer than an epoch takes. So one iterator goes on from epoch to epoch, as long as
the steps follow each other; the batches are the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from sfhmodel.training.config import TrainingConfig
from sfhmodel.training.sources import BatchSource


class TrainingFeed:
    """Batches of a source, some steps at a time.

    Parameters
    ----------
    source : of batches.
    config : settled.
    """

    def __init__(self, source: BatchSource, config: TrainingConfig):
        self._source, self._config = source, config
        self._iterator: Iterator | None = None
        self._next_step, self._is_tensorflow = 0, False

    def steps(self, step: int, n: int) -> Iterable:
        """The batches of ``n`` steps from ``step`` of the run on; a tf.data.Dataset where the source gives one.

        They must be used up before the next ones are asked for.
        """
        if self._iterator is None or step != self._next_step:
            batches = self._source.training(self._config, step)
            self._is_tensorflow = hasattr(batches, "element_spec")
            self._iterator = iter(batches)
        self._next_step = step + n
        return _taken(self._iterator, n) if self._is_tensorflow else itertools.islice(self._iterator, n)


def _taken(iterator: Any, n: int):
    """A tf.data.Dataset of the next ``n`` elements of an iterator of tf.data."""
    import tensorflow as tf

    from sfhmodel.data.tensorflow_pipeline import pipeline_options

    return tf.data.Dataset.range(n).map(lambda number: iterator.get_next()).with_options(pipeline_options())
