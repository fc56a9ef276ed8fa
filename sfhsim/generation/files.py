"""Files that are whole or absent: written under a temporary name, synced, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from sfhsim.errors import DatasetError

TEMPORARY_SUFFIX = ".partial"


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator:
    """A binary stream that becomes ``path`` when the block ends, and vanishes when it fails."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise DatasetError(
            f"cannot write {path}: {error.strerror or error}; what was complete before is kept, "
            "run the same command again once there is room and permission"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    """Write JSON atomically, keys in the order given."""
    with atomic_file(path) as stream:
        stream.write((json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict:
    """Read JSON written by `write_json`; DatasetError when it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is damaged: {error}") from error


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files of runs that were killed."""
    for leftover in folder.glob(f".*{TEMPORARY_SUFFIX}"):
        leftover.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
