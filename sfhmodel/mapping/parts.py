"""Finished chunks on the disk, in a hidden folder beside the maps, so that a killed run goes on where it was.

.MAPS.fits.parts/plan.json          what the run is: options, model, files; another run begins anew
.MAPS.fits.parts/STAGE-00012.npz    columns of the bins of a chunk, or what a stage found
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sfhmodel.errors import ConfigError, SfhmodelError
from sfhmodel.files import written_whole
from sfhsim.files import named_errors, remove_partial_files
from sfhsim.lock import FolderLock, LockHeld

_PLAN = "plan.json"


class Parts:
    """The folder of one run; a context manager that holds its lock.

    Parameters
    ----------
    out : the file of maps that will be made.
    plan : what decides the result, plain values; parts of another plan are removed.

    Raises
    ------
    ConfigError
        Another process makes the same maps, or the folder cannot be written.
    """

    def __init__(self, out: Path, plan: dict):
        self.folder = out.with_name(f".{out.name}.parts")
        self._text = json.dumps(plan, sort_keys=True, indent=1)
        self.is_resumed = False

    def __enter__(self) -> Parts:
        with named_errors(self.folder, ConfigError, SfhmodelError):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock = FolderLock(self.folder)
            except LockHeld as error:
                raise ConfigError(f"{self.folder} is in use by another process ({error}): wait for it") from None
            remove_partial_files(self.folder)
            self.is_resumed = self.is_of_plan()
            if not self.is_resumed:
                self._begin()
        return self

    def __exit__(self, *_) -> None:
        self._lock.release()

    def is_of_plan(self) -> bool:
        """Whether the folder is of this plan."""
        plan = self.folder / _PLAN
        return plan.is_file() and plan.read_text("utf-8", errors="replace") == self._text

    def _begin(self) -> None:
        for old in (self.folder / _PLAN, *self.folder.glob("*.npz")):
            old.unlink(missing_ok=True)
        with written_whole(self.folder / _PLAN) as partial:
            partial.write_text(self._text, "utf-8")

    def write(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep arrays, whole or not at all."""
        with written_whole(self.folder / f"{name}.npz") as partial:
            np.savez(partial, allow_pickle=False, **arrays)

    def read(self, name: str) -> dict[str, np.ndarray] | None:
        """What was kept under a name; None when nothing was."""
        path = self.folder / f"{name}.npz"
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}

    def once(self, name: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """What is kept under a name, made now if it is not there."""
        found = self.read(name)
        if found is None:
            found = make()
            self.write(name, found)
        return found

    def done(self, stage: str, n_chunk: int) -> set[int]:
        """Chunks of a stage that are finished."""
        return {k for k in range(n_chunk) if (self.folder / f"{chunk_name(stage, k)}.npz").is_file()}

    def column(self, stage: str, members: list[np.ndarray], name: str) -> np.ndarray:
        """(n_bin, ...) one column of all chunks, in the order of the bins."""
        values = None
        for number, bins in enumerate(members):
            with np.load(self.folder / f"{chunk_name(stage, number)}.npz", allow_pickle=False) as stored:
                part = stored[name]
            if values is None:
                values = np.empty((sum(map(len, members)), *part.shape[1:]), dtype=part.dtype)
            values[bins] = part
        assert values is not None
        return values

    def texts(self, stage: str, n_chunk: int, name: str) -> list[str]:
        """Texts of all chunks, each once."""
        return list(dict.fromkeys(self.joined(stage, n_chunk, name).tolist()))

    def joined(self, stage: str, n_chunk: int, name: str) -> np.ndarray:
        """What all chunks keep under a name, one after the other."""
        found = []
        for number in range(n_chunk):
            with np.load(self.folder / f"{chunk_name(stage, number)}.npz", allow_pickle=False) as stored:
                found.append(stored[name])
        return np.concatenate(found)

    def columns(self, stage: str) -> list[str]:
        """Names of the columns of a stage's first chunk."""
        with np.load(self.folder / f"{chunk_name(stage, 0)}.npz", allow_pickle=False) as stored:
            return list(stored.files)

    def remove(self) -> None:
        """Remove the folder: the maps are there."""
        self._lock.release()
        shutil.rmtree(self.folder, ignore_errors=True)


def chunk_name(stage: str, number: int) -> str:
    return f"{stage}-{number:05d}"
