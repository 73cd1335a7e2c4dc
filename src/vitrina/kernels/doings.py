"""What counts of all that some askers did or see: the events that are marked, the latest order of each, what
their pages hold.

Ragged: of asker i is what lies from ends[i] to ends[i + 1].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.gather import ENDS, MASK, ROWS, TYPES

PLACES = types.Array(types.int32, 2, "C", readonly=True)


@njit((ENDS, MASK), cache=True, nogil=True)
def marked(ends: Any, mask: Any) -> Any:
    """The places of the marked events: int64[n + 1] ends, int64[m] places."""
    places, found = np.empty(len(mask), np.int64), np.zeros(len(ends), np.int64)
    filled = 0
    for asker in range(len(ends) - 1):
        for at in range(ends[asker], ends[asker + 1]):
            places[filled] = at
            filled += mask[at]
        found[asker + 1] = filled
    return found, places[:filled].copy()


@njit((ENDS, TYPES, ROWS, ENDS, types.int64), cache=True, nogil=True)
def last_orders(ends: Any, kinds: Any, visits: Any, session_at: Any, bought: Any) -> Any:
    """The places of the last order's events of each asker: int64[n + 1] ends, int64[m] places.

    An event of kind `bought` is a purchase. Purchases of the running visit, from session_at[i] on, are one
    order; those before are one if they share a visit, and one that has none (below 0) is an order alone.
    """
    places, found = np.empty(len(kinds), np.int64), np.zeros(len(ends), np.int64)
    filled = 0
    for asker in range(len(ends) - 1):
        last = ends[asker + 1] - 1
        while last >= ends[asker] and kinds[last] != bought:
            last -= 1
        if last >= ends[asker]:
            running = last >= session_at[asker]
            low = session_at[asker] if running else ends[asker]
            for at in range(low, last + 1):
                same = running or at == last or (visits[last] >= 0 and visits[at] == visits[last])
                if same and kinds[at] == bought:
                    places[filled] = at
                    filled += 1
        found[asker + 1] = filled
    return found, places[:filled].copy()


@njit((ENDS, ROWS, ENDS, ROWS), cache=True, nogil=True)
def beside(ends: Any, rows: Any, more_ends: Any, more: Any) -> Any:
    """The rows of each asker in both of two ragged arrays, one behind the other: int64[n + 1], int32."""
    found, joined = ends + more_ends, np.empty(len(rows) + len(more), np.int32)
    for asker in range(len(ends) - 1):
        at = found[asker]
        for place in range(ends[asker], ends[asker + 1]):
            joined[at] = rows[place]
            at += 1
        for place in range(more_ends[asker], more_ends[asker + 1]):
            joined[at] = more[place]
            at += 1
    return found, joined


@njit((ENDS, ROWS, ENDS), cache=True, nogil=True)
def of_some(ends: Any, rows: Any, askers: Any) -> Any:
    """The rows of some of the askers, ragged: int64[n + 1], int32."""
    found = np.zeros(len(askers) + 1, np.int64)
    for at, asker in enumerate(askers):
        found[at + 1] = found[at] + ends[asker + 1] - ends[asker]
    taken = np.empty(found[-1], np.int32)
    for at, asker in enumerate(askers):
        for place in range(ends[asker + 1] - ends[asker]):
            taken[found[at] + place] = rows[ends[asker] + place]
    return found, taken


@njit((types.int64, ENDS, PLACES), cache=True, nogil=True)
def listed_for(n: Any, askers: Any, lists: Any) -> Any:
    """Lists int32[m, k], -1 pads, of some of n askers, as a ragged array of all: int64[n + 1], int32."""
    whose = np.full(n, -1, np.int64)
    for at, asker in enumerate(askers):
        whose[asker] = at
    ends, rows = np.zeros(n + 1, np.int64), np.empty(lists.size, np.int32)
    filled = 0
    for asker in range(n):
        if whose[asker] >= 0:
            for row in lists[whose[asker]]:
                if row >= 0:
                    rows[filled] = row
                    filled += 1
        ends[asker + 1] = filled
    return ends, rows[:filled].copy()
