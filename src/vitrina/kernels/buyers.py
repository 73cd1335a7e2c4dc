"""Events of each item, oldest first: who bought it on which day, and when it was seen first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def once_a_day(ends: Any, actors: Any, days: Any, worth: Any, n_actors: Any) -> Any:
    """Which events stand for an actor and a day each (bool), and the most that any of that day is worth.

    Events lie by item, `ends` as `sparse.ends_of` has them, and oldest first within. `actors`: int32, below 0
    for nobody known, who is each time somebody else; `days`: integers; `worth`: float64. The second result
    has one float64 for each event that stands.
    """
    stands, latest = np.zeros(len(actors), np.bool_), np.full(n_actors, -1, np.int64)
    most, held = worth.copy(), 0
    where = np.empty(n_actors, np.int64)
    for item in range(len(ends) - 1):
        for place in range(ends[item], ends[item + 1]):
            actor = actors[place]
            before = latest[actor] if actor >= 0 else -1
            if before >= ends[item] and days[before] == days[place]:
                most[where[actor]] = max(most[where[actor]], worth[place])
            else:
                stands[place], most[held] = True, worth[place]
                if actor >= 0:
                    where[actor] = held
                held += 1
            if actor >= 0:
                latest[actor] = place
    return stands, most[:held].copy()


@njit(cache=True, nogil=True)
def first_seen(rows: Any, times: Any, n_rows: Any) -> Any:
    """float64 per row: the least of its times; inf for a row of none."""
    first = np.full(n_rows, np.inf)
    for place in range(len(rows)):
        first[rows[place]] = min(first[rows[place]], np.float64(times[place]))
    return first
