"""Broadening and resampling of uniformly sampled spectra, each galaxy with its own widths and redshift.

Pixel j of a grid of step 1 holds a box convolved with a Gaussian of dispersion s_j. Its mean over pixel i is

    w(n; s) = R(n + 1) - 2 R(n) + R(n - 1),   n = i - j,   R(x) = x Phi(x/s) + s phi(x/s),

and s varies so slowly that over a block of BLOCK outputs w(n; s_j) = w(n; s_b) + (s_j - s_b) dw/ds: two plain
correlations, of x_j and of (s_j - s_b) x_j, on vector registers. w and dw/ds come from a table that is uniform in ln s,
by cubic interpolation. The means y_i are exact, so their running sum C is exact at the edges of pixels; the edges of
output pixels, which depend on the redshift, take C from a quintic Hermite polynomial whose slopes and curvatures at the
edges are 8th- and 6th-order combinations of the y_i. An output pixel is the difference of C at its two edges.

Where s gets smaller than NARROW the spectrum has structure within pixels and C is summed directly,

    C(E) = sum_j x_j [M(E - j; s_j) - M(E - j - 1; s_j)],   M(a; s) = max(a, 0) + s K(|a|/s),   K(u) = phi - u Phi(-u),

which at s = 0 is the exact rebinning of boxes. Where s jumps along the spectrum (templates joined from several sources)
the pieces are broadened separately. In both cases outputs are divided by the response to a spectrum of ones, as in
`sfhsim.instrument.broaden_and_rebin`, the exact reference for all of this; elsewhere it is 1 to (sigma_v / c)^2.

Who validates: `sfhsim.synthesis.broadening`, which also makes the tables; nothing is checked here. A galaxy is computed
by one thread in a fixed order, alone: its bytes depend on nothing else. Indices are unsigned, so that the compiler
need not look for negative ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from sfhsim.kernels.bits import fma
from sfhsim.kernels.elementary import log_double

BLOCK = 64  # outputs that share one expansion in s
NARROW = 1.25  # pixels
REACH = 4.9  # sigma: 1e-6 of the light is beyond
RAMP_END = 6.0
_F, _U = np.float32, np.uintp
_ONE, _TWO, _THREE, _FOUR = _U(1), _U(2), _U(3), _U(4)
_STRIDE = 16  # columns between readings of the LSF
_MARGIN = 6  # pixels computed on either side of the output grid: what the slopes at its ends need


class BroadeningTables(NamedTuple):
    """What the kernel knows about the grid, the LSF and the templates. Lengths are in pixels unless they end in _aa.

    ``first_edge_aa``, ``step_aa``: the grid of columns. ``template_variance`` (m,) float32, to be subtracted.
    ``pieces`` (k + 1,) intp: borders between columns where it jumps. ``lsf_variance_aa2`` (t,) float32 at the observed
    wavelengths lsf_first_aa + lsf_step_aa * i. ``log_first``, ``log_step``: ln s of the rows of ``weights`` (r, taps)
    float32, whose middle is n = 0. ``ramp`` (q,) float64: K(u) on [0, RAMP_END].
    """

    first_edge_aa: float
    step_aa: float
    template_variance: np.ndarray
    pieces: np.ndarray
    lsf_variance_aa2: np.ndarray
    lsf_first_aa: float
    lsf_step_aa: float
    log_first: float
    log_step: float
    weights: np.ndarray
    ramp: np.ndarray


@njit(cache=True, nogil=True)
def _fill_widths(first, kms_over_c, centre, lsf_first, lsf_step, lsf, scale, template, spread):
    """s of the columns first, first + 1, ..., a multiple of _STRIDE; ``centre``: wavelength of column 0 in steps.

    The variance of the LSF is read at every _STRIDE-th column and taken as linear between.
    """
    scale2, last, lower = scale * scale, lsf.size - 1.001, _F(0.0)
    for node in range(spread.size // _STRIDE + 1):
        at = min(max(lsf_first + (first + node * _STRIDE) * lsf_step, 0.0), last)
        i = _U(np.uint32(np.int32(at)))
        upper = _F(scale2 * (lsf[i] + (at - np.int32(at)) * (lsf[i + _ONE] - lsf[i])))
        if node > 0:
            begin, slope = _U((node - 1) * _STRIDE), (upper - lower) * _F(1.0 / _STRIDE)
            for k in range(_STRIDE):
                spread[begin + _U(k)] = lower + _F(np.int32(k)) * slope
        lower = upper
    dispersion, start = _F(kms_over_c), _F(centre + first)
    for k in range(spread.size):
        kinematic = dispersion * (start + _F(np.int32(k)))
        spread[k] = np.sqrt(max(kinematic * kinematic + spread[k] - template[k], _F(0.0)))


@njit(cache=True, nogil=True)
def _copy_held(source, first, out):
    """out[k] = source[first + k], held at the ends."""
    last = source.size - 1
    low, high = min(max(-first, 0), out.size), min(max(source.size - first, 0), out.size)
    for k in range(low):
        out[k] = source[0]
    if high > low:
        out[low:high] = source[first + low : first + high]
    for k in range(high, out.size):
        out[k] = source[last]


@njit(cache=True, nogil=True)
def _interpolate_weights(weights, at, inverse_s_step, first_tap, value, slope):
    """Cubic interpolation between four rows, and its derivative by s."""
    row = min(max(int(at), 1), weights.shape[0] - 3)
    t = min(max(at - row, -1.0), 2.0)
    a = _F(-t * (t - 1) * (t - 2) / 6)
    b = _F((t + 1) * (t - 1) * (t - 2) / 2)
    c = _F(-(t + 1) * t * (t - 2) / 2)
    d = _F((t + 1) * t * (t - 1) / 6)
    da = _F(-(3 * t * t - 6 * t + 2) / 6 * inverse_s_step)
    db = _F((3 * t * t - 4 * t - 1) / 2 * inverse_s_step)
    dc = _F(-(3 * t * t - 2 * t - 2) / 2 * inverse_s_step)
    dd = _F((3 * t * t - 1) / 6 * inverse_s_step)
    stop = first_tap + value.size
    w0, w1 = weights[row - 1, first_tap:stop], weights[row, first_tap:stop]
    w2, w3 = weights[row + 1, first_tap:stop], weights[row + 2, first_tap:stop]
    for n in range(value.size):
        value[n] = fma(a, w0[n], fma(b, w1[n], fma(c, w2[n], d * w3[n])))
        slope[n] = fma(da, w0[n], fma(db, w1[n], fma(dc, w2[n], dd * w3[n])))


@njit(cache=True, nogil=True)
def _correlate(x, dx, value, slope, out):
    """out[i] += sum_n value[n] x[i + n] + slope[n] dx[i + n] for BLOCK outputs; whole groups of four taps."""
    for group in range(value.size // 4):
        g = _FOUR * _U(group)
        v0, v1, v2, v3 = value[g], value[g + _ONE], value[g + _TWO], value[g + _THREE]
        s0, s1, s2, s3 = slope[g], slope[g + _ONE], slope[g + _TWO], slope[g + _THREE]
        for k in range(BLOCK):
            i = _U(k)
            j = i + g
            plain = fma(v0, x[j], fma(v1, x[j + _ONE], fma(v2, x[j + _TWO], fma(v3, x[j + _THREE], out[i]))))
            bent = fma(s0, dx[j], fma(s1, dx[j + _ONE], fma(s2, dx[j + _TWO], s3 * dx[j + _THREE])))
            out[i] = plain + bent


@njit(cache=True, nogil=True)
def _weigh_by_offset(x, spread, centre, out):
    for k in range(out.size):
        out[k] = x[k] * (spread[k] - centre)


@njit(cache=True, nogil=True)
def _broaden_piece(x, spread, start, stop, pad, tables_weights, log_first, log_step, work, means):
    """Add the light of the columns [start, stop) to ``means``; means[i] stands at x[i + pad]. x is 0 elsewhere."""
    middle = tables_weights.shape[1] // 2
    for first in range(0, means.size, BLOCK):
        low, high = min(max(first + pad, start), stop - 1), min(max(first + pad + BLOCK, start), stop - 1)
        centre = max(_F(0.5) * (spread[low] + spread[high]), _F(1e-3))
        reach = min(int(REACH * centre + 1.5), middle)
        if first + pad + BLOCK + reach < start or first + pad - reach >= stop:
            continue
        n_taps = 4 * ((2 * reach + 4) // 4)
        value, slope, dx = work[0, :n_taps], work[1, :n_taps], work[2, : BLOCK + n_taps]
        at = (log_double(np.float64(centre)) - log_first) / log_step
        _interpolate_weights(tables_weights, at, 1.0 / (log_step * centre), middle - reach, value, slope)
        begin = first + pad - reach
        near = x[begin : begin + BLOCK + n_taps]
        _weigh_by_offset(near, spread[begin : begin + BLOCK + n_taps], centre, dx)
        _correlate(near, dx, value, slope, means[first : first + BLOCK])


@njit(cache=True, nogil=True)
def _running_sum(means, total):
    """total[i] = sum of means[:i], float64; by fours, so that one addition does not wait for every other."""
    level = 0.0
    total[0] = 0.0
    for group in range(means.size // 4):
        g = _FOUR * _U(group)
        a = np.float64(means[g])
        b = a + means[g + _ONE]
        c = b + means[g + _TWO]
        d = c + means[g + _THREE]
        total[g + _ONE] = level + a
        total[g + _TWO] = level + b
        total[g + _THREE] = level + c
        level += d
        total[g + _FOUR] = level


@njit(cache=True, nogil=True)
def _edge_values(y, value, bend):
    """Value (8th order) and half the derivative (6th) at the edge before y[i + 4], from the means around it."""
    a, b = _F(533.0 / 840.0), _F(-139.0 / 840.0)
    c, d = _F(29.0 / 840.0), _F(-3.0 / 840.0)
    p, q, r = _F(245.0 / 360.0), _F(-25.0 / 360.0), _F(2.0 / 360.0)
    for k in range(value.size):
        i = _U(k)
        y0, y1, y2, y3 = y[i], y[i + _ONE], y[i + _TWO], y[i + _THREE]
        y4, y5, y6, y7 = y[i + _FOUR], y[i + _U(5)], y[i + _U(6)], y[i + _U(7)]
        value[i] = fma(a, y3 + y4, fma(b, y2 + y5, fma(c, y1 + y6, d * (y0 + y7))))
        bend[i] = fma(p, y4 - y3, fma(q, y5 - y2, r * (y6 - y1)))


@njit(cache=True, nogil=True)
def _quintics(y, value, bend, cubic, quartic, quintic):
    """The higher coefficients of C within the pixels from y[4] on."""
    for k in range(cubic.size):
        i = _U(k)
        d, g = value[i], bend[i]
        rest, turn = y[i + _FOUR] - d - g, value[i + _ONE] - d - g - g
        curve = bend[i + _ONE] - g
        cubic[i] = fma(_F(10.0), rest, fma(_F(-4.0), turn, curve))
        quartic[i] = fma(_F(7.0), turn, fma(_F(-15.0), rest, _F(-2.0) * curve))
        quintic[i] = fma(_F(6.0), rest, fma(_F(-3.0), turn, curve))


@njit(cache=True, nogil=True)
def _levels_between(edges_aa, per_aa, offset, total, value, bend, higher, level):
    """C at the output edges; total[0] is at position 0, value[0] and the others at position 4."""
    cubic, quartic, quintic = higher[0], higher[1], higher[2]
    for k in range(edges_aa.size):
        at = edges_aa[_U(k)] * per_aa - offset
        i = _U(np.uint32(np.int32(at)))
        t = _F(at - np.int32(at))
        e = i - _FOUR
        inside = fma(t, fma(t, fma(t, fma(t, quintic[e], quartic[e]), cubic[e]), bend[e]), value[e])
        level[_U(k)] = total[i] + t * inside


@njit(cache=True, nogil=True, error_model="numpy")
def _levels_summed(edges_aa, per_aa, offset, x, inverse, spread, reach, total, ramp, level, response):
    """C at the output edges where s is small, and that of a spectrum of ones; x[0] begins at position 0."""
    scale = (ramp.size - 1) / RAMP_END
    end = RAMP_END * (1.0 - 1e-12)
    for k in range(edges_aa.size):
        at = edges_aa[k] * per_aa - offset
        i = int(at)
        excess, excess_of_ones = 0.0, 0.0
        for j in range(i - reach[i // BLOCK], i + reach[i // BLOCK] + 1):
            jj = _U(j)
            u = min(abs(at - j) * inverse[jj], end) * scale
            v = min(abs(at - j - 1.0) * inverse[jj], end) * scale
            iu, iv = _U(np.uint32(np.int32(u))), _U(np.uint32(np.int32(v)))
            ku = fma(u - np.int32(u), ramp[iu + _ONE] - ramp[iu], ramp[iu])
            kv = fma(v - np.int32(v), ramp[iv + _ONE] - ramp[iv], ramp[iv])
            moved = spread[jj] * (ku - kv)
            excess = fma(np.float64(x[jj]), moved, excess)
            excess_of_ones += moved
        level[k] = total[i] + x[i] * (at - i) + excess
        response[k] = at + excess_of_ones


@njit(cache=True, nogil=True)
def _block_reach(spread, pad, reach):
    """Columns to look at on either side of each block; those of the pad are never asked for."""
    n = spread.size
    for b in range(reach.size):
        widest = _F(0.0)
        for k in range(max(b * BLOCK - pad, 0), min((b + 1) * BLOCK + pad, n)):
            widest = max(widest, spread[k])
        reach[b] = min(int(REACH * widest) + 1, pad - 1)


@njit(cache=True, nogil=True)
def _wide_levels(x, spread, first, pad, n_means, edges_aa, per_aa, offset, tables, work, level):
    means = np.zeros(n_means, dtype=np.float32)
    weights, log_first, log_step, n = tables.weights, tables.log_first, tables.log_step, x.size
    pieces = tables.pieces
    if pieces.size == 2:
        _broaden_piece(x, spread, 0, n, pad, weights, log_first, log_step, work, means)
    else:
        part = np.empty_like(x)
        for piece in range(pieces.size - 1):
            start = 0 if piece == 0 else min(max(pieces[piece] - first, 0), n)
            stop = n if piece == pieces.size - 2 else min(max(pieces[piece + 1] - first, 0), n)
            if stop > start:
                part[:] = _F(0.0)
                part[start:stop] = x[start:stop]
                _broaden_piece(part, spread, start, stop, pad, weights, log_first, log_step, work, means)
    total = np.empty(n_means + 1)
    _running_sum(means, total)
    value, bend = np.empty(n_means - 7, dtype=np.float32), np.empty(n_means - 7, dtype=np.float32)
    _edge_values(means, value, bend)
    higher = np.empty((3, n_means - 8), dtype=np.float32)
    _quintics(means, value, bend, higher[0], higher[1], higher[2])
    _levels_between(edges_aa, per_aa, offset + pad, total, value, bend, higher, level)


@njit(cache=True, nogil=True)
def _narrow_levels(x, spread, pad, edges_aa, per_aa, offset, ramp, level, response):
    total = np.empty(x.size + 1)
    _running_sum(x, total)
    inverse = np.empty(x.size)
    for k in range(x.size):
        inverse[k] = 1.0 / max(np.float64(spread[k]), 1e-9)
    reach = np.empty(x.size // BLOCK + 1, dtype=np.int64)
    _block_reach(spread, pad, reach)
    _levels_summed(edges_aa, per_aa, offset, x, inverse, spread, reach, total, ramp, level, response)


@njit(cache=True, nogil=True)
def _means_of_levels(level, inverse_width, out):
    for k in range(out.size):
        i = _U(k)
        out[i] = (level[i + _ONE] - level[i]) * inverse_width[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _ratio_of_levels(level, response, out):
    for k in range(out.size):
        out[k] = (level[k + 1] - level[k]) / (response[k + 1] - response[k])


@njit(cache=True, nogil=True)
def _smallest(values):
    low = values[0]
    for k in range(values.size):
        low = min(low, values[k])
    return low


@njit(cache=True, nogil=True)
def _broaden_galaxy(columns, kms_over_c, stretch, edges_aa, inverse_width_aa, tables, out):
    per_aa = 1.0 / (stretch * tables.step_aa)
    origin = tables.first_edge_aa / tables.step_aa
    n_edges = edges_aa.size
    pad = tables.weights.shape[1] // 2 + 4
    begin = int(edges_aa[0] * per_aa - origin) - _MARGIN
    end = int(edges_aa[n_edges - 1] * per_aa - origin) + _MARGIN
    n_means = BLOCK * ((end - begin) // BLOCK + 1)
    first = begin - pad
    n = n_means + 2 * pad + BLOCK
    n = _STRIDE * (n // _STRIDE + 1)
    x, template = np.empty(n, dtype=np.float32), np.empty(n, dtype=np.float32)
    spread = np.empty(n, dtype=np.float32)
    _copy_held(columns, first, x)
    _copy_held(tables.template_variance, first, template)
    lsf_step = tables.step_aa * stretch / tables.lsf_step_aa
    lsf_first = ((tables.first_edge_aa + 0.5 * tables.step_aa) * stretch - tables.lsf_first_aa) / tables.lsf_step_aa
    lsf = tables.lsf_variance_aa2
    _fill_widths(first, kms_over_c, origin + 0.5, lsf_first, lsf_step, lsf, per_aa, template, spread)
    level, response = np.empty(n_edges), np.empty(n_edges)
    work = np.empty((3, 2 * pad + BLOCK), dtype=np.float32)
    offset = origin + first
    if _smallest(spread[pad : pad + end - begin]) <= NARROW:
        _narrow_levels(x, spread, pad, edges_aa, per_aa, offset, tables.ramp, level, response)
        _ratio_of_levels(level, response, out)
        return
    _wide_levels(x, spread, first, pad, n_means, edges_aa, per_aa, offset, tables, work, level)
    if tables.pieces.size == 2:
        _means_of_levels(level, inverse_width_aa / per_aa, out)
    else:
        x[:] = _F(1.0)
        _wide_levels(x, spread, first, pad, n_means, edges_aa, per_aa, offset, tables, work, response)
        _ratio_of_levels(level, response, out)


@njit(cache=True, nogil=True, parallel=True)
def broaden_uniform(columns, kms_over_c, stretch, edges_aa, tables, out):
    """Broadened mean flux densities in the pixels of the spectrograph.

    ``columns`` (n, m) float32 on the grid of ``tables`` (a `BroadeningTables`); ``kms_over_c`` and ``stretch`` (1 + z),
    (n,) float64; ``edges_aa`` (n_out + 1,) float64 observed; ``out`` (n, n_out) float32 is filled.
    """
    inverse_width_aa = 1.0 / np.diff(edges_aa)
    for galaxy in prange(columns.shape[0]):
        _broaden_galaxy(
            columns[galaxy], kms_over_c[galaxy], stretch[galaxy], edges_aa, inverse_width_aa, tables, out[galaxy]
        )
