"""What is bought with what: exact pair counts over baskets.

Where all pairs of the items that can be in any have room in one block, baskets are read once, in order, and
counted into a square. Otherwise counting goes one antecedent at a time through inverted lists, so memory is
bounded by one block of antecedents and one counter an item for each thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange
from numpy.typing import NDArray

from vitrina.kernels.sparse import Csr

BLOCK = 1 << 22
"""Pairs that one block has room for: 32 MB of rows and counts."""


@dataclass(frozen=True)
class Pairs:
    """Ragged by antecedent: `antecedents[i]` is bought with `rows[indptr[i]:indptr[i + 1]]`.

    `antecedents`, `rows`: int32, both ascending; `indptr`: int64; `counts`: int32, the baskets
    that hold both.
    """

    antecedents: NDArray[np.int32]
    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.int32]


def pair_counts(baskets: Csr, min_count: int, block: int = BLOCK) -> Iterator[Pairs]:
    """Every ordered pair of items that `min_count` baskets or more hold, antecedents ascending.

    `baskets`: baskets x items, of which only the presence counts. Exact, and the same for any
    number of threads. A block has room for `block` pairs, or for one antecedent where that needs more.
    """
    least = max(min_count, 1)
    kept, held = _frequent(baskets, least)
    if len(kept) ** 2 <= block:
        yield _of_square(kept, _square(held.indptr, held.indices, len(kept)), least)
        return
    lists = held.transposed()
    steps = np.concatenate([[0], np.cumsum(np.diff(held.indptr)[lists.indices])])
    work = np.diff(steps[lists.indptr])
    # Counts of `least` or more that add up to `work` cannot be more than this many.
    room = np.minimum(work // least, len(kept))
    for low, high in _spans(room, block):
        order = low + np.argsort(-work[low:high], kind="stable")
        starts = np.concatenate([[0], np.cumsum(room[low:high])])
        args = (held.indptr, held.indices, lists.indptr, lists.indices, order, low, starts)
        found, rows, counts = _count(*args, least, get_num_threads())
        indptr = np.concatenate([[0], np.cumsum(found)])
        rows, counts = _pack(starts, indptr, rows, counts)
        yield Pairs(kept[low:high], indptr, kept[rows], counts)


def _frequent(baskets: Csr, least: int) -> tuple[NDArray[np.int32], Csr]:
    """The items that can be in any pair, and the baskets of them alone, items renumbered."""
    counts = np.bincount(baskets.indices, minlength=baskets.shape[1])
    kept = np.flatnonzero(counts >= least).astype(np.int32)
    label = np.full(baskets.shape[1], -1, np.int32)
    label[kept] = np.arange(len(kept), dtype=np.int32)
    labels = label[baskets.indices]
    before = np.concatenate([[0], np.cumsum(labels >= 0)])
    chosen = labels[labels >= 0]
    presence = np.ones(len(chosen), np.float32)
    return kept, Csr(before[baskets.indptr], chosen, presence, (baskets.shape[0], len(kept)))


def _of_square(kept: NDArray[np.int32], square: NDArray[np.int32], least: int) -> Pairs:
    """The pairs of `least` baskets or more."""
    cells = np.flatnonzero(square.ravel() >= least)
    antecedents, rows = np.divmod(cells, len(kept) or 1)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(antecedents, minlength=len(kept)))])
    return Pairs(kept, indptr, kept[rows], square.ravel()[cells])


@njit(cache=True, nogil=True)
def _square(indptr: Any, items: Any, n_items: Any) -> Any:
    """int32[n, n]: how many baskets hold both; nothing on the diagonal. Items of a basket ascend."""
    square = np.zeros((n_items, n_items), np.int32)
    for basket in range(len(indptr) - 1):
        low, high = np.uint64(indptr[basket]), np.uint64(indptr[basket + 1])
        for at in range(low, high):
            row = square[items[at]]
            for other in range(at + np.uint64(1), high):
                row[items[other]] += 1
    for one in range(n_items):
        for other in range(one + 1, n_items):
            square[other, one] = square[one, other]
    return square


def _spans(room: NDArray[np.int64], block: int) -> Iterator[tuple[int, int]]:
    """Half-open ranges of antecedents, each with room for `block` pairs at most, or of one."""
    ends = np.cumsum(room)
    low = 0
    while low < len(room):
        before = ends[low - 1] if low else 0
        high = max(int(np.searchsorted(ends, before + block, side="right")), low + 1)
        yield low, high
        low = high


@njit(cache=True, parallel=True)
def _count(
    basket_indptr: Any,
    basket_items: Any,
    list_indptr: Any,
    list_baskets: Any,
    order: Any,
    low: Any,
    starts: Any,
    least: Any,
    threads: Any,
) -> Any:
    """Count the pairs of antecedents `order` (dearest first, dealt out to the threads in turn)."""
    n_items = len(list_indptr) - 1
    found = np.zeros(len(order), np.int64)
    rows = np.empty(starts[-1], np.int32)
    counts = np.empty(starts[-1], np.int32)
    for thread in prange(threads):
        together = np.zeros(n_items, np.int32)
        touched = np.empty(n_items, np.int32)
        for turn in range(thread, len(order), threads):
            item = order[turn]
            n_touched = 0
            for basket in list_baskets[list_indptr[item] : list_indptr[item + 1]]:
                for other in basket_items[basket_indptr[basket] : basket_indptr[basket + 1]]:
                    if together[other] == 0:
                        touched[n_touched] = other
                        n_touched += 1
                    together[other] += 1
            together[item] = 0
            start = starts[item - low]
            kept = 0
            for at in range(n_touched):
                if together[touched[at]] >= least:
                    rows[start + kept] = touched[at]
                    kept += 1
                else:
                    together[touched[at]] = 0
            rows[start : start + kept].sort()
            for at in range(start, start + kept):
                counts[at] = together[rows[at]]
                together[rows[at]] = 0
            found[item - low] = kept
    return found, rows, counts


@njit(cache=True)
def _pack(starts: Any, indptr: Any, rows: Any, counts: Any) -> Any:
    """Close the gaps between the antecedents of a block."""
    packed_rows = np.empty(indptr[-1], np.int32)
    packed_counts = np.empty(indptr[-1], np.int32)
    for at in range(len(indptr) - 1):
        size = indptr[at + 1] - indptr[at]
        packed_rows[indptr[at] : indptr[at + 1]] = rows[starts[at] : starts[at] + size]
        packed_counts[indptr[at] : indptr[at + 1]] = counts[starts[at] : starts[at] + size]
    return packed_rows, packed_counts
