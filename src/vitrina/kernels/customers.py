"""Lists at request time through customers alike: who took what the asker took, and what else they took.

Two sums, one after the other, over lists learned before: the asker's items point at customers, the
nearest customers at items. See `gather` for how the second is made and why signatures are explicit; the first
is made in a table as large as what those items point at, since customers may be ten million.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.gather import ENDS, MASK, ROWS, SCORES, SUMS, TYPES, pick, pour, reach
from vitrina.kernels.latest import EACH, latest
from vitrina.kernels.likeness import LIKENESS, LINEAR, SATURATED, SET, count, newest_of, to_ratios
from vitrina.kernels.lists import slot_of, table_of
from vitrina.kernels.select import NOTHING, descending, key_of, row_of, to_front

TABLE = types.Tuple((ENDS, ROWS, SCORES))
"""Lists: ends, rows, scores."""
EVENTS = types.Tuple((ENDS, ROWS, TYPES, ENDS))
"""Askers' seeds: ends, rows, event types, times."""
RULES = types.Tuple((types.float64, SCORES, types.int64))
"""What seeds are worth: half-life, worth of each type, how many count."""
KNOWN = types.Tuple((ROWS, ENDS, SCORES, types.int64, types.int64, LIKENESS))
"""Customers of training: number of events, `digest` of them, length of the vector; the time of the last
event of all; how many customers make a circle; and how they are compared."""
ALLOW = types.Tuple((MASK, ENDS, ROWS))
SCRATCH = types.Tuple((SUMS, SUMS))
"""Sums of items; marks of items."""


@njit(cache=True, nogil=True)
def _mixed(row: Any, kind: Any) -> Any:
    mixed = (np.int64(row) + 1) * np.int64(0x9E3779B97F4A7C1) + np.int64(kind)
    return (mixed ^ (mixed >> 29)) * np.int64(0x3F58476D1CE4E5B)


@njit((ROWS, TYPES), cache=True, nogil=True)
def digest(rows: Any, kinds: Any) -> Any:
    """A number that tells some events from others, whatever their order."""
    total = np.int64(0)
    for at in range(len(rows)):
        total += _mixed(rows[at], kinds[at])
    return total


@njit(cache=True, nogil=True)
def pasts(users: Any, rows: Any, kinds: Any, n_users: Any) -> Any:
    """By what customers are recognised: how many events each has, int32, and the `digest` of them, int64.

    `users`: int32 per event, below 0 for nobody.
    """
    counts, digests = np.zeros(n_users, np.int32), np.zeros(n_users, np.int64)
    for at in range(len(users)):
        if users[at] >= 0:
            counts[users[at]] += 1
            digests[users[at]] += _mixed(rows[at], kinds[at])
    return counts, digests


@njit(cache=True, nogil=True)
def latest_takers(rows: Any, users: Any, indptr: Any, indices: Any, most: Any) -> Any:
    """bool per entry of a matrix of items x customers: whether it is among the `most` of its item taken last.

    `rows`, `users`: int32 per event, oldest first; an event of a user below 0 counts nothing, of any other
    there is an entry.
    """
    chosen, held = np.zeros(len(indices), np.bool_), np.zeros(len(indptr) - 1, np.int32)
    for at in range(len(rows) - 1, -1, -1):
        row = rows[at]
        if users[at] >= 0 and held[row] < most:
            low, high = indptr[row], indptr[row + 1]
            place = low + np.searchsorted(indices[low:high], users[at])
            held[row] += not chosen[place]
            chosen[place] = True
    return chosen


@njit((types.int64, ROWS, TYPES, KNOWN), cache=True, nogil=True)
def recognised(user: Any, rows: Any, kinds: Any, known: Any) -> Any:
    """How many events, from the first, are all that this customer did in training; 0 if they are not."""
    counts, digests = known[:2]
    if user < 0 or user >= len(counts) or counts[user] > len(rows):
        return 0
    first = counts[user]
    return first if digest(rows[:first], kinds[:first]) == digests[user] else 0


@njit(cache=True, nogil=True)
def _looked_up(old: Any, events: Any, rules: Any, known: Any, items: Any, seeds: Any, weights: Any) -> Any:
    """What is looked up of events beyond the `old` ones, or of all, where what they count does not add up.

    Rows and what they count into `seeds` and `weights`; how many, and how many events are left as old.
    """
    (rows, kinds, times), (half_life, worth, most), (kind, _) = events, rules, known[5]
    found = latest(rows[old:], kinds[old:], times[old:], half_life, worth, most, EACH, items, seeds, weights)
    if kind != LINEAR and found:
        if old:
            old, found = 0, latest(rows, kinds, times, half_life, worth, most, EACH, items, seeds, weights)
        if kind == SATURATED and half_life > 0:  # as old as they were in training
            age = max(0, known[3] - newest_of(rows, kinds, times, worth, len(items)))
            weights[:found] *= np.float32(2.0 ** (-age / half_life))
        count(weights[:found], known[5])
    return found, old


