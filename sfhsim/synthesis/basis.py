"""A template matrix as the product of two thin ones.

SSP spectra broadened to a galaxy's dispersion and resampled to an instrument's pixels are far from independent:
T (templates, columns) = C (templates, rank) V (rank, columns) to any wanted accuracy, with a rank well below the number
of templates. A mixture then costs the mixing of C's short rows and one dense product with V.

Rows are scaled by their means and columns by their rms, so that the truncation error is relative: the smallest rank is
taken for which the rms over columns of every template's relative error is within the tolerance. Where only sums over
columns count, columns keep their scale, and errors are relative to a template's mean column. The leading singular
vectors come from randomised subspace iteration (Halko, Martinsson & Tropp 2011, SIAM Review 53, 217) with a fixed
start, which reads the matrix a few times instead of decomposing all of it; the error is then measured, not estimated.
Nothing of it is left to a BLAS or LAPACK (`sfhsim.linear`): a basis has the same bits wherever it is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfhsim.linear import leading_eigenvectors, matmul, orthonormal_rows

_ITERATIONS = 2


@dataclass(frozen=True)
class TemplateBasis:
    """``coefficients`` (n_template, rank) and ``vectors`` (rank, n_column); templates are their product.

    ``rms_error`` is the rms relative error of the worst template.
    """

    coefficients: np.ndarray
    vectors: np.ndarray
    rms_error: float

    @property
    def rank(self) -> int:
        return self.vectors.shape[0]


def low_rank_basis(
    templates: np.ndarray, tolerance: float, first_size: int = 112, scale_columns: bool = True
) -> TemplateBasis:
    """The smallest basis whose worst template has at most ``tolerance`` rms relative error.

    Parameters
    ----------
    templates : (n_template, n_column), not negative; templates of zeros are allowed.
    tolerance
        Relative; 0 keeps the templates themselves, and so does a tolerance that would not save a third of them.
    first_size
        Rank tried first; doubled until the tolerance is met.
    scale_columns
        Whether every column counts alike, or by its share.
    """
    templates = np.asarray(templates, dtype=np.float64)
    row_scale = templates.mean(axis=1)
    used = np.flatnonzero(row_scale > 0)
    limit = 0.67 * min(used.size, templates.shape[1])
    if tolerance > 0 and limit > 2:
        scaled = templates[used] / row_scale[used, None]
        column_scale = np.sqrt(np.mean(scaled**2, axis=0))  # not the mean: columns may have either sign
        column_scale[(column_scale == 0) | (not scale_columns)] = 1.0
        scaled /= column_scale
        size = min(first_size, *scaled.shape)
        while True:
            found = _truncate(scaled, _leading_vectors(scaled, size), tolerance)
            if found is not None and len(found[1]) <= limit:
                shares, vectors, error = found
                coefficients = np.zeros((len(templates), len(vectors)))
                coefficients[used] = shares * row_scale[used, None]
                return TemplateBasis(coefficients, vectors * column_scale, error)
            if size >= limit:
                break
            size = min(2 * size, *scaled.shape)
    if templates.shape[1] < len(templates):
        return TemplateBasis(templates, np.eye(templates.shape[1]), 0.0)
    return TemplateBasis(np.eye(len(templates)), templates, 0.0)


def _leading_vectors(matrix: np.ndarray, size: int) -> np.ndarray:
    """Orthonormal rows (size, n_column) that span the leading right singular vectors, leading first.

    The iterations run in float32, which only turns the basis by 1e-7: what it leaves out is measured in float64.
    """
    if size >= matrix.shape[1]:
        return leading_eigenvectors(matmul(matrix.T, matrix))
    single = matrix.astype(np.float32)
    rows = matmul(_start(size, len(matrix)), single)
    for _ in range(_ITERATIONS):
        rows = orthonormal_rows(rows).astype(np.float32)
        rows = matmul(matmul(rows, single.T), single)
    rows = orthonormal_rows(rows)
    projected = matmul(rows, matrix.T)
    return matmul(leading_eigenvectors(matmul(projected, projected.T)), rows)


def _start(size: int, n: int) -> np.ndarray:
    """Normal deviates (size, n) float32, always the same."""
    from sfhsim.kernels.random import fill_normal

    out = np.empty((size, n), dtype=np.float32)
    fill_normal(np.uint64(0), np.arange(size, dtype=np.uint64), np.uint32(0), out)
    return out


def _truncate(matrix: np.ndarray, vectors: np.ndarray, tolerance: float):
    """Coefficients, vectors and worst row's rms error of the smallest rank within the tolerance, or None."""
    shares = matmul(matrix, vectors.T)
    captured = np.cumsum(shares**2, axis=1)
    left = np.maximum((matrix**2).sum(axis=1)[:, None] - captured, 0.0)
    worst = np.sqrt(left.max(axis=0) / matrix.shape[1])
    within = np.flatnonzero(worst <= tolerance)
    if not within.size:
        return None
    rank = int(within[0]) + 1
    return shares[:, :rank], vectors[:rank], float(worst[rank - 1])
