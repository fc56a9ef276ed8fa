"""Products and bases of small matrices, against NumPy's."""

import numpy as np
import pytest

from sfhsim.linear import leading_eigenvectors, matmul, orthonormal_rows

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("shape", [(1, 1, 1), (8, 5, 32), (9, 40, 33), (70, 3, 129)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products(shape, dtype):
    n, k, m = shape
    left, right = RNG.normal(size=(n, k)).astype(dtype), RNG.normal(size=(k, m)).astype(dtype)
    found = matmul(left, right)
    assert found.dtype == dtype
    scale = np.abs(left).astype(np.float64) @ np.abs(right)
    assert (np.abs(found - left.astype(np.float64) @ right) <= k * np.finfo(dtype).eps * scale).all()


def test_a_product_of_rows_is_the_same_alone_and_among_others():
    left, right = RNG.normal(size=(37, 61)).astype(np.float32), RNG.normal(size=(61, 100)).astype(np.float32)
    whole = matmul(left, right)
    for k in (0, 20, 36):
        assert matmul(left[k : k + 1], right).tobytes() == whole[k].tobytes()


def test_terms_are_added_one_after_the_other():
    left, right = np.array([[1.0, 2.0**60, -(2.0**60), 1.0]]), np.ones((4, 1))
    assert matmul(left, right)[0, 0] == 1.0  # pairs would give 2 or 0


def test_mixed_precision_is_the_wider():
    assert matmul(np.ones((2, 3), np.float32), np.ones((3, 2))).dtype == np.float64


def test_orthonormal_rows_span_those_given():
    rows = RNG.normal(size=(20, 50)) * np.exp(-np.arange(20))[:, None] + 1e3 * RNG.normal(size=50)
    found = orthonormal_rows(rows)
    np.testing.assert_allclose(found @ found.T, np.eye(20), atol=1e-13)
    np.testing.assert_allclose(rows @ found.T @ found, rows, rtol=1e-9)


def test_a_row_that_others_span_becomes_zero():
    found = orthonormal_rows(np.array([[3.0, 4.0], [6.0, 8.0]]))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.0, 0.0]])


@pytest.mark.parametrize("n", [1, 2, 40, 90])
def test_eigenvectors(n):
    rows = RNG.normal(size=(n, n)) * np.exp(-np.arange(n) / 5)
    matrix = rows.T @ rows
    found = leading_eigenvectors(matrix)
    values = np.diagonal(found @ matrix @ found.T)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix)[::-1], atol=1e-12 * values[0])
    np.testing.assert_allclose(found @ found.T, np.eye(n), atol=1e-12)
    assert (np.diff(values) <= 1e-14 * values[0]).all()
