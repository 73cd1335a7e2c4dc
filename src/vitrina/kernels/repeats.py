"""What each asker bought before, how often and how lately."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.lists import CODES, ENDS, ROWS, slot_of, table_of

DAY = 86_400


@njit(cache=True, nogil=True)
def _last(event_types: Any, times: Any, bought: Any) -> Any:
    """When something was bought last; 0 for never."""
    last = np.int64(0)
    for place in range(len(times)):
        if event_types[place] == bought:
            last = max(last, times[place])
    return last


@njit((ENDS, ROWS, CODES, ENDS, types.int64, types.float64, types.int64), cache=True, nogil=True)
def purchases(
    indptr: Any, rows: Any, event_types: Any, times: Any, bought: Any, half_life: Any, least: Any
) -> Any:
    """The rows that each asker bought on `least` days or more, with those days, faded, added up.

    A day counts once however many lines it holds, halved for every `half_life` days that it lies
    before the asker's last purchase. Where `half_life` is negative there are no days: each event
    counts as one. 0 is for days that do not fade. Events of an asker come oldest first. Ragged:
    int64[n + 1], rows int32 without repeats in the order of first purchase, sums float32.
    """
    out_indptr = np.zeros(len(indptr), np.int64)
    out_rows = np.empty(len(rows), np.int32)
    out_sums = np.empty(len(rows), np.float32)
    filled = 0
    for asker in range(len(indptr) - 1):
        low, high = indptr[asker], indptr[asker + 1]
        last = _last(event_types[low:high], times[low:high], bought)
        table = table_of(rows[low:low], high - low)
        numbers = np.empty(len(table), np.int64)
        found = np.empty(high - low, np.int32)
        counts = np.zeros(high - low, np.int64)
        days = np.empty(high - low, np.int64)
        sums = np.zeros(high - low, np.float64)
        n = 0
        moment, faded = np.int64(-1), 1.0
        for place in range(low, high):
            if event_types[place] != bought:
                continue
            slot = slot_of(table, rows[place])
            if table[slot] < 0:
                table[slot], numbers[slot], found[n] = rows[place], n, rows[place]
                n += 1
            number, day = numbers[slot], times[place] // DAY
            if half_life < 0 or counts[number] == 0 or days[number] != day:
                counts[number] += 1
                days[number] = day
                if half_life > 0 and times[place] != moment:  # a basket's lines share their moment
                    moment = times[place]
                    faded = 2.0 ** (-((last - moment) / DAY) / half_life)
                sums[number] += faded
        for number in range(n):
            if counts[number] >= least:
                out_rows[filled], out_sums[filled] = found[number], sums[number]
                filled += 1
        out_indptr[asker + 1] = filled
    return out_indptr, out_rows[:filled].copy(), out_sums[:filled].copy()


@njit((ROWS, CODES, types.int64, ROWS), cache=True, nogil=True)
def among(rows: Any, event_types: Any, bought: Any, wanted: Any) -> Any:
    """For each wanted row whether it is among those bought: bool."""
    found = np.zeros(len(wanted), np.bool_)
    table = table_of(wanted, 0)
    spots = np.empty(len(table), np.int64)
    for at in range(len(wanted)):
        spots[slot_of(table, wanted[at])] = at
    for place in range(len(rows)):
        if event_types[place] == bought:
            slot = slot_of(table, rows[place])
            if table[slot] >= 0:
                found[spots[slot]] = True
    return found
