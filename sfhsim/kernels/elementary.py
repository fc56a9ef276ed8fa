"""Elementary functions that are arithmetic alone: the same bits on every machine, and loops over them vectorise.

The functions of a mathematical library round differently from one version, and one processor, to the next. Here

    exp x = 2^n e^r,  n = round(x / ln 2);      ln x = e ln 2 + ln m,  ln m = 2 artanh s,  s = (m - 1)/(m + 1)
    erfc x = exp(-x^2) E(t) / (1 + 2 x),  t = (x - 3.75)/(x + 3.75),  for x > 0

with polynomials for e^r, artanh and E whose coefficients stand here as numbers; e^r and 2^r interpolate at Chebyshev
nodes, E is the Chebyshev series of erfcx(x) (1 + 2 x) (Shepherd & Laframboise 1981, Math. Comp. 36, 249, give the
method), all computed with 40 digits. Relative errors: `exp_single` 2e-7 (1 + |x|), `log_single` 2e-7 max(1, |ln x|),
those in double precision a few times 1e-16, of `power_double` and of the tails of `erfc_double` that of its exponent.

The callers see to it that arguments of the logarithms are positive and normal, and those of the exponentials below 88
and 709. Exponentials stop falling at the smallest normal number.
"""

import numpy as np
from numba import njit

from sfhsim.kernels.bits import bits_of_double, bits_of_single, double_of_bits, fma, single_of_bits

_F = np.float32
_LOG2E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # ln 2 to 32 bits, and the rest
_LOG10E = 0.4342944819032518
LN10, _LN10_LOW = 2.302585092994046, -2.1707562233822494e-16
_SQRT2 = 1.4142135623730951
_SQRT_HALF = 0.7071067811865476
_ONE, _HALF, _TWO = _F(1.0), _F(0.5), _F(2.0)
_LOG2E_F, _LN2_F, _SQRT2_F = _F(_LOG2E), _F(0.6931471805599453), _F(_SQRT2)

# 2^r, |r| <= 1/2
_A0, _A1, _A2, _A3, _A4, _A5, _A6 = (
    _F(c)
    for c in (
        1.0,
        0.6931472067028326,
        0.24022650922288757,
        0.05550327226670302,
        0.009618056678524637,
        0.0013400428177615838,
        0.0001546144469856913,
    )
)
# e^r, |r| <= ln 2 / 2, from r^2 on
_E2, _E3, _E4, _E5, _E6 = (
    0.5000000000000019,
    0.1666666666666668,
    0.0416666666664881,
    0.008333333333319601,
    0.0013888888952314775,
)
_E7, _E8, _E9, _E10, _E11 = (
    0.00019841269890047113,
    2.4801485482328494e-05,
    2.755724091857897e-06,
    2.763263963904103e-07,
    2.5110037605963777e-08,
)
_ERFCX = (
    1.1775789345674017,
    -0.004590054580646478,
    -0.08424913336651792,
    0.05920993999819189,
    -0.026658668435305753,
    0.009074997670705265,
    -0.002413163540417608,
    0.0004907758365258086,
    -6.916973302501207e-05,
    4.13902798607301e-06,
    7.74038306619849e-07,
    -2.1886401049234397e-07,
    1.076499946567091e-08,
    4.521959811218287e-09,
    -7.754400208831351e-10,
    -6.318088340886684e-11,
    2.86879501093067e-11,
    1.9455868545777347e-13,
    -9.65469674843344e-13,
    3.25254814814874e-14,
    3.3478119482868056e-14,
    -1.864562880419313e-15,
    -1.2507950530688648e-15,
    7.418235256624044e-17,
    5.068148904796111e-17,
)
# of ln((1 + s)/(1 - s)) / s - 2 in s^2, |s| <= 0.1716 for a mantissa within a factor sqrt 2 of 1
_B1, _B2, _B3 = _F(2 / 3), _F(2 / 5), _F(2 / 7)
_SINGLE_MANTISSA, _SINGLE_ONE = np.int32(0x007FFFFF), np.int32(0x3F800000)
_DOUBLE_MANTISSA, _DOUBLE_ONE = np.int64(0x000FFFFFFFFFFFFF), np.int64(0x3FF0000000000000)


