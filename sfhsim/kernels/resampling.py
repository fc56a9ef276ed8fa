"""Flux-conserving rebinning of piecewise-constant spectra, one output grid per galaxy.

    out_k = 1/(E_{k+1} - E_k)  sum_j  f_j |[e_j, e_{j+1}] n [E_k, E_{k+1}]|

e are the edges of the native pixels and E those of the output pixels. Who validates:
`sfhsim.instrument.resampling` (shapes, increasing edges, coverage); nothing is checked here.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit(cache=True, nogil=True)
def row_or_shared(array, i):
    """Row i, or the only row of an array that the whole batch shares."""
    return array[0] if array.shape[0] == 1 else array[i]


@njit(cache=True, nogil=True)
def _rebin_one(native_edges, flux, out_edges, out):
    n_native = flux.size
    j = np.searchsorted(native_edges, out_edges[0], side="right") - 1
    j = min(max(j, 0), n_native - 1)
    for k in range(out.size):
        low, high = out_edges[k], out_edges[k + 1]
        total = 0.0
        while True:
            overlap = min(high, native_edges[j + 1]) - max(low, native_edges[j])
            if overlap > 0.0:
                total += flux[j] * overlap
            if native_edges[j + 1] >= high or j == n_native - 1:
                break
            j += 1
        out[k] = total / (high - low)


@njit(cache=True, nogil=True, parallel=True)
def rebin_batch(native_edges, flux, out_edges, out):
    """native_edges (m + 1,), flux (n, m), out_edges (n or 1, n_out + 1), written to out (n, n_out)."""
    for i in prange(flux.shape[0]):
        _rebin_one(native_edges, flux[i], row_or_shared(out_edges, i), out[i])
