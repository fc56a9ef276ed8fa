"""Files that are whole or absent, whatever ends the process that writes them; errors that name the file.

New content is written beside its place under a hidden name, brought to the disk, and takes its name at the end.
`sfhsim.folders` does the same with folders.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from sfhsim.errors import SfhsimError

_PARTIAL = ".partial"


@contextlib.contextmanager
def named_errors(
    path: str | os.PathLike,
    kind: type[Exception],
    keep: type[Exception] = SfhsimError,
    advice: str = "give a place with room and permission",
    doing: str = "write",
) -> Iterator[None]:
    """OSErrors of the block as ``kind``: which path cannot be written, why, what to do. Those of ``keep`` pass."""
    try:
        yield
    except OSError as error:
        if isinstance(error, keep):
            raise
        raise kind(f"cannot {doing} {path}: {error.strerror or error}; {advice}") from error


def exists(path: Path) -> bool:
    """Whether a path is there; False also for what can be no path (too long, a zero byte)."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A hidden path beside ``path``, of the same ending, that takes its name when the block ends well.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    temporary = path.with_name(f"{_PARTIAL}-{_token()}-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        sync(temporary)
        _take_name(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


class AtomicFile:
    """A file that becomes ``path`` when it is committed, and never existed when it is discarded.

    Its folder must be there. What is written can be brought to the disk from another thread meanwhile.

    Parameters
    ----------
    path : the name it will have.
    kind, advice : of the errors, as `named_errors` takes them.

    Raises
    ------
    kind
        From every method but `discard`, when the disk is full, access is denied, or the folder has gone.
    """

    def __init__(self, path: Path, kind: type[Exception], advice: str):
        self.path = path
        self._kind, self._advice = kind, advice
        # an ending of its own: whoever looks for files of that kind does not find what is half written
        self._temporary = path.with_name(f".{path.name}.{_token()}{_PARTIAL}")
        with self._named_errors():
            self._stream = self._temporary.open("xb", buffering=0)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes or a buffer."""
        rest = memoryview(data)
        with self._named_errors():
            while rest:
                rest = rest[self._stream.write(rest) :]

    def sync(self) -> None:
        """Bring what was written so far to the disk."""
        with self._named_errors():
            os.fsync(self._stream.fileno())

    def commit(self) -> None:
        """Sync, close, and give the file its name."""
        self.sync()
        with self._named_errors():
            self._stream.close()
            _take_name(self._temporary, self.path)

    def discard(self) -> None:
        """Close and delete what was not committed."""
        self._stream.close()
        self._temporary.unlink(missing_ok=True)

    def _named_errors(self):
        return named_errors(self.path, self._kind, advice=self._advice)


def write_whole(path: Path, content: bytes, kind: type[Exception], advice: str) -> None:
    """Write a file in a folder that is there, whole or not at all; raises as `AtomicFile`."""
    file = AtomicFile(path, kind, advice)
    try:
        file.write(content)
        file.commit()
    finally:
        file.discard()


def partial_files(folder: Path) -> list[Path]:
    """The files in the making in a folder, and those that killed writers left."""
    return [*folder.glob(f"{_PARTIAL}-*"), *folder.glob(f".*{_PARTIAL}")]


def remove_partial_files(folder: Path) -> None:
    """Delete what killed writers left. The caller holds the folder's lock."""
    for leftover in partial_files(folder):
        leftover.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Bring a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _token() -> str:
    return uuid.uuid4().hex[:8]


def _take_name(temporary: Path, path: Path) -> None:
    os.replace(temporary, path)
    sync(path.parent)
