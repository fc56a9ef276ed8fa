"""Products and bases of small matrices with the same bits on every machine, where a BLAS or LAPACK has its own.

A library's product rounds differently from one processor, one number of threads and one shape to the next. What a
simulator is compiled from goes through these instead (`sfhsim.kernels.products`, `sfhsim.kernels.linear`).
"""

from __future__ import annotations

import numpy as np


def matmul(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n, k) times (k, m): (n, m) of the wider dtype of both, float32 or float64; terms are added in the order of k."""
    from sfhsim.kernels.linear import multiply
    from sfhsim.kernels.products import COLUMN_STEP, ROW_STEP

    dtype = np.result_type(left, right, np.float32)
    n, k = left.shape
    m = right.shape[1]
    padded = np.zeros((-(-n // ROW_STEP) * ROW_STEP, k), dtype=dtype)
    padded[:n] = left
    wide = np.zeros((k, -(-m // COLUMN_STEP) * COLUMN_STEP), dtype=dtype)
    wide[:, :m] = right
    out = np.empty((len(padded), wide.shape[1]), dtype=dtype)
    multiply(padded, wide, out)
    return out[:n, :m]


def orthonormal_rows(rows: np.ndarray) -> np.ndarray:
    """Orthonormal rows (k, m) float64 that span those given, each from those before it."""
    from sfhsim.kernels.linear import orthonormalise

    out = np.array(rows, dtype=np.float64, order="C")
    orthonormalise(out)
    return out


def leading_eigenvectors(matrix: np.ndarray) -> np.ndarray:
    """Eigenvectors of a symmetric matrix (n, n) as rows (n, n), that of the largest eigenvalue first."""
    from sfhsim.kernels.linear import eigenvectors

    work = np.array(0.5 * (matrix + matrix.T), dtype=np.float64, order="C")
    vectors = np.empty_like(work)
    eigenvectors(work, vectors)
    return vectors[np.argsort(-np.diagonal(work), kind="stable")]
