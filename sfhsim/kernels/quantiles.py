"""Quantiles of the gamma and beta distributions in arithmetic alone: the same bits on every machine.

Both are found by Newton's method in a variable where ln F is concave, so that it cannot miss: y = ln x for the gamma
distribution, t = ln(x/(1 - x)) for the beta. Of F and 1 - F the smaller is inverted. F comes from its series or its
continued fraction (Abramowitz & Stegun 1964, 6.5.29, 6.5.31 and 26.5.8), evaluated by Lentz's method.

The callers validate: shapes are positive and finite, probabilities in (0, 1).
"""

import math

import numpy as np
from numba import njit

from sfhsim.kernels.elementary import exp_double, log1p_double, log_double, log_gamma_double

_MOST = 100_000
_EPSILON, _TINY = 1e-16, 1e-290
_CLOSE = 1e-9  # of the last step: it leaves the square of it


@njit(cache=True, nogil=True, error_model="numpy")
def _log_lower_gamma(a, y, log_gamma_a):
    """ln P(a, x) and ln Q(a, x), the regularised incomplete gamma functions, at x = exp(y)."""
    x = exp_double(y)
    log_front = a * y - x - log_gamma_a
    if x < a + 1.0:
        term = total = 1.0 / a
        for k in range(1, _MOST):
            term *= x / (a + k)
            total += term
            if term < total * _EPSILON:
                break
        log_p = log_front + log_double(total)
        return log_p, log1p_double(-min(exp_double(log_p), 1.0 - 1.2e-16))
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    h = d
    for k in range(1, _MOST):
        an = -k * (k - a)
        b += 2.0
        d = an * d + b
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = b + an / c
        c = c if abs(c) > _TINY else _TINY
        h *= d * c
        if abs(d * c - 1.0) < 5.0 * _EPSILON:
            break
    log_q = log_front + log_double(max(h, _TINY))
    return log1p_double(-min(exp_double(log_q), 1.0 - 1.2e-16)), log_q


@njit(cache=True, nogil=True, error_model="numpy")
def log_gamma_quantile(a, p, out):
    """Fill ``out`` (n,) with ln x where P(a, x) = ``p`` (n,); the logarithm, for x underflows when a is small."""
    log_gamma_a = log_gamma_double(a)
    for i in range(p.size):
        lower = p[i] <= 0.5
        log_target = log_double(p[i] if lower else 1.0 - p[i])
        # P <= x^a / Gamma(a + 1): never above the root
        y = (log_double(p[i]) + log_gamma_a + log_double(a)) / a
        for _ in range(200):
            log_p, log_q = _log_lower_gamma(a, max(y, -700.0), log_gamma_a)
            if y < -40.0:  # P is its first term
                break
            log_f = log_p if lower else log_q
            slope = exp_double(a * y - exp_double(y) - log_gamma_a - log_f)
            step = (log_target - log_f) / (slope if lower else -slope)
            y += step if lower else min(max(step, -1.0), 1.0)  # ln Q is flat on the left: one step may go too far
            if abs(step) <= _CLOSE:
                break
        out[i] = y


@njit(cache=True, nogil=True, error_model="numpy")
def _beta_fraction(a, b, x):
    """The continued fraction of I_x(a, b), for x < (a + 1)/(a + b + 2)."""
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    h = d
    for k in range(1, _MOST):
        for half in range(2):
            if half == 0:
                term = k * (b - k) * x / ((a + 2.0 * k - 1.0) * (a + 2.0 * k))
            else:
                term = -(a + k) * (a + b + k) * x / ((a + 2.0 * k) * (a + 2.0 * k + 1.0))
            d = 1.0 + term * d
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = 1.0 + term / c
            c = c if abs(c) > _TINY else _TINY
            h *= d * c
        if abs(d * c - 1.0) < 5.0 * _EPSILON:
            break
    return h


@njit(cache=True, nogil=True, error_model="numpy")
def _log_beta_parts(a, b, t, log_beta):
    """ln I_x(a, b), ln(1 - I_x(a, b)), and ln of dI/dt, at x = 1/(1 + exp(-t))."""
    small = exp_double(-abs(t))
    log_x = -log1p_double(small) + min(t, 0.0)
    log_rest = -log1p_double(small) - max(t, 0.0)
    x = exp_double(log_x)
    log_front = a * log_x + b * log_rest - log_beta
    if x < (a + 1.0) / (a + b + 2.0):
        log_f = log_front + log_double(_beta_fraction(a, b, x) / a)
        return log_f, log1p_double(-min(exp_double(log_f), 1.0 - 1.2e-16)), log_front
    log_s = log_front + log_double(_beta_fraction(b, a, exp_double(log_rest)) / b)
    return log1p_double(-min(exp_double(log_s), 1.0 - 1.2e-16)), log_s, log_front


@njit(cache=True, nogil=True, error_model="numpy")
def beta_quantile(a, b, p, out):
    """Fill ``out`` (n,) with x where I_x(a, b) = ``p`` (n,)."""
    log_beta = log_gamma_double(a) + log_gamma_double(b) - log_gamma_double(a + b)
    for i in range(p.size):
        lower = p[i] <= 0.5
        log_target = log_double(p[i] if lower else 1.0 - p[i])
        t = log_double(a) - log_double(b)
        for _ in range(200):
            log_f, log_s, log_front = _log_beta_parts(a, b, t, log_beta)
            log_part = log_f if lower else log_s
            step = (log_target - log_part) / exp_double(min(log_front - log_part, 700.0))
            step = min(max(step if lower else -step, -3.0), 3.0)
            t = min(max(t + step, -700.0), 700.0)
            if abs(step) <= _CLOSE:
                break
        out[i] = 1.0 / (1.0 + exp_double(-t)) if t > -700.0 else 0.0
        if math.isnan(t):
            out[i] = np.nan
