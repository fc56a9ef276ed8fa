"""Files that are whole or absent."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfhmodel.errors import ConfigError, SfhmodelError
from sfhsim.files import named_errors, whole_file


@contextmanager
def written_whole(path: str | Path, overwrite: bool = True) -> Iterator[Path]:
    """A temporary path with the same ending, which becomes ``path`` if nothing goes wrong, else is removed.

    Raises
    ------
    ConfigError
        The file exists and is not to be overwritten; the disk is full or the folder cannot be written.
    """
    path = Path(path)
    check_new(path, overwrite)
    advice = "free space or choose another place"
    with named_errors(path, ConfigError, SfhmodelError, advice), whole_file(path) as temporary:
        yield temporary


def check_writable(path: Path) -> None:
    """That a file can be made there, before the work for it begins; nothing is left behind.

    Raises
    ------
    ConfigError
        The folder is missing and cannot be made, or is read-only.
    """
    folder = path.absolute().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK) or not folder.is_dir():
        raise ConfigError(f"cannot write {path}: {folder} cannot be written; choose another place")


def check_new(path: Path, overwrite: bool) -> None:
    """ConfigError when the file exists and is not to be overwritten."""
    if path.exists() and not overwrite:
        raise ConfigError(f"{path} exists: choose another name or overwrite it (--overwrite)")


def file_sha256(path: Path) -> str:
    """Checksum of a file's content, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
