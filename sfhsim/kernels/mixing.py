"""Mixing of SSP tables: for each galaxy, the sum over ages of mass x (metallicity-interpolated row of a table).

    out_k = sum_a m_a [(1 - f_a) U[l_a, a, k] + f_a U[l_a + 1, a, k]]

Each galaxy lists the rows that it needs with their weights, first those below its metallicities, then those above, and
adds them in that order: it is the same wherever in a batch it stands.

The callers (sfhsim.synthesis) validate: indices are inside the tables, arrays are C-contiguous, tables and ``out`` have
whole COLUMNS. With the last metallicity as ``lower``, ``upper_share`` is 0. Galaxies are padded to whole blocks of
BLOCK for the products that follow.
"""

import numpy as np
from numba import njit, prange

from sfhsim.kernels.rows import add_weighted_rows

BLOCK = 64


@njit(cache=True, nogil=True)
def _list_rows(mass, lower, upper_share, share, offset, rows, weights):
    """Rows and weights (2, n_age) of one galaxy, ``offset`` rows into the table, times ``share``."""
    n_age = mass.size
    for a in range(n_age):
        rows[0, a] = offset + np.int64(lower[a]) * n_age + a
        rows[1, a] = rows[0, a] + (n_age if upper_share[a] > 0.0 else 0)
    for a in range(n_age):
        m = mass[a] * share
        weights[0, a] = np.float32(m * (1.0 - upper_share[a]))
        weights[1, a] = np.float32(m * upper_share[a])


@njit(cache=True, nogil=True)
def _mix_one(mass, lower, upper_share, share, offset, table, out):
    """Add one galaxy's rows, ``offset`` rows into the table, times ``share``."""
    rows, weights = np.empty((2, mass.size), dtype=np.int64), np.empty((2, mass.size), dtype=np.float32)
    _list_rows(mass, lower, upper_share, share, offset, rows, weights)
    add_weighted_rows(table, rows.reshape(-1), weights.reshape(-1), out)


@njit(cache=True, nogil=True)
def _clear(out):
    for k in range(out.size):
        out[k] = np.float32(0.0)


@njit(cache=True, nogil=True, parallel=True)
def mix(mass, lower, upper_share, first_age, stop_age, table, out):
    """Mix the ages [first_age, stop_age).

    ``table`` (n_metallicity * n_age, n_k) float32 with those ages only; ``out`` (n_padded, n_k) float32, rows beyond
    the batch set to 0.
    """
    for i in prange(out.shape[0]):
        _clear(out[i])
        if i < mass.shape[0]:
            m, low, f = mass[i, first_age:stop_age], lower[i, first_age:stop_age], upper_share[i, first_age:stop_age]
            _mix_one(m, low, f, 1.0, np.int64(0), table, out[i])


@njit(cache=True, nogil=True, parallel=True)
def mix_between(mass, lower, upper_share, stop_age, node, node_share, n_row, scale, table, out):
    """As `mix` from age 0, from two of several tables one below the other, chosen per galaxy, times ``scale`` (n,).

    ``node`` (n,) is the lower of the two and ``node_share`` (n,) the weight of the one below it in ``table``; each has
    ``n_row`` = n_metallicity * stop_age rows.
    """
    for i in prange(out.shape[0]):
        _clear(out[i])
        if i < mass.shape[0]:
            m, low, f = mass[i, :stop_age], lower[i, :stop_age], upper_share[i, :stop_age]
            share, at = node_share[i], node[i] * n_row
            _mix_one(m, low, f, scale[i] * (1.0 - share), at, table, out[i])
            if share > 0.0:
                _mix_one(m, low, f, scale[i] * share, at + n_row, table, out[i])
