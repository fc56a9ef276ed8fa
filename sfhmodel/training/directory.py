"""The directory of a run: taking it, recognising it again, or saying why not."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from sfhmodel.description import ModelDescription
from sfhmodel.errors import ConfigError, TrainingError
from sfhmodel.training.checkpoints import FOLDER as CHECKPOINTS
from sfhmodel.training.config import TrainingConfig, config_yaml, differing_keys, load_config
from sfhmodel.training.files import run_errors, write_json, write_text
from sfhmodel.training.transfer import START, TRANSFER
from sfhsim.files import remove_partial_files
from sfhsim.folders import recover
from sfhsim.lock import FolderLock, LockHeld

CONFIG, DESCRIPTION, SUMMARY, MODEL = "config.yaml", "description.json", "summary.json", "model.keras"
LOG, CURVES, TENSORBOARD, OFFENDING = "log.csv", "curves.png", "tensorboard", "offending_batch.npz"
_BEFORE_CONFIG = (CHECKPOINTS, DESCRIPTION, START, TRANSFER)  # what a run that was killed while it started may leave


@contextlib.contextmanager
def run_directory(folder: Path, writes: bool = True) -> Iterator[None]:
    """Make the directory unless it is there, and be its only writer in the block.

    A worker that only reads (``writes`` false) neither makes it nor locks it.

    Raises
    ------
    ConfigError
        When it is a file, holds something that is not a run, or another process is training in it.
    TrainingError
        When it cannot be written.
    """
    if not writes:
        yield
        return
    made = not folder.exists()
    with run_errors(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        except (NotADirectoryError, FileExistsError):
            raise ConfigError(f"{folder} is a file, or in one: choose a directory for the run") from None
    others = [name for name in names if name not in _BEFORE_CONFIG]
    if others and CONFIG not in names:
        raise ConfigError(f"{folder} holds something else ({', '.join(others[:3])}): choose an empty directory")
    with _lock(folder) as lock:
        try:
            remove_partial_files(folder)
            (folder / CHECKPOINTS).mkdir(exist_ok=True)
            recover(folder / CHECKPOINTS)
            yield
        finally:
            if not (folder / CONFIG).exists():  # nothing was begun: an empty directory stays empty, a new one goes
                with contextlib.suppress(OSError):
                    for name in (DESCRIPTION, START, TRANSFER):
                        (folder / name).unlink(missing_ok=True)
                    (folder / CHECKPOINTS).rmdir()
                    if made:
                        lock.release()
                        folder.rmdir()


def stored_config(folder: Path, wanted: TrainingConfig, description: ModelDescription) -> TrainingConfig | None:
    """The config of the run in this directory, or None when there is none yet.

    Raises
    ------
    ConfigError
        When the run is another one: the keys that differ are named with both values, or the data set is another.
    """
    if not (folder / CONFIG).exists():
        return None
    there = load_config(folder / CONFIG)
    choose = "choose another directory, or delete this one"
    if keys := differing_keys(there, wanted):
        listed = ", ".join(f"{k} ({getattr(there, k)!r} there, {getattr(wanted, k)!r} wanted)" for k in keys)
        raise ConfigError(f"{folder} holds a run with another config; different: {listed}. To keep both, {choose}")
    trained_on = read_description(folder)
    if (trained_on.dataset_sha256, trained_on.recipe) != (description.dataset_sha256, description.recipe):
        raise ConfigError(
            f"{folder} holds a run on other data: {trained_on.dataset_name or 'another recipe'!r} with manifest "
            f"{trained_on.dataset_sha256[:12] or '(live)'}, wanted {description.dataset_name!r} with "
            f"{description.dataset_sha256[:12] or '(live)'}; {choose}"
        )
    return there


def store_config(folder: Path, config: TrainingConfig, description: ModelDescription) -> None:
    """Write what makes the directory a run; the config last, for it is what `stored_config` looks for."""
    write_json(folder / DESCRIPTION, description.to_dict())
    write_text(folder / CONFIG, config_yaml(config))


def read_description(folder: Path) -> ModelDescription:
    """The description of a run's data; ConfigError when it is missing or damaged."""
    path = folder / DESCRIPTION
    try:
        return ModelDescription.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is missing or damaged ({error}): train in a new directory") from error


def read_summary(folder: Path) -> dict | None:
    """The summary of a finished run, or None when it has not finished."""
    path = folder / SUMMARY
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} is damaged ({error}): delete it and run the same command again") from error


def _lock(folder: Path):
    """The lock of a run's directory."""
    try:
        with run_errors(folder):
            return FolderLock(folder)
    except LockHeld as held:
        raise ConfigError(
            f"another process{f' ({held})' if str(held) else ''} is training in {folder}: wait until it has finished, "
            "or end it"
        ) from None
