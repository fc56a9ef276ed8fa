"""Star formation rates as ProSpect evaluates them; the caller, `sfhsim.histories.prospect`, validates."""

import math

from numba import njit

from sfhsim.kernels.elementary import asinh_double, erfc_double, exp_double

SQRT_HALF = math.sqrt(0.5)


@njit(cache=True, nogil=True)
def prospect_sfr(t, peak, period, skewness, burst, cut, width):
    """ProSpect's skewed normal at one time, with a ``burst`` that is on, truncated unless ``width`` is 0."""
    x = (t - peak) / period
    y = x * exp_double(skewness * asinh_double(x))
    value = exp_double(-0.5 * y * y) + burst
    return value * (1.0 - 0.5 * erfc_double((cut - t) / width * SQRT_HALF)) if width > 0.0 else value
