"""Elementary functions of arrays with the same bits on every machine.

NumPy, SciPy and the C library choose among implementations by processor and version, and these differ in their last
bits. All that decides a record goes through these instead: `sfhsim.kernels.elementary` for numbers, made into functions
of arrays here. Each takes a number or an array of any shape and gives float64 of that shape; beyond the domain it gives
NaN or infinities as NumPy does, without a warning. A dust law or a history of your own that uses them gives the same
records everywhere, too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial, wraps

import numpy as np
from numpy.typing import ArrayLike


def _over_arrays(function: Callable) -> Callable:
    """The function of arrays for the kernel's of that name; Numba is imported when it is first called."""

    @cache
    def kernel() -> Callable[[np.ndarray, np.ndarray], None]:
        from sfhsim.kernels.element_loops import FUNCTIONS, apply

        return partial(apply, FUNCTIONS.index(function.__name__))

    @wraps(function)
    def of_array(x: ArrayLike):
        x = np.array(x, dtype=np.float64, order="C")  # a copy: Numba compiles anew for read-only arrays
        out = np.empty(x.shape)
        kernel()(x.reshape(-1), out.reshape(-1))
        return out if out.ndim else out[()]

    return of_array


@_over_arrays
def exp(x):
    """exp(x)."""


@_over_arrays
def exp10(x):
    """10^x."""


@_over_arrays
def expm1(x):
    """exp(x) - 1, exact for small x."""


@_over_arrays
def log(x):
    """ln x."""


@_over_arrays
def log10(x):
    """log10 x."""


@_over_arrays
def log1p(x):
    """ln(1 + x), exact for small x."""


@_over_arrays
def arcsinh(x):
    """asinh(x)."""


@_over_arrays
def normal_cdf(x):
    """Phi(x), the cumulative probability of the standard normal distribution."""


@_over_arrays
def log_normal_cdf(x):
    """ln Phi(x), also where Phi(x) is too small for a number."""


@_over_arrays
def normal_quantile(x):
    """Phi^-1 of a probability."""


@_over_arrays
def sin(x):
    """sin(x), for a few turns."""


@_over_arrays
def cos(x):
    """cos(x), for a few turns."""


def power(x: ArrayLike, exponent: ArrayLike):
    """x^exponent for x > 0, by its logarithm; shapes broadcast."""
    return exp(np.multiply(exponent, log(x)))


def geomspace(low: float, high: float, n: int) -> np.ndarray:
    """n numbers from low to high with equal ratios; the ends are exact."""
    start, stop = log([low, high])
    out = exp(np.linspace(start, stop, n))
    out[0], out[-1] = low, high
    return out


def log_gamma_quantile(shape: float, probability: ArrayLike) -> np.ndarray:
    """ln x where the gamma distribution of this shape has cumulative ``probability``, in (0, 1)."""
    from sfhsim.kernels.quantiles import log_gamma_quantile as kernel

    p = np.array(probability, dtype=np.float64, order="C")
    out = np.empty(p.shape)
    kernel(float(shape), p.reshape(-1), out.reshape(-1))
    return out


def beta_quantile(a: float, b: float, probability: ArrayLike) -> np.ndarray:
    """x where the beta distribution of shapes a and b has cumulative ``probability``, in (0, 1)."""
    from sfhsim.kernels.quantiles import beta_quantile as kernel

    p = np.array(probability, dtype=np.float64, order="C")
    out = np.empty(p.shape)
    kernel(float(a), float(b), p.reshape(-1), out.reshape(-1))
    return out
