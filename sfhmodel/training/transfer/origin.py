"""The model that a run starts from: opened once, and what a config leaves to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfhmodel.errors import ConfigError, ModelFileError
from sfhmodel.files import file_sha256
from sfhmodel.model_file import RUN_MODEL, check_model_file, open_model
from sfhmodel.presets import resolve
from sfhmodel.training.transfer.config import OF_SOURCE


@dataclass(frozen=True)
class Origin:
    """A trained model.

    Attributes
    ----------
    name : as the user named it.
    path : of its file.
    sha256 : of its file.
    model : StarFormationModel
    """

    name: str
    path: Path
    sha256: str
    model: Any

    @property
    def label(self) -> str:
        """A short name for tables: of the run, else of the file."""
        return self.path.parent.name if self.path.name == RUN_MODEL else self.path.name


def open_origin(name: str | Path) -> Origin:
    """The model of a run directory, .keras file or preset, in Keras.

    Raises
    ------
    ModelFileError
        There is none, or it is damaged.
    """
    path = resolve(name)
    check_model_file(path)
    return Origin(str(name), path, file_sha256(path), open_model(path))


def check_unchanged(name: str, sha256: str, run: Path) -> None:
    """That a source that is still there is the one that a run started from; where it is gone, the run has its start.

    Raises
    ------
    ConfigError
        It is another one.
    """
    try:
        found = file_sha256(resolve(name))
    except (ModelFileError, OSError):
        return
    if found != sha256:
        raise ConfigError(
            f"{run} holds a run that started from {name} when its sha256 was {sha256[:12]}; it is {found[:12]} now: "
            "choose another directory for a run from the new one"
        )


def settled_by(origin: Origin, config: dict[str, Any]) -> dict[str, Any]:
    """What a training config leaves to the source: architecture, its options, losses.

    Raises
    ------
    ConfigError
        The config asks for another architecture.
    """
    model = origin.model
    if config["architecture"] not in (OF_SOURCE, model.architecture):
        raise ConfigError(
            f"the run is to start from {origin.name}, whose architecture is {model.architecture}, and the config asks "
            f"for {config['architecture']}, on which its weights have no place: leave architecture out, or train from "
            "nothing"
        )
    return {
        "architecture": model.architecture,
        "architecture_options": {**model.architecture_options, **config["architecture_options"]},
        "losses": config["losses"] if config["losses"] is not None else model.get_config()["losses"],
    }
