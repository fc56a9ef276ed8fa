"""Finding a model file and opening it; a damaged one is told apart from one of another kind.

This part needs no Keras until a file is opened.
"""

from __future__ import annotations

import os
from pathlib import Path

from sfhmodel.archive import model_config, read_config
from sfhmodel.errors import ModelFileError
from sfhmodel.plugins import check_plugins

RUN_MODEL = "model.keras"


def resolve(path_or_preset: str | Path) -> Path:
    """The model file that is meant.

    Raises
    ------
    ModelFileError
        There is none.
    """
    from sfhmodel import presets

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
    if path.is_file():
        return path
    text = str(path_or_preset)
    if path.suffix or os.sep in text:
        known = presets.names()
        if text not in known:
            raise ModelFileError(f"there is no model file {path}; presets: {', '.join(known) or 'none yet'}")
    return presets.find(text).checked_path()


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
