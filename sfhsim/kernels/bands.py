"""Mean flux densities of bands for galaxies that each have a redshift of their own.

Cells of rest-frame light are equal in ln wavelength, with step l. The photons that band R counts in one cell,

    T(y) = Int R lambda dlambda / Int_band R lambda dlambda   over   y < ln lambda < y + l,   y = ln a_c + ln(1 + z),

depend on the cell and the redshift through y alone. T is tabulated PHASES times per cell, whole cells along a row, so
that a galaxy reads its weights from two neighbouring rows, shifted by whole cells, and interpolates linearly:

    <f> = sum_c f_c T(y_c) + sum_lines L lambda R(lambda) (1 + z) / Int_band R lambda dlambda.

Who validates: `sfhsim.synthesis.photometer`, which makes the tables; nothing is checked here. Sums are in float64, each
galaxy by one thread in a fixed order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from sfhsim.kernels.bits import sum_of_products
from sfhsim.kernels.elementary import log_double

PHASES = 16


class BandTables(NamedTuple):
    """Tables of b bands.

    ``starts`` (b + 1,) intp: the cells of each band among the columns. ``cell_log_step`` (b,), ``log_stretch_low``:
    step of the cells, and the ln(1 + z) at which the tables begin. ``photons``: the tables (PHASES + 1, width) of all
    bands, flat, float32; ``photons_first`` and ``photons_width`` (b,) intp. ``line_log_wave`` (l,);
    ``response`` (b, r): R lambda / Int R lambda dlambda from ln wavelength ``response_first`` (b,) in steps
    ``response_step``.
    """

    starts: np.ndarray
    cell_log_step: np.ndarray
    log_stretch_low: float
    photons: np.ndarray
    photons_first: np.ndarray
    photons_width: np.ndarray
    line_log_wave: np.ndarray
    response: np.ndarray
    response_first: np.ndarray
    response_step: float


@njit(cache=True, nogil=True)
def _continuum(cells, log_stretch, log_low, cell_step, photons, first, width):
    at = max((log_stretch - log_low) / cell_step * PHASES, 0.0)
    whole = int(at)
    shift, phase, t = whole // PHASES, whole % PHASES, at - whole
    begin = first + phase * width + min(shift, width - cells.size)
    low = photons[begin : begin + cells.size]
    high = photons[begin + width : begin + width + cells.size]
    below, above = sum_of_products(cells, low), sum_of_products(cells, high)
    return below + t * (above - below)


@njit(cache=True, nogil=True)
def _lines(luminosity, line_log_wave, line_log_shift, log_stretch, response, first, step):
    total = 0.0
    offset, scale = log_stretch - first, 1.0 / step
    for line in range(line_log_wave.size):
        at = (line_log_wave[line] + offset + line_log_shift[line]) * scale
        if 0.0 <= at < response.size - 1:
            i = int(at)
            total += luminosity[line] * (response[i] + (at - i) * (response[i + 1] - response[i]))
    return total


@njit(cache=True, nogil=True, parallel=True)
def band_means(columns, lines, line_log_shift, stretch, tables, out):
    """Fill ``out`` (n, b) float64 from cells (n, n_cell) float32 and lines (n, l) float64; ``stretch`` (n,) = 1 + z.

    ``line_log_shift`` (1 or n, l) float64 is what lines that move against the stars have beyond ln ``stretch``.
    """
    shared = line_log_shift.shape[0] == 1
    for galaxy in prange(columns.shape[0]):
        log_shift = line_log_shift[0] if shared else line_log_shift[galaxy]
        log_stretch = log_double(stretch[galaxy])
        for band in range(out.shape[1]):
            cells = columns[galaxy, tables.starts[band] : tables.starts[band + 1]]
            place = tables.photons_first[band], tables.photons_width[band]
            step = tables.cell_log_step[band]
            mean = _continuum(cells, log_stretch, tables.log_stretch_low, step, tables.photons, place[0], place[1])
            curve, first = tables.response[band], tables.response_first[band]
            light = _lines(
                lines[galaxy], tables.line_log_wave, log_shift, log_stretch, curve, first, tables.response_step
            )
            out[galaxy, band] = mean + light * stretch[galaxy]
