"""Files and folders of a run that are whole or absent: written under a temporary name, synced, renamed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from sfhmodel.errors import TrainingError
from sfhsim.files import sync

_MARK = ".partial-"


@contextlib.contextmanager
def partial(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its name when the block ends well, and vanishes when it does not.

    The block writes a file, or makes a folder, with the temporary name (same ending).

    Raises
    ------
    TrainingError
        When the disk is full, access is denied, or the folder has gone.
    """
    temporary = path.with_name(f"{_MARK}{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield temporary
        _sync_all(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        _remove(temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically; raises as `partial`."""
    with partial(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: dict) -> None:
    """Write JSON atomically, keys in the order given; raises as `partial`."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def cannot_write(path: Path, error: OSError) -> TrainingError:
    """The error of a disk that is full, a folder without permission, and the like."""
    return TrainingError(
        f"cannot write {path}: {error.strerror or error}; the last checkpoint is kept, "
        "run the same command again once there is room and permission"
    )


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files and folders of runs that were killed. The caller holds the folder's lock."""
    for leftover in folder.glob(f"{_MARK}*"):
        _remove(leftover)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync_all(path: Path) -> None:
    """Bring a file, or a folder and its files, to the disk."""
    for each in [*(path.iterdir() if path.is_dir() else ()), path]:
        sync(each)
