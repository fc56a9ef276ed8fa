"""Training on several devices or in several processes, by the means of the backend.

none           one device
data_parallel  each device of this process takes its share of every batch
               TensorFlow: tf.distribute.MirroredStrategy; JAX: keras.distribution.DataParallel
multi_worker   each process named in TF_CONFIG takes its share of every batch (TensorFlow:
               tf.distribute.MultiWorkerMirroredStrategy); the first one writes the run directory
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sfhmodel.errors import ConfigError


@dataclass(frozen=True)
class Devices:
    """What a run computes on.

    Attributes
    ----------
    n_replicas : parts that each batch is divided into.
    writes : whether this process writes the run directory.
    strategy : of tf.distribute, or None.
    """

    n_replicas: int = 1
    writes: bool = True
    strategy: Any = None

    def share(self, batches):
        """Batches that tf.distribute divides by records, whatever files they come from."""
        if self.strategy is None or not hasattr(batches, "with_options"):
            return batches
        import tensorflow as tf

        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
        return batches.with_options(options)

    @property
    def tag(self) -> str:
        """For messages."""
        return f"{self.n_replicas} device{'s' if self.n_replicas > 1 else ''}"


@contextlib.contextmanager
def devices(distribution: str, batch_size: int) -> Iterator[Devices]:
    """Make models built and trained in the block use the devices of this distribution.

    Raises
    ------
    ConfigError
        When the backend cannot do it, TF_CONFIG is missing or wrong, or the batch does not divide by the devices.
    """
    import keras

    backend = keras.backend.backend()
    if distribution == "none":
        yield Devices()
    elif backend == "tensorflow":
        with _tensorflow_strategy(distribution) as found:
            _check_divides(batch_size, found.n_replicas)
            with found.strategy.scope():
                yield found
    elif backend == "jax" and distribution == "data_parallel":
        parallel = keras.distribution.DataParallel(devices=keras.distribution.list_devices())
        n = len(keras.distribution.list_devices())
        _check_divides(batch_size, n)
        with parallel.scope():
            yield Devices(n)
    else:
        raise ConfigError(
            f"distribution {distribution} does not work on the {backend} backend: use "
            + ("KERAS_BACKEND=tensorflow" if distribution == "multi_worker" else "tensorflow or jax")
        )


@contextlib.contextmanager
def _tensorflow_strategy(distribution: str) -> Iterator[Devices]:
    import tensorflow as tf

    if distribution == "data_parallel":
        found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        strategy = tf.distribute.MirroredStrategy([device.name for device in found])
        yield Devices(strategy.num_replicas_in_sync, True, strategy)
        return
    writes = is_first_worker(os.environ.get("TF_CONFIG"))
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    yield Devices(strategy.num_replicas_in_sync, writes, strategy)


def fit_for_workers(model) -> None:
    """Make Keras' `fit` and `evaluate` of a built model work under MultiWorkerMirroredStrategy.

    Keras 3.15 averages the logs of the workers along their first axis, which scalars lack; and it looks at a batch to
    build what is built already, and cannot put the workers' parts of it together.
    """
    train_step, test_step = model.train_step, model.test_step
    model.train_step = lambda data: _with_axis(train_step(data))
    model.test_step = lambda data: _with_axis(test_step(data))
    model._maybe_symbolic_build = lambda **_: None


def _with_axis(logs: dict) -> dict:
    from keras import ops

    return {name: ops.reshape(value, (1,)) for name, value in logs.items()}


def is_first_worker(tf_config: str | None) -> bool:
    """Whether this process is the chief, or the first worker where there is no chief, of a TF_CONFIG.

    Raises
    ------
    ConfigError
        When it is missing or not what TensorFlow expects.
    """
    example = '{"cluster": {"worker": ["host1:port", "host2:port"]}, "task": {"type": "worker", "index": 0}}'
    if not tf_config:
        raise ConfigError(f"distribution multi_worker needs the environment variable TF_CONFIG, e.g. {example}")
    try:
        content = json.loads(tf_config)
        cluster, task = content["cluster"], content["task"]
        kind, index = task["type"], int(task["index"])
        cluster[kind][index]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ConfigError(f"TF_CONFIG is not what TensorFlow expects ({error!r}): write it like {example}") from error
    return kind == "chief" or (kind == "worker" and index == 0 and "chief" not in cluster)


def _check_divides(batch_size: int, n: int) -> None:
    if batch_size % n:
        raise ConfigError(f"batch_size {batch_size} does not divide by {n} devices: choose a multiple of {n}")
