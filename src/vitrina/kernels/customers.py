"""Lists at request time through customers alike: who took what the asker took, and what else they took.

Two sums, one after the other, over lists learned before: the asker's items point at customers, the
nearest customers at items. See `gather` for how a sum is made and why signatures are explicit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.gather import ENDS, MASK, ROWS, SCORES, SUMS, TYPES, latest, pick, pour, reach

TABLE = types.Tuple((ENDS, ROWS, SCORES))
"""Lists: ends, rows, scores."""
EVENTS = types.Tuple((ENDS, ROWS, TYPES, ENDS))
"""Askers' seeds: ends, rows, event types, times."""
RULES = types.Tuple((types.float64, SCORES, types.int64))
"""What seeds are worth: half-life, worth of each type, how many count."""
KNOWN = types.Tuple((ROWS, ENDS, SCORES, types.int64, types.int64))
"""Customers of training: number of events, `digest` of them, length of the vector; the time of the last
event of all; and how many customers make a circle."""
ALLOW = types.Tuple((MASK, ENDS, ROWS))
SCRATCH = types.Tuple((MASK, SUMS, SUMS))
"""All customers allowed; sums of customers; sums of items."""


@njit((ROWS, TYPES), cache=True, nogil=True)
def digest(rows: Any, kinds: Any) -> Any:
    """A number that tells some events from others, whatever their order."""
    total = np.int64(0)
    for at in range(len(rows)):
        mixed = (np.int64(rows[at]) + 1) * np.int64(0x9E3779B97F4A7C1) + np.int64(kinds[at])
        total += (mixed ^ (mixed >> 29)) * np.int64(0x3F58476D1CE4E5B)
    return total


@njit((types.int64, ROWS, TYPES, KNOWN), cache=True, nogil=True)
def recognised(user: Any, rows: Any, kinds: Any, known: Any) -> Any:
    """How many events, from the first, are all that this customer did in training; 0 if they are not."""
    counts, digests = known[:2]
    if user < 0 or user >= len(counts) or counts[user] > len(rows):
        return 0
    first = counts[user]
    return first if digest(rows[:first], kinds[:first]) == digests[user] else 0


@njit(cache=True, nogil=True)
def circle(user: Any, events: Any, rules: Any, known: Any, alike: Any, takers: Any, scratch: Any) -> Any:
    """The customers nearest to one asker, nearest first: (int32, float32).

    Whoever is recognised starts from the customers learned to be alike; later events, and those of
    other askers, go through the takers of each item.
    """
    (rows, kinds, times), (half_life, worth, most), (everyone, customers, items) = events, rules, scratch
    lengths, end, nearest = known[2:]
    seeds, weights = np.empty(most + 2, np.int32), np.empty(most + 2, np.float32)
    old = recognised(user, rows, kinds, known)
    found = latest(rows[old:], kinds[old:], times[old:], half_life, worth, most, items, seeds, weights)
    room = reach(seeds[:found], takers[0]) + (reach(np.full(1, user), alike[0]) if old else 0)
    touched = np.empty(room + 1, np.int32)
    reached = pour(seeds[:found], weights, *takers, customers, touched)
    if old:
        fading = max(0, times[-1] - end) / half_life if half_life > 0 and old < len(times) else 0.0
        faded = np.full(1, lengths[user] * 2.0**-fading, np.float32)
        reached += pour(np.full(1, user), faded, *alike, customers, touched[reached:])
    if 0 <= user < len(customers):
        customers[user] = 0
    near, closeness = np.empty(nearest, np.int32), np.empty(nearest, np.float32)
    found = pick(customers, touched[:reached], everyone, nearest, near, closeness)
    return near[:found], closeness[:found]


