"""Checkpoints at the ends of epochs: everything that a killed run needs to go on as if nothing had happened.

    checkpoints/epoch-00007/progress.json   epoch, log rows, best so far, seconds
                            model.npz       variables of the model, random generators included
                            optimizer.npz   variables of the optimiser, step counter included
                            best.npz        variables of the model at the best epoch so far

A checkpoint appears whole, by one rename, or not at all; the last two are kept, so that one damaged by the disk is
not the end. A model's `variables` include the states of its random generators, so that augmentation and dropout go on
where they were; the optimiser's include its step counter, its moments and the moving average of the weights.
"""

from __future__ import annotations

import json
import shutil
import warnings
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import SfhmodelWarning, TrainingError
from sfhmodel.training.files import run_errors, write_json
from sfhsim.folders import whole_folder

Arrays = list[np.ndarray]

FOLDER = "checkpoints"
_KEPT = 2
_PARTS = ("model", "optimizer", "best")


@dataclass
class Progress:
    """Where a run is.

    Attributes
    ----------
    epoch : epochs finished.
    rows : of the log, one a finished epoch: column name to number.
    best_epoch : epoch whose weights are kept, counted from 1; 0 before the first.
    best_value : of the monitored metric there.
    train_seconds, train_spectra : spent on, and seen in, training steps, without compilation.
    seconds : of the whole run, all its processes together.
    """

    epoch: int = 0
    rows: list[dict] = field(default_factory=list)
    best_epoch: int = 0
    best_value: float | None = None
    train_seconds: float = 0.0
    train_spectra: int = 0
    seconds: float = 0.0

    @property
    def stale_epochs(self) -> int:
        """Epochs since the best one."""
        return self.epoch - self.best_epoch


@dataclass
class Checkpoint:
    """A moment of a run: its progress and the values of its variables."""

    progress: Progress
    model: Arrays
    optimizer: Arrays
    best: Arrays


def save_checkpoint(run: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint of a run directory and delete old ones; raises TrainingError when the disk refuses."""
    folder = run / FOLDER
    path = folder / f"epoch-{checkpoint.progress.epoch:05d}"
    shutil.rmtree(path, ignore_errors=True)  # one of this name was damaged, or the run would have gone on from it
    with run_errors(path), whole_folder(path) as temporary:
        write_json(temporary / "progress.json", asdict(checkpoint.progress))
        for name in _PARTS:
            _save_arrays(temporary / f"{name}.npz", getattr(checkpoint, name))
    for old in _numbered(folder)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(run: Path) -> Checkpoint | None:
    """The newest whole checkpoint of a run directory, or None; a damaged one is passed over with a warning."""
    for path in reversed(_numbered(run / FOLDER)):
        try:
            progress = Progress(**json.loads((path / "progress.json").read_text(encoding="utf-8")))
            return Checkpoint(progress, *(_load_arrays(path / f"{name}.npz") for name in _PARTS))
        except (OSError, ValueError, TypeError) as error:
            warnings.warn(f"passing over the checkpoint {path}: {error}", SfhmodelWarning, stacklevel=2)
    return None


def _numbered(folder: Path) -> list[Path]:
    return sorted(folder.glob("epoch-[0-9]*"))


def copied_values(variables) -> Arrays:
    """Copies of the values of Keras variables, in order."""
    return [np.array(variable.numpy()) for variable in variables]


def assign_values(variables, arrays: Arrays) -> None:
    """Assign arrays to variables, in order.

    Raises
    ------
    TrainingError
        When their number or shapes do not fit: the state is of another model.
    """
    shapes, theirs = [tuple(v.shape) for v in variables], [a.shape for a in arrays]
    if shapes != theirs:
        raise TrainingError(
            f"the saved state holds {len(theirs)} variables, the model {len(shapes)}, or their shapes differ: it was "
            "made by another version of sfhmodel or Keras; train in a new directory"
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _save_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays, in order, to an npz file."""
    named: dict[str, Any] = {f"{index:05d}": array for index, array in enumerate(arrays)}
    np.savez(path, **named)


def _load_arrays(path: Path) -> Arrays:
    """Read what `_save_arrays` wrote; ValueError when the file is missing or damaged (zip checks each array's CRC)."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return [archive[name] for name in sorted(archive.files)]
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, ValueError) as error:
        raise ValueError(f"{path} is missing or damaged: {error}") from error
