"""A few keys sorted in the processor's vector registers: Batcher's bitonic network (1968), no branches.

A network of 64 compares the same pairs for any keys: 21 rounds, eight pairs an instruction. LLVM does
not find them in a loop, so they are laid out here; how wide a register is remains LLVM's business.
Two keys are compared when they stand in the same lane of two registers. Where a key stands is a matter
of bookkeeping: the bits of its place are dealt to lanes and to registers, and where a round compares
keys along a bit of the lanes, that bit is exchanged for the bit of the registers that is needed last.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # it says no types
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FEW = 64
WIDTH = 8
LANE_BITS = 3

_LONG, _PLACE = ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_LONG, WIDTH)
_LEAST = ir.Constant(_VECTOR, [-(2**63)] * WIDTH)
_TURNED = ir.Constant(_VECTOR, [-1] * WIDTH)


class _Registers:
    """Keys in vectors; `bits`: which bits of a key's place are those of its lane, then of its register."""

    def __init__(self, builder: Any, vectors: list[Any], bits: list[int]) -> None:
        self._builder, self.vectors, self._bits = builder, vectors, bits

    def sort(self) -> None:
        """Largest first: runs of 2, 4, ... keys, every second one rising, merged two by two."""
        levels = len(self._bits)
        rounds = [(level, bit) for level in range(1, levels + 1) for bit in reversed(range(level))]
        self._compare(rounds)

    def merge(self) -> None:
        """Largest first, of keys that fall and then rise."""
        levels = len(self._bits)
        self._compare([(levels, bit) for bit in reversed(range(levels))])

    def straight(self) -> list[Any]:
        """The vectors as they are stored, a key's place being where it stands."""
        for lane in range(LANE_BITS):
            slot = self._bits.index(lane)
            if lane < slot < LANE_BITS:
                self._exchange(slot, LANE_BITS)
                slot = LANE_BITS
            if slot != lane:
                self._exchange(lane, slot)
        order = sorted(range(len(self.vectors)), key=lambda one: self._place(one, 0))
        return [self.vectors[one] for one in order]

    def _compare(self, rounds: list[tuple[int, int]]) -> None:
        """Of places that differ in the bit of each round, the lower gets the larger key.

        It gets the smaller one where the bit of the round's level is set, as the keys there are turned
        into their complements meanwhile.
        """
        turned = len(self._bits)
        for at, (level, bit) in enumerate(rounds):
            self._turn(turned, level)
            turned = level
            if self._bits.index(bit) < LANE_BITS:
                self._bring(bit, [later for _, later in rounds[at + 1 :]])
            for one, other in self._pairs(self._bits.index(bit)):
                more, less = more_and_less(self._builder, self.vectors[one], self.vectors[other])
                self.vectors[one], self.vectors[other] = more, less

    def _turn(self, before: int, now: int) -> None:
        """Turn the keys whose place has bit `now`, and those that had bit `before` back."""
        for register, keys in enumerate(self.vectors):
            places = [self._place(register, lane) for lane in range(WIDTH)]
            mask = [-((place >> before ^ place >> now) & 1) for place in places]
            if any(mask):
                self.vectors[register] = self._builder.xor(keys, ir.Constant(_VECTOR, mask))

    def _bring(self, bit: int, later: list[int]) -> None:
        """Exchange a bit of the lanes for the bit of the registers that no round needs, or the latest."""

        def needed(slot: int) -> int:
            return later.index(self._bits[slot]) if self._bits[slot] in later else len(later)

        slots = range(LANE_BITS, len(self._bits))
        self._exchange(self._bits.index(bit), max(slots, key=needed))

    def _exchange(self, lane_slot: int, slot: int) -> None:
        own = 1 << lane_slot
        low = [lane if not lane & own else WIDTH + (lane ^ own) for lane in range(WIDTH)]
        high = [lane ^ own if not lane & own else WIDTH + lane for lane in range(WIDTH)]
        for one, other in self._pairs(slot):
            pair = self.vectors[one], self.vectors[other]
            self.vectors[one], self.vectors[other] = self._mixed(*pair, low), self._mixed(*pair, high)
        self._bits[lane_slot], self._bits[slot] = self._bits[slot], self._bits[lane_slot]

    def _pairs(self, slot: int) -> list[tuple[int, int]]:
        """Registers that differ in one bit."""
        bit = 1 << (slot - LANE_BITS)
        return [(one, one | bit) for one in range(len(self.vectors)) if not one & bit]

    def _place(self, register: int, lane: int) -> int:
        at = register * WIDTH + lane
        return sum(1 << bit for slot, bit in enumerate(self._bits) if at >> slot & 1)

    def _mixed(self, one: Any, other: Any, lanes: list[int]) -> Any:
        return self._builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(_PLACE, WIDTH), lanes))


