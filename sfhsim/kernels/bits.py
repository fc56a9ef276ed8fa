"""The bits of a floating-point number as an integer and back, and the fused multiply-add by name.

A compiler that may fuse a product with a sum does so where it likes, and that differs between processors. No kernel
allows it; `fma` asks for it. Every other operation of the kernels is rounded as IEEE 754 says, sums run in an order
that the code gives, and what comes out are the same bits everywhere. A processor without the instruction is slow, not
different.
"""

import numpy as np
from numba import njit, types
from numba.extending import intrinsic


def _reinterpreting(source, target):
    """An intrinsic that reads the bits of a number of one type as one of another."""

    @intrinsic
    def reinterpret(typing_context, number):
        def generate(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return (target(source), generate) if number == source else None

    return reinterpret


bits_of_single = _reinterpreting(types.float32, types.int32)
single_of_bits = _reinterpreting(types.int32, types.float32)
bits_of_double = _reinterpreting(types.float64, types.int64)
double_of_bits = _reinterpreting(types.int64, types.float64)


@intrinsic
def fma(typing_context, a, b, c):
    """a b + c, rounded once; all three float32, or all three float64."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return (a(a, b, c), generate) if a == b == c and a in (types.float32, types.float64) else None


@njit(cache=True, nogil=True)
def sum_of_products(a, b):
    """Sum of a_j b_j over two arrays of one length, in float64: eight sums of every eighth, then those by halves."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    whole = a.size - a.size % 8
    for j in range(0, whole, 8):
        s0, s1 = fma(np.float64(a[j]), np.float64(b[j]), s0), fma(np.float64(a[j + 1]), np.float64(b[j + 1]), s1)
        s2, s3 = (
            fma(np.float64(a[j + 2]), np.float64(b[j + 2]), s2),
            fma(np.float64(a[j + 3]), np.float64(b[j + 3]), s3),
        )
        s4, s5 = (
            fma(np.float64(a[j + 4]), np.float64(b[j + 4]), s4),
            fma(np.float64(a[j + 5]), np.float64(b[j + 5]), s5),
        )
        s6, s7 = (
            fma(np.float64(a[j + 6]), np.float64(b[j + 6]), s6),
            fma(np.float64(a[j + 7]), np.float64(b[j + 7]), s7),
        )
    total = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
    for j in range(whole, a.size):
        total = fma(np.float64(a[j]), np.float64(b[j]), total)
    return total
