"""Arrays of whole blocks: the kernels take BLOCK galaxies and TILE columns at a time (`sfhsim.kernels.spectra`)."""

from __future__ import annotations

import numpy as np


def block_rows(n: int, k: int) -> np.ndarray:
    """An empty float32 array of n rows rounded up to whole blocks of the kernels."""
    from sfhsim.kernels.mixing import BLOCK

    return np.empty((-(-n // BLOCK) * BLOCK, k), dtype=np.float32)


def pad_rows(coefficients: np.ndarray) -> np.ndarray:
    """A copy of (n, k) with zero rows up to whole blocks of the kernels."""
    out = block_rows(*coefficients.shape)
    out[: len(coefficients)] = coefficients
    out[len(coefficients) :] = 0.0
    return out


def tile_columns(vectors: np.ndarray) -> np.ndarray:
    """Vectors (k, m) as (n_tile, k, TILE) float32, zero beyond the m columns; each tile is contiguous."""
    from sfhsim.kernels.spectra import TILE

    k, m = vectors.shape
    n_tile = -(-m // TILE)
    out = np.zeros((k, n_tile * TILE), dtype=np.float32)
    out[:, :m] = vectors
    return np.ascontiguousarray(out.reshape(k, n_tile, TILE).transpose(1, 0, 2))


def pad_columns(table: np.ndarray) -> np.ndarray:
    """A table (n, k) as float32 with columns of zeros up to whole registers, from a multiple of 64 bytes on."""
    from sfhsim.kernels.rows import COLUMNS

    n, k = table.shape
    width = -(-k // COLUMNS) * COLUMNS
    room = np.zeros(n * width + 16, dtype=np.float32)
    first = -(room.ctypes.data // room.itemsize) % 16
    out = room[first : first + n * width].reshape(n, width)
    out[:, :k] = table
    return out
