"""What each asker looked at and has not taken since: how lately, how often, and how such looks end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.lists import CODES, ENDS, ROWS, SCORES, slot_of, table_of

DAY = 86_400
OTHER, LOOK, TAKE, DROP = range(4)
"""What an event is to an item: nothing, a look at it, the end of looking with a purchase, and without."""
_INTS = types.Array(types.int64, 1, "C", readonly=True)


@njit(cache=True, nogil=True)
def _forget(items: Any, kinds: Any, many: Any, row: Any) -> Any:
    """Take a row out of the latest looks, the newest of which stand first; how many are left."""
    for place in range(many):
        if items[place] == row:
            for after in range(place, many - 1):
                items[after], kinds[after] = items[after + 1], kinds[after + 1]
            return many - 1
    return many


@njit((ENDS, ROWS, CODES, CODES, types.int64), cache=True, nogil=True)
def returns(indptr: Any, rows: Any, event_types: Any, acts: Any, depth: Any) -> Any:
    """How often the next step goes back to a look: (hits, chances), int64[n_types, depth] each.

    Actor i did `rows[indptr[i]:indptr[i + 1]]`, oldest first; `acts`: what each event type is, OTHER to DROP.
    Before each look or purchase that is not their first step, the distinct items that the actor looked at and
    neither took nor dropped since stand by how lately they were: each is a chance at its place, by the type
    of the latest look at it, and that which the step goes back to is a hit.
    """
    shape = len(acts), depth
    hits, chances = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    items, kinds = np.empty(depth, np.int32), np.empty(depth, np.uint8)
    for actor in range(len(indptr) - 1):
        many = 0
        for place in range(indptr[actor], indptr[actor + 1]):
            row, act = rows[place], acts[event_types[place]]
            if act == OTHER:
                continue
            if act != DROP:
                for at in range(many):
                    chances[kinds[at], at] += 1
                    hits[kinds[at], at] += items[at] == row
            many = _forget(items, kinds, many, row)
            if act == LOOK:
                many = min(many + 1, depth)
                for at in range(many - 1, 0, -1):
                    items[at], kinds[at] = items[at - 1], kinds[at - 1]
                items[0], kinds[0] = row, event_types[place]
    return hits, chances


@njit(
    (ENDS, ROWS, CODES, _INTS, CODES, SCORES, SCORES, types.float64, types.float64, types.int64),
    cache=True,
    nogil=True,
)
def looks(
    indptr: Any, rows: Any, event_types: Any, times: Any, acts: Any, curve: Any, factors: Any,
    often: Any, half_life: Any, now: Any,
) -> Any:  # fmt: skip
    """The rows that each asker looked at and neither took nor dropped since, and what they are worth.

    The i-th of them, the latest look first, is worth `curve[i]` (the last value for all behind), times the
    `factors` of the type of its latest look, times its looks as the power `often`, halved for every
    `half_life` days of the latest look before `now` (0 for never). Ragged: int64[n + 1], rows int32 without
    repeats, the latest first, float32.
    """
    ends = np.zeros(len(indptr), np.int64)
    out_rows, worth = np.empty(len(rows), np.int32), np.empty(len(rows), np.float32)
    counts = np.empty(len(rows), np.int64)
    filled = 0
    for asker in range(len(indptr) - 1):
        low, high = indptr[asker], indptr[asker + 1]
        table = table_of(rows[low:low], high - low)
        numbers = np.empty(len(table), np.int64)
        start = filled
        for place in range(high - 1, low - 1, -1):
            kind = event_types[place]
            if acts[kind] == OTHER:
                continue
            slot = slot_of(table, rows[place])
            if table[slot] < 0:
                table[slot], numbers[slot] = rows[place], -1
                if acts[kind] == LOOK:
                    value = curve[min(filled - start, len(curve) - 1)] * factors[kind]
                    if half_life > 0:
                        value *= 2.0 ** (-max(now - times[place], 0) / DAY / half_life)
                    numbers[slot], out_rows[filled] = filled, rows[place]
                    worth[filled], counts[filled], filled = value, 1, filled + 1
            elif acts[kind] != LOOK:
                numbers[slot] = -1
            elif numbers[slot] >= 0:
                counts[numbers[slot]] += 1
        for at in range(start, filled):
            worth[at] *= np.float64(counts[at]) ** often
        ends[asker + 1] = filled
    return ends, out_rows[:filled].copy(), worth[:filled].copy()


@njit((ENDS, ROWS, CODES, CODES, types.int64), cache=True, nogil=True)
def comebacks(indptr: Any, rows: Any, event_types: Any, acts: Any, n_items: Any) -> Any:
    """Of each item how many actors began with a look at it, and how many of them looked again or took it:
    (lookers, again), int64[n_items] each. Arguments as of `returns`."""
    lookers, again = np.zeros(n_items, np.int64), np.zeros(n_items, np.int64)
    for actor in range(len(indptr) - 1):
        low, high = indptr[actor], indptr[actor + 1]
        table = table_of(rows[low:low], high - low)
        waiting = np.zeros(len(table), np.bool_)
        for place in range(low, high):
            row, act = rows[place], acts[event_types[place]]
            if act != LOOK and act != TAKE:
                continue
            slot = slot_of(table, row)
            if table[slot] < 0:
                table[slot], waiting[slot] = row, act == LOOK
                lookers[row] += act == LOOK
            elif waiting[slot]:
                waiting[slot] = False
                again[row] += 1
    return lookers, again
