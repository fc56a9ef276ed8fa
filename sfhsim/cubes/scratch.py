"""Spectra of all spaxels on the disk: written row by row, read plane by plane; gone when it is closed, or killed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np


class Scratch:
    """Spectra (n_y, n_x, n_plane) float32 in a nameless file of ``folder``."""

    def __init__(self, folder: Path, shape: tuple[int, int, int]):
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close
        self._shape = shape

    def append(self, spectra: np.ndarray) -> None:
        """The next spaxels (n, n_plane)."""
        self._file.write(np.ascontiguousarray(spectra, dtype=np.float32).data)

    def planes(self, first: int, last: int) -> np.ndarray:
        """(n, n_y, n_x) float64 of planes ``first`` to ``last`` without it, once all spaxels are there."""
        self._file.flush()
        values = np.memmap(self._file, dtype=np.float32, mode="r", shape=self._shape)
        return np.moveaxis(values[:, :, first:last], -1, 0).astype(np.float64)

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
