"""Where training batches come from: a data set on disk, or the simulator while the training runs.

Both, and the labelled galaxies of a file (`labelled_source`), give the batches of any step of the run directly, so that
a resumed run sees what an uninterrupted one would have seen, and a batch that did harm can be fetched again.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from sfhmodel.errors import TrainingDataError
from sfhmodel.training.config import DEFAULT_STEPS, TrainingConfig

LIVE_VALIDATION_RECORDS = 2048


def open_source(dataset_or_recipe: str | Path, seed: int = 0):
    """A data set's directory as a `DatasetSource`, an npz file as a `LabelledSource`, a recipe as a `LiveSource`.

    Raises
    ------
    TrainingDataError
        When there is none of them, the data set has not finished, or has another schema version; labelled galaxies lack
        something (`sfhmodel.data.labelled`).
    """
    from sfhsim.errors import SfhsimError
    from sfhsim.recipe import builtin_names

    name, path = str(dataset_or_recipe), Path(dataset_or_recipe)
    is_dataset = (path / "manifest.json").is_file() or (path / "plan.json").is_file()
    if is_dataset or (path.is_dir() and name not in builtin_names()):
        return DatasetSource(path)
    if path.suffix == ".npz" and path.is_file():
        from sfhmodel.training.labelled_source import LabelledSource

        return LabelledSource(path)
    if name not in builtin_names() and not path.is_file():
        raise TrainingDataError(
            f"{name} is neither the directory of a data set nor a recipe: make a data set with `sfhsim generate`, or "
            f"give a YAML file or one of {', '.join(builtin_names())}"
        )
    try:
        return LiveSource(name, seed)
    except SfhsimError as error:
        raise TrainingDataError(f"cannot simulate {name}: {error}") from error


class BatchSource(Protocol):
    """What the epochs of a run take batches from."""

    def training(self, config: TrainingConfig, step: int) -> Iterable:
        """Endless batches (inputs, truths) from a step of the run on."""

    def validation(self, batch_size: int, limit: int | None, drop_remainder: bool = False) -> Iterable:
        """Batches of the validation records, the same ones each time."""

    def explained_errors(self) -> contextlib.AbstractContextManager:
        """A context in which errors of reading name the record."""


class DatasetSource:
    """The splits of a data set; `sfhmodel.data.batches`.

    Parameters
    ----------
    folder : of the data set.
    """

    def __init__(self, folder: Path):
        from sfhmodel.data import TrainingData

        self.data = TrainingData(folder)
        self.description = self.data.description
        self.name = str(folder)

    @property
    def n_train(self) -> int | None:
        """Number of training records."""
        return self.data.n("train")

    def default_steps(self, batch_size: int) -> int:
        """Steps of an epoch: one pass, or `DEFAULT_STEPS` if that is less."""
        return min(self._steps_in_pass(batch_size), DEFAULT_STEPS)

    def training(self, config: TrainingConfig, step: int) -> Iterable:
        """Endless batches from a step of the run on."""
        from sfhmodel.data import batches

        epoch, skip = divmod(step, self._steps_in_pass(config.batch_size))
        return batches(
            self.data,
            "train",
            config.batch_size,
            seed=config.seed,
            epoch=epoch,
            skip=skip,
            endless=True,
            drop_remainder=True,
        )

    def sample(self, config: TrainingConfig) -> Iterable:
        """Batches of training records for the normalisation."""
        from sfhmodel.data import batches

        return batches(self.data, "train", config.batch_size, shuffle=False, limit=config.adapt_records)

    def n_validation(self, limit: int | None) -> int:
        """Number of records that `validation` gives."""
        n = self.data.n("validation")
        return n if limit is None else min(n, limit)

    def validation(self, batch_size: int, limit: int | None, drop_remainder: bool = False) -> Iterable:
        """Batches of at most ``limit`` validation records, the same ones every time."""
        from sfhmodel.data import batches

        return batches(
            self.data,
            "validation",
            batch_size if drop_remainder else min(batch_size, self.n_validation(limit)),
            shuffle=False,
            limit=limit,
            drop_remainder=drop_remainder,
        )

    def explained_errors(self):
        """A context in which errors of reading name the record."""
        from sfhmodel.data.diagnosis import explained_errors

        return explained_errors(self.data)

    def _steps_in_pass(self, batch_size: int) -> int:
        steps = self.data.n("train") // batch_size
        if steps == 0:
            raise TrainingDataError(
                f"the training split of {self.name} has {self.data.n('train')} records, less than one batch of "
                f"{batch_size}: choose a smaller batch_size, or generate a larger data set"
            )
        return steps


class LiveSource:
    """The simulator's stream of a recipe; `sfhmodel.data.live_batches`.

    Parameters
    ----------
    recipe : built-in name or YAML file.
    seed : of the simulator.
    """

    def __init__(self, recipe: str, seed: int):
        from sfhmodel.data import live_batches

        batches = live_batches(recipe, 1, seed)
        self.description, self._simulator, self.name = batches.description, batches.simulator, recipe
        self._kept: dict[tuple, list] = {}

    @property
    def n_train(self) -> int | None:
        """None: there is no end."""
        return None

    def default_steps(self, batch_size: int) -> int:
        """Steps of an epoch."""
        return DEFAULT_STEPS

    def training(self, config: TrainingConfig, step: int) -> Iterable:
        """Endless batches from a step of the run on."""
        return self._stream(config.batch_size, "train", step)

    def sample(self, config: TrainingConfig) -> Iterable:
        """Batches of training records for the normalisation."""
        n = -(-config.adapt_records // config.batch_size)
        return itertools.islice(self._stream(config.batch_size, "train", 0), n)

    def n_validation(self, limit: int | None) -> int:
        """Number of records that `validation` gives."""
        return LIVE_VALIDATION_RECORDS if limit is None else limit

    def validation(self, batch_size: int, limit: int | None, drop_remainder: bool = False) -> Iterable:
        """Batches of validation records (a multiple of the batch), simulated once and kept in memory."""
        limit = self.n_validation(limit)
        size = batch_size if drop_remainder else min(batch_size, limit)
        if (size, limit) not in self._kept:
            stream = self._stream(size, "validation", 0)
            self._kept[size, limit] = list(itertools.islice(stream, -(-limit // size)))
        return self._kept[size, limit]

    def explained_errors(self):
        """A context that changes nothing: there are no files."""
        return contextlib.nullcontext()

    def _stream(self, batch_size: int, split: str, start: int) -> Iterable:
        from sfhmodel.data import live_batches

        return live_batches(self._simulator, batch_size, split=split, start=start)
