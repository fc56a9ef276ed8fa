"""Cumulative dense-basis histories: the loop over a batch of galaxies.

The callers in ``sfhsim.histories`` validate: arrays are C-contiguous float64, edges increase and start at
or above 0, every age and width is in the unit named. Arrays are writable: numba compiles anew for
read-only ones. Each galaxy is computed alone, so the results are the same bytes for any batch and any number of
threads.
"""

import math

import numpy as np
from numba import njit, prange

from sfhsim.kernels.bits import fma


@njit(cache=True, nogil=True)
def _pchip_slopes(x, y, k, slope):
    """Fritsch-Carlson slopes of the ``k`` + 1 knots: weighted harmonic means, one-sided at the ends."""
    if k == 1:
        slope[0] = slope[1] = (y[1] - y[0]) / (x[1] - x[0])
        return
    for j in range(1, k):
        h0, h1 = x[j] - x[j - 1], x[j + 1] - x[j]
        s0, s1 = (y[j] - y[j - 1]) / h0, (y[j + 1] - y[j]) / h1
        w0, w1 = 2.0 * h1 + h0, h1 + 2.0 * h0
        slope[j] = (w0 + w1) / (w0 / s0 + w1 / s1)
    for end in range(2):
        a, b, c = (0, 1, 2) if end == 0 else (k, k - 1, k - 2)
        h0, h1 = abs(x[b] - x[a]), abs(x[c] - x[b])
        s0, s1 = abs(y[b] - y[a]) / h0, abs(y[c] - y[b]) / h1
        # the secants of a cumulative curve are positive: only the sign of the three-point slope can be wrong
        slope[a] = max(0.0, ((2.0 * h0 + h1) * s0 - h0 * s1) / (h0 + h1))


@njit(cache=True, nogil=True)
def _knots(interval, smallest, x, y):
    """Knots of the cumulative curve against lookback time, both 0 to 1; returns the last one's index."""
    n_interval = interval.size
    whole = 0.0
    for j in range(n_interval):
        whole += interval[j]
    x[0] = y[0] = 0.0
    k, reached = 0, 0.0
    for j in range(1, n_interval):  # lookback time, so from the last interval to the first
        reached += interval[n_interval - j] / whole
        if reached - x[k] > smallest and 1.0 - reached > smallest:
            k += 1
            x[k], y[k] = reached, j / n_interval
    x[k + 1] = y[k + 1] = 1.0
    return k + 1


@njit(cache=True, nogil=True)
def _cubic(edges, per_yr, x0, inverse_h, c0, c1, c2, c3, out):
    for j in range(out.size):
        s = (edges[j] * per_yr - x0) * inverse_h
        out[j] = fma(s, fma(s, fma(s, c3, c2), c1), c0)


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _dense_basis_galaxy(interval, ssfr, age_max, smallest, edges, slope_out, out):
    """One galaxy of ``dense_basis_cumulative``; returns whether ``ssfr`` was clipped."""
    x, y, slope = np.empty(interval.size + 1), np.empty(interval.size + 1), np.empty(interval.size + 1)
    k = _knots(interval, smallest, x, y)
    _pchip_slopes(x, y, k, slope)
    clipped = False
    if not math.isnan(ssfr):
        steepest = 3.0 * y[1] / x[1]
        clipped = ssfr * age_max > steepest
        slope[0] = min(ssfr * age_max, steepest)
    inside = np.searchsorted(edges, age_max)
    begin = 0
    for cell in range(k):
        h = x[cell + 1] - x[cell]
        end = inside if cell == k - 1 else min(np.searchsorted(edges, x[cell + 1] * age_max, side="right"), inside)
        c1, c2 = h * slope[cell], 3.0 * (y[cell + 1] - y[cell]) - h * (2.0 * slope[cell] + slope[cell + 1])
        c3 = h * (slope[cell] + slope[cell + 1]) - 2.0 * (y[cell + 1] - y[cell])
        part, where = edges[begin:end], out[begin:end]
        if slope_out:
            rate = 1.0 / (h * age_max)
            _cubic(part, 1.0 / age_max, x[cell], 1.0 / h, rate * c1, rate * 2.0 * c2, rate * 3.0 * c3, 0.0, where)
        else:
            _cubic(part, 1.0 / age_max, x[cell], 1.0 / h, y[cell], c1, c2, c3, where)
        begin = max(begin, end)
    for j in range(edges.size):
        if slope_out and j < inside:
            out[j] = max(0.0, out[j])
        elif j >= inside:
            out[j] = (slope[k] / age_max if edges[j] == age_max else 0.0) if slope_out else 1.0
    return clipped


@njit(cache=True, nogil=True, parallel=True)
def dense_basis_cumulative(interval, ssfr, age_max, smallest, edges, out, slope_out, clipped):
    """Fill ``out`` (n, m) with the fraction formed below each edge (yr), or the SFR (1/yr) if ``slope_out``.

    ``interval`` (n, N + 1) are fractions of cosmic time from the Big Bang onwards, ``ssfr`` (n,) today's
    SFR over the total mass in 1/yr (NaN: free). ``clipped`` (n,) says where ssfr was beyond what a monotone
    cubic can have.
    """
    for i in prange(out.shape[0]):
        clipped[i] = _dense_basis_galaxy(interval[i], ssfr[i], age_max[i], smallest, edges, slope_out, out[i])
