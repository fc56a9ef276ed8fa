"""Mixing kernels against readable NumPy twins."""

import numpy as np
import pytest
from numba import njit

from sfhsim.kernels.mixing import BLOCK, mix, mix_between
from sfhsim.kernels.rows import add_weighted_rows
from sfhsim.synthesis.blocks import pad_columns


@pytest.fixture
def stars():
    rng = np.random.default_rng(1)
    n, n_age, n_z = 70, 9, 4
    mass = rng.random((n, n_age)) * (rng.random((n, n_age)) < 0.7)
    mass /= mass.sum(axis=1, keepdims=True)
    lower = rng.integers(0, n_z - 1, (n, n_age)).astype(np.int32)
    share = rng.random((n, n_age))
    lower[:5], share[:5] = n_z - 1, 0.0  # at the last metallicity there is none above
    return mass, lower, share


def _twin(mass, lower, share, first, stop, table):
    """Sum over ages of mass times the interpolated row of ``table`` (n_z, n_age, k)."""
    n_z = len(table)
    out = np.zeros((len(mass), table.shape[-1]))
    for i in range(len(mass)):
        for a in range(first, stop):
            low, f = lower[i, a], share[i, a]
            high = min(low + 1, n_z - 1)
            out[i] += mass[i, a] * ((1 - f) * table[low, a - first] + f * table[high, a - first])
    return out


def _padded(n, k):
    return np.full((-(-n // BLOCK) * BLOCK, pad_columns(np.zeros((1, k))).shape[1]), np.nan, dtype=np.float32)


@pytest.mark.parametrize("width", [1, 11, 32, 75])
@pytest.mark.parametrize(("first", "stop"), [(0, 9), (0, 3), (3, 9), (8, 9)])
def test_mix(stars, first, stop, width):
    table = np.random.default_rng(2).random((4, stop - first, width))
    out = _padded(70, width)
    mix(*stars, first, stop, pad_columns(table.reshape(-1, width)), out)
    np.testing.assert_allclose(out[:70, :width], _twin(*stars, first, stop, table), rtol=2e-6, atol=1e-7)
    assert not out[70:].any()


def test_mix_between(stars):
    rng = np.random.default_rng(3)
    tables = rng.random((3, 4, 5, 6))
    node, f = rng.integers(0, 2, 70), rng.random(70)
    f[0] = 0.0
    out = _padded(70, 6)
    scale = rng.random(70)
    mix_between(*stars, 5, node, f, 20, scale, pad_columns(tables.reshape(-1, 6)), out)
    each = np.stack([_twin(*stars, 0, 5, table) for table in tables])
    rows = np.arange(70)
    expected = (1 - f)[:, None] * each[node, rows] + f[:, None] * each[node + 1, rows]
    np.testing.assert_allclose(out[:70, :6], scale[:, None] * expected, rtol=2e-6, atol=1e-7)


def test_rows_do_not_depend_on_their_place(stars):
    table = pad_columns(np.random.default_rng(2).random((36, 11)))
    whole, part = _padded(70, 11), _padded(3, 11)
    mix(*stars, 0, 9, table, whole)
    chosen = [68, 2, 33]
    mix(*(np.ascontiguousarray(x[chosen]) for x in stars), 0, 9, table, part)
    np.testing.assert_array_equal(part[:3], whole[chosen])


def test_rows_of_a_table():
    rng = np.random.default_rng(4)
    table, rows = pad_columns(rng.random((20, 53))), rng.integers(0, 20, 13)
    weights, start = rng.random(13).astype(np.float32), rng.random(64).astype(np.float32)
    out = start.copy()
    _add(table, rows, weights, out)
    np.testing.assert_allclose(out, start + weights @ table[rows].astype(np.float64), rtol=2e-6)
    _add(table, rows[:0], weights[:0], start)
    np.testing.assert_allclose(out - start, weights @ table[rows], rtol=1e-5, atol=1e-6)


@njit
def _add(table, rows, weights, out):
    add_weighted_rows(table, rows, weights, out)
