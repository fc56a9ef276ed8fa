"""Counter-based random numbers against the published vectors and a readable twin."""

import numpy as np
import pytest
from numba import njit
from scipy import special, stats

from sfhsim.kernels.random import fill_normal, fill_uniform, normal_quantile, philox4x32

# Random123 1.09, tests/kat_vectors, philox4x32 with 10 rounds: counter, key, result
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@njit
def _words(c, k):
    return philox4x32(c[0], c[1], c[2], c[3], k[0], k[1])


@njit
def _quantile(word):
    return normal_quantile(word)


def _uint64(values):
    return np.array(values, dtype=np.uint64)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_published_vectors(counter, key, expected):
    assert tuple(int(w) for w in _words(_uint64(counter), _uint64(key))) == expected


def test_uniform_twin():
    ids = _uint64([0, 7, 2**40])
    out = np.empty((3, 5))
    fill_uniform(np.uint64(11), ids, 3, out)
    for i, sample in enumerate(ids.tolist()):
        for j in range(5):
            words = _words(_uint64([j // 2, 3, sample & 0xFFFFFFFF, sample >> 32]), _uint64([11, 0]))
            high, low = (int(w) for w in words[2 * (j % 2) : 2 * (j % 2) + 2])
            assert out[i, j] == (((high << 21) ^ (low >> 11)) + 0.5) / 2**53


def test_normal_quantile_is_the_inverse_of_the_normal_distribution():
    words = np.unique(np.concatenate([np.linspace(0, 2**32 - 1, 4001).astype(np.uint64), _uint64([0, 1, 2**32 - 1])]))
    got = np.array([_quantile(w) for w in words])
    expected = special.ndtri((words.astype(np.float64) + 0.5) / 2.0**32)
    np.testing.assert_allclose(got, expected, rtol=3e-7, atol=3e-7)


def test_normals_are_standard_normal_and_differ_between_streams():
    ids = np.arange(200, dtype=np.uint64)
    first, second = np.empty((200, 501), np.float32), np.empty((200, 501), np.float32)
    fill_normal(np.uint64(5), ids, 1, first)
    fill_normal(np.uint64(5), ids, 2, second)
    assert stats.kstest(first.ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.01


def test_a_sample_does_not_depend_on_its_neighbours():
    whole, part = np.empty((50, 33), np.float32), np.empty((3, 33), np.float32)
    fill_normal(np.uint64(9), np.arange(50, dtype=np.uint64), 1, whole)
    fill_normal(np.uint64(9), _uint64([41, 3, 17]), 1, part)
    np.testing.assert_array_equal(part, whole[[41, 3, 17]])
