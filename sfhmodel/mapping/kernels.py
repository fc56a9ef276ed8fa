"""Sums of spaxels at rest: each is shifted by its own velocity, rebinned conserving flux, and added to its bin.

    num_k += sum_j a_kj f_j g_j,    share_k += b sum_j a_kj g_j,    var_k += sum_j a_kj^2 e_j^2 g_j,
    a_kj = |[l_j, l_(j+1)] / s  n  [E_k, E_(k+1)]| / (E_(k+1) - E_k)

l are the edges of the cube's pixels at rest for the galaxy, s the stretch of the spaxel by its velocity, E the edges of
the grid, g 1 for good pixels, b the brightness of the spaxel. Who validates: `sfhmodel.mapping.sums`.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit(cache=True, nogil=True)
def _add_spaxel(flux, sigma, good, edges, stretch, brightness, grid_edges, num, share, var):
    n_out, m = num.size, flux.size
    inverse = 1.0 / stretch
    j = np.searchsorted(edges, grid_edges[0] * stretch, side="right") - 1
    j = max(j, 0)
    k = 0
    while j < m and k < n_out:
        low, high = edges[j] * inverse, edges[j + 1] * inverse
        while k < n_out and grid_edges[k + 1] <= low:
            k += 1
        if good[j]:
            at = k
            while at < n_out and grid_edges[at] < high:
                overlap = min(high, grid_edges[at + 1]) - max(low, grid_edges[at])
                if overlap > 0.0:
                    weight = overlap / (grid_edges[at + 1] - grid_edges[at])
                    num[at] += weight * flux[j]
                    share[at] += weight * brightness
                    var[at] += (weight * sigma[j]) ** 2
                at += 1
        j += 1


@njit(cache=True, nogil=True, parallel=True)
def add_spaxels(flux, sigma, good, edges, stretch, brightness, order, starts, slots, grid_edges, num, share, var):
    """Add spaxels to the sums of their bins; the same bits for any number of threads.

    flux, sigma, good (n, m), edges (m + 1,), stretch, brightness (n,); order (n',) spaxels sorted by bin, those of
    bin b order[starts[b]:starts[b + 1]], which go to row slots[b] of num, share, var (n_slot, n_out); grid_edges
    (n_out + 1,).
    """
    for b in prange(slots.size):
        row = slots[b]
        for at in range(starts[b], starts[b + 1]):
            i = order[at]
            _add_spaxel(
                flux[i], sigma[i], good[i], edges, stretch[i], brightness[i], grid_edges, num[row], share[row], var[row]
            )


@njit(cache=True, nogil=True, parallel=True)
def finish_sums(num, share, var, total, covariance, least_share, mask):
    """Turn sums (n, p) into fluxes (num) and one sigma (var) in place; both are NaN where ``mask`` becomes False.

    Where at least ``least_share`` of a bin's light total (n,) has data, what is missing is made up for by the rest.
    Errors are ``covariance`` (n,) times larger.
    """
    for i in prange(num.shape[0]):
        least = least_share * total[i]
        for k in range(num.shape[1]):
            good = share[i, k] >= least and share[i, k] > 0.0
            rest = total[i] / share[i, k] if good else np.float32(np.nan)
            mask[i, k] = good
            num[i, k] *= rest
            var[i, k] = np.sqrt(var[i, k]) * rest * covariance[i]


@njit(cache=True, nogil=True, parallel=True)
def brightness_and_noise(flux, sigma, good, signal, noise, count):
    """Mean flux, one over the root mean inverse variance, number of good pixels (n,), of arrays (n, m)."""
    for i in prange(flux.shape[0]):
        total, inverse, number = 0.0, 0.0, 0
        for j in range(flux.shape[1]):
            if good[i, j]:
                total += flux[i, j]
                inverse += 1.0 / (np.float64(sigma[i, j]) * np.float64(sigma[i, j]))
                number += 1
        count[i] = number
        signal[i] = total / number if number > 0 else np.nan
        noise[i] = np.sqrt(number / inverse) if number > 0 else np.nan


@njit(cache=True, nogil=True)
def keep_sound(flux, sigma, good, huge):
    """Clear ``good`` (n, m) where flux or sigma are no numbers, and where sigma is ``huge`` times its usual value.

    The usual value is one over the root mean inverse variance of a spectrum: what is huge does not count in it. In one
    thread, as it runs beside the other kernels, and not every threading layer of Numba can take two at once.
    """
    for i in range(flux.shape[0]):
        inverse, number = 0.0, 0
        for j in range(flux.shape[1]):
            good[i, j] = good[i, j] and np.isfinite(flux[i, j]) and sigma[i, j] > 0.0 and sigma[i, j] < np.inf
            if good[i, j]:
                inverse += 1.0 / (np.float64(sigma[i, j]) * np.float64(sigma[i, j]))
                number += 1
        limit = huge * np.sqrt(number / inverse) if number > 0 else 0.0
        for j in range(flux.shape[1]):
            good[i, j] = good[i, j] and sigma[i, j] < limit
