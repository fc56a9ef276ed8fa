"""Counter-based random numbers against the published vectors and a readable twin."""

import numpy as np
import pytest
from scipy import stats

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


def _box_muller(first, second):
    """Readable twin: the pair of deviates of two words."""
    radius = np.sqrt(-2.0 * np.log(((first >> 1) + 0.5) / 2.0**31))
    angle = ((second & 0x1FFFFFFF) + 0.5) / 2.0**29 * np.pi / 2 - np.pi / 4
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    x, y = np.where(second & 1 << 29, y, x), np.where(second & 1 << 29, x, y)
    return np.where(second & 1 << 30, -x, x), np.where(second & 1 << 31, -y, y)


def test_normals_are_those_of_box_and_muller():
    rng = np.random.default_rng(4)
    ends = np.arange(200, dtype=np.uint64)
    first, second = rng.integers(2**32, size=(2, 40400), dtype=np.uint64)
    first[:400] = second[200:600] = np.concatenate([ends, 2**32 - 1 - ends])
    words = np.concatenate([first, second]).astype(np.uint32)
    got = np.empty(words.size, np.float32)
    normals_from_words(words, got)
    expected = np.concatenate(_box_muller(first.astype(np.int64), second.astype(np.int64)))
    # float32 holds 24 of the 31 bits of a radius next to 0
    near = np.tile((first >> 1) > 0.999 * 2**31, 2)
    np.testing.assert_allclose(got[~near], expected[~near], rtol=1e-6, atol=3e-6)
    np.testing.assert_allclose(got[near], expected[near], atol=3e-4)
    assert 6.2 < np.abs(got).max() < 6.7


def test_the_two_of_a_pair_are_independent():
    words = np.random.default_rng(5).integers(2**32, size=400_000, dtype=np.uint64).astype(np.uint32)
    normals = np.empty(words.size, np.float32)
    normals_from_words(words, normals)
    first, second = normals.astype(np.float64).reshape(2, -1)
    for power in (1, 2, 3):
        assert abs(np.corrcoef(first**power, second**power)[0, 1]) < 5 / np.sqrt(first.size)
    counted = np.histogram2d(first > 0, second > 0, bins=2)[0] / first.size
    np.testing.assert_allclose(counted, 0.25, atol=5 * 0.433 / np.sqrt(first.size))
    assert stats.kstest(normals, "norm").pvalue > 1e-3


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
