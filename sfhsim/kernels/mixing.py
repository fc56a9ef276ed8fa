"""Mixing of SSP tables: for each galaxy, the sum over ages of mass x (metallicity-interpolated row of a table).

    out_k = sum_a m_a [(1 - f_a) U[l_a, a, k] + f_a U[l_a + 1, a, k]]

The weights are sparse, two for each age, but a dense product by BLAS is several times faster than adding short rows one
by one. A block of BLOCK galaxies is multiplied at a time, always the same shape, so that every row is summed in the
same order wherever in a batch it stands.

The callers (sfhsim.synthesis) validate: indices are inside the tables, arrays are C-contiguous; they hold BLAS to one
thread. With the last metallicity as ``lower``, ``upper_share`` is 0.
"""

import numpy as np
from numba import njit, prange

BLOCK = 64


@njit(cache=True, nogil=True)
def _scatter(weights, mass, lower, upper_share, first_age, stop_age, offset, share):
    """Add the weights of one galaxy, times ``share``, to a row over (metallicity, age), ``offset`` rows into it."""
    n_age = stop_age - first_age
    for a in range(first_age, stop_age):
        m = mass[a] * share
        if m > 0.0:
            at = offset + lower[a] * n_age + a - first_age
            f = upper_share[a]
            weights[at] += np.float32(m * (1.0 - f))
            if f > 0.0:
                weights[at + n_age] += np.float32(m * f)


@njit(cache=True, nogil=True, parallel=True)
def mix(mass, lower, upper_share, first_age, stop_age, table, out):
    """Mix the ages [first_age, stop_age).

    ``table`` (n_metallicity * n_age, n_k) float32 with those ages only; ``out`` (n_padded, n_k) float32, whole blocks,
    rows beyond the batch set to 0.
    """
    n = mass.shape[0]
    for block in prange(out.shape[0] // BLOCK):
        first = block * BLOCK
        weights = np.zeros((BLOCK, table.shape[0]), dtype=np.float32)
        for i in range(first, min(first + BLOCK, n)):
            _scatter(weights[i - first], mass[i], lower[i], upper_share[i], first_age, stop_age, 0, 1.0)
        np.dot(weights, table, out[first : first + BLOCK])


@njit(cache=True, nogil=True, parallel=True)
def mix_between(mass, lower, upper_share, stop_age, node, node_share, n_row, table, out):
    """As `mix` from age 0, from two of several tables one below the other, chosen per galaxy.

    ``node`` (n,) is the lower of the two and ``node_share`` (n,) the weight of the one below it in ``table``; each has
    ``n_row`` = n_metallicity * stop_age rows.
    """
    n = mass.shape[0]
    for block in prange(out.shape[0] // BLOCK):
        first = block * BLOCK
        weights = np.zeros((BLOCK, table.shape[0]), dtype=np.float32)
        for i in range(first, min(first + BLOCK, n)):
            row, f = weights[i - first], node_share[i]
            _scatter(row, mass[i], lower[i], upper_share[i], 0, stop_age, node[i] * n_row, 1.0 - f)
            if f > 0.0:
                _scatter(row, mass[i], lower[i], upper_share[i], 0, stop_age, (node[i] + 1) * n_row, f)
        np.dot(weights, table, out[first : first + BLOCK])
