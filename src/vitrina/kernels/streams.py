"""Rows and their scores, several at a time, in the processor's vector registers.

What LLVM does not find in a loop: a short run copied by whole vectors, though it ends within one, and
the best of some pairs written close together, without a branch on any.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # it says no types
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from vitrina.kernels.network import more_and_less

SPAN = 16
"""Pairs that `spill` moves at a time."""
KEYS = 8
"""Keys that `append_above` and `write_keys` take at a time."""
LANES = 16
"""Lanes that `leaders` deals pairs to."""
LINE = 16
"""Numbers of 4 bytes of a cache line."""
SCAN = 64
"""Sums that `reaching` looks at."""

_LONG, _INT, _BIT = ir.IntType(64), ir.IntType(32), ir.IntType(1)


def _vector(kind: Any, width: int) -> Any:
    return ir.VectorType(kind, width)


def _at(builder: Any, signature: Any, args: Any, context: Any, which: int, place: Any, kind: Any) -> Any:
    """Where the vector from args[which][place] is stored."""
    array = context.make_array(signature.args[which])(context, builder, args[which]).data
    return builder.bitcast(builder.gep(array, [place]), kind.as_pointer())


def _spread(builder: Any, value: Any, width: int) -> Any:
    """A vector of one value."""
    empty = ir.Constant(_vector(value.type, width), ir.Undefined)
    first = ir.Constant(_vector(_INT, width), [0] * width)
    return builder.shuffle_vector(builder.insert_element(empty, value, _LONG(0)), empty, first)


def _spill(
    typing: Any, rows: Any, values: Any, to: Any, own_rows: Any, own_values: Any, at: Any, weight: Any
) -> Any:
    """Copy SPAN rows and values from `at` of two arrays to `to` of two others, values times weight."""
    long = types.uint64
    signature = types.none(rows, values, long, own_rows, own_values, long, types.float32)
    whole, real = _vector(_INT, SPAN), _vector(ir.FloatType(), SPAN)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def place(which: int, where: int, kind: Any) -> Any:
            return _at(builder, signature, args, context, which, args[where], kind)

        found = builder.load(place(3, 5, whole), align=4)
        scaled = builder.fmul(builder.load(place(4, 5, real), align=4), _spread(builder, args[6], SPAN))
        builder.store(found, place(0, 2, whole), align=4)
        builder.store(scaled, place(1, 2, real), align=4)
        return context.get_dummy_value()

    return signature, codegen


def _append_above(typing: Any, rows: Any, bits: Any, at: Any, floor: Any, keys: Any, to: Any) -> Any:
    """Of KEYS pairs from `at`, write the keys above the floor to keys[to:]; how many they are.

    Keys are those of `select.key_of`. All of keys[to : to + KEYS] is written, the rest with anything.
    """
    signature = types.uint64(rows, bits, types.uint64, types.int64, keys, types.uint64)
    half, whole, mask = _vector(_INT, KEYS), _vector(_LONG, KEYS), _vector(_BIT, KEYS)
    counted = ir.IntType(KEYS)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = _keys(
            builder, *(_at(builder, signature, args, context, which, args[2], half) for which in (0, 1))
        )
        chosen = builder.icmp_signed(">", made, _spread(builder, args[3], KEYS))
        compress = _intrinsic(
            builder, f"experimental.vector.compress.v{KEYS}i64", whole, [whole, mask, whole]
        )
        close = builder.call(compress, [made, chosen, ir.Constant(whole, ir.Undefined)])
        builder.store(close, _at(builder, signature, args, context, 4, args[5], whole), align=8)
        count = _intrinsic(builder, f"ctpop.i{KEYS}", counted, [counted])
        return builder.zext(builder.call(count, [builder.bitcast(chosen, counted)]), _LONG)

    return signature, codegen


def _leaders(typing: Any, rows: Any, bits: Any, n: Any, keys: Any) -> Any:
    """Deal the pairs before n to LANES lanes; the two largest keys of each lane to the front of `keys`.

    All pairs up to the next multiple of LANES are read.
    """
    half, whole = _vector(_INT, KEYS), _vector(_LONG, KEYS)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes, none = range(0, LANES, KEYS), ir.Constant(whole, [-(2**63)] * KEYS)
        first, second = ([cgutils.alloca_once_value(builder, none) for _ in lanes] for _ in range(2))
        with cgutils.for_range_slice(builder, _LONG(0), args[2], _LONG(LANES), _LONG) as (start, _):
            for lane, one, two in zip(lanes, first, second, strict=True):
                at = builder.add(start, _LONG(lane))
                pairs = (_at(builder, signature, args, context, which, at, half) for which in (0, 1))
                most, less = more_and_less(builder, _keys(builder, *pairs), builder.load(one))
                builder.store(most, one)
                builder.store(more_and_less(builder, less, builder.load(two))[0], two)
        for at, best in enumerate(first + second):
            place = _at(builder, signature, args, context, 3, _LONG(at * KEYS), whole)
            builder.store(builder.load(best), place, align=8)
        return context.get_dummy_value()

    return types.none(rows, bits, types.uint64, keys), codegen


def _keys(builder: Any, rows: Any, bits: Any) -> Any:
    """The keys, as of `select.key_of`, of the vectors of rows and bits of scores stored here."""
    whole = _vector(_LONG, KEYS)
    found, score = (builder.load(one, align=4) for one in (rows, bits))
    above = builder.shl(builder.sext(score, whole), ir.Constant(whole, [32] * KEYS))
    return builder.or_(above, builder.zext(builder.not_(found), whole))


def _write_keys(typing: Any, keys: Any, at: Any, rows: Any, bits: Any, to: Any) -> Any:
    """Write the rows and scores of keys[at : at + KEYS] from `to` of two arrays or tables."""
    signature = types.none(keys, types.uint64, rows, bits, types.uint64)
    half, whole = _vector(_INT, KEYS), _vector(_LONG, KEYS)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = builder.load(_at(builder, signature, args, context, 0, args[1], whole), align=8)
        above = builder.ashr(found, ir.Constant(whole, [32] * KEYS))
        for which, part in ((2, builder.not_(found)), (3, above)):
            place = _at(builder, signature, args, context, which, args[4], half)
            builder.store(builder.trunc(part, half), place, align=4)
        return context.get_dummy_value()

    return signature, codegen


def _reaching(typing: Any, bits: Any, at: Any, least: Any) -> Any:
    """uint64: which of bits[at : at + SCAN], int32, are at least so much; bit i for place at + i."""
    signature = types.uint64(bits, types.uint64, types.int32)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found: Any = _LONG(0)
        for part in range(0, SCAN, SPAN):
            place = builder.add(args[1], _LONG(part))
            some = builder.load(
                _at(builder, signature, args, context, 0, place, _vector(_INT, SPAN)), align=4
            )
            reached = builder.icmp_signed(">=", some, _spread(builder, args[2], SPAN))
            few = builder.zext(builder.bitcast(reached, ir.IntType(SPAN)), _LONG)
            found = builder.or_(found, builder.shl(few, _LONG(part)))
        return found

    return signature, codegen


def _move(typing: Any, target: Any, to: Any, source: Any, at: Any, n: Any) -> Any:
    """Move n numbers of 4 bytes from one array or table to another, or within one."""
    signature = types.none(target, types.int64, source, types.int64, types.int64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places = [
            _at(builder, signature, args, context, which, args[where], _INT)
            for which, where in ((0, 1), (2, 3))
        ]
        cgutils.raw_memmove(builder, *places, args[4], 4)
        return context.get_dummy_value()

    return signature, codegen


def _to_be_written(typing: Any, array: Any, at: Any) -> Any:
    """Have the cache line of array[at], of an array or table, fetched to be written to soon."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _at(builder, signature, args, context, 0, args[1], ir.IntType(8))
        for_writing, near, of_data = _INT(1), _INT(3), _INT(1)
        kinds = [place.type, _INT, _INT, _INT]
        prefetch = _intrinsic(builder, "prefetch.p0", ir.VoidType(), kinds)
        builder.call(prefetch, [place, for_writing, near, of_data])
        return context.get_dummy_value()

    return types.none(array, types.uint64), codegen


def _intrinsic(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), f"llvm.{name}")


spill: Any = intrinsic(_spill)
append_above: Any = intrinsic(_append_above)
leaders: Any = intrinsic(_leaders)
write_keys: Any = intrinsic(_write_keys)
reaching: Any = intrinsic(_reaching)
move: Any = intrinsic(_move)
to_be_written: Any = intrinsic(_to_be_written)
