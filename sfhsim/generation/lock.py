"""One writer a data set: a lock on the directory that the kernel releases when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from sfhsim.errors import DatasetError

LOCK = ".lock"


@contextlib.contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of a data set's directory.

    Raises
    ------
    DatasetError
        When another live process holds it (named), or the file cannot be made.
    """
    path = folder / LOCK
    try:
        descriptor = _acquire(path)
    except BlockingIOError:
        holder = path.read_text(errors="replace").strip() if path.is_file() else ""
        raise DatasetError(
            f"another process{f' ({holder})' if holder else ''} is writing in {folder}: wait until it has finished, "
            "or end it and run the same command again"
        ) from None
    except OSError as error:
        raise DatasetError(f"cannot use {folder} for a data set: {error.strerror or error}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(descriptor)
            # the holder before us deleted the file after we opened it: ours is the lock of a file that is gone
            if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        pass  # a file system without locks: shards are atomic and always the same bytes, so two writers only waste work