@njit(cache=True, nogil=True)
def exp_single(x):
    """exp(x) of a float32."""
    y = max(x * _LOG2E_F, _F(-126.0))
    whole = np.floor(y + _HALF)
    r = y - whole
    power = single_of_bits(np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)))
    series = fma(r, fma(r, fma(r, fma(r, fma(r, fma(r, _A6, _A5), _A4), _A3), _A2), _A1), _A0)
    return power * series


@njit(cache=True, nogil=True, error_model="numpy")
def log_single(x):
    """ln(x) of a positive normal float32."""
    bits = bits_of_single(x)
    mantissa = single_of_bits(np.int32((bits & _SINGLE_MANTISSA) | _SINGLE_ONE))
    exponent = _F(np.int32(bits >> np.int32(23)) - np.int32(127))
    high = mantissa > _SQRT2_F
    mantissa = _HALF * mantissa if high else mantissa
    exponent = exponent + _ONE if high else exponent
    s = (mantissa - _ONE) / (mantissa + _ONE)
    q = s * s
    series = fma(q, fma(q, fma(q, _B3, _B2), _B1), _TWO)
    return fma(exponent, _LN2_F, s * series)


@njit(cache=True, nogil=True)
def exp_double(x):
    """exp(x) of a float64."""
    x = max(x, -708.0)
    whole = np.floor(fma(x, _LOG2E, 0.5))
    r = fma(-whole, _LN2_LOW, fma(-whole, _LN2_HIGH, x))
    power = double_of_bits((np.int64(np.int32(whole)) + np.int64(1023)) << np.int64(52))
    high = fma(r, fma(r, fma(r, fma(r, _E11, _E10), _E9), _E8), _E7)
    series = fma(r, fma(r, fma(r, fma(r, fma(r, high, _E6), _E5), _E4), _E3), _E2)
    return power * (1.0 + fma(r * r, series, r))


@njit(cache=True, nogil=True, error_model="numpy")
def log_double(x):
    """ln(x) of a positive normal float64."""
    bits = bits_of_double(x)
    mantissa = double_of_bits((bits & _DOUBLE_MANTISSA) | _DOUBLE_ONE)
    exponent = np.float64(np.int32(bits >> np.int64(52))) - 1023.0
    high = mantissa > _SQRT2
    mantissa = 0.5 * mantissa if high else mantissa
    exponent = exponent + 1.0 if high else exponent
    f = mantissa - 1.0
    s = f / (mantissa + 1.0)
    q = s * s
    high_terms = fma(q, fma(q, fma(q, 2 / 19, 2 / 17), 2 / 15), 2 / 13)
    series = q * fma(q, fma(q, fma(q, fma(q, fma(q, high_terms, 2 / 11), 2 / 9), 2 / 7), 2 / 5), 2 / 3)
    # 2 s = f - s f, and f is exact
    return fma(exponent, _LN2_HIGH, f - fma(s, f - series, -exponent * _LN2_LOW))


@njit(cache=True, nogil=True)
def log10_double(x):
    """log10(x) of a positive normal float64."""
    return log_double(x) * _LOG10E


@njit(cache=True, nogil=True)
def exp10_double(x):
    """10^x of a float64; the rounding of x ln 10 is made good."""
    y = x * LN10
    lost = fma(x, LN10, -y) + x * _LN10_LOW
    return exp_double(y) * (1.0 + lost)


@njit(cache=True, nogil=True, error_model="numpy")
def log1p_double(x):
    """ln(1 + x) of a float64 above -1."""
    u = 1.0 + x
    return log_double(u) + (x - (u - 1.0)) / u


@njit(cache=True, nogil=True)
def expm1_double(x):
    """exp(x) - 1 of a float64."""
    if abs(x) > 0.34:
        return exp_double(x) - 1.0
    high = fma(x, fma(x, fma(x, fma(x, _E11, _E10), _E9), _E8), _E7)
    series = fma(x, fma(x, fma(x, fma(x, fma(x, high, _E6), _E5), _E4), _E3), _E2)
    return fma(x * x, series, x)


@njit(cache=True, nogil=True)
def power_double(x, y):
    """x^y of a float64 x that is positive."""
    return exp_double(y * log_double(x))


@njit(cache=True, nogil=True)
def asinh_double(x):
    """asinh(x) of a float64."""
    y = abs(x)
    q = y * y
    u = log1p_double(y + q / (1.0 + np.sqrt(q + 1.0)))
    return u if x >= 0.0 else -u


