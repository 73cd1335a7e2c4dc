"""Next-basket lists at request time: the asker's own habits, and those of the customers nearest to them.

See `gather` for how a sum is made and why signatures are explicit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.customers import ALLOW, EVENTS, RULES, TABLE
from vitrina.kernels.gather import MASK, ROWS, SUMS, pick, pour, reach
from vitrina.kernels.latest import EACH, latest

SCRATCH = types.Tuple((MASK, SUMS, SUMS))
"""All customers allowed; sums of customers; sums of items."""
MIX = types.Tuple((types.float32, types.int64))
"""What the asker's own habits count, of 1; how many neighbours a stranger has."""


@njit(cache=True, nogil=True)
def _near(user: Any, did: Any, rules: Any, alike: Any, takers: Any, nearest: Any, scratch: Any) -> Any:
    """The customers nearest to an asker, with how near, adding up to 1: (int32, float32).

    A customer of training has those learned; a stranger finds theirs through the takers of their items, and
    so does a customer who is like nobody, as who bought nothing yet.
    """
    known = 0 <= user < len(alike[0]) - 1
    own = slice(alike[0][user], alike[0][user + 1]) if known else slice(0, 0)
    if own.start < own.stop:
        near, closeness = alike[1][own].copy(), alike[2][own].copy()
    else:
        everyone, customers, items = scratch
        seeds, weights = np.empty(rules[2] + 1, np.int32), np.empty(rules[2] + 1, np.float32)
        found = latest(*did, *rules, EACH, items, seeds, weights)
        touched = np.empty(reach(seeds[:found], takers[0]) + 1, np.int32)
        reached = pour(seeds[:found], weights, *takers, customers, touched)
        if known:
            customers[user] = 0
        near, closeness = np.empty(nearest, np.int32), np.empty(nearest, np.float32)
        found = pick(customers, touched[:reached], everyone, nearest, near, closeness)
        near, closeness = near[:found].copy(), closeness[:found].copy()
    return near, closeness / max(closeness.sum(), np.float32(1e-9))


@njit(
    (
        *(types.int64, types.int64, ROWS, EVENTS, RULES, TABLE),
        *(TABLE, TABLE, TABLE, ALLOW, types.int64, MIX, SCRATCH),
    ),
    cache=True,
    nogil=True,
)
def next_baskets(
    low: Any,
    high: Any,
    users: Any,
    events: Any,
    rules: Any,
    habits: Any,
    alike: Any,
    takers: Any,
    taken: Any,
    allow: Any,
    k: Any,
    mix: Any,
    scratch: Any,
) -> Any:
    """The k best allowed rows of askers low..high: ragged (int64[n + 1], int32, float32).

    A row scores alpha times the asker's habit of it (`habits`, ragged by asker) and 1 - alpha times
    its mean in the vectors (`taken`) of the nearest customers, the nearer counting more. `alike`:
    customers alike of each; `takers`: customers of each item. Who did nothing gets nothing.
    """
    (ends, rows, kinds, times), (mask, skip_ends, skips), items = events, allow, scratch[2]
    alpha, nearest = mix
    k = max(0, min(k, len(items)))
    out_ends = np.zeros(high - low + 1, np.int64)
    out_rows, out_scores = np.empty((high - low) * k, np.int32), np.empty((high - low) * k, np.float32)
    for asker in range(low, high):
        at, own = out_ends[asker - low], slice(ends[asker], ends[asker + 1])
        out_ends[asker - low + 1] = at
        if own.start == own.stop:
            continue
        did = (rows[own], kinds[own], times[own])
        near, closeness = _near(users[asker], did, rules, alike, takers, nearest, scratch)
        mine = slice(habits[0][asker], habits[0][asker + 1])
        touched = np.empty(reach(near, taken[0]) + mine.stop - mine.start + 2, np.int32)
        reached = pour(near, closeness * (np.float32(1) - alpha), *taken, items, touched)
        for place in range(mine.start, mine.stop):
            row = habits[1][place]
            touched[reached] = row
            reached += items[row] == 0
            items[row] += alpha * habits[2][place]
        for row in skips[skip_ends[asker] : skip_ends[asker + 1]]:
            items[row] = 0
        out_ends[asker - low + 1] += pick(items, touched[:reached], mask, k, out_rows[at:], out_scores[at:])
    return out_ends, out_rows[: out_ends[-1]].copy(), out_scores[: out_ends[-1]].copy()
