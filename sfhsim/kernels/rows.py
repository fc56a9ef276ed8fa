"""Weighted sums of rows of a table, with the sums kept in vector registers.

    out_k += sum_r w_r T[row_r, k]

Numba cannot know that ``out`` and the table do not overlap, and would write and read the sums for every few rows. So
the loop is given to LLVM as vectors of LANES numbers: REGISTERS of them at a time, over all rows, then what is left.

No validation here: rows are inside the table, ``out`` and the table have the same width, a multiple of COLUMNS, and do
not overlap. A table that begins at a multiple of 64 bytes is read a third faster.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from sfhsim.kernels.products import fused, repeated

LANES = 8
REGISTERS = 4
COLUMNS = 2 * LANES
_VECTOR = ir.VectorType(ir.FloatType(), LANES)


@intrinsic
def add_weighted_rows(typing_context, table, rows, weights, out):
    """Add to ``out`` (k,) float32 the ``rows`` (r,) intp of ``table`` (n, k) float32 times ``weights`` (r,) float32."""

    def generate(context, builder, signature, arguments):
        arrays = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        n_row, width = (builder.extract_value(arrays[k].shape, 0) for k in (1, 3))
        pointers = [array.data for array in arrays]
        wide, narrow = (ir.Constant(width.type, size) for size in (REGISTERS * LANES, COLUMNS))
        rest = builder.mul(builder.udiv(width, wide), wide)
        for begin, end, step in ((ir.Constant(width.type, 0), rest, wide), (rest, width, narrow)):
            with cgutils.for_range_slice(builder, begin, end, step) as (first, _):
                _add_columns(builder, pointers, n_row, width, first, step.constant // LANES)
        return context.get_dummy_value()

    return types.void(table, rows, weights, out), generate


def _add_columns(builder, pointers, n_row, width, first, n_register):
    """Emit the loop over rows for the columns of some registers from ``first`` on."""
    index, (table, rows, weights, out) = width.type, pointers

    def part(pointer, k):
        place = builder.gep(pointer, [ir.Constant(index, LANES * k)])
        return builder.bitcast(place, _VECTOR.as_pointer())

    sums = builder.gep(out, [first])
    registers = [cgutils.alloca_once(builder, _VECTOR) for _ in range(n_register)]
    for k, register in enumerate(registers):
        builder.store(builder.load(part(sums, k), align=4), register)
    with cgutils.for_range(builder, n_row) as row:
        number = builder.load(builder.gep(rows, [row.index]))
        source = builder.gep(table, [builder.add(builder.mul(number, width), first)])
        weight = repeated(builder, builder.load(builder.gep(weights, [row.index])), _VECTOR)
        for k, register in enumerate(registers):
            addend = builder.load(part(source, k), align=4)
            builder.store(fused(builder, weight, addend, builder.load(register)), register)
    for k, register in enumerate(registers):
        builder.store(builder.load(register), part(sums, k), align=4)
