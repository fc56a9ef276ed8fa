"""From what a user names (a file, a run, a preset) to a model file."""

from __future__ import annotations

import os
from pathlib import Path

from sfhmodel.errors import ModelFileError
from sfhmodel.graph_file import GRAPH_SUFFIX
from sfhmodel.model_file import RUN_MODEL
from sfhmodel.presets.registry import find, names


def resolve(path_or_preset: str | Path) -> Path:
    """The model file that is meant.

    Raises
    ------
    ModelFileError
        There is none.
    """
    path = Path(path_or_preset).expanduser()
    if path.is_dir():
        if (path / RUN_MODEL).is_file():
            return path / RUN_MODEL
        if (path / "saved_model.pb").is_file():
            raise ModelFileError(
                f"{path} is a SavedModel, made for TensorFlow alone (tf.saved_model.load): give the .keras file or the "
                "run it was exported from"
            )
        if (path / "config.yaml").is_file() or (path / "checkpoints").is_dir():
            raise ModelFileError(
                f"the run {path} has no finished model ({RUN_MODEL}): finish it with `sfhmodel train` and the same "
                "--out, which goes on where it stopped"
            )
        raise ModelFileError(f"{path} holds no {RUN_MODEL}: it is no finished training run; give a .keras file")
    if path.is_file() and path.suffix == GRAPH_SUFFIX:
        raise ModelFileError(f"{path} is a light graph: give the .keras file beside it, or its folder or preset")
    if path.is_file():
        return path
    text = str(path_or_preset)
    if path.suffix or os.sep in text:
        known = names()
        if text not in known:
            raise ModelFileError(f"there is no model file {path}; presets: {', '.join(known) or 'none yet'}")
    return find(text).checked_path()
