"""Cumulative skewed normal histories with bursts and truncation: the loop over a batch of galaxies.

The callers in ``sfhsim.histories`` validate: arrays are C-contiguous float64, edges increase and start at
or above 0, every age and width is in the unit named. Arrays are writable: numba compiles anew for
read-only ones. Each galaxy is computed alone, so the results are the same bytes for any batch and any number of
threads.

Smooth part of the skewed normal: the integral of f = exp(-Y^2/2) Q is marched outwards from the peak in
cells whose width follows the local scale of ln f; in a cell f is the quintic Hermite interpolant of f, f',
f'' at its ends, and that is integrated exactly. An edge inside a cell takes the integral of the same
quintic up to the edge.

Where the peak lies between today and the first star and nothing truncates it (`_spread_over_cells`), the cells are
equal in u = asinh X instead: Y = sinh(u) exp(skewness u), and one loop on vector registers serves all of them.
"""

import math

import numpy as np
from numba import njit, prange

from sfhsim.kernels.bits import fma
from sfhsim.kernels.elementary import (
    asinh_double,
    erfc_double,
    exp_double,
    exp_of_minus_square,
    log1p_double,
    log_double,
    power_double,
)

EQUAL_STEP = 0.07  # in u, for skewness 0
STEP = 0.2  # of the local scale; the tests hold the error against adaptive quadrature
NEGLIGIBLE_LN = -30.0  # ln f, relative to the peak, where the march ends
SQRT_HALF = math.sqrt(0.5)
INV_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)
LN_INV_SQRT_2PI = -0.9189385332046728


@njit(cache=True, nogil=True)
def _log_sfr(x, skewness, cut, width):
    """ln f and its first two derivatives in x = (t - peak)/period; ``width`` <= 0 means no truncation."""
    root = math.sqrt(1.0 + x * x)
    stretch = 1.0
    if skewness != 0.0:
        # exp(skew asinh x), written so that a large negative x loses no digits
        stretch = power_double(root + abs(x), skewness if x >= 0.0 else -skewness)
    y = x * stretch
    slope = stretch * (1.0 + skewness * x / root)
    curve = stretch * skewness * (1.0 + skewness * x / root + 1.0 / (root * root)) / root
    value, first, second = -0.5 * y * y, -y * slope, -(slope * slope + y * curve)
    if width > 0.0:
        v = (x - cut) / width
        if v > 30.0:  # ln erfc by its asymptotic series: erfc itself underflows
            inv = 1.0 / (v * v)
            value += -0.5 * v * v - log_double(v) + LN_INV_SQRT_2PI + log1p_double(-inv + 3.0 * inv * inv)
            hazard = v + 1.0 / v - 2.0 / (v * v * v)
        else:
            tail = 0.5 * erfc_double(v * SQRT_HALF)
            value += log_double(tail)
            hazard = INV_SQRT_2PI * exp_of_minus_square(v * SQRT_HALF) / tail
        first -= hazard / width
        second -= hazard * (hazard - v) / (width * width)
    return value, first, second


@njit(cache=True, nogil=True)
def _cell_width(x, skewness, ln_f, first, second, cut, width):
    """Width of the next cell: finer where ln f changes fast, coarser where f hardly counts."""
    depth = -ln_f / 6.0
    weight = 1.0 / (1.0 + depth + 0.5 * depth * depth) if depth > 0.0 else 1.0
    rate = (abs(first) + math.sqrt(abs(second))) * weight + (0.5 + 1.5 * abs(skewness)) / math.sqrt(1.0 + x * x)
    step = STEP / rate
    if width > 0.0:  # a narrow truncation is felt before it is reached
        step = min(step, STEP * width * (1.0 + 0.5 * max(0.0, abs(x - cut) / width - 6.0)))
    return step


@njit(cache=True, nogil=True)
def _part_of_cell(s, h, f0, d0, c0, f1, d1, c1):
    """Integral from 0 to ``s`` h of the quintic with value, slope and second derivative given at 0 and h."""
    d0, d1, c0, c1 = d0 * h, d1 * h, 0.5 * c0 * h * h, c1 * h * h
    a = f1 - f0 - d0 - c0
    b = d1 - d0 - 2.0 * c0
    c = c1 - 2.0 * c0
    p3 = 10.0 * a - 4.0 * b + 0.5 * c
    p4 = -15.0 * a + 7.0 * b - c
    p5 = 6.0 * a - 3.0 * b + 0.5 * c
    return h * s * (f0 + s * (d0 / 2 + s * (c0 / 3 + s * (p3 / 4 + s * (p4 / 5 + s * p5 / 6)))))


