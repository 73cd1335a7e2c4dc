"""A few keys sorted in the processor's vector registers: Batcher's bitonic network (1968), no branches.

The 21 rounds of comparisons of a network of 64 are the same for any keys, eight of them an
instruction. LLVM does not find them in a loop, so they are laid out here; how wide a register is
remains LLVM's business.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # it says no types
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FEW = 64
WIDTH = 8

_LONG, _PLACE = ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_LONG, WIDTH)
_ANYTHING = ir.Constant(_VECTOR, ir.Undefined)
_LEAST = ir.Constant(_VECTOR, [-(2**63)] * WIDTH)


def _sort_few(typing: Any, keys: Any, n: Any, out: Any) -> Any:
    """Write the first n <= FEW of int64 `keys` into `out`, largest first; they may be the same array."""
    signature = types.none(keys, types.int64, out)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target = (context.make_array(signature.args[at])(context, builder, args[at]) for at in (0, 2))
        room = cgutils.alloca_once(builder, ir.ArrayType(_VECTOR, FEW // WIDTH))
        places = [builder.gep(room, [_LONG(0), _LONG(at)]) for at in range(FEW // WIDTH)]
        for place in places:
            builder.store(_LEAST, place)
        cgutils.raw_memcpy(builder, builder.bitcast(room, _LONG.as_pointer()), source.data, args[1], 8)
        for vector, place in zip(
            _sorted(builder, [builder.load(one) for one in places]), places, strict=True
        ):
            builder.store(vector, place)
        cgutils.raw_memcpy(builder, target.data, builder.bitcast(room, _LONG.as_pointer()), args[1], 8)
        return context.get_dummy_value()

    return signature, codegen


def _sorted(builder: Any, vectors: list[Any]) -> list[Any]:
    """The network: runs of 2, 4, ... FEW keys, every second one rising, merged into runs of twice as many."""
    run = 2
    while run <= FEW:
        apart = run // 2
        while apart:
            if apart >= WIDTH:
                _between(builder, vectors, run, apart // WIDTH)
            else:
                vectors = [_within(builder, one, at, run, apart) for at, one in enumerate(vectors)]
            apart //= 2
        run *= 2
    return vectors


def _between(builder: Any, vectors: list[Any], run: int, apart: int) -> None:
    """Compare whole vectors, so many apart, in place."""
    for at in range(len(vectors)):
        other = at ^ apart
        if at < other:
            more, less = _more_and_less(builder, vectors[at], vectors[other])
            falling = not at * WIDTH & run
            vectors[at], vectors[other] = (more, less) if falling else (less, more)


def _within(builder: Any, vector: Any, at: int, run: int, apart: int) -> Any:
    """Compare the keys of one vector, the `at`th, that are so many apart."""
    partners = _shuffled(builder, vector, _ANYTHING, [lane ^ apart for lane in range(WIDTH)])
    more, less = _more_and_less(builder, vector, partners)
    places = range(at * WIDTH, (at + 1) * WIDTH)
    takes_more = [(place & run == 0) == (place & apart == 0) for place in places]
    picks = [lane if takes else WIDTH + lane for lane, takes in enumerate(takes_more)]
    return _shuffled(builder, more, less, picks)


def _more_and_less(builder: Any, one: Any, other: Any) -> tuple[Any, Any]:
    above = builder.icmp_signed(">", one, other)
    return builder.select(above, one, other), builder.select(above, other, one)


def _shuffled(builder: Any, one: Any, other: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(_PLACE, WIDTH), lanes))


sort_few: Any = intrinsic(_sort_few)
