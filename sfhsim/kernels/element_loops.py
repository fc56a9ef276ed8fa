"""Loops of the elementary functions over arrays, with what lies beyond their domains: `sfhsim.elementary`.

Each takes ``x`` (n,) and ``out`` (n,), C-contiguous float64; nothing is checked.
"""

import math

import numpy as np
from numba import njit

from sfhsim.kernels import elementary as number

_SMALLEST = 2.2250738585072014e-308


@njit(cache=True, nogil=True)
def _exp(x):
    if x > 709.782712893384 or math.isnan(x):
        return x * math.inf if x == x else x
    if x > -708.0:
        return number.exp_double(x)
    half = number.exp_double(0.5 * max(x, -800.0))  # down to the subnormal numbers, then 0
    return half * half


@njit(cache=True, nogil=True)
def _log(x):
    if x >= _SMALLEST and x < math.inf:
        return number.log_double(x)
    if x > 0.0 and x < math.inf:  # subnormal
        return number.log_double(x * 2.0**54) - 37.42994775023705
    if x == 0.0:
        return -math.inf
    return x if x > 0.0 else math.nan


@njit(cache=True, nogil=True)
def exp(x, out):
    for j in range(x.size):
        out[j] = _exp(x[j])


@njit(cache=True, nogil=True)
def exp10(x, out):
    for j in range(x.size):
        out[j] = number.exp10_double(x[j]) if abs(x[j]) < 307.0 else _exp(x[j] * number.LN10)


@njit(cache=True, nogil=True)
def expm1(x, out):
    for j in range(x.size):
        out[j] = number.expm1_double(x[j]) if abs(x[j]) < 700.0 else _exp(x[j]) - 1.0


@njit(cache=True, nogil=True)
def log(x, out):
    for j in range(x.size):
        out[j] = _log(x[j])


@njit(cache=True, nogil=True)
def log10(x, out):
    for j in range(x.size):
        out[j] = _log(x[j]) * 0.4342944819032518


@njit(cache=True, nogil=True)
def log1p(x, out):
    for j in range(x.size):
        out[j] = number.log1p_double(x[j]) if x[j] > -1.0 and x[j] < 1e300 else _log(1.0 + x[j])


@njit(cache=True, nogil=True)
def arcsinh(x, out):
    for j in range(x.size):
        out[j] = number.asinh_double(x[j]) if abs(x[j]) < 1e150 else x[j] * math.inf


@njit(cache=True, nogil=True)
def normal_cdf(x, out):
    for j in range(x.size):
        out[j] = number.normal_cdf_double(x[j]) if x[j] == x[j] else x[j]


@njit(cache=True, nogil=True)
def log_normal_cdf(x, out):
    for j in range(x.size):
        if abs(x[j]) < 1e150:
            out[j] = number.log_normal_cdf_double(x[j])
        else:
            out[j] = 0.0 if x[j] > 0.0 else x[j]


@njit(cache=True, nogil=True)
def normal_quantile(x, out):
    for j in range(x.size):
        if 0.0 < x[j] < 1.0:
            out[j] = number.normal_quantile_double(x[j])
        else:
            out[j] = -math.inf if x[j] == 0.0 else (math.inf if x[j] == 1.0 else math.nan)


@njit(cache=True, nogil=True)
def sin(x, out):
    for j in range(x.size):
        out[j] = number.sine_cosine_double(x[j])[0]


@njit(cache=True, nogil=True)
def cos(x, out):
    for j in range(x.size):
        out[j] = number.sine_cosine_double(x[j])[1]


@njit(cache=True, nogil=True)
def single_powers(log_base, exponent, out):
    """Fill ``out`` (n, m) with exp(exponent_i log_base_j), all float32."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = number.exp_single(exponent[i] * log_base[j])


@njit(cache=True, nogil=True)
def single_transmissions(tau, curve, out):
    """Fill ``out`` (n, m) with exp(-tau_i k_ij), all float32; ``curve`` (1 or n, m)."""
    for i in range(out.shape[0]):
        k = curve[0] if curve.shape[0] == 1 else curve[i]
        for j in range(out.shape[1]):
            out[i, j] = number.exp_single(np.float32(-tau[i] * k[j]))
