"""Elementary functions that are arithmetic alone, against those of NumPy and SciPy."""

import numpy as np
import pytest
from scipy import special

from sfhsim import elementary
from sfhsim.kernels import bits
from sfhsim.kernels import elementary as number

EPSILON = 2.0**-52


def _over(function, values):
    return np.array([function(value) for value in values])


def test_exponential_in_single_precision():
    x = -np.geomspace(1e-6, 80.0, 500).astype(np.float32)
    expected = np.exp(x.astype(np.float64))
    assert (np.abs(_over(number.exp_single, x) / expected - 1) <= 2e-7 * (1 - x)).all()
    assert number.exp_single(np.float32(0.0)) == 1.0
    assert 0 <= number.exp_single(np.float32(-1e6)) < 1e-37


def test_logarithm_in_single_precision():
    x = np.concatenate([np.logspace(-37, 37, 1001), np.linspace(0.5, 2.0, 1001)]).astype(np.float32)
    expected = np.log(x.astype(np.float64))
    assert (np.abs(_over(number.log_single, x) - expected) <= 2e-7 * np.maximum(1.0, np.abs(expected))).all()
    assert number.log_single(np.float32(1.0)) == 0.0


WIDE = np.concatenate([-np.geomspace(1e-12, 600.0, 400), np.geomspace(1e-12, 600.0, 400)])
POSITIVE = np.concatenate([np.geomspace(1e-300, 1e300, 601), np.linspace(0.5, 2.0, 500)])


@pytest.mark.parametrize(
    ("name", "expected", "x", "error"),
    [
        ("exp", np.exp, WIDE, 2),
        ("exp10", lambda x: 10.0**x, WIDE / 2, 2),
        ("expm1", np.expm1, WIDE, 3),
        ("log", np.log, POSITIVE, 2),
        ("log10", np.log10, POSITIVE, 2),
        ("log1p", np.log1p, np.concatenate([-np.geomspace(1e-12, 0.999, 300), np.geomspace(1e-12, 1e9, 300)]), 3),
        ("arcsinh", np.arcsinh, WIDE, 3),
        ("normal_cdf", special.ndtr, np.linspace(-8.0, 8.0, 401), 40),
        ("log_normal_cdf", special.log_ndtr, np.linspace(-60.0, 4.0, 401), 150),
        ("normal_quantile", special.ndtri, np.concatenate([np.geomspace(1e-250, 0.4, 300), [0.6, 0.999]]), 16),
        ("sin", np.sin, np.linspace(-7.0, 7.0, 301), 3),
        ("cos", np.cos, np.linspace(-7.0, 7.0, 301), 3),
    ],
)
def test_functions_of_arrays(name, expected, x, error):
    function, reference = getattr(elementary, name), expected(x)
    found = function(x)
    scale = np.maximum(np.abs(reference), EPSILON if name in ("sin", "cos") else 0.0)
    assert (np.abs(found - reference) <= error * EPSILON * np.maximum(scale, 1e-320)).all()
    assert function(x.reshape(2, -1) if x.size % 2 == 0 else x[None, :]).ndim == 2
    assert isinstance(function(0.5), float)
    frozen = x.copy()
    frozen.setflags(write=False)
    np.testing.assert_array_equal(function(frozen), found)


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("name", ["exp", "exp10", "expm1", "log", "log10", "log1p", "arcsinh"])
def test_beyond_the_domain_as_numpy_has_it(name):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, -720.0, -1e5, 1e5, -1.0, -2.0])
    expected = 10.0**x if name == "exp10" else getattr(np, name)(x)
    np.testing.assert_allclose(getattr(elementary, name)(x), expected, rtol=1e-13)


def test_normal_distribution_beyond_its_domain():
    np.testing.assert_array_equal(elementary.normal_cdf([-np.inf, np.inf, np.nan]), [0.0, 1.0, np.nan])
    np.testing.assert_array_equal(elementary.log_normal_cdf([-np.inf, np.inf, np.nan]), [-np.inf, 0.0, np.nan])
    np.testing.assert_array_equal(
        elementary.normal_quantile([0.0, 1.0, 2.0, np.nan]), [-np.inf, np.inf, np.nan, np.nan]
    )


def test_geometric_numbers_end_where_they_should():
    found = elementary.geomspace(912.0, 3.0e4, 1001)
    np.testing.assert_allclose(found, np.geomspace(912.0, 3.0e4, 1001), rtol=16 * EPSILON)
    assert (found[0], found[-1]) == (912.0, 3.0e4)


@pytest.mark.parametrize("shape", [0.05, 0.3, 0.9, 1.0, 2.5, 20.0, 300.0])
def test_quantiles_of_the_gamma_distribution(shape):
    p = np.concatenate([np.geomspace(1e-15, 0.5, 60), 1 - np.geomspace(2.0**-50, 0.5, 60)])
    found, expected = elementary.log_gamma_quantile(shape, p), special.gammaincinv(shape, p)
    seen = expected > 1e-290
    np.testing.assert_allclose(np.exp(found[seen]), expected[seen], rtol=1e-12)
    small = (np.log(p[~seen]) + special.gammaln(shape + 1.0)) / shape
    np.testing.assert_allclose(found[~seen], small, rtol=1e-12)
    assert (np.diff(found[np.argsort(p, kind="stable")]) >= 0).all()


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.4), (1.0, 1.0), (2.0, 5.0), (50.0, 3.0), (0.05, 8.0), (200.0, 300.0)])
def test_quantiles_of_the_beta_distribution(a, b):
    p = np.concatenate([np.geomspace(1e-12, 0.5, 60), 1 - np.geomspace(1e-12, 0.5, 60)])
    found = elementary.beta_quantile(a, b, p)
    np.testing.assert_allclose(found, special.betaincinv(a, b, p), rtol=1e-11, atol=1e-14)
    assert ((found >= 0) & (found <= 1)).all()


def test_a_fused_product_is_rounded_once():
    tiny = 2.0**-52
    assert bits.sum_of_products(np.array([1.0 + tiny]), np.array([1.0 + tiny])) == (1.0 + tiny) ** 2
    from numba import njit

    @njit
    def lost(x):
        return bits.fma(x, x, -(x * x))

    assert lost(1.0 + tiny) == tiny * tiny


def test_sums_of_products_add_every_term_once():
    rng = np.random.default_rng(3)
    for n in (0, 1, 7, 8, 9, 100):
        a, b = rng.integers(-9, 9, n).astype(np.float32), rng.integers(-9, 9, n).astype(np.float64)
        assert bits.sum_of_products(a, b) == np.sum(a * b)
