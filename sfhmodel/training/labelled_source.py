"""Training batches of labelled galaxies in one npz file (`sfhmodel.data.labelled`), which are in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from sfhmodel.data.labelled import LabelledFile
from sfhmodel.errors import TrainingDataError
from sfhmodel.training.config import DEFAULT_STEPS, TrainingConfig


class LabelledSource:
    """The galaxies of a file; the interface of `sfhmodel.training.sources.DatasetSource`.

    Parameters
    ----------
    path : of the npz file.
    """

    def __init__(self, path: Path):
        self.file = LabelledFile(path)
        self.description, self.name = self.file.description, str(path)

    @property
    def n_train(self) -> int | None:
        """Number of galaxies to learn from."""
        return self.file.places("train").size

    def default_steps(self, batch_size: int) -> int:
        """Steps of an epoch: one pass, or `DEFAULT_STEPS` if that is less."""
        n = self.file.places("train").size
        if n < batch_size:
            raise TrainingDataError(
                f"{self.name} has {n} galaxies to learn from, less than one batch of {batch_size}: choose a smaller "
                "batch_size"
            )
        return min(n // batch_size, DEFAULT_STEPS)

    def training(self, config: TrainingConfig, step: int) -> Iterable:
        """Endless batches from a step of the run on."""
        return self.file.endless(config.batch_size, config.seed, step)

    def sample(self, config: TrainingConfig) -> Iterable:
        """Batches of training galaxies for the normalisation."""
        return self._batches("train", config.batch_size, config.adapt_records)

    def n_validation(self, limit: int | None) -> int:
        """Number of galaxies that `validation` gives."""
        n = self.file.places("validation").size
        return n if limit is None else min(n, limit)

    def validation(self, batch_size: int, limit: int | None, drop_remainder: bool = False) -> list:
        """Batches of at most ``limit`` validation galaxies, the same ones every time."""
        n = self.n_validation(limit)
        return self._batches("validation", batch_size, n - n % batch_size if drop_remainder else n)

    def explained_errors(self):
        """A context that changes nothing: the file has been looked at."""
        return contextlib.nullcontext()

    def _batches(self, split: str, batch_size: int, limit: int) -> list:
        places = self.file.places(split)[:limit]
        return [self.file.batch(places[k : k + batch_size]) for k in range(0, places.size, batch_size)]
