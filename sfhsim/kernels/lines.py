"""Emission lines onto pixels, exactly: a Gaussian integrated over every pixel, however narrow it is.

A line of luminosity L at lambda_0 with dispersion s puts into the pixel between edges e_k and e_(k+1) the
mean flux density  L [Phi(x_(k+1)) - Phi(x_k)] / (e_(k+1) - e_k),  x = (e - lambda_0) / s,  Phi the normal
distribution function; with s = 0 the whole line falls in the pixel that holds it (an edge belongs to the
pixel on its right). Pixels further than 8.5 s are left alone: they hold 2e-17 of the light.

Phi(x) is the Taylor series about the nearest of a grid of points, 64 to a sigma, of which Phi and its density are
tabulated: to 2e-15, and without branches.

No validation here: ``sfhsim.nebular.profiles`` checks shapes, increasing edges, and widths that are finite
and >= 0. Each row of the batch is written by one thread in a fixed order, so the bytes do not depend on the
number of threads.
"""

from functools import cache

import numpy as np
from numba import njit, prange

from sfhsim.kernels.bits import fma
from sfhsim.kernels.elementary import exp_double, normal_cdf_double

_REACH_SIGMA = 8.5
_PER_SIGMA = 64
_TABLE_END = 9.0


@njit(cache=True, nogil=True)
def _fill_normal_table(table):
    for k in range(table.shape[1]):
        x = (k - _TABLE_END * _PER_SIGMA) / _PER_SIGMA
        table[0, k] = normal_cdf_double(x)
        table[1, k] = exp_double(-0.5 * x * x) * 0.3989422804014327


@cache
def normal_table() -> np.ndarray:
    """Phi and its density (2, n_point) at the points from which the kernels expand it."""
    table = np.empty((2, int(2 * _TABLE_END * _PER_SIGMA) + 1))
    _fill_normal_table(table)
    return table


@njit(cache=True, nogil=True)
def _normal_cdf(x, table):
    """Phi(x); 0 and 1 beyond ``_TABLE_END``."""
    at = min(max(x, -_TABLE_END), _TABLE_END) * _PER_SIGMA
    i = np.uintp(np.uint32(np.int32(at + (_TABLE_END * _PER_SIGMA + 0.5))))
    g = (np.float64(np.int32(i)) - _TABLE_END * _PER_SIGMA) / _PER_SIGMA
    d = at / _PER_SIGMA - g
    g2 = g * g
    # the density's derivatives are Hermite polynomials times itself
    high = (3.0 - g2 * (6.0 - g2)) * (1.0 / 120.0) - d * g * (15.0 - g2 * (10.0 - g2)) * (1.0 / 720.0)
    series = 1.0 - d * (g * 0.5 - d * ((g2 - 1.0) * (1.0 / 6.0) - d * (g * (g2 - 3.0) * (1.0 / 24.0) - d * high)))
    return fma(table[1, i] * d, series, table[0, i])


@njit(cache=True, nogil=True)
def _first_edge_above(pixel_edges_aa, wave_aa):
    """Index of the first edge > ``wave_aa``; n_edges if there is none."""
    low, high = 0, pixel_edges_aa.size
    while low < high:
        middle = (low + high) // 2
        if pixel_edges_aa[middle] > wave_aa:
            high = middle
        else:
            low = middle + 1
    return low


@njit(cache=True, nogil=True)
def _add_line(row, pixel_edges_aa, wave_aa, sigma_aa, luminosity, table):
    n_pixels = row.size
    if sigma_aa == 0.0:
        pixel = _first_edge_above(pixel_edges_aa, wave_aa) - 1
        if 0 <= pixel < n_pixels:
            row[pixel] += luminosity / (pixel_edges_aa[pixel + 1] - pixel_edges_aa[pixel])
        return
    first = max(_first_edge_above(pixel_edges_aa, wave_aa - _REACH_SIGMA * sigma_aa) - 1, 0)
    last = wave_aa + _REACH_SIGMA * sigma_aa
    scale = 1.0 / sigma_aa
    below = _normal_cdf((pixel_edges_aa[first] - wave_aa) * scale, table)
    for pixel in range(first, n_pixels):
        if pixel_edges_aa[pixel] > last:
            break
        above = _normal_cdf((pixel_edges_aa[pixel + 1] - wave_aa) * scale, table)
        row[pixel] += luminosity * (above - below) / (pixel_edges_aa[pixel + 1] - pixel_edges_aa[pixel])
        below = above


@njit(cache=True, nogil=True, parallel=True)
def add_lines(flux, pixel_edges_aa, line_wave_aa, line_sigma_aa, line_luminosity, table):
    """Add every line of every galaxy to ``flux`` in place.

    ``flux`` (n, n_pixels) float32 or float64; ``pixel_edges_aa`` (1 or n, n_pixels + 1); ``line_wave_aa``
    (n_lines,); ``line_sigma_aa`` (1 or n, n_lines); ``line_luminosity`` (n, n_lines); all but ``flux``
    float64. ``table`` is the `normal_table`.
    """
    shared_width = line_sigma_aa.shape[0] == 1
    shared_grid = pixel_edges_aa.shape[0] == 1
    for galaxy in prange(flux.shape[0]):
        edges_aa = pixel_edges_aa[0] if shared_grid else pixel_edges_aa[galaxy]
        sigma_aa = line_sigma_aa[0] if shared_width else line_sigma_aa[galaxy]
        for line in range(line_wave_aa.size):
            luminosity = line_luminosity[galaxy, line]
            if luminosity != 0.0:
                _add_line(flux[galaxy], edges_aa, line_wave_aa[line], sigma_aa[line], luminosity, table)


@njit(cache=True, nogil=True, parallel=True)
def add_redshifted_lines(flux, pixel_edges_aa, line_wave_aa, line_sigma_aa, line_luminosity, stretch, table):
    """As `add_lines`, for one grid of observed pixels (n_pixels + 1,) and rest-frame spectra.

    ``flux``, wavelengths (n_lines,) and widths (n, n_lines) are in the rest frame; ``stretch`` (n,) is 1 + z.
    """
    for galaxy in prange(flux.shape[0]):
        redder = stretch[galaxy]
        for line in range(line_wave_aa.size):
            luminosity = line_luminosity[galaxy, line] * redder  # pixels are that much narrower in the rest frame
            if luminosity != 0.0:
                observed_aa, sigma_aa = line_wave_aa[line] * redder, line_sigma_aa[galaxy, line] * redder
                _add_line(flux[galaxy], pixel_edges_aa, observed_aa, sigma_aa, luminosity, table)
