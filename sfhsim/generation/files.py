"""Files that are whole or absent: written under a temporary name, synced, renamed. JSON that knows its checksum."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.files import sync

TEMPORARY_SUFFIX = ".partial"


class AtomicFile:
    """A file that becomes ``path`` when it is committed, and never existed when it is discarded.

    Parameters
    ----------
    path
        The name it will have.

    Raises
    ------
    DatasetError
        From every method, when the disk is full, access is denied, or the folder has gone.
    """

    def __init__(self, path: Path):
        self.path = path
        self._temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{TEMPORARY_SUFFIX}")
        try:
            self._stream = self._temporary.open("xb", buffering=0)
        except OSError as error:
            raise cannot_write(path, error) from error

    def write(self, data) -> None:
        """Append bytes or a buffer."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def sync(self) -> None:
        """Bring what was written so far to the disk."""
        try:
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def commit(self) -> None:
        """Sync, close, and give the file its name."""
        self.sync()
        try:
            self._stream.close()
            os.replace(self._temporary, self.path)
            sync(self.path.parent)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def discard(self) -> None:
        """Close and delete what was not committed."""
        self._stream.close()
        self._temporary.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> DatasetError:
    """The error of a disk that is full, a folder without permission, and the like."""
    return DatasetError(
        f"cannot write {path}: {error.strerror or error}; what was complete before is kept, "
        "run the same command again once there is room and permission"
    )


def write_json(path: Path, content: dict) -> None:
    """Write JSON atomically, keys in the order given."""
    file = AtomicFile(path)
    try:
        file.write((json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
        file.commit()
    finally:
        file.discard()


def read_json(path: Path) -> dict:
    """Read JSON written by `write_json`; DatasetError when it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # no JSON, no text, a number too long, too deeply nested
        raise DatasetError(f"{path} is damaged: {error}") from error
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing") from None
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path} is damaged: it holds no JSON object")
    return content


def content_sha256(content: dict, seal: str) -> str:
    """sha256 of everything in ``content`` but the key ``seal``: of its JSON, keys sorted, without spaces."""
    rest = {key: value for key, value in content.items() if key != seal}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write_sealed(path: Path, content: dict, seal: str) -> None:
    """Write JSON with a last key ``seal`` that holds the `content_sha256` of the rest."""
    write_json(path, {**content, seal: content_sha256(content, seal)})


def read_sealed(path: Path, seal: str, *, keep: bool = False) -> dict:
    """Read JSON written by `write_sealed`, without its seal unless that is to be kept.

    Raises
    ------
    DatasetError
        When the file is missing or damaged, or was changed after it was written.
    """
    content = read_json(path)
    try:
        sound = content.get(seal) == content_sha256(content, seal)
    except RecursionError:
        sound = False
    if not sound:
        raise DatasetError(f"{path} was changed after it was written: its {seal} does not fit its content")
    if not keep:
        del content[seal]
    return content


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files of runs that were killed. The caller holds the folder's lock."""
    for leftover in folder.glob(f".*{TEMPORARY_SUFFIX}"):
        leftover.unlink(missing_ok=True)
