"""What an asker's lists start from: the latest items of a history, and what each of them counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

EACH = 1.0
"""The power by which every one of an item's events counts; by 0 the strongest alone does."""


@njit(cache=True, nogil=True)
def latest(
    rows: Any,
    kinds: Any,
    times: Any,
    half_life: Any,
    worth: Any,
    most: Any,
    power: Any,
    sums: Any,
    seeds: Any,
    weights: Any,
) -> Any:
    """The `most` latest distinct rows of some events, newest first, into `seeds`; how many they are.

    Into `weights` goes what the events of each row are worth together: worth[kind] each, halved for
    every `half_life` by which it is older than the newest that is worth anything (0: never); of the
    strongest of them it is so many times as much, and that counts to `power`.
    """
    weights[:] = 0
    repeats = power != EACH
    strongest = np.zeros(len(weights) if repeats else 0, np.float32)
    found, limit, newest = np.uint64(0), np.uint64(most), np.int64(0)
    moment, fade = np.int64(-1), np.float64(1.0)
    for at in range(len(rows) - 1, -1, -1):
        row, weight = rows[at], np.float64(0.0)
        if kinds[at] < len(worth) and 0 <= row < len(sums):
            weight = np.float64(worth[kinds[at]])
        if weight > 0 and half_life > 0:
            newest = times[at] if found == 0 else newest
            if times[at] != moment:  # a basket's lines share their moment
                moment = times[at]
                fade = 2.0 ** (-max(0, newest - moment) / half_life)
            weight *= fade
        given = np.float32(weight)
        if given > 0 and (sums[row] != 0 or found < limit):
            count = np.uint64(sums[row])
            count += np.uint64(count == 0) * (found + np.uint64(1))
            found = max(found, count)
            place = count - np.uint64(1)
            sums[row], seeds[place] = count, row
            weights[place] += given
            if repeats and given > strongest[place]:
                strongest[place] = given
    for at in range(found):
        sums[seeds[at]] = 0
        if repeats and weights[at] > strongest[at]:
            weights[at] = strongest[at] * (weights[at] / strongest[at]) ** np.float32(power)
    return np.int64(found)
