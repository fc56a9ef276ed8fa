"""The bits of a floating-point number as an integer and back, and the elementary functions that are made of them.

exp(x) = 2^n 2^r and ln(x) = ln(m) + e ln 2 are arithmetic and shifts alone, so that a loop over them runs on vector
registers, which a call of the mathematical library's does not. Relative error of `exp_single` 2e-7 (1 + |x|), of
`exp_double` 4e-15 (1 + |x|); error of `log_double` 4e-16 max(1, |ln x|), and that of `log_single` 2e-7 max(1, |ln x|).

The callers see to it that arguments of the logarithm are positive and normal, and those of the exponential below 88 and
709. It stops falling at the smallest normal number.
"""

import math

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_F = np.float32
_LOG2E, _LN2 = math.log2(math.e), math.log(2.0)


def _reinterpreting(source, target):
    """An intrinsic that reads the bits of a number of one type as one of another."""

    @intrinsic
    def reinterpret(typing_context, number):
        def generate(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return (target(source), generate) if number == source else None

    return reinterpret


bits_of_single = _reinterpreting(types.float32, types.int32)
single_of_bits = _reinterpreting(types.int32, types.float32)
bits_of_double = _reinterpreting(types.float64, types.int64)
double_of_bits = _reinterpreting(types.int64, types.float64)


def _interpolant(function, low: float, high: float, degree: int) -> list[float]:
    """Coefficients of the polynomial through ``function`` at the Chebyshev nodes of [low, high], constant first."""
    node = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    x = 0.5 * (low + high) + 0.5 * (high - low) * node
    return np.polynomial.polynomial.polyfit(x, function(x), degree).tolist()


_E0, _E1, _E2, _E3, _E4, _E5, _E6 = (_F(c) for c in _interpolant(np.exp2, -0.5, 0.5, 6))
_ONE, _HALF, _SQRT2 = _F(1.0), _F(0.5), _F(math.sqrt(2.0))
# ln((1 + s)/(1 - s)) = 2 s (1 + s^2/3 + s^4/5 + ...), |s| <= 0.1716 for a mantissa within a factor sqrt 2 of 1
_SINGLE_MANTISSA, _SINGLE_ONE = np.int32(0x007FFFFF), np.int32(0x3F800000)
_DOUBLE_MANTISSA, _DOUBLE_ONE = np.int64(0x000FFFFFFFFFFFFF), np.int64(0x3FF0000000000000)


@njit(cache=True, nogil=True, fastmath={"contract"})
def exp_single(x):
    """exp(x) of a float32."""
    y = max(x * _F(_LOG2E), _F(-126.0))
    whole = np.floor(y + _HALF)
    r = y - whole
    power = single_of_bits(np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)))
    return power * (_E0 + r * (_E1 + r * (_E2 + r * (_E3 + r * (_E4 + r * (_E5 + r * _E6))))))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def log_single(x):
    """ln(x) of a positive normal float32."""
    bits = bits_of_single(x)
    mantissa = single_of_bits(np.int32((bits & _SINGLE_MANTISSA) | _SINGLE_ONE))
    exponent = _F(np.int32(bits >> np.int32(23)) - np.int32(127))
    high = mantissa > _SQRT2
    mantissa = _HALF * mantissa if high else mantissa
    exponent = exponent + _ONE if high else exponent
    s = (mantissa - _ONE) / (mantissa + _ONE)
    q = s * s
    series = _F(2.0) + q * (_F(2 / 3) + q * (_F(2 / 5) + q * _F(2 / 7)))
    return exponent * _F(_LN2) + s * series


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def log_double(x):
    """ln(x) of a positive normal float64."""
    bits = bits_of_double(x)
    mantissa = double_of_bits((bits & _DOUBLE_MANTISSA) | _DOUBLE_ONE)
    exponent = np.float64(np.int32(bits >> np.int64(52))) - 1023.0
    high = mantissa > math.sqrt(2.0)
    mantissa = 0.5 * mantissa if high else mantissa
    exponent = exponent + 1.0 if high else exponent
    s = (mantissa - 1.0) / (mantissa + 1.0)
    q = s * s
    high_terms = q * (2 / 13 + q * (2 / 15 + q * (2 / 17 + q * (2 / 19))))
    series = 2.0 + q * (2 / 3 + q * (2 / 5 + q * (2 / 7 + q * (2 / 9 + q * (2 / 11 + high_terms)))))
    return exponent * _LN2 + s * series


_D = _interpolant(np.exp2, -0.5, 0.5, 11)
_D0, _D1, _D2, _D3, _D4, _D5, _D6, _D7, _D8, _D9, _D10, _D11 = _D


@njit(cache=True, nogil=True, fastmath={"contract"})
def exp_double(x):
    """exp(x) of a float64."""
    y = max(x * _LOG2E, -1022.0)
    whole = np.floor(y + 0.5)
    r = y - whole
    power = double_of_bits((np.int64(np.int32(whole)) + np.int64(1023)) << np.int64(52))
    high = r * (_D6 + r * (_D7 + r * (_D8 + r * (_D9 + r * (_D10 + r * _D11)))))
    return power * (_D0 + r * (_D1 + r * (_D2 + r * (_D3 + r * (_D4 + r * (_D5 + high))))))
