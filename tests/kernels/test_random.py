"""Counter-based random numbers against the published vectors and a readable twin."""

import numpy as np
import pytest
from scipy import special, stats

from sfhsim.kernels.random import fill_normal, fill_uniform, fill_words, normals_from_words

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


def _uint64(values):
    return np.array(values, dtype=np.uint64)


def _block(counter, key):
    """The four words of one Philox block, through the kernel's (seed, sample, stream, block)."""
    words = np.zeros((4, counter[0] + 1), dtype=np.uint32) if counter[0] < 1000 else None
    fill_words(np.uint64(key[0] | key[1] << 32), np.uint64(counter[2] | counter[3] << 32), np.uint32(counter[1]), words)
    return tuple(int(w) for w in words[:, counter[0]])


def _philox(counter, key):
    """Readable twin: ten rounds on Python integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return tuple(c)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_twin_gives_the_published_vectors(counter, key, expected):
    assert _philox(counter, key) == expected


def test_kernel_equals_twin():
    assert _block((0, 0, 0, 0), (0, 0)) == KNOWN[0][2]
    rng = np.random.default_rng(3)
    for _ in range(20):
        counter = (int(rng.integers(20)), *rng.integers(2**32, size=3).tolist())
        key = tuple(rng.integers(2**32, size=2).tolist())
        assert _block(counter, key) == _philox(counter, key)


def test_uniform_twin():
    ids = _uint64([0, 7, 2**40])
    out = np.empty((3, 5))
    fill_uniform(np.uint64(11), ids, 3, out)
    for i, sample in enumerate(ids.tolist()):
        for j in range(5):
            words = _philox((j // 2, 3, sample & 0xFFFFFFFF, sample >> 32), (11, 0))
            high, low = words[2 * (j % 2) : 2 * (j % 2) + 2]
            assert out[i, j] == (((high << 21) ^ (low >> 11)) + 0.5) / 2**53


def test_normals_are_the_inverse_of_the_normal_distribution():
    grid = np.linspace(0, 2**32 - 1, 40001).astype(np.uint64)
    ends = np.arange(200, dtype=np.uint64)
    words = np.unique(np.concatenate([grid, ends, 2**32 - 1 - ends])).astype(np.uint32)
    got = np.empty(words.size, np.float32)
    normals_from_words(words, np.empty((3, words.size), np.float32), got)
    expected = special.ndtri((words.astype(np.float64) + 0.5) / 2.0**32)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=2e-6)


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
