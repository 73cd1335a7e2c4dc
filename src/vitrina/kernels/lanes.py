"""One sparse row against 32 dense columns at once, in the processor's vector registers.

LLVM does not find this loop by itself: 32 sums that live in registers for as long as the row
lasts. So it is spelled out here, once, in LLVM's own vectors; how wide a register is remains
LLVM's business.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 32
WIDTH = 8
GROUPS = LANES // WIDTH

_LONG = ir.IntType(64)
_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
_FIRST = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
_FUSED = ("contract",)


def _dots(
    typing: Any, columns: Any, data: Any, low: Any, high: Any, panel: Any, floors: Any, sums: Any
) -> Any:
    """sums[lane] = the sum of data[p] * panel[columns[p], lane] for p in low..high, for every lane.

    `columns`: uint32. `panel`: float32[n, LANES]. `floors`, `sums`: float32[LANES]. All contiguous.
    Products are added in the order of p. Returns uint64: bit `lane` is set where the sum is at
    least the floor.
    """
    signature = types.uint64(columns, data, types.int64, types.int64, panel, floors, sums)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def pointer(at: int) -> Any:
            return context.make_array(signature.args[at])(context, builder, args[at]).data

        totals = [cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, None)) for _ in range(GROUPS)]
        with cgutils.for_range_slice(builder, args[2], args[3], _LONG(1), _LONG) as (place, _):
            column = builder.zext(builder.load(builder.gep(pointer(0), [place])), _LONG)
            value = _spread(builder, builder.load(builder.gep(pointer(1), [place])))
            for group, total in enumerate(totals):
                at = builder.add(builder.mul(column, _LONG(LANES)), _LONG(group * WIDTH))
                product = builder.fmul(value, _vector(builder, pointer(4), at), flags=_FUSED)
                builder.store(builder.fadd(builder.load(total), product, flags=_FUSED), total)
        return _settle(builder, totals, pointer(5), pointer(6))

    return signature, codegen


def _lowest_bit(typing: Any, bits: Any) -> Any:
    """The place of the lowest set bit of a uint64 that is not 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


def _spread(builder: Any, value: Any) -> Any:
    """A vector of one value."""
    empty = ir.Constant(_VECTOR, ir.Undefined)
    return builder.shuffle_vector(builder.insert_element(empty, value, _LONG(0)), empty, _FIRST)


def _vector(builder: Any, array: Any, at: Any) -> Any:
    """The vector that starts at array[at]."""
    return builder.load(builder.bitcast(builder.gep(array, [at]), _VECTOR.as_pointer()), align=4)


def _settle(builder: Any, totals: list[Any], floors: Any, sums: Any) -> Any:
    """Store the totals as sums; the bits of those that reach their floors."""
    bits: Any = _LONG(0)
    for group, total in enumerate(totals):
        at = _LONG(group * WIDTH)
        values = builder.load(total)
        builder.store(values, builder.bitcast(builder.gep(sums, [at]), _VECTOR.as_pointer()), align=4)
        reached = builder.fcmp_ordered(">=", values, _vector(builder, floors, at))
        few = builder.zext(builder.bitcast(reached, ir.IntType(WIDTH)), _LONG)
        bits = builder.or_(bits, builder.shl(few, at))
    return bits


dots: Any = intrinsic(_dots)
lowest_bit: Any = intrinsic(_lowest_bit)
