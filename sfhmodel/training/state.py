"""The variables of a model and its optimiser as plain arrays: taken out, put back, kept in npz files.

A model's `variables` include the states of its random generators, so that augmentation and dropout go on where they
were; the optimiser's include its step counter, its moments and the moving average of the weights.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.errors import TrainingError

Arrays = list[np.ndarray]


def taken(variables) -> Arrays:
    """Copies of the values of Keras variables, in order."""
    return [np.array(variable.numpy()) for variable in variables]


def put(variables, arrays: Arrays) -> None:
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


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays, in order, to an npz file."""
    named: dict[str, Any] = {f"{index:05d}": array for index, array in enumerate(arrays)}
    np.savez(path, **named)


def load_arrays(path: Path) -> Arrays:
    """Read what `save_arrays` wrote; ValueError when the file is missing or damaged (zip checks each array's CRC)."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return [archive[name] for name in sorted(archive.files)]
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, ValueError) as error:
        raise ValueError(f"{path} is missing or damaged: {error}") from error
