"""Products of short rows with tiles of vectors, in an order that the code gives.

    out_ij = sum_k c_ik v_kj,   k = 0, 1, 2, ...,   each term by a fused multiply-add

A library's matrix product adds in an order, and with widths, that depend on the processor and on where a row stands.
Here columns are the lanes of vector registers, so that every sum runs over k alone, one term after the other: the width
of the registers and the size of the blocks change the speed and nothing else. ROWS rows and VECTORS registers of LANES
columns are held in registers at a time; with AVX-512 twice as many rows and lanes, for it has twice the registers.

No validation here: ``out`` (n, m), ``coefficients`` (n, k) and ``vectors`` (k, m) are all float32 or all float64, each
row contiguous (rows may be further apart); n is a multiple of ROW_STEP and m of COLUMN_STEP.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

VECTORS = 2
ROW_STEP, COLUMN_STEP = 8, 32
_IR_TYPES = {types.float32: (ir.FloatType(), 4), types.float64: (ir.DoubleType(), 8)}


def _shape(n_byte: int) -> tuple[int, int]:
    """Rows, and lanes of numbers of so many bytes, for the processor that Numba compiles for."""
    features = cpu_target.target_context.codegen().magic_tuple()[2]
    return (8, 64 // n_byte) if "+avx512f" in features else (4, 32 // n_byte)


@intrinsic
def multiply_rows(typing_context, coefficients, vectors, out):
    """Fill ``out`` (n, m) with the product of ``coefficients`` (n, k) and ``vectors`` (k, m)."""

    def generate(context, builder, signature, arguments):
        arrays = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        number, n_byte = _IR_TYPES[signature.args[0].dtype]
        left, right, result = (array.data for array in arrays)
        n, m = (builder.extract_value(arrays[2].shape, axis) for axis in (0, 1))
        n_term = builder.extract_value(arrays[1].shape, 0)
        apart = [builder.udiv(builder.extract_value(array.strides, 0), ir.Constant(n.type, n_byte)) for array in arrays]
        n_row, n_lane = _shape(n_byte)
        step_row, step_column = (ir.Constant(n.type, size) for size in (n_row, VECTORS * n_lane))
        zero = ir.Constant(n.type, 0)
        with (
            cgutils.for_range_slice(builder, zero, m, step_column) as (column, _),
            cgutils.for_range_slice(builder, zero, n, step_row) as (row, _),
        ):
            vector = ir.VectorType(number, n_lane)
            _multiply_block(builder, (left, right, result), apart, n_term, row, column, n_row, vector)
        return context.get_dummy_value()

    return types.void(coefficients, vectors, out), generate


def _multiply_block(builder, data, apart, n_term, row, column, n_row, vector):
    """Emit the loop over terms for some rows from ``row`` on and some registers of columns from ``column`` on."""
    left, right, result = data
    index, n_lane = n_term.type, vector.count
    rows = [builder.add(row, ir.Constant(index, i)) for i in range(n_row)]

    def part(pointer, k):
        return builder.bitcast(builder.gep(pointer, [ir.Constant(index, n_lane * k)]), vector.as_pointer())

    sums = [[cgutils.alloca_once(builder, vector) for _ in range(VECTORS)] for _ in rows]
    for register in (r for of_row in sums for r in of_row):
        builder.store(ir.Constant(vector, [0.0] * n_lane), register)
    from_left = [builder.gep(left, [builder.mul(i, apart[0])]) for i in rows]
    with cgutils.for_range(builder, n_term) as term:
        source = builder.gep(right, [builder.add(builder.mul(term.index, apart[1]), column)])
        loaded = [builder.load(part(source, k), align=4) for k in range(VECTORS)]
        for start, of_row in zip(from_left, sums, strict=True):
            number = repeated(builder, builder.load(builder.gep(start, [term.index])), vector)
            for values, register in zip(loaded, of_row, strict=True):
                builder.store(fused(builder, number, values, builder.load(register)), register)
    for i, of_row in zip(rows, sums, strict=True):
        place = builder.gep(result, [builder.add(builder.mul(i, apart[2]), column)])
        for k, register in enumerate(of_row):
            builder.store(builder.load(register), part(place, k), align=4)


def repeated(builder, number, vector):
    """A register with a number in all of its lanes."""
    empty = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, empty, mask)


def fused(builder, a, b, c):
    """a b + c in every lane of three registers, rounded once."""
    vector = a.type
    bits = 32 if isinstance(vector.element, ir.FloatType) else 64
    kind = ir.FunctionType(vector, (vector, vector, vector))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{vector.count}f{bits}")
    return builder.call(function, (a, b, c))
