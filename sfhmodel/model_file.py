"""Opening a model file; a damaged one is told apart from one of another kind.

This part needs no Keras until a file is opened.
"""

from __future__ import annotations

import os
from pathlib import Path

from sfhmodel.archive import model_config, read_config
from sfhmodel.errors import ModelFileError
from sfhmodel.plugins import check_plugins

RUN_MODEL = "model.keras"


def check_model_file(path: Path) -> None:
    """That a file is a whole Keras archive of a `StarFormationModel`, without opening it in Keras.

    Raises
    ------
    ModelFileError
        Truncated, damaged, hostile (`sfhmodel.archive`), or another kind of file or model.
    """
    config = read_config(path)
    found = config.get("class_name") if isinstance(config, dict) else None
    if found != "StarFormationModel":
        raise ModelFileError(f"{path} holds a Keras model of class {found}, not one of sfhmodel: train or export one")


def open_model(path: Path):
    """The StarFormationModel in a .keras file that `check_model_file` has passed.

    Raises
    ------
    ModelFileError
        A plug-in that it was made with is not loaded; or it doesn't open: damaged inside, or of another version.
    """
    check_plugins(path, model_config(path))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's remarks about the processor are not for users
    import keras

    import sfhmodel.model  # noqa: F401  (registers the classes)

    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras has no error class of its own for a file that does not fit
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelFileError(
            f"{path} cannot be opened: {first}. It is damaged, or was made by another version of sfhmodel; train or "
            "download it again"
        ) from error
