"""Why customers alike lead to a row: the asker's items that they took most with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.customers import KNOWN, RULES, SCRATCH, TABLE, circle
from vitrina.kernels.gather import ENDS, ROWS, TYPES
from vitrina.kernels.latest import EACH, latest


@njit(cache=True, nogil=True)
def _common(rows: Any, holds: Any, marks: Any, found: Any) -> Any:
    """The marked among some rows: (mark - 1, what is held of it) into `found`; how many."""
    count = 0
    for at in range(len(rows)):
        mark = marks[rows[at]]
        if mark > 0:
            found[count, 0], found[count, 1] = mark - 1, holds[at]
            count += 1
    return count


@njit(cache=True, nogil=True)
def _two_best(gifts: Any, seeds: Any, wanted: Any) -> Any:
    reasons = np.full((len(gifts), 2), -1, np.int32)
    for at in range(len(gifts)):
        for seed in range(gifts.shape[1]):
            if seeds[seed] == wanted[at]:
                gifts[at, seed] = 0
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
    """For each wanted row the two of the asker's latest items that its circle took most with it: int32[n, 2].

    Of one customer of the circle, an item counts what asker and customer hold of it, times what the
    customer holds of the row. -1 for none.
    """
    (rows, kinds, times), (half_life, worth, most), (items, marks) = events, rules, scratch
    near = circle(user, events, rules, known, alike, takers, taken, scratch)[0]
    seeds, weights = np.empty(most + 2, np.int32), np.empty(most + 2, np.float32)
    found = latest(rows, kinds, times, half_life, worth, most, EACH, items, seeds, weights)
    items[seeds[:found]] = np.arange(1, found + 1)
    marks[wanted] = np.arange(1, len(wanted) + 1)
    gifts = np.zeros((len(wanted), found), np.float32)
    common, common_wanted = np.empty((found, 2)), np.empty((len(wanted), 2))
    ends, their_rows, holds = taken
    for customer in near:
        own = slice(ends[customer], ends[customer + 1])
        n_common = _common(their_rows[own], holds[own], items, common)
        n_wanted = _common(their_rows[own], holds[own], marks, common_wanted)
        for which in range(n_wanted):
            for one in range(n_common):
                seed = np.int64(common[one, 0])
                gift = common_wanted[which, 1] * weights[seed] * common[one, 1]
                gifts[np.int64(common_wanted[which, 0]), seed] += gift
    items[seeds[:found]] = 0
    marks[wanted] = 0
    return _two_best(gifts, seeds, wanted)
