"""Items that look like an asker's seeds, from a table of looks that are alike.

A look is all photos of the same thing; `look[i]` is item i's (-1: no photo), and look l is shown by
the items `shown[shown_indptr[l]:shown_indptr[l + 1]]` and is like `rows[indptr[l]:indptr[l + 1]]`.
Signatures are explicit and take read-only arrays, as in `lists`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.lists import ENDS, MASK, ROWS, SCORES, best_first, offer, slot_of, table_of


@njit(cache=True, nogil=True)
def _sums(own: Any, weights: Any, indptr: Any, rows: Any, scores: Any) -> Any:
    """(looks int32, sums float32): what the seeds' looks are like, their own left out."""
    room = 0
    for look in own:
        room += indptr[look + 1] - indptr[look]
    barred = table_of(own, 0)
    table = table_of(own[:0], room)
    sums = np.zeros(len(table), np.float32)
    for seed in range(len(own)):
        for place in range(indptr[own[seed]], indptr[own[seed] + 1]):
            if barred[slot_of(barred, rows[place])] < 0:
                slot = slot_of(table, rows[place])
                table[slot] = rows[place]
                sums[slot] += weights[seed] * scores[place]
    kept = table >= 0
    return table[kept], sums[kept]


@njit(cache=True, nogil=True)
def _first(look: Any, shown_indptr: Any, shown: Any, mask: Any, skips: Any) -> Any:
    """The first item that shows a look and may be shown; -1 if none may."""
    for place in range(shown_indptr[look], shown_indptr[look + 1]):
        if mask[shown[place]] and skips[slot_of(skips, shown[place])] < 0:
            return shown[place]
    return np.int32(-1)


@njit(cache=True, nogil=True)
def _best(items: Any, sums: Any, k: Any) -> Any:
    """Places of the k best items, best first; an item of -1 is none."""
    heap = np.empty(min(k, len(items)), np.int64)
    kept = 0
    for at in range(len(items)):
        if items[at] >= 0:
            kept = offer(heap, kept, at, items, sums)
    best_first(heap, kept, items, sums)
    return heap[:kept]


@njit(
    (ENDS, ROWS, SCORES, ENDS, ROWS, SCORES, ROWS, ENDS, ROWS, MASK, ENDS, ROWS, types.int64),
    cache=True,
    nogil=True,
)
def alike(
    seed_indptr: Any,
    seeds: Any,
    weights: Any,
    indptr: Any,
    rows: Any,
    scores: Any,
    look: Any,
    shown_indptr: Any,
    shown: Any,
    mask: Any,
    skip_indptr: Any,
    skipped: Any,
    k: Any,
) -> Any:
    """The k best allowed items of each asker, one a look: ragged (int64[n + 1], int32, float32)."""
    n = len(seed_indptr) - 1
    out_indptr = np.zeros(n + 1, np.int64)
    room = min(k, len(shown_indptr) - 1) * n
    out_rows, out_scores = np.empty(room, np.int32), np.empty(room, np.float32)
    filled = 0
    for asker in range(n):
        low, high = seed_indptr[asker], seed_indptr[asker + 1]
        own = look[seeds[low:high]]
        seen = own >= 0
        looks, sums = _sums(own[seen], weights[low:high][seen], indptr, rows, scores)
        skips = table_of(skipped[skip_indptr[asker] : skip_indptr[asker + 1]], 0)
        items = np.empty(len(looks), np.int32)
        for at in range(len(looks)):
            items[at] = _first(looks[at], shown_indptr, shown, mask, skips)
        for at in _best(items, sums, k):
            out_rows[filled] = items[at]
            out_scores[filled] = sums[at]
            filled += 1
        out_indptr[asker + 1] = filled
    return out_indptr, out_rows[:filled].copy(), out_scores[:filled].copy()


@njit((ROWS, SCORES, ENDS, ROWS, SCORES, ROWS, ROWS), cache=True, nogil=True)
def likest(seeds: Any, weights: Any, indptr: Any, rows: Any, scores: Any, look: Any, wanted: Any) -> Any:
    """For each wanted item the seed that its score owes most to, -1 where none is like it: int32."""
    chosen = np.full(len(wanted), -1, np.int32)
    for at in range(len(wanted)):
        best = np.float32(0.0)
        for seed in range(len(seeds)):
            own = look[seeds[seed]]
            if own < 0:
                continue
            for place in range(indptr[own], indptr[own + 1]):
                if rows[place] == look[wanted[at]] and weights[seed] * scores[place] > best:
                    best = weights[seed] * scores[place]
                    chosen[at] = seeds[seed]
    return chosen
