"""Linear algebra in an order that the code gives: orthonormal rows, and the eigenvectors of a symmetric matrix.

Rows are orthonormalised by the Gram-Schmidt process, each projected twice (Giraud, Langou & Rozloznik 2005, Comput.
Math. Appl. 50, 1069: twice is enough). Eigenvectors come from cyclic Jacobi rotations (Golub & Van Loan, Matrix
Computations, section 8.5), which are exact for small eigenvalues, too. For the size of the compiled bases, a hundred or
two, both take a fraction of a second.

No validation here: arrays are C-contiguous float64.
"""

import numpy as np
from numba import njit

from sfhsim.kernels.bits import fma, sum_of_products
from sfhsim.kernels.products import multiply_rows

_SWEEPS = 40


@njit(cache=True, nogil=True)
def multiply(left, right, out):
    """``out`` = ``left`` ``right``, both padded to whole steps of `sfhsim.kernels.products`."""
    multiply_rows(left, right, out)


@njit(cache=True, nogil=True)
def _subtract(row, share, other):
    for j in range(row.size):
        row[j] = fma(-share, other[j], row[j])


@njit(cache=True, nogil=True)
def orthonormalise(rows):
    """Make ``rows`` (k, m) orthonormal in place, each from those before it; a row that they span becomes 0."""
    for i in range(rows.shape[0]):
        before = np.sqrt(sum_of_products(rows[i], rows[i]))
        for _ in range(2):
            for k in range(i):
                _subtract(rows[i], sum_of_products(rows[k], rows[i]), rows[k])
        length = np.sqrt(sum_of_products(rows[i], rows[i]))
        scale = 1.0 / length if length > 1e-14 * before else 0.0
        for j in range(rows.shape[1]):
            rows[i, j] *= scale


@njit(cache=True, nogil=True)
def _rotate(a, b, cosine, sine):
    for j in range(a.size):
        x, y = a[j], b[j]
        a[j] = fma(cosine, x, -sine * y)
        b[j] = fma(sine, x, cosine * y)


@njit(cache=True, nogil=True)
def _off_diagonal(matrix):
    largest = 0.0
    for i in range(matrix.shape[0]):
        for j in range(i):
            largest = max(largest, abs(matrix[i, j]))
    return largest


@njit(cache=True, nogil=True, error_model="numpy")
def eigenvectors(matrix, vectors):
    """Make symmetric ``matrix`` (n, n) diagonal in place; its eigenvectors are the rows of ``vectors`` (n, n)."""
    n = matrix.shape[0]
    vectors[:] = 0.0
    scale = 0.0
    for i in range(n):
        vectors[i, i] = 1.0
        scale = max(scale, abs(matrix[i, i]))
    for _ in range(_SWEEPS):
        if _off_diagonal(matrix) <= 1e-16 * scale:
            return
        for p in range(n - 1):
            for q in range(p + 1, n):
                off = matrix[p, q]
                if abs(off) <= 1e-18 * scale:
                    continue
                ratio = (matrix[q, q] - matrix[p, p]) / (2.0 * off)
                tangent = 1.0 / (abs(ratio) + np.sqrt(fma(ratio, ratio, 1.0)))
                tangent = tangent if ratio >= 0.0 else -tangent
                cosine = 1.0 / np.sqrt(fma(tangent, tangent, 1.0))
                sine = tangent * cosine
                _rotate(matrix[p], matrix[q], cosine, sine)
                _rotate(matrix[:, p], matrix[:, q], cosine, sine)
                matrix[p, q] = matrix[q, p] = 0.0
                _rotate(vectors[p], vectors[q], cosine, sine)
