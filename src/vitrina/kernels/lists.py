"""Lists at request time: walk a fixed order, or pick the best of ragged pairs, under a mask.

Signatures are explicit and take read-only arrays, so memory-mapped parts and fresh arrays run the
same machine code, and nothing compiles once this module is imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.select import descending, key_of, ordered, row_of, to_front

ROWS = types.Array(types.int32, 1, "C", readonly=True)
ENDS = types.Array(types.int64, 1, "C", readonly=True)
SCORES = types.Array(types.float32, 1, "C", readonly=True)
CODES = types.Array(types.uint8, 1, "C", readonly=True)
MASK = types.Array(types.boolean, 1, "C", readonly=True)

WALK = 32_768
"""Steps along an order before it is worth looking at the mask as a whole (about 60 microseconds)."""
THIN = 16
"""A mask that admits fewer than one row in so many is looked through rather than walked along."""


@njit(cache=True, nogil=True)
def slot_of(table: Any, row: Any) -> Any:
    """Where `row` stands, or may be put, in an open-addressed table of rows (-1 is free)."""
    spread = np.int64(row) * 2654435761
    slot = (spread ^ (spread >> 17)) & (len(table) - 1)
    while table[slot] >= 0 and table[slot] != row:
        slot = (slot + 1) & (len(table) - 1)
    return slot


@njit(cache=True, nogil=True)
def table_of(rows: Any, more: Any) -> Any:
    """A table that holds these rows and has room for `more`, half of it free: int32."""
    size = 8
    while size < 2 * (len(rows) + more):
        size *= 2
    table = np.full(size, -1, np.int32)
    for row in rows:
        table[slot_of(table, row)] = row
    return table


@njit(cache=True, nogil=True)
def _worse(one: Any, other: Any, rows: Any, scores: Any) -> Any:
    if scores[one] != scores[other]:
        return scores[one] < scores[other]
    return rows[one] > rows[other]


@njit(cache=True, nogil=True)
def _sink(heap: Any, size: Any, rows: Any, scores: Any) -> None:
    at = 0
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _worse(heap[child + 1], heap[child], rows, scores):
            child += 1
        if not _worse(heap[child], heap[at], rows, scores):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@njit(cache=True, nogil=True)
def offer(heap: Any, kept: Any, place: Any, rows: Any, scores: Any) -> Any:
    """Keep `place` if it is among the best; `heap` has the worst of them on top."""
    if kept < len(heap):
        at = kept
        heap[at] = place
        while at > 0 and _worse(heap[at], heap[(at - 1) // 2], rows, scores):
            heap[at], heap[(at - 1) // 2] = heap[(at - 1) // 2], heap[at]
            at = (at - 1) // 2
        return kept + 1
    if kept and _worse(heap[0], place, rows, scores):
        heap[0] = place
        _sink(heap, kept, rows, scores)
    return kept


@njit(cache=True, nogil=True)
def best_first(heap: Any, kept: Any, rows: Any, scores: Any) -> None:
    """Put what `offer` kept in order: higher score first, then lower row."""
    for last in range(kept - 1, 0, -1):
        heap[0], heap[last] = heap[last], heap[0]
        _sink(heap, last, rows, scores)


@njit((ENDS, ROWS, SCORES, MASK, ENDS, ROWS, types.int64), cache=True, nogil=True)
def best(indptr: Any, rows: Any, scores: Any, mask: Any, skip_indptr: Any, skipped: Any, k: Any) -> Any:
    """The k best allowed pairs of each asker: ragged (int64[n + 1], int32, float32).

    Asker i offers `rows[indptr[i]:indptr[i + 1]]`, no row twice; best first, ties to the lower
    row. Linear in the pairs, plus a sort of those kept.
    """
    n = len(indptr) - 1
    bits = scores.view(np.int32)
    out_indptr = np.zeros(n + 1, np.int64)
    out_rows = np.empty(len(rows), np.int32)
    out_scores = np.empty(len(rows), np.float32)
    out_bits = out_scores.view(np.int32)
    filled = 0
    for asker in range(n):
        skips = table_of(skipped[skip_indptr[asker] : skip_indptr[asker + 1]], 0)
        free = skip_indptr[asker] == skip_indptr[asker + 1]
        low, high = indptr[asker], indptr[asker + 1]
        keys, held = np.empty(high - low, np.int64), 0
        for place in range(low, high):
            keys[held] = key_of(ordered(bits[place]), rows[place])
            held += mask[rows[place]] and (free or skips[slot_of(skips, rows[place])] < 0)
        kept = min(k, held)
        if held > k > 0:
            to_front(keys[:held], k)
        ranked = np.empty(kept, np.int64)
        descending(keys[:kept], ranked)
        for at in range(kept):
            out_rows[filled + at] = row_of(ranked[at])
            out_bits[filled + at] = ordered(ranked[at] >> 32)
        filled += kept
        out_indptr[asker + 1] = filled
    return out_indptr, out_rows[:filled].copy(), out_scores[:filled].copy()


@njit(cache=True, nogil=True)
def _least(values: Any, n: Any) -> Any:
    """The n least of some values, ascending. (numpy's own partition takes 15 seconds to compile.)"""
    alike = np.zeros(len(values), np.float32)
    heap = np.empty(n, np.int64)
    kept = 0
    for place in range(len(values)):
        kept = offer(heap, kept, place, values, alike)
    best_first(heap, kept, values, alike)
    return values[heap[:kept]]


@njit(cache=True, nogil=True)
def _admits(rank: Any, mask: Any, beyond: Any, most: Any) -> Any:
    """The ranks from `beyond` on of what the mask admits, in no order; of `most + 1` at most: int32.

    A thin mask is read by blocks of 64 rows, then by words of eight: most are zero.
    """
    ranks = np.empty(most + 1, np.int32)
    found = 0
    words = mask[: len(mask) // 8 * 8].view(np.uint64)
    for block in range(0, len(words) + 1, 8):
        some = np.uint64(block + 8 > len(words))
        for word in range(block, min(block + 8, len(words))):
            some |= words[word]
        if not some:
            continue
        for word in range(block, min(block + 8, len(words) + 1)):
            if word == len(words) or words[word]:
                for row in range(8 * word, min(8 * word + 8, len(mask))):
                    if mask[row] and rank[row] >= beyond:
                        ranks[found] = rank[row]
                        found += 1
                        if found > most:
                            return ranks
    return ranks[:found]


@njit((ROWS, ROWS, MASK, ROWS, types.int64), cache=True, nogil=True)
def admitted(order: Any, rank: Any, mask: Any, few: Any, need: Any) -> Any:
    """The first `need` rows of `order` that the mask admits: int32.

    `rank`: where each row stands in `order`; `few`: all that the mask admits where they are few, else
    nothing. A thin mask is not walked along the order to its
    end: what it admits is looked up in the mask and put in order instead.
    """
    if len(few):
        return order[_least(rank[few], min(need, len(few)))]
    rows = np.empty(min(need, len(order)), np.int32)
    found, at, turn = 0, 0, WALK
    while found < len(rows) and at < len(order):
        if mask[order[at]]:
            rows[found] = order[at]
            found += 1
        at += 1
        if at == turn:
            turn *= 2
            most = len(order) // THIN if found * THIN < at else 0
            ranks = _admits(rank, mask, at, most)
            if len(ranks) <= most:
                for place in _least(ranks, min(len(rows) - found, len(ranks))):
                    rows[found] = order[place]
                    found += 1
                return rows[:found]
    return rows[:found]


@njit(cache=True, nogil=True)
def _most_skips(mask: Any, indptr: Any, rows: Any) -> Any:
    """How many rows that the mask admits are skipped for one asker, at most."""
    most = 0
    for asker in range(len(indptr) - 1):
        count = 0
        for row in rows[indptr[asker] : indptr[asker + 1]]:
            count += mask[row]
        most = max(most, count)
    return most


@njit(
    (ROWS, SCORES, ROWS, ENDS, ROWS, SCORES, ROWS, MASK, ROWS, ENDS, ROWS, types.int64),
    cache=True,
    nogil=True,
)
def walk(
    order: Any,
    scores: Any,
    rank: Any,
    shelf_indptr: Any,
    shelf_rows: Any,
    shelf_scores: Any,
    shelves: Any,
    mask: Any,
    few: Any,
    skip_indptr: Any,
    skipped: Any,
    k: Any,
) -> Any:
    """The first k allowed rows of each asker: ragged (int64[n + 1], int32, float32).

    Asker i begins with the short order of shelf `shelves[i]` (none if negative), best first, and
    goes on along `order`, which holds every row; `scores` belong to `order`, `rank` inverts it.
    Scores never rise: past a shelf they are at most the shelf's last.
    """
    n, k = len(shelves), min(k, len(order))
    common = admitted(order, rank, mask, few, k + _most_skips(mask, skip_indptr, skipped))
    indptr = np.zeros(n + 1, np.int64)
    out_rows = np.empty(n * min(k, len(common)), np.int32)
    out_scores = np.empty(len(out_rows), np.float32)
    for asker in range(n):
        low, high = 0, 0
        if 0 <= shelves[asker] < len(shelf_indptr) - 1:
            low, high = shelf_indptr[shelves[asker]], shelf_indptr[shelves[asker] + 1]
        taken = table_of(skipped[skip_indptr[asker] : skip_indptr[asker + 1]], min(k, high - low))
        at = indptr[asker]
        end, last = at + k, np.float32(np.inf)
        for place in range(low, high):
            slot = slot_of(taken, shelf_rows[place])
            if at < end and mask[shelf_rows[place]] and taken[slot] < 0:
                taken[slot] = shelf_rows[place]
                last = shelf_scores[place]
                out_rows[at], out_scores[at] = shelf_rows[place], last
                at += 1
        for row in common:
            if at < end and taken[slot_of(taken, row)] < 0:
                out_rows[at], out_scores[at] = row, min(last, scores[rank[row]])
                at += 1
        indptr[asker + 1] = at
    return indptr, out_rows[: indptr[n]].copy(), out_scores[: indptr[n]].copy()


@njit((ROWS, ROWS), cache=True, nogil=True)
def absent(rows: Any, others: Any) -> Any:
    """bool like `rows`: whether each is none of the others."""
    table = table_of(others, 0)
    found = np.empty(len(rows), np.bool_)
    for at in range(len(rows)):
        found[at] = table[slot_of(table, rows[at])] < 0
    return found
