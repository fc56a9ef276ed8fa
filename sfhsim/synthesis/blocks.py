"""Arrays of whole blocks: the kernels take BLOCK galaxies at a time (`sfhsim.kernels.mixing`)."""

from __future__ import annotations

import numpy as np


def block_rows(n: int, k: int) -> np.ndarray:
    """An empty float32 array of n rows rounded up to whole blocks of the kernels."""
    from sfhsim.kernels.mixing import BLOCK

    return np.empty((-(-n // BLOCK) * BLOCK, k), dtype=np.float32)


def whole_blocks(coefficients: np.ndarray) -> np.ndarray:
    """A copy of (n, k) with zero rows up to whole blocks of the kernels."""
    out = block_rows(*coefficients.shape)
    out[: len(coefficients)] = coefficients
    out[len(coefficients) :] = 0.0
    return out