@njit(cache=True, nogil=True, error_model="numpy")
def erfcx_double(x):
    """exp(x^2) erfc(x) of a float64 x >= 0."""
    t = (x - 3.75) / (x + 3.75)
    twice, one, two = 2.0 * t, 0.0, 0.0
    for k in range(len(_ERFCX) - 1, 0, -1):
        one, two = fma(twice, one, _ERFCX[k] - two), one
    return (fma(t, one, _ERFCX[0]) - two) / (1.0 + 2.0 * x)


@njit(cache=True, nogil=True)
def exp_of_minus_square(x):
    """exp(-x^2) of a float64; the rounding of x^2 is made good."""
    square = x * x
    return exp_double(-square) * (1.0 - fma(x, x, -square))


@njit(cache=True, nogil=True)
def erfc_double(x):
    """1 - erf(x) of a float64; 0 from 26.5 on."""
    y = min(abs(x), 30.0)
    tail = exp_of_minus_square(y) * erfcx_double(y) if y < 26.5 else 0.0
    return tail if x >= 0.0 else 2.0 - tail


@njit(cache=True, nogil=True)
def normal_cdf_double(x):
    """Phi(x) of a float64."""
    return 0.5 * erfc_double(-x * _SQRT_HALF)


@njit(cache=True, nogil=True, error_model="numpy")
def log_normal_cdf_double(x):
    """ln Phi(x) of a float64, also where Phi is too small for one."""
    if x > 0.0:
        return log1p_double(-normal_cdf_double(-x))
    if x > -1.0:
        return log_double(normal_cdf_double(x))
    y = -x * _SQRT_HALF
    return log_double(0.5 * erfcx_double(y)) - y * y


@njit(cache=True, nogil=True, error_model="numpy")
def normal_quantile_double(p):
    """Phi^-1(p) of a float64 in (0, 1): two of Halley's steps from Abramowitz & Stegun (1964), 26.2.23."""
    tail = min(p, 1.0 - p)
    t = np.sqrt(-2.0 * log_double(max(tail, 1e-300)))
    above = fma(t, fma(t, 0.010328, 0.802853), 2.515517)
    below = fma(t, fma(t, fma(t, 0.001308, 0.189269), 1.432788), 1.0)
    x = min(above / below - t, 0.0)
    for _ in range(2):
        # (Phi(x) - tail)/phi(x), with erfcx so that nothing underflows
        density = exp_of_minus_square(x * _SQRT_HALF) * 0.3989422804014327
        step = (normal_cdf_double(x) - tail) / density
        x -= step / (1.0 + 0.5 * x * step)
    return x if p <= 0.5 else -x


@njit(cache=True, nogil=True)
def sine_cosine_double(x):
    """sin(x), cos(x) of a float64 within a few turns of 0."""
    quarter = np.floor(fma(x, 0.6366197723675814, 0.5))
    r = fma(-quarter, 6.123233995736766e-17, fma(-quarter, 1.5707963267948966, x))
    q = r * r
    s, c = 0.0, 0.0
    for k in range(10, 0, -1):  # Taylor: |r| <= pi/4
        s = fma(-q / ((2.0 * k) * (2.0 * k + 1.0)), s, -q / ((2.0 * k) * (2.0 * k + 1.0)))
        c = fma(-q / ((2.0 * k - 1.0) * (2.0 * k)), c, -q / ((2.0 * k - 1.0) * (2.0 * k)))
    sine, cosine = fma(r, s, r), 1.0 + c
    turn = int(quarter) & 3
    if turn == 0:
        return sine, cosine
    if turn == 1:
        return cosine, -sine
    if turn == 2:
        return -sine, -cosine
    return -cosine, sine


@njit(cache=True, nogil=True)
def log_gamma_double(x):
    """ln Gamma(x) of a float64 x > 0: Stirling's series above 10."""
    shift = 1.0
    while x < 10.0:
        shift *= x
        x += 1.0
    inverse = 1.0 / x
    q = inverse * inverse
    high = fma(q, fma(q, fma(q, 1 / 156, -691 / 360360), 1 / 1188), -1 / 1680)
    series = inverse * fma(q, fma(q, fma(q, high, 1 / 1260), -1 / 360), 1 / 12)
    return (x - 0.5) * log_double(x) - x + 0.9189385332046728 + series - log_double(shift)