def more_and_less(builder: Any, one: Any, other: Any) -> tuple[Any, Any]:
    """The larger and the smaller key of each lane of two vectors."""
    above = builder.icmp_signed(">", one, other)
    return builder.select(above, one, other), builder.select(above, other, one)


def _falling(builder: Any, vectors: list[Any]) -> list[Any]:
    """The keys of some vectors, which may stand anywhere, largest first."""
    levels = (len(vectors) * WIDTH).bit_length() - 1
    registers = _Registers(builder, vectors, [*range(levels - LANE_BITS, levels), *range(levels - LANE_BITS)])
    registers.sort()
    return registers.straight()


def _rising(builder: Any, vectors: list[Any]) -> list[Any]:
    turned = _falling(builder, [builder.xor(one, _TURNED) for one in vectors])
    return [builder.xor(one, _TURNED) for one in turned]


def _pointer(context: Any, builder: Any, signature: Any, args: Any, which: int) -> Any:
    return context.make_array(signature.args[which])(context, builder, args[which]).data


def _stored(builder: Any, array: Any, at: int) -> Any:
    """Where the vector from array[at] is stored."""
    return builder.bitcast(builder.gep(array, [_LONG(at)]), _VECTOR.as_pointer())


def _filled(builder: Any, source: Any, n: Any, room: int) -> tuple[Any, list[Any]]:
    """Room on the stack, with the first n keys of an array and the least ones beyond; its vectors' places."""
    array = cgutils.alloca_once(builder, ir.ArrayType(_VECTOR, room // WIDTH))
    keys = builder.bitcast(array, _LONG.as_pointer())
    places = [_stored(builder, keys, at) for at in range(0, room, WIDTH)]
    for place in places:
        builder.store(_LEAST, place)
    cgutils.raw_memcpy(builder, keys, source, n, 8)
    return keys, places


def _first(builder: Any, source: Any, at: int, n: Any) -> Any:
    """The vector from source[at], the least keys instead of those from the nth on."""
    places = ir.Constant(_VECTOR, [at + lane for lane in range(WIDTH)])
    end = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), n, _LONG(0))
    ends = builder.shuffle_vector(end, end, ir.Constant(ir.VectorType(_PLACE, WIDTH), [0] * WIDTH))
    keys = builder.load(_stored(builder, source, at), align=8)
    return builder.select(builder.icmp_signed("<", places, ends), keys, _LEAST)


def _sort_few(typing: Any, keys: Any, n: Any, out: Any) -> Any:
    """Write the first n <= FEW of int64 `keys` into `out`, largest first; they may be the same array."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target = (_pointer(context, builder, signature, args, which) for which in (0, 2))
        room, places = _filled(builder, source, args[1], FEW)
        for vector, place in zip(
            _falling(builder, [builder.load(one) for one in places]), places, strict=True
        ):
            builder.store(vector, place)
        cgutils.raw_memcpy(builder, target, room, args[1], 8)
        return context.get_dummy_value()

    return types.none(keys, types.int64, out), codegen


def _merging(held: int, more: int) -> Any:
    """The intrinsic that keeps the best `held` keys, largest first, when up to `more` others come."""

    def merge(typing: Any, best: Any, keys: Any, n: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            array, source = (_pointer(context, builder, signature, args, which) for which in (0, 1))
            places = [_stored(builder, array, at) for at in range(0, held, WIDTH)]
            vectors = [builder.load(one, align=8) for one in places]
            rising = _rising(builder, [_first(builder, source, at, args[2]) for at in range(0, more, WIDTH)])
            for at, other in enumerate(rising, len(vectors) - len(rising)):
                vectors[at], _ = more_and_less(builder, vectors[at], other)
            registers = _Registers(builder, vectors, list(range(held.bit_length() - 1)))
            registers.merge()
            for vector, place in zip(registers.straight(), places, strict=True):
                builder.store(vector, place, align=8)
            return context.get_dummy_value()

        return types.none(best, keys, types.int64), codegen

    return intrinsic(merge)


def _start_128(typing: Any, best: Any, keys: Any, n: Any) -> Any:
    """The first n of 64 `keys` into `best`, int64[128], largest first, and the least keys after them."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array, source = (_pointer(context, builder, signature, args, which) for which in (0, 1))
        given = [_first(builder, source, at, args[2]) for at in range(0, FEW, WIDTH)]
        sorted_keys = _falling(builder, given)
        for at, vector in enumerate(sorted_keys + [_LEAST] * len(sorted_keys)):
            builder.store(vector, _stored(builder, array, at * WIDTH), align=8)
        return context.get_dummy_value()

    return types.none(best, keys, types.int64), codegen


sort_few: Any = intrinsic(_sort_few)
merge_32: Any = _merging(32, 32)
"""merge_32(best, keys, n): the best of `best`, int64[32] falling, and the first n of 32 `keys`, into it."""
merge_128: Any = _merging(128, 64)
"""The same of int64[128] and the first n of 64."""
start_128: Any = intrinsic(_start_128)
