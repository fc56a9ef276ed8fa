"""Folders that are whole or absent, whatever ends the process that makes them.

New content is made beside its place under a hidden name and takes its name at the end. A folder that is replaced
changes places with the new one in one step (Linux: renameat2 with RENAME_EXCHANGE). Where the file system cannot do
that, the old one is renamed first, and the names are the journal from which `recover`, at the next start, goes on:

    .<name>.<token>.sfhsim-new    being made (its maker holds a lock on it), or complete where there is an -old one
    .<name>.<token>.sfhsim-old    what <name> was; it goes when <name> is there, and comes back when nothing else can
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from sfhsim.files import sync
from sfhsim.lock import try_lock

_NEW, _OLD = ".sfhsim-new", ".sfhsim-old"
_STALE_AFTER_S = 86400.0  # for file systems without locks
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextlib.contextmanager
def whole_folder(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """A hidden folder beside ``path`` that takes its name when the block ends well, and vanishes when it does not.

    Parameters
    ----------
    path : the folder to make. At any moment it is as it was, or complete; see the module for the exception.
    overwrite : replace a folder that is there (an empty one always is).

    Raises
    ------
    FileExistsError
        When ``path`` is there at the end and must stay.
    OSError
        When something cannot be written.
    """
    with scratch_folder(path.parent, path.name) as staging:
        yield staging
        for each in staging.rglob("*"):
            sync(each)
        sync(staging)
        _put_in_place(staging, path, overwrite)
        sync(path.parent)


@contextlib.contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """A hidden folder for the block; what killed processes left of theirs in ``parent`` is finished or removed."""
    staging, lock = _make_locked(parent, name)
    try:
        recover(parent)
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        os.close(lock)


def recover(parent: Path) -> None:
    """Finish in ``parent`` what killed processes were replacing, and remove what they were making."""
    for old in parent.glob(f".*{_OLD}"):
        new = old.with_suffix(_NEW)
        place = parent / old.name[1:].removesuffix(_OLD).rpartition(".")[0]
        lock = _lock_of_the_dead(new) if new.exists() else None
        if new.exists() and lock is None:
            continue
        with contextlib.suppress(OSError):  # e.g. another process was first
            if not place.exists():
                os.rename(new if lock is not None else old, place)
            _discard(old)
        if lock is not None:
            os.close(lock)
    for new in parent.glob(f".*{_NEW}"):
        if (lock := _lock_of_the_dead(new)) is not None:
            shutil.rmtree(new, ignore_errors=True)
            os.close(lock)


def _make_locked(parent: Path, name: str) -> tuple[Path, int]:
    while True:
        staging = parent / f".{name}.{uuid.uuid4().hex[:8]}{_NEW}"
        staging.mkdir(parents=True)
        with contextlib.suppress(FileNotFoundError, BlockingIOError):  # removed by another's `recover` just now
            descriptor = os.open(staging, os.O_RDONLY)
            try:
                try_lock(descriptor)
                staging.stat()
                return staging, descriptor
            except BaseException:
                os.close(descriptor)
                raise


def _lock_of_the_dead(folder: Path) -> int | None:
    """The descriptor of a folder whose maker has ended, locked; None when it lives or cannot be looked at."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        if try_lock(descriptor) or time.time() - os.fstat(descriptor).st_mtime > _STALE_AFTER_S:
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None


def _put_in_place(staging: Path, path: Path, overwrite: bool) -> None:
    try:
        os.rename(staging, path)  # replaces nothing but an empty folder
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR) or not path.exists():
            raise
    if not overwrite:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    if exchange(staging, path):
        return
    old = staging.with_suffix(_OLD)
    os.rename(path, old)
    try:
        os.rename(staging, path)
    except OSError:
        os.rename(old, path)
        raise
    _discard(old)


def _discard(old: Path) -> None:
    """Give a replaced folder the name of one in the making first: half of it must never come back."""
    garbage = old.with_name(f".replaced.{uuid.uuid4().hex[:8]}{_NEW}")
    with contextlib.suppress(FileNotFoundError):
        os.rename(old, garbage)
    shutil.rmtree(garbage, ignore_errors=True)


def exchange(first: Path, second: Path) -> bool:
    """Let two paths change places in one step; False, and nothing happened, where that cannot be done.

    Raises
    ------
    OSError
        When it could be done, but failed: no permission, a read-only disk.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(second))
