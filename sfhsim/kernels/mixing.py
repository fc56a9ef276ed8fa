"""Mixing of SSP tables: for each galaxy, the sum over ages of mass x (metallicity-interpolated row of a table).

    out_k = sum_a m_a [(1 - f_a) U[l_a, a, k] + f_a U[l_a + 1, a, k]]

The callers (sfhsim.synthesis) validate: indices are inside the tables, arrays are C-contiguous. Each galaxy is one
iteration of the parallel loop and is summed in the same order whatever the number of threads.
"""

import numpy as np
from numba import njit, prange


@njit(cache=True, nogil=True)
def _add_row(out, weight, row):
    for k in range(out.size):
        out[k] += weight * row[k]


@njit(cache=True, nogil=True, parallel=True)
def mix(mass, lower, upper_share, first_age, stop_age, table, out):
    """Sum over ages [first_age, stop_age): ``table`` (n_metallicity, n_age, n_k) into ``out`` (n, n_k) float32."""
    for i in prange(mass.shape[0]):
        row = out[i]
        row[:] = 0
        for a in range(first_age, stop_age):
            m = mass[i, a]
            if m > 0.0:
                low = lower[i, a]
                f = upper_share[i, a]
                if f < 1.0:
                    _add_row(row, np.float32(m * (1.0 - f)), table[low, a])
                if f > 0.0:
                    _add_row(row, np.float32(m * f), table[low + 1, a])


@njit(cache=True, nogil=True, parallel=True)
def mix_between(mass, lower, upper_share, stop_age, node, node_share, tables, out):
    """As `mix`, from two of several tables (n_node, n_metallicity, n_age, n_k), chosen per galaxy.

    ``node`` (n,) is the lower table and ``node_share`` (n,) the weight of the one above it.
    """
    for i in prange(mass.shape[0]):
        row = out[i]
        row[:] = 0
        for a in range(stop_age):
            m = mass[i, a]
            if m > 0.0:
                low = lower[i, a]
                f = upper_share[i, a]
                for step in range(2):
                    share = node_share[i] if step else 1.0 - node_share[i]
                    if share > 0.0:
                        table = tables[node[i] + step]
                        if f < 1.0:
                            _add_row(row, np.float32(m * (1.0 - f) * share), table[low, a])
                        if f > 0.0:
                            _add_row(row, np.float32(m * f * share), table[low + 1, a])


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract"})
def combine(coefficients, vectors, out):
    """``coefficients`` (n, k) times ``vectors`` (k, m) into ``out`` (n, m), all float32; n and k multiples of 4.

    A matrix product whose rows do not depend on each other: BLAS chooses its order of summation by the shape of the
    batch, and a galaxy's bytes must not change with the batch it is in.
    """
    n, n_k = coefficients.shape
    m = vectors.shape[1]
    for block in prange(n // 4):
        i = 4 * block
        r0, r1, r2, r3 = out[i], out[i + 1], out[i + 2], out[i + 3]
        r0[:] = 0
        r1[:] = 0
        r2[:] = 0
        r3[:] = 0
        for k in range(0, n_k, 4):
            v0, v1, v2, v3 = vectors[k], vectors[k + 1], vectors[k + 2], vectors[k + 3]
            a = coefficients[i : i + 4, k : k + 4]
            a00, a01, a02, a03 = a[0, 0], a[0, 1], a[0, 2], a[0, 3]
            a10, a11, a12, a13 = a[1, 0], a[1, 1], a[1, 2], a[1, 3]
            a20, a21, a22, a23 = a[2, 0], a[2, 1], a[2, 2], a[2, 3]
            a30, a31, a32, a33 = a[3, 0], a[3, 1], a[3, 2], a[3, 3]
            for j in range(m):
                w0, w1, w2, w3 = v0[j], v1[j], v2[j], v3[j]
                r0[j] += a00 * w0 + a01 * w1 + a02 * w2 + a03 * w3
                r1[j] += a10 * w0 + a11 * w1 + a12 * w2 + a13 * w3
                r2[j] += a20 * w0 + a21 * w1 + a22 * w2 + a23 * w3
                r3[j] += a30 * w0 + a31 * w1 + a32 * w2 + a33 * w3
