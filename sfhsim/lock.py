"""One writer a directory: a lock on it that the kernel releases when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

LOCK = ".lock"


class LockHeld(Exception):
    """Another live process holds the lock; the text says which, or nothing when it is not known."""


class FolderLock:
    """The lock of a directory, taken when it is made and released with `release`; a context manager.

    Parameters
    ----------
    folder : the directory; the lock is a file in it while it is held.

    Raises
    ------
    LockHeld
        When another live process holds it.
    OSError
        When the file cannot be made.
    """

    def __init__(self, folder: Path):
        self._path = folder / LOCK
        try:
            self._descriptor: int | None = self._acquire()
        except BlockingIOError:
            holder = self._path.read_text(errors="replace").strip() if self._path.is_file() else ""
            raise LockHeld(holder) from None

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock and delete its file, unless that is no longer ours but another process's; once is enough."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            if _is_of(self._path, descriptor):
                self._path.unlink(missing_ok=True)
            os.close(descriptor)

    def _acquire(self) -> int:
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                # without locks two writers only waste work: what they write is atomic, and always the same
                try_lock(descriptor)
                # the holder before us deleted the file after we opened it: ours is the lock of a file that is gone
                if _is_of(self._path, descriptor):
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)


def _is_of(path: Path, descriptor: int) -> bool:
    """Whether a path still names the file that was opened."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def try_lock(descriptor: int) -> bool:
    """Lock an open file or folder until it is closed; False where the file system has no locks.

    Raises
    ------
    BlockingIOError
        When another process holds the lock.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True
