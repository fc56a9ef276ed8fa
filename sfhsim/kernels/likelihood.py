"""Sums over pixels that decide how well galaxies fit: one galaxy an iteration of the parallel loop.

Called by `sfhsim.likelihood`, which validates. Sums run in an order that the code gives, so that they are the same bits
everywhere (`sfhsim.kernels.bits`).
"""

import numpy as np
from numba import njit, prange

from sfhsim.kernels.bits import sum_of_products


@njit(cache=True, nogil=True)
def _fit_one(model, weight, weighted_data, squares, finite):
    for j in range(model.size):
        m = np.float64(model[j])
        finite[j] = m if abs(m) < np.inf else 0.0
        squares[j] = finite[j] * finite[j]
    return sum_of_products(squares, weight), sum_of_products(finite, weighted_data)


@njit(cache=True, nogil=True, parallel=True)
def fit_sums(model, weight, weighted_data, out):
    """``out`` (n, 2) float64: sums of m^2 w and of m (d w) over each row of ``model`` (n, m); what is not finite there
    counts as 0, and pixels with ``weight`` and ``weighted_data`` (m,) 0 not at all."""
    for i in prange(model.shape[0]):
        squares, finite = np.empty(model.shape[1]), np.empty(model.shape[1])
        out[i, 0], out[i, 1] = _fit_one(model[i], weight, weighted_data, squares, finite)
