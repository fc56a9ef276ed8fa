"""The simulator as an endless data set: no disk, and no record twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sfhmodel.data.features import inputs_and_truths
from sfhmodel.description import ModelDescription
from sfhmodel.errors import ConfigError


class LiveBatches:
    """Endless batches made by the simulator while they are used; see `live_batches`.

    Every iteration begins at the same batch; ``iter`` gives a generator, as ``model.fit`` takes it together with
    ``steps_per_epoch``.

    Attributes
    ----------
    description : of a model that learns from them.
    simulator : that makes them.
    """

    def __init__(self, simulator, batch_size: int, split: str | None, start: int):
        from sfhsim.errors import DatasetError
        from sfhsim.generation import describe_simulator, id_after

        self.simulator = simulator
        manifest = {"name": simulator.recipe.name, **describe_simulator(simulator)}
        self.description = ModelDescription.from_manifest(manifest)
        self._batch_size, self._split = batch_size, split
        try:
            self._first_id = batch_size * start if split is None else id_after(batch_size * start, split)
        except DatasetError as error:
            raise ConfigError(f"no live batches of split {split!r}: {error}") from error

    def __iter__(self) -> Iterator[tuple[dict, dict]]:
        from sfhsim import PrefetchingStream

        with PrefetchingStream(self.simulator, self._first_id, self._batch_size, split=self._split) as stream:
            for records in stream:
                yield inputs_and_truths(records, np.ones_like)


def live_batches(recipe, batch_size: int, seed: int = 0, split: str | None = "train", start: int = 0) -> LiveBatches:
    """Batches of a recipe's galaxies, simulated as they are asked for, without end.

    They hold what a data set of the same recipe and seed would, in the order of the ids.

    Parameters
    ----------
    recipe : Recipe or Mixture, built-in name, path of a YAML file, or a compiled simulator (whose seed counts).
    batch_size : galaxies in a batch.
    seed : of the simulation.
    split : take only galaxies that a data set would put into this split, by the usual shares of sfhsim, so that they
        differ from those of validation and test sets of the same seed; None for all.
    start : number of the batch to begin with, e.g. as many as an interrupted training has used.

    Returns
    -------
    LiveBatches
        An iterable of ``(inputs, truths)`` with a ``description``.

    Raises
    ------
    ConfigError
        An impossible number or split.
    SfhsimError
        From the recipe and the simulator.
    """
    from sfhsim import MixtureSimulator, Simulator, make_simulator

    if batch_size < 1 or start < 0:
        raise ConfigError(f"batch_size {batch_size}, start {start}: they must be at least 1 and 0")
    simulator = recipe if isinstance(recipe, Simulator | MixtureSimulator) else make_simulator(recipe, seed=seed)
    return LiveBatches(simulator, batch_size, split, start)
