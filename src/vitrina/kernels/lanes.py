"""One sparse row against 32 dense columns at once, in the processor's vector registers.

LLVM does not find this loop by itself: 32 sums that live in registers for as long as the row
lasts. So it is spelled out here, once, in LLVM's own vectors; how wide a register is remains
LLVM's business.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # it says no types
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 32
WIDTH = 8
GROUPS = LANES // WIDTH

_LONG = ir.IntType(64)
_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
_FIRST = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)


def _dots(
    typing: Any,
    columns: Any,
    data: Any,
    low: Any,
    high: Any,
    panel: Any,
    first: Any,
    sums: Any,
    at: Any,
    more: Any,
    floors: Any,
    here: Any,
    own: Any,
) -> Any:
    """sums[at, lane] = the sum of data[p] * panel[columns[p] - first, lane] for p in low..high.

    `columns`: uint32. `panel`, `sums`: float32[n, LANES]. `floors`: float32[]. All contiguous.
    Products are added in the order of p, and to what is in `sums` if `more`. Returns uint64: bit
    `lane` is set where the sum is at least floors[here + lane], bit LANES + lane where it is at
    least `own`.
    """
    long = types.int64
    signature = types.uint64(
        columns, data, long, long, panel, long, sums, long, types.boolean, floors, long, types.float32
    )

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def pointer(which: int) -> Any:
            return context.make_array(signature.args[which])(context, builder, args[which]).data

        places = [
            builder.add(builder.mul(args[7], _LONG(LANES)), _LONG(WIDTH * one)) for one in range(GROUPS)
        ]
        totals = [_start(builder, args[8], pointer(6), place) for place in places]
        with cgutils.for_range_slice(builder, args[2], args[3], _LONG(1), _LONG) as (entry, _):
            column = builder.sub(builder.zext(builder.load(builder.gep(pointer(0), [entry])), _LONG), args[5])
            value = _spread(builder, builder.load(builder.gep(pointer(1), [entry])))
            for group, total in enumerate(totals):
                where = builder.add(builder.mul(column, _LONG(LANES)), _LONG(group * WIDTH))
                product = builder.fmul(value, _vector(builder, pointer(4), where))
                builder.store(builder.fadd(builder.load(total), product), total)
        levels = [
            _vector(builder, pointer(9), builder.add(args[10], _LONG(at))) for at in range(0, LANES, WIDTH)
        ]
        return _settle(builder, totals, pointer(6), places, levels, _spread(builder, args[11]))

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


def _start(builder: Any, more: Any, sums: Any, place: Any) -> Any:
    """A register that starts from the stored sums, or from 0."""
    none = ir.Constant(_VECTOR, None)
    total = cgutils.alloca_once_value(builder, none)
    with builder.if_then(builder.trunc(more, ir.IntType(1))):
        builder.store(_vector(builder, sums, place), total)
    return total


def _settle(
    builder: Any, totals: list[Any], sums: Any, places: list[Any], floors: list[Any], own: Any
) -> Any:
    """Store the totals as sums; the bits of those that reach their floors, and of those that reach `own`."""
    bits: Any = _LONG(0)
    for group, (total, place) in enumerate(zip(totals, places, strict=True)):
        values = builder.load(total)
        builder.store(values, builder.bitcast(builder.gep(sums, [place]), _VECTOR.as_pointer()), align=4)
        for level, at in ((floors[group], group * WIDTH), (own, LANES + group * WIDTH)):
            reached = builder.fcmp_ordered(">=", values, level)
            few = builder.zext(builder.bitcast(reached, ir.IntType(WIDTH)), _LONG)
            bits = builder.or_(bits, builder.shl(few, _LONG(at)))
    return bits


dots: Any = intrinsic(_dots)
lowest_bit: Any = intrinsic(_lowest_bit)