@njit(cache=True, nogil=True)
def circle(
    user: Any, events: Any, rules: Any, known: Any, alike: Any, takers: Any, taken: Any, scratch: Any
) -> Any:
    """The customers nearest to one asker, nearest first: (int32, float32).

    Whoever is recognised starts from the customers learned to be alike; later events, and those of
    other askers, go through the takers of each item. Where nobody's like was learned, nobody is known; nor is
    who did something since, where what events count does not add up.
    """
    (rows, kinds, times), (half_life, _, most) = events, rules
    lengths, end, nearest, (kind, numbers) = known[2:]
    seeds, weights = np.empty(most + 2, np.int32), np.empty(most + 2, np.float32)
    old = recognised(user, rows, kinds, known)
    found, old = _looked_up(old, events, rules, known, scratch[0], seeds, weights)
    room = reach(seeds[:found], takers[0]) + (reach(np.full(1, user), alike[0]) if old else 0)
    crowd = table_of(rows[:0], room)
    sums, met = np.zeros(len(crowd), np.float32), np.empty(room, np.int32)
    reached = _add(seeds[:found], weights, *takers, crowd, sums, met, 0)
    if kind == SET and not old:
        to_ratios(sums, met[:reached], crowd, taken[0], found, numbers)
    if old:
        fading = max(0, times[-1] - end) / half_life if half_life > 0 and old < len(times) else 0.0
        faded = np.full(1, lengths[user] * 2.0**-fading, np.float32)
        reached = _add(np.full(1, user), faded, *alike, crowd, sums, met, reached)
    return _nearest(user, crowd, sums, met[:reached], nearest)


@njit(cache=True, nogil=True)
def _add(
    lists: Any,
    weights: Any,
    indptr: Any,
    rows: Any,
    scores: Any,
    table: Any,
    sums: Any,
    slots: Any,
    found: Any,
) -> Any:
    """Add each list times its weight to the sums beside a table; new slots go behind the `found` ones."""
    for at in range(len(lists)):
        weight = weights[at]
        for place in range(indptr[lists[at]], indptr[lists[at] + 1]):
            slot = slot_of(table, rows[place])
            if table[slot] < 0:
                table[slot] = rows[place]
                slots[found] = slot
                found += 1
            sums[slot] += weight * scores[place]
    return found


@njit(cache=True, nogil=True)
def _nearest(user: Any, table: Any, sums: Any, slots: Any, most: Any) -> Any:
    """The `most` of greatest positive sums but the user, greatest first: (int32, float32)."""
    bits, keys, held = sums.view(np.int32), np.empty(len(slots), np.int64), 0
    for slot in slots:
        keys[held] = key_of(bits[slot], table[slot])
        held += keys[held] > NOTHING and table[slot] != user
    if held > most:
        to_front(keys[:held], most)
        held = most
    ranked = np.empty(held, np.int64)
    descending(keys[:held], ranked)
    rows, closeness = np.empty(held, np.int32), np.empty(held, np.float32)
    of_closeness = closeness.view(np.int32)
    for at in range(held):
        rows[at], of_closeness[at] = row_of(ranked[at]), ranked[at] >> 32
    return rows, closeness


@njit(cache=True, nogil=True)
def _pour_nearest(
    lists: Any, weights: Any, indptr: Any, rows: Any, scores: Any, sums: Any, touched: Any, each: Any,
    counts: Any,
) -> Any:  # fmt: skip
    """As `pour`, but of each row its first `each` entries alone. `counts`: of rows, 0 before and after."""
    found = 0
    for at in range(len(lists)):
        for place in range(indptr[lists[at]], indptr[lists[at] + 1]):
            row = rows[place]
            if counts[row] < each:
                touched[found] = row
                found += counts[row] == 0
                counts[row] += 1
                sums[row] += weights[at] * scores[place]
    for row in touched[:found]:
        counts[row] = 0
    return found


@njit(
    (
        *(types.int64, types.int64, ROWS, EVENTS, RULES, KNOWN),
        *(TABLE, TABLE, TABLE, ALLOW, types.int64, types.int64, SCRATCH),
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
    each: Any,
    scratch: Any,
) -> Any:
    """The k best allowed rows of askers low..high: ragged (int64[n + 1], int32, float32).

    `alike`: customers alike of each customer. `takers`: customers of each item. `taken`: items of each
    customer. A row scores the sum over the asker's circle of closeness times what it counts there; over the
    nearest `each` of those who have it, where that is above 0.
    """
    (ends, rows, kinds, times), (mask, skip_ends, skips), items = events, allow, scratch[0]
    k = max(0, min(k, len(items)))
    out_ends = np.zeros(high - low + 1, np.int64)
    out_rows, out_scores = np.empty((high - low) * k, np.int32), np.empty((high - low) * k, np.float32)
    for asker in range(low, high):
        own = slice(ends[asker], ends[asker + 1])
        did = (rows[own], kinds[own], times[own])
        near, closeness = circle(users[asker], did, rules, known, alike, takers, taken, scratch)
        touched = np.empty(reach(near, taken[0]) + 1, np.int32)
        if each > 0:
            reached = _pour_nearest(near, closeness, *taken, items, touched, each, scratch[1])
        else:
            reached = pour(near, closeness, *taken, items, touched)
        for row in skips[skip_ends[asker] : skip_ends[asker + 1]]:
            items[row] = 0
        at = out_ends[asker - low]
        filled = pick(items, touched[:reached], mask, k, out_rows[at:], out_scores[at:])
        out_ends[asker - low + 1] = at + filled
    return out_ends, out_rows[: out_ends[-1]].copy(), out_scores[: out_ends[-1]].copy()
