"""Counter-based random numbers: number j of stream s of sample i depends on (seed, i, s, j) and on nothing else.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, SC'11, doi:10.1145/2063384.2063405): a keyed bijection of a 128-bit
counter, here (block, s, low and high word of i) under the key (low and high word of the seed). The four words of a
block are stored in four planes, so that the loop over blocks runs on vector registers.

Normal deviates come in pairs (Box & Muller 1958, Ann. Math. Stat. 29, 610): the radius sqrt(-2 ln u) from 31 bits of
one word, the angle from another: 29 bits within an eighth of a turn either way, two for the signs and one that swaps
the two, in float32 and without branches: to 3e-6, up to 6.7 sigma.

The callers (sfhsim.synthesis) validate: the seed fits 64 bits, sample_id is uint64, shapes agree.
"""

import math

import numpy as np
from numba import njit, prange

from sfhsim.kernels.bits import fma
from sfhsim.kernels.elementary import log_single

_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint32(0x9E3779B9)
_W1 = np.uint32(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_BELOW_ONE = 1.0 - 2.0**-53

_F = np.float32
_ONE, _HALF = _F(1.0), _F(0.5)


@njit(cache=True, nogil=True)
def fill_words(seed, sample, stream, words):
    """Random words of one sample: ``words`` (4, n_block) uint32, column b from block b."""
    c1_start = np.uint32(stream)
    c2_start, c3_start = np.uint32(sample & _LOW), np.uint32(sample >> _32)
    k0_start, k1_start = np.uint32(seed & _LOW), np.uint32(seed >> _32)
    for block in range(words.shape[1]):
        c0, c1, c2, c3 = np.uint32(block), c1_start, c2_start, c3_start
        k0, k1 = k0_start, k1_start
        for _ in range(10):
            p0 = _M0 * np.uint64(c0)
            p1 = _M1 * np.uint64(c2)
            c0, c2 = np.uint32(p1 >> _32) ^ c1 ^ k0, np.uint32(p0 >> _32) ^ c3 ^ k1
            c1, c3 = np.uint32(p1), np.uint32(p0)
            k0 = np.uint32(k0 + _W0)
            k1 = np.uint32(k1 + _W1)
        words[0, block] = c0
        words[1, block] = c1
        words[2, block] = c2
        words[3, block] = c3


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _uniform_row(seed, sample, stream, row):
    m = row.size
    words = np.empty((4, (m + 1) // 2), dtype=np.uint32)
    fill_words(seed, sample, stream, words)
    for j in range(m):
        high, low = words[2 * (j % 2), j // 2], words[2 * (j % 2) + 1, j // 2]
        integer = (np.uint64(high) << np.uint64(21)) ^ (np.uint64(low) >> np.uint64(11))
        row[j] = min((np.float64(integer) + 0.5) / 9007199254740992.0, _BELOW_ONE)


@njit(cache=True, nogil=True, parallel=True)
def fill_uniform(seed, sample_id, stream, out):
    """Fill ``out`` (n, m) float64 for the samples ``sample_id`` (n,) uint64: uniform, 53-bit, never 0 or 1."""
    for i in prange(out.shape[0]):
        _uniform_row(seed, sample_id[i], stream, out[i])


# Taylor series of sin and cos on [-pi/4, pi/4], to 1e-7
_S3, _S5, _S7, _S9 = _F(-1 / 6), _F(1 / 120), _F(-1 / 5040), _F(1 / 362880)
_C2, _C4, _C6, _C8 = _F(-1 / 2), _F(1 / 24), _F(-1 / 720), _F(1 / 40320)
_STEP = _F(math.pi / 2.0**30)  # of the angle
_ANGLE, _SWAP, _SIGN_1, _SIGN_2 = (np.uint32(bits) for bits in ((1 << 29) - 1, 1 << 29, 1 << 30, 1 << 31))


# division follows IEEE, and integers stay at 32 bits, so that the loop runs on vector registers
@njit(cache=True, nogil=True, error_model="numpy")
def _box_muller(first, second, out_first, out_second):
    for j in range(first.size):
        u = (_F(np.int32(first[j] >> np.uint32(1))) + _HALF) * _F(2.0**-31)
        radius = np.sqrt(_F(-2.0) * log_single(u))
        word = second[j]
        angle = (_F(np.int32(np.int32(word & _ANGLE) - np.int32(1 << 28))) + _HALF) * _STEP
        q = angle * angle
        sine = radius * (angle * fma(q, fma(q, fma(q, fma(q, _S9, _S7), _S5), _S3), _ONE))
        cosine = radius * fma(q, fma(q, fma(q, fma(q, _C8, _C6), _C4), _C2), _ONE)
        x, y = (sine, cosine) if word & _SWAP else (cosine, sine)
        out_first[j] = -x if word & _SIGN_1 else x
        out_second[j] = -y if word & _SIGN_2 else y


@njit(cache=True, nogil=True)
def normals_from_words(words, out):
    """Standard normal deviates ``out`` (2 m,) float32 of ``words`` (2 m,) uint32: j and m + j are of one pair."""
    half = words.size // 2
    _box_muller(words[:half], words[half:], out[:half], out[half:])


@njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _normal_row(seed, sample, stream, row):
    m = row.size
    words = np.empty((4, (m + 3) // 4), dtype=np.uint32)
    normals = np.empty(words.size, dtype=np.float32)
    fill_words(seed, sample, stream, words)
    normals_from_words(words.reshape(-1), normals)
    for j in range(m):
        row[j] = normals[j]


@njit(cache=True, nogil=True, parallel=True)
def fill_normal(seed, sample_id, stream, out):
    """Fill ``out`` (n, m) float32 with standard normal deviates; deviate j is word j of the four planes in a row."""
    for i in prange(out.shape[0]):
        _normal_row(seed, sample_id[i], stream, out[i])