@njit(
    (
        *(types.int64, types.int64, ROWS, EVENTS, RULES, KNOWN),
        *(TABLE, TABLE, TABLE, ALLOW, types.int64, SCRATCH),
    ),
    cache=True,
    nogil=True,
)
def through_customers(
    low: Any,
    high: Any,
    users: Any,
    events: Any,
    rules: Any,
    known: Any,
    alike: Any,
    takers: Any,
    taken: Any,
    allow: Any,
    k: Any,
    scratch: Any,
) -> Any:
    """The k best allowed rows of askers low..high: ragged (int64[n + 1], int32, float32).

    `alike`: customers alike of each customer. `takers`: customers of each item. `taken`: items of each
    customer. A row scores the sum over the asker's circle of closeness times what it counts there.
    """
    (ends, rows, kinds, times), (mask, skip_ends, skips), items = events, allow, scratch[2]
    k = max(0, min(k, len(items)))
    out_ends = np.zeros(high - low + 1, np.int64)
    out_rows, out_scores = np.empty((high - low) * k, np.int32), np.empty((high - low) * k, np.float32)
    for asker in range(low, high):
        own = slice(ends[asker], ends[asker + 1])
        did = (rows[own], kinds[own], times[own])
        near, closeness = circle(users[asker], did, rules, known, alike, takers, scratch)
        touched = np.empty(reach(near, taken[0]) + 1, np.int32)
        reached = pour(near, closeness, *taken, items, touched)
        for row in skips[skip_ends[asker] : skip_ends[asker + 1]]:
            items[row] = 0
        at = out_ends[asker - low]
        filled = pick(items, touched[:reached], mask, k, out_rows[at:], out_scores[at:])
        out_ends[asker - low + 1] = at + filled
    return out_ends, out_rows[: out_ends[-1]].copy(), out_scores[: out_ends[-1]].copy()


@njit(cache=True, nogil=True)
def _held(rows: Any, holds: Any, row: Any) -> Any:
    """What a row counts among ascending rows, 0 if it is not there."""
    at = np.searchsorted(rows, row)
    return holds[at] if at < len(rows) and rows[at] == row else np.float32(0)


@njit(cache=True, nogil=True)
def _two_best(gifts: Any, seeds: Any) -> Any:
    reasons = np.full((len(gifts), 2), -1, np.int32)
    for at in range(len(gifts)):
        for rank in range(min(2, gifts.shape[1])):
            best = np.argmax(gifts[at])
            if gifts[at, best] > 0:
                reasons[at, rank] = seeds[best]
                gifts[at, best] = 0
    return reasons


@njit(
    (
        *(types.int64, types.Tuple((ROWS, TYPES, ENDS)), RULES, KNOWN),
        *(TABLE, TABLE, TABLE, ROWS, SCRATCH),
    ),
    cache=True,
    nogil=True,
)
def shared_grounds(
    user: Any,
    events: Any,
    rules: Any,
    known: Any,
    alike: Any,
    takers: Any,
    taken: Any,
    wanted: Any,
    scratch: Any,
) -> Any:
    """For each wanted row the two of the asker's items that its circle took most beside it: int32[n, 2].

    Of one customer of the circle, an item counts what asker and customer hold of it, times what the
    customer holds of the row. -1 for none.
    """
    (rows, kinds, times), (half_life, worth), items = events, rules[:2], scratch[2]
    near = circle(user, events, rules, known, alike, takers, scratch)[0]
    seeds, weights = np.empty(len(rows) + 1, np.int32), np.empty(len(rows) + 1, np.float32)
    found = latest(rows, kinds, times, half_life, worth, len(rows), items, seeds, weights)
    for at in range(found):
        items[seeds[at]] = at + 1
    gifts = np.zeros((len(wanted), found), np.float32)
    both, values = np.empty(found, np.int64), np.empty(found, np.float32)
    ends, their_rows, holds = taken
    for customer in near:
        own, common = slice(ends[customer], ends[customer + 1]), 0
        for place in range(own.start, own.stop):
            if items[their_rows[place]] > 0:
                both[common] = np.int64(items[their_rows[place]]) - 1
                values[common] = weights[both[common]] * holds[place]
                common += 1
        for at in range(len(wanted)):
            share = _held(their_rows[own], holds[own], wanted[at])
            for one in range(common if share > 0 else 0):
                gifts[at, both[one]] += share * values[one] * (seeds[both[one]] != wanted[at])
    items[seeds[:found]] = 0
    return _two_best(gifts, seeds)
