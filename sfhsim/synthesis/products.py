"""Matrix products whose every row is the same bytes whatever batch it is in."""

from __future__ import annotations

import numpy as np


def padded(array: np.ndarray, axes: tuple[int, ...] = (0, 1)) -> np.ndarray:
    """A C-contiguous float32 copy, zeros appended along ``axes`` up to a multiple of 4."""
    shape = [-(-size // 4) * 4 if axis in axes else size for axis, size in enumerate(array.shape)]
    out = np.zeros(shape, dtype=np.float32)
    out[tuple(slice(size) for size in array.shape)] = array
    return out


def row_product(coefficients: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """``coefficients`` (n, k) @ ``vectors`` (k', m), float32; k' is k padded to a multiple of 4 (`padded`)."""
    from sfhsim.kernels.mixing import combine

    left = padded(coefficients)
    out = np.empty((len(left), vectors.shape[1]), dtype=np.float32)
    combine(left, vectors, out)
    return out[: len(coefficients)]
