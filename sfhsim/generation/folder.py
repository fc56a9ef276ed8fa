"""The directory of a data set: taking it for a plan, or saying why not."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from sfhsim.errors import DatasetError
from sfhsim.files import remove_partial_files
from sfhsim.generation.shards import RECEIPTS
from sfhsim.lock import LOCK, FolderLock, LockHeld
from sfhsim.records.plan import Plan
from sfhsim.records.plan_document import read_plan
from sfhsim.records.schema import COMPILED, MANIFEST, PLAN

_OURS = (PLAN, MANIFEST, COMPILED, RECEIPTS, LOCK)
_BESIDE_SHARD_BYTES = 1000  # of its receipt and its entry in the manifest


@contextlib.contextmanager
def writable_folder(folder: Path) -> Iterator[None]:
    """Make the directory unless it is there, and be its only writer in the block; leftovers are removed twice.

    Raises
    ------
    DatasetError
        When it is a file, holds something else, cannot be written, or another process is writing in it.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = [path.name for path in folder.iterdir()]
    except NotADirectoryError:
        raise DatasetError(f"{folder} is a file, or in one: choose a directory for the data set") from None
    except FileExistsError:
        raise DatasetError(f"{folder} is a file: choose a directory for the data set") from None
    except OSError as error:
        raise DatasetError(f"cannot use {folder} for a data set: {error.strerror or error}") from error
    others = sorted(name for name in names if name not in _OURS and not name.startswith("."))
    if others and PLAN not in names and MANIFEST not in names:
        raise DatasetError(f"{folder} already holds other files ({', '.join(others[:3])}): choose an empty directory")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DatasetError(f"no permission to write in {folder}: choose another directory")
    with sole_writer(folder):
        try:
            _clean(folder)
            yield
        finally:
            _clean(folder)
            if made:
                _remove_if_unused(folder)


@contextlib.contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of a data set's directory.

    Raises
    ------
    DatasetError
        When another live process holds it (named), or the file cannot be made.
    """
    try:
        lock = FolderLock(folder)
    except LockHeld as held:
        raise DatasetError(
            f"another process{f' ({held})' if str(held) else ''} is writing in {folder}: wait until it has finished, "
            "or end it and run the same command again"
        ) from None
    except OSError as error:
        raise DatasetError(f"cannot use {folder} for a data set: {error.strerror or error}") from error
    with lock:
        yield


def _clean(folder: Path) -> None:
    try:
        (folder / RECEIPTS).mkdir(exist_ok=True)
        remove_partial_files(folder)
        remove_partial_files(folder / RECEIPTS)
    except OSError as error:
        raise DatasetError(f"cannot use {folder} for a data set: {error.strerror or error}") from error


def _remove_if_unused(folder: Path) -> None:
    """A recipe that could not be compiled leaves no directory behind."""
    if not (folder / PLAN).exists():
        with contextlib.suppress(OSError):
            (folder / RECEIPTS).rmdir()
            (folder / COMPILED).unlink(missing_ok=True)
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()


def planned(folder: Path) -> dict | None:
    """The plan document that is in the directory, or None in a new one.

    Raises
    ------
    DatasetError
        When it is damaged, or only the manifest is there: verify restores either.
    """
    if (folder / PLAN).exists():
        try:
            return read_plan(folder)
        except DatasetError as error:
            raise DatasetError(f"{error}; `sfhsim verify {folder} --repair` restores a finished data set") from error
    if (folder / MANIFEST).exists():
        raise DatasetError(
            f"{folder} holds a data set whose {PLAN} is missing: `sfhsim verify {folder} --repair` restores it"
        )
    return None


def check_same(folder: Path, there: dict, wanted: dict) -> None:
    """DatasetError when two plans as plain data are of other data sets; what differs is named."""
    differs = [key for key in wanted if there.get(key) != wanted[key]]
    if not differs:
        return
    what = ", ".join(
        "the recipe, its library or the sfhsim version"
        if key == "fingerprint"
        else f"{key} ({there.get(key)} there, {wanted[key]} wanted)"
        for key in differs
    )
    grow = (
        ". A data set does not grow in place: make the larger one in a new directory (sample i is the same in both), "
        "or add one with another seed"
        if differs == ["n_samples"]
        else ". Choose another directory, or delete this one"
    )
    raise DatasetError(f"{folder} holds another data set; different: {what}{grow}")


def check_room(folder: Path, plan: Plan, record_bytes: int) -> None:
    """DatasetError when the disk cannot hold what is still to be made; shards that are there need no more room."""
    shards = plan.shards()
    needed = plan.n_samples * record_bytes + len(shards) * _BESIDE_SHARD_BYTES
    try:
        free = shutil.disk_usage(folder).free
        with os.scandir(folder) as entries:
            there = sum(entry.stat().st_size for entry in entries if shards.named(entry.name))
    except OSError as error:
        raise DatasetError(f"cannot use {folder} for a data set: {error.strerror or error}") from error
    if needed - there > free:
        raise DatasetError(
            f"no room in {folder}: {plan.n_samples} samples of {record_bytes} bytes need {_readable(needed)}, "
            f"{_readable(there)} are there already and {_readable(free)} are free: make fewer samples, free some "
            "space, or choose a directory on another disk"
        )


def _readable(size: int) -> str:
    unit, name = next(((u, n) for u, n in ((1e12, "TB"), (1e9, "GB")) if size >= u), (1e6, "MB"))
    return f"{size / unit:,.1f} {name}"