@njit(cache=True, nogil=True)
def _march(x0, end, skewness, cut, width, edges, first_edge, last_edge, scale, shift, out):
    """Integral of f/f(x0) from ``x0`` towards ``end``, written into ``out`` at every edge that is passed.

    ``x = scale * edge + shift``; the edges are visited from ``first_edge`` towards ``last_edge`` (exclusive).
    Returns the whole integral, positive.
    """
    sign = 1.0 if end >= x0 else -1.0
    move = 1 if last_edge >= first_edge else -1
    ln_0, first, second = _log_sfr(x0, skewness, cut, width)
    ln_f, f = 0.0, 1.0
    x, total, edge = x0, 0.0, first_edge
    while sign * (end - x) > 0.0 and ln_f > NEGLIGIBLE_LN:
        step = _cell_width(x, skewness, ln_f, first, second, cut, width)
        left = abs(end - x)
        if step > 0.6 * left:  # never a sliver as the last cell
            step = left if step >= left else 0.5 * left
        x1 = end if step == left else x + sign * step
        if x1 == x:
            break
        ln_1, first_1, second_1 = _log_sfr(x1, skewness, cut, width)
        ln_1 -= ln_0
        f1 = exp_double(ln_1)
        h = abs(x1 - x)
        d0, c0 = sign * first * f, (first * first + second) * f
        d1, c1 = sign * first_1 * f1, (first_1 * first_1 + second_1) * f1
        while edge != last_edge and sign * (scale * edges[edge] + shift - x1) <= 0.0:
            s = sign * (scale * edges[edge] + shift - x) / h
            out[edge] = total + _part_of_cell(max(s, 0.0), h, f, d0, c0, f1, d1, c1)
            edge += move
        total += _part_of_cell(1.0, h, f, d0, c0, f1, d1, c1)
        x, ln_f, f, first, second = x1, ln_1, f1, first_1, second_1
    while edge != last_edge:
        out[edge] = total
        edge += move
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_nodes(u_low, h, skewness, value, slope, curve):
    """f dX/du at equal steps ``h`` of u, and its first two derivatives in those steps; nothing truncates f."""
    for j in range(value.size):
        u = u_low + h * np.float64(np.int32(j))
        e = exp_double(u)
        sinh, cosh = 0.5 * (e - 1.0 / e), 0.5 * (e + 1.0 / e)
        stretch = exp_double(skewness * u)
        y, y1 = stretch * sinh, stretch * (cosh + skewness * sinh)
        y2 = stretch * ((1.0 + skewness * skewness) * sinh + 2.0 * skewness * cosh)
        tanh = sinh / cosh
        first = tanh - y * y1
        second = 1.0 - tanh * tanh - y1 * y1 - y * y2
        f = exp_double(max(-0.5 * y * y, -600.0)) * cosh  # far from where numbers are slow for being too small
        value[j], slope[j], curve[j] = f, f * first * h, f * (first * first + second) * (h * h)


@njit(cache=True, nogil=True, error_model="numpy")
def _asinh(edges, scale, shift, out):
    for j in range(out.size):
        x = scale * edges[j] + shift
        u = log_double(abs(x) + np.sqrt(x * x + 1.0))
        out[j] = u if x >= 0.0 else -u


@njit(cache=True, nogil=True)
def _fill_cells(h, value, slope, curve, c1, c2, c3, c4, c5, c6):
    """Coefficients of the integral within each cell, powers 1 to 6 of the part of the cell."""
    for j in range(c1.size):
        i = np.uintp(j)
        f0, d0, c0 = value[i], slope[i], 0.5 * curve[i]
        k = i + np.uintp(1)
        a, b, c = value[k] - f0 - d0 - c0, slope[k] - d0 - 2.0 * c0, curve[k] - 2.0 * c0
        c1[i], c2[i], c3[i] = h * f0, (0.5 * h) * d0, (h / 3.0) * c0
        c4[i] = (0.25 * h) * (10.0 * a - 4.0 * b + 0.5 * c)
        c5[i] = (0.2 * h) * (7.0 * b - 15.0 * a - c)
        c6[i] = (h / 6.0) * (6.0 * a - 3.0 * b + 0.5 * c)


@njit(cache=True, nogil=True)
def _read_cells(u, u_low, inverse_h, total, cells, out):
    """Integral from the first node to each ``u``, clipped to the nodes."""
    end, last = np.float64(total.size - 1), np.int32(total.size - 2)
    c1, c2, c3, c4, c5, c6 = cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]
    for j in range(out.size):
        at = min(max((u[j] - u_low) * inverse_h, 0.0), end)
        whole = min(np.int32(at), last)
        i, s = np.uintp(np.uint32(whole)), at - np.float64(whole)
        s2 = s * s
        low = fma(s2, fma(s, c3[i], c2[i]), fma(s, c1[i], total[i]))
        out[j] = fma(s2 * s2, fma(s2, c6[i], fma(s, c5[i], c4[i])), low)


