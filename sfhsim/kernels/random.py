"""Counter-based random numbers: number j of stream s of sample i depends on (seed, i, s, j) and on nothing else.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, SC'11, doi:10.1145/2063384.2063405): a keyed bijection of a 128-bit
counter, here (block, s, low and high word of i) under the key (low and high word of the seed). The four words of a
block are stored in four planes, so that the loop over blocks runs on vector registers.

Normal deviates are the inverse normal distribution of (word + 1/2) / 2^32 by Wichura's algorithm AS 241 (1988, Applied
Statistics 37, 477; PPND7), in float32 and without branches: to 2e-6. Its logarithm is a polynomial of the mantissa.

The callers (sfhsim.synthesis) validate: the seed fits 64 bits, sample_id is uint64, shapes agree.
"""

import math

import numpy as np
from numba import njit

_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint32(0x9E3779B9)
_W1 = np.uint32(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)

_F = np.float32
_ONE, _HALF, _LN2 = _F(1.0), _F(0.5), _F(math.log(2.0))
# AS 241, PPND7: the core |p - 1/2| <= 0.425, and the tails down to p = 1.4e-11
_A0, _A1, _A2, _A3 = _F(3.3871327179e0), _F(5.0434271938e1), _F(1.5929113202e2), _F(5.9109374720e1)
_B1, _B2, _B3 = _F(1.7895169469e1), _F(7.8757757664e1), _F(6.7187563600e1)
_C0, _C1, _C2, _C3 = _F(1.4234372777e0), _F(2.7568153900e0), _F(1.3067284816e0), _F(1.7023821103e-1)
_D1, _D2 = _F(7.3700164250e-1), _F(1.2021132975e-1)


def _ln_mantissa() -> list[np.float32]:
    """Coefficients of ln((t + 3)/2), -1 <= t < 1: the Chebyshev interpolant of degree 10, to 1e-9."""
    node = np.cos(np.pi * (np.arange(11) + 0.5) / 11)
    return [_F(c) for c in np.polynomial.polynomial.polyfit(node, np.log((node + 3.0) / 2.0), 10)]


_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8, _L9, _L10 = _ln_mantissa()


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


@njit(cache=True, nogil=True)
def fill_uniform(seed, sample_id, stream, out):
    """Fill ``out`` (n, m) float64 for the samples ``sample_id`` (n,) uint64: uniform, 53-bit, never 0 or 1."""
    n, m = out.shape
    for i in range(n):
        words = np.empty((4, (m + 1) // 2), dtype=np.uint32)
        fill_words(np.uint64(seed), sample_id[i], stream, words)
        for j in range(m):
            high, low = words[2 * (j % 2), j // 2], words[2 * (j % 2) + 1, j // 2]
            integer = (np.uint64(high) << np.uint64(21)) ^ (np.uint64(low) >> np.uint64(11))
            out[i, j] = (np.float64(integer) + 0.5) / 9007199254740992.0


# the loops are apart, and division follows IEEE, so that each runs on vector registers
@njit(cache=True, nogil=True)
def _lower_half(words, half):
    for j in range(words.size):
        mirror = np.uint32(np.uint32(0) - (words[j] >> np.uint32(31)))
        half[j] = _F(np.int32(words[j] ^ mirror)) + _HALF


@njit(cache=True, nogil=True)
def _split(bits, mantissa_bits, exponent):
    for j in range(bits.size):
        mantissa_bits[j] = (bits[j] & np.int32(0x7FFFFF)) | np.int32(0x3F800000)
        exponent[j] = _F((bits[j] >> np.int32(23)) - np.int32(127 + 32))


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _quantiles(words, half, mantissa, exponent, out):
    for j in range(out.size):
        t = mantissa[j] + mantissa[j] - _F(3.0)
        ln = _L5 + t * (_L6 + t * (_L7 + t * (_L8 + t * (_L9 + t * _L10))))
        ln = _L0 + t * (_L1 + t * (_L2 + t * (_L3 + t * (_L4 + t * ln))))
        r = np.sqrt(-(exponent[j] * _LN2 + ln)) - _F(1.6)
        tail = (((_C3 * r + _C2) * r + _C1) * r + _C0) / ((_D2 * r + _D1) * r + _ONE)
        q = _HALF - half[j] * _F(2.0**-32)
        s = _F(0.180625) - q * q
        core = q * (((_A3 * s + _A2) * s + _A1) * s + _A0) / (((_B3 * s + _B2) * s + _B1) * s + _ONE)
        z = core if q <= _F(0.425) else tail
        sign = -_ONE if words[j] < np.uint32(1 << 31) else _ONE
        out[j] = sign * z


@njit(cache=True, nogil=True)
def normals_from_words(words, scratch, out):
    """Standard normal deviates ``out`` (m,) float32 of ``words`` (m,) uint32; ``scratch`` (3, m) float32."""
    half, mantissa, exponent = scratch[0], scratch[1], scratch[2]
    _lower_half(words, half)
    _split(half.view(np.int32), mantissa.view(np.int32), exponent)
    _quantiles(words, half, mantissa, exponent, out)


@njit(cache=True, nogil=True)
def fill_normal(seed, sample_id, stream, out):
    """Fill ``out`` (n, m) float32 with standard normal deviates; deviate j is word j of the four planes in a row."""
    n, m = out.shape
    for i in range(n):
        words = np.empty((4, (m + 3) // 4), dtype=np.uint32)
        scratch = np.empty((3, m), dtype=np.float32)
        fill_words(np.uint64(seed), sample_id[i], stream, words)
        normals_from_words(words.reshape(-1)[:m], scratch, out[i])
