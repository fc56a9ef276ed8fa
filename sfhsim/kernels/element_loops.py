"""Loops of the elementary functions over arrays, with what lies beyond their domains: `sfhsim.elementary`.

One kernel serves all functions of one argument: it is loaded once, which takes longer than most of its uses. Arrays are
C-contiguous, float64 unless it says otherwise; nothing is checked.
"""

import math

import numpy as np
from numba import njit

from sfhsim.kernels import elementary as number

_SMALLEST = 2.2250738585072014e-308
FUNCTIONS = (
    *("exp", "exp10", "expm1", "log", "log10", "log1p", "arcsinh"),
    *("normal_cdf", "log_normal_cdf", "normal_quantile", "sin", "cos"),
)
_EXP, _EXP10, _EXPM1, _LOG, _LOG10, _LOG1P, _ARCSINH, _CDF, _LOG_CDF, _QUANTILE, _SIN, _COS = range(len(FUNCTIONS))


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
def _powers(function, x):
    if function == _EXP:
        return _exp(x)
    if function == _EXP10:
        return number.exp10_double(x) if abs(x) < 307.0 else _exp(x * number.LN10)
    return number.expm1_double(x) if abs(x) < 700.0 else _exp(x) - 1.0


@njit(cache=True, nogil=True)
def _logarithms(function, x):
    if function == _LOG:
        return _log(x)
    if function == _LOG10:
        return _log(x) * 0.4342944819032518
    if function == _LOG1P:
        return number.log1p_double(x) if x > -1.0 and x < 1e300 else _log(1.0 + x)
    return number.asinh_double(x) if abs(x) < 1e150 else x * math.inf


@njit(cache=True, nogil=True)
def _of_the_normal_distribution(function, x):
    if function == _CDF:
        return number.normal_cdf_double(x) if x == x else x
    if function == _LOG_CDF:
        if abs(x) < 1e150:
            return number.log_normal_cdf_double(x)
        return 0.0 if x > 0.0 else x
    if 0.0 < x < 1.0:
        return number.normal_quantile_double(x)
    return -math.inf if x == 0.0 else (math.inf if x == 1.0 else math.nan)


@njit(cache=True, nogil=True)
def apply(function, x, out):
    """Fill ``out`` (n,) with one of FUNCTIONS, by its number, of ``x`` (n,)."""
    if function <= _EXPM1:
        for j in range(x.size):
            out[j] = _powers(function, x[j])
    elif function <= _ARCSINH:
        for j in range(x.size):
            out[j] = _logarithms(function, x[j])
    elif function <= _QUANTILE:
        for j in range(x.size):
            out[j] = _of_the_normal_distribution(function, x[j])
    else:
        for j in range(x.size):
            out[j] = number.sine_cosine_double(x[j])[0 if function == _SIN else 1]


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
