"""Counter-based random numbers: number j of stream s of sample i depends on (seed, i, s, j) and on nothing else.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, SC'11, doi:10.1145/2063384.2063405): a keyed bijection of a 128-bit
counter, here (j // 4, s, low and high word of i) under the key (low and high word of the seed). Normal deviates are
the inverse of the normal distribution (Wichura 1988, Applied Statistics 37, 477, algorithm AS 241, PPND7: 1e-7).

The callers (sfhsim.synthesis) validate: the seed fits 64 bits, sample_id is uint64, shapes agree.
"""

import math

import numpy as np
from numba import njit, prange

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)


@njit(cache=True, nogil=True, inline="always")
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Ten rounds on four 32-bit counter words under two key words, all held in uint64."""
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _MASK, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _MASK
        k0 = (k0 + _W0) & _MASK
        k1 = (k1 + _W1) & _MASK
    return c0, c1, c2, c3


@njit(cache=True, nogil=True, parallel=True)
def fill_uniform(seed, sample_id, stream, out):
    """Fill ``out`` (n, m) float64 for the samples ``sample_id`` (n,) uint64: uniform, 53-bit, never 0 or 1."""
    n, m = out.shape
    k0 = np.uint64(seed) & _MASK
    k1 = np.uint64(seed) >> _SHIFT
    scale = 1.0 / 9007199254740992.0  # 2^-53
    for i in prange(n):
        index = sample_id[i]
        for block in range((m + 1) // 2):
            w0, w1, w2, w3 = philox4x32(np.uint64(block), np.uint64(stream), index & _MASK, index >> _SHIFT, k0, k1)
            first = ((w0 << np.uint64(21)) ^ (w1 >> np.uint64(11))) & np.uint64(0x1FFFFFFFFFFFFF)
            out[i, 2 * block] = (np.float64(first) + 0.5) * scale
            if 2 * block + 1 < m:
                second = ((w2 << np.uint64(21)) ^ (w3 >> np.uint64(11))) & np.uint64(0x1FFFFFFFFFFFFF)
                out[i, 2 * block + 1] = (np.float64(second) + 0.5) * scale


@njit(cache=True, nogil=True, inline="always")
def normal_quantile(word):
    """Standard normal deviate (float32) whose cumulative probability is (word + 1/2) / 2^32."""
    # q = p - 1/2 from the integer, so that both tails keep their full resolution
    q = (np.float64(np.int64(word) - np.int64(2147483648)) + 0.5) * 2.3283064365386963e-10
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return np.float32(
            q
            * (((5.9109374720e1 * r + 1.5929113202e2) * r + 5.0434271938e1) * r + 3.3871327179e0)
            / (((6.7187563600e1 * r + 7.8757757664e1) * r + 1.7895169469e1) * r + 1.0)
        )
    r = math.sqrt(-math.log(0.5 - abs(q)))
    if r <= 5.0:
        r -= 1.6
        z = (((1.7023821103e-1 * r + 1.3067284816e0) * r + 2.7568153900e0) * r + 1.4234372777e0) / (
            (1.2021132975e-1 * r + 7.3700164250e-1) * r + 1.0
        )
    else:
        r -= 5.0
        z = (((1.7337203997e-2 * r + 4.2868294337e-1) * r + 3.0812263860e0) * r + 6.6579051150e0) / (
            (1.2258202635e-2 * r + 2.4197894225e-1) * r + 1.0
        )
    return np.float32(z if q > 0.0 else -z)


@njit(cache=True, nogil=True, parallel=True)
def fill_normal(seed, sample_id, stream, out):
    """Fill ``out`` (n, m) float32 for the samples ``sample_id`` (n,) uint64 with standard normal deviates."""
    n, m = out.shape
    k0 = np.uint64(seed) & _MASK
    k1 = np.uint64(seed) >> _SHIFT
    for i in prange(n):
        index = sample_id[i]
        for block in range((m + 3) // 4):
            w = philox4x32(np.uint64(block), np.uint64(stream), index & _MASK, index >> _SHIFT, k0, k1)
            j = 4 * block
            out[i, j] = normal_quantile(w[0])
            if j + 1 < m:
                out[i, j + 1] = normal_quantile(w[1])
            if j + 2 < m:
                out[i, j + 2] = normal_quantile(w[2])
            if j + 3 < m:
                out[i, j + 3] = normal_quantile(w[3])
