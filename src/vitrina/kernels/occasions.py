"""Purchases of each customer, oldest first: how they fall into trips, what was bought again and when.

Customers' purchases lie one behind the other, cut by `ends` as `sparse.ends_of` has them; each is looked
at alone, so that what is held meanwhile is as large as the longest past.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

DAY = 86_400
WORD = np.int64(32)
"""Bits of the lower half of a key."""


@njit(cache=True, nogil=True)
def _longest(ends: Any) -> Any:
    longest = 0
    for owner in range(len(ends) - 1):
        longest = max(longest, ends[owner + 1] - ends[owner])
    return longest


@njit(cache=True, nogil=True)
def gaps(ends: Any, rows: Any, times: Any) -> Any:
    """Each purchase of what its customer had bought on a day before: (customer int32, row int32, days int32).

    By customer and row, in the order of days; the days are those since the purchase before.
    """
    keys, room = np.empty(_longest(ends), np.int64), len(rows)
    owners, again, days = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32)
    found = 0
    for owner in range(len(ends) - 1):
        low, n = ends[owner], ends[owner + 1] - ends[owner]
        for at in range(n):
            keys[at] = np.int64(rows[low + at]) << WORD | (times[low + at] // DAY - times[low] // DAY)
        keys[:n].sort()
        for at in range(1, n):
            if keys[at] >> WORD == keys[at - 1] >> WORD and keys[at] != keys[at - 1]:
                owners[found], again[found] = owner, keys[at] >> WORD
                days[found] = keys[at] - keys[at - 1]
                found += 1
    return owners[:found].copy(), again[:found].copy(), days[:found].copy()


@njit(cache=True, nogil=True)
def repeats(ends: Any, rows: Any, visits: Any, times: Any) -> Any:
    """How many pairs of a customer and a row there are, and how many of these and a visit.

    What belongs to no visit, below 0, is its moment's.
    """
    keys, pairs, apart = np.empty(_longest(ends), np.int64), 0, 0
    for owner in range(len(ends) - 1):
        low, n = ends[owner], ends[owner + 1] - ends[owner]
        moment, before = np.int64(1) << 31, np.int64(-1)
        for at in range(n):
            place = low + at
            if visits[place] < 0 and (before < 0 or times[before] != times[place]):
                moment += 1
            before = place if visits[place] < 0 else before
            keys[at] = np.int64(rows[place]) << WORD | (visits[place] if visits[place] >= 0 else moment)
        keys[:n].sort()
        for at in range(n):
            pairs += at == 0 or keys[at] >> WORD != keys[at - 1] >> WORD
            apart += at == 0 or keys[at] != keys[at - 1]
    return pairs, apart


@njit(cache=True, nogil=True)
def _numbered(occasions: Any, numbers: Any) -> Any:
    """Numbers of a customer's occasions, in the order in which they began, into `numbers`; how many."""
    order = np.argsort(occasions, kind="mergesort")
    numbers[:] = -1
    heads = np.empty(len(order), np.int64)
    for at in range(len(order)):
        fresh = at == 0 or occasions[order[at]] != occasions[order[at - 1]]
        heads[order[at]] = order[at] if fresh else heads[order[at - 1]]
    count = 0
    for place in range(len(order)):
        if heads[place] == place:
            numbers[place] = count
            count += 1
        else:
            numbers[place] = numbers[heads[place]]
    return count


@njit(cache=True, nogil=True)
def met(ends: Any, kinds: Any, occasions: Any) -> Any:
    """On how many trips each customer took each kind: (customers, kinds, trips, first trip), int32; and the
    trips of each customer, int64.

    By customer and kind, purchases of a kind below 0 left out. `occasions`: int64, equal for one trip; trips
    are counted from 0 in the order in which they began.
    """
    longest, room = _longest(ends), len(kinds)
    keys, numbers = np.empty(longest, np.int64), np.empty(longest, np.int64)
    found, trips = np.empty((room, 4), np.int32), np.zeros(len(ends) - 1, np.int64)
    pairs = 0
    for owner in range(len(ends) - 1):
        low, n, held = ends[owner], ends[owner + 1] - ends[owner], 0
        trips[owner] = _numbered(occasions[low : low + n], numbers[:n])
        for at in range(n):
            if kinds[low + at] >= 0:
                keys[held] = np.int64(kinds[low + at]) << WORD | numbers[at]
                held += 1
        keys[:held].sort()
        for at in range(held):
            if at == 0 or keys[at] >> WORD != keys[at - 1] >> WORD:
                found[pairs] = (owner, keys[at] >> WORD, 0, keys[at] - (keys[at] >> WORD << WORD))
                pairs += 1
            found[pairs - 1, 2] += at == 0 or keys[at] != keys[at - 1]
    return found[:pairs].copy(), trips


@njit(cache=True, nogil=True)
def sums_of(ends: Any, columns: Any, amounts: Any, table: Any, owners: Any, wanted: Any) -> Any:
    """float64 per question: the sum over what its owner has of the amount times table[column, wanted].

    `columns`, `amounts`: cut by `ends`, an owner after the other; `wanted`: columns, 0 for one below 0.
    """
    sums = np.zeros(len(owners))
    for at in range(len(owners)):
        if wanted[at] >= 0:
            for place in range(ends[owners[at]], ends[owners[at] + 1]):
                sums[at] += amounts[place] * table[columns[place], wanted[at]]
    return sums