@njit(cache=True, nogil=True)
def _spread_over_cells(low, high, skewness, edges, scale, shift, out):
    """Fill ``out`` with the integral of f from X = ``low`` <= 0 to every edge; returns that to ``high`` >= 0."""
    u_low, u_high = asinh_double(low), asinh_double(high)
    n_cell = int((u_high - u_low) * (1.0 + abs(skewness)) / EQUAL_STEP) + 1
    h = (u_high - u_low) / n_cell
    nodes, cells, total = np.empty((3, n_cell + 1)), np.empty((6, n_cell)), np.empty(n_cell + 1)
    _fill_nodes(u_low, h, skewness, nodes[0], nodes[1], nodes[2])
    c = cells
    _fill_cells(h, nodes[0], nodes[1], nodes[2], c[0], c[1], c[2], c[3], c[4], c[5])
    level = 0.0
    for j in range(n_cell):
        total[j] = level
        level += (c[0, j] + c[1, j] + c[2, j]) + (c[3, j] + c[4, j] + c[5, j])
    total[n_cell] = level
    u = np.empty(out.size)
    _asinh(edges, scale, shift, u)
    _read_cells(u, u_low, 1.0 / h, total, cells, out)
    return level


@njit(cache=True, nogil=True)
def _march_both_ways(start, low, high, skewness, c, w, edges, scale, shift, out):
    """Fill ``out`` with the integral of f/f(start) from X = ``low`` to every edge; returns that to ``high``."""
    middle = 0
    while middle < edges.size and scale * edges[middle] + shift < start:
        middle += 1
    older = younger = 0.0
    for direction in range(2):  # one call site: half the compilation
        older, to, begin, stop = younger, high, middle, edges.size
        if direction == 1:
            to, begin, stop = low, middle - 1, -1
        younger = _march(start, to, skewness, c, w, edges, begin, stop, scale, shift, out)
    for j in range(edges.size):
        out[j] = younger - out[j] if j < middle else younger + out[j]
    return older + younger


@njit(cache=True, nogil=True)
def _burst_time(low, high, cut, width):
    """Integral of 1 - Phi((t - cut)/width) from ``low`` to ``high``: their distance where width is 0."""
    if high <= low:
        return 0.0
    if width <= 0.0:
        return high - low
    a, b = (low - cut) / width, (high - cut) / width
    upper = 0.5 * b * erfc_double(b * SQRT_HALF) - INV_SQRT_2PI * exp_of_minus_square(b * SQRT_HALF)
    lower = 0.5 * a * erfc_double(a * SQRT_HALF) - INV_SQRT_2PI * exp_of_minus_square(a * SQRT_HALF)
    return width * (upper - lower)


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _skewed_normal_galaxy(
    peak,
    period,
    skewness,
    cut,
    width,
    burst_sfr,
    burst_fraction,
    burst_from,
    burst_to,
    age_max,
    edges,
    row,
    part,
):
    """One galaxy of ``skewed_normal_cumulative``."""
    scale, shift = 1.0 / period, -peak / period
    low, high = shift, scale * age_max + shift
    start = min(max(0.0, low), high)
    inside = np.searchsorted(edges, age_max)
    near, done = edges[:inside], row[:inside]
    c, w = scale * cut + shift, scale * width
    if w <= 0.0 and low <= 0.0 <= high and skewness >= -1.0:  # below -1, f rises again far from the peak
        smooth = _spread_over_cells(low, high, skewness, near, scale, shift, done)
    else:
        smooth = _march_both_ways(start, low, high, skewness, c, w, near, scale, shift, done)
    ln_smooth = _log_sfr(start, skewness, c, w)[0] + log_double(smooth * period)
    burst = _burst_time(burst_from, min(burst_to, age_max), cut, width)
    share = 1.0 - burst_fraction if burst > 0.0 else 1.0
    if burst_sfr > 0.0 and burst > 0.0:
        share = 1.0 / (1.0 + exp_double(min(700.0, log_double(burst_sfr * burst) - ln_smooth)))
    part[0], part[1], part[2] = share, ln_smooth, burst
    below = 0.0  # roundoff, 1e-16 of the mass, must not make the curve fall
    for j in range(inside):
        value = share * (done[j] / smooth)
        if share < 1.0:
            formed = burst if edges[j] >= burst_to else _burst_time(burst_from, edges[j], cut, width)
            value += (1.0 - share) * (formed / burst)
        below = 0.0 if edges[j] == 0.0 else min(max(value, below), 1.0)
        row[j] = below
    for j in range(inside, edges.size):
        row[j] = 1.0


@njit(cache=True, nogil=True, parallel=True)
def skewed_normal_cumulative(
    peak,
    period,
    skewness,
    cut,
    width,
    burst_sfr,
    burst_fraction,
    burst_from,
    burst_to,
    age_max,
    edges,
    out,
    parts,
):
    """Fill ``out`` (n, m) with the fraction of mass formed at lookback times below each edge.

    Every time is in yr; (n,) arrays, ``edges`` (m,). ``cut`` and ``width`` are the centre and width of the
    truncation (width 0: none). ``parts`` (n, 3) takes the fraction of the mass in the smooth part, the ln of
    the integral of the smooth part in yr for a peak SFR of 1, and that of the burst for a burst SFR of 1.
    """
    for i in prange(out.shape[0]):
        _skewed_normal_galaxy(
            peak[i], period[i], skewness[i], cut[i], width[i], burst_sfr[i], burst_fraction[i],
            burst_from[i], burst_to[i], age_max[i], edges, out[i], parts[i],
        )  # fmt: skip
