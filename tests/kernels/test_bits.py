"""Elementary functions that are arithmetic on the bits of numbers, against those of NumPy."""

import numpy as np
import pytest

from sfhsim.kernels import bits


def _over(function, values):
    return np.array([function(value) for value in values])


def test_exponential_in_single_precision():
    x = -np.geomspace(1e-6, 80.0, 500).astype(np.float32)
    expected = np.exp(x.astype(np.float64))
    assert (np.abs(_over(bits.exp_single, x) / expected - 1) <= 2e-7 * (1 - x)).all()
    assert bits.exp_single(np.float32(0.0)) == 1.0
    assert 0 <= bits.exp_single(np.float32(-1e6)) < 1e-37


def test_exponential_in_double_precision():
    x = -np.geomspace(1e-6, 700.0, 500)
    assert (np.abs(_over(bits.exp_double, x) / np.exp(x) - 1) <= 4e-15 * (1 - x)).all()
    assert bits.exp_double(0.0) == pytest.approx(1.0, rel=1e-15)
    assert 0 <= bits.exp_double(-1e6) < 1e-307


@pytest.mark.parametrize(
    ("function", "kind", "decades", "error"),
    [(bits.log_single, np.float32, 37, 2e-7), (bits.log_double, np.float64, 300, 4e-16)],
)
def test_logarithm(function, kind, decades, error):
    wide, near = np.logspace(-decades, decades, 1001), np.linspace(0.5, 2.0, 1001)
    x = np.concatenate([wide, near]).astype(kind)
    expected = np.log(x.astype(np.float64))
    assert (np.abs(_over(function, x) - expected) <= error * np.maximum(1.0, np.abs(expected))).all()
    assert function(kind(1.0)) == 0.0
