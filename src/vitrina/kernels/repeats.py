"""What each asker bought before, how often and how lately."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.lists import CODES, ENDS, ROWS, SCORES, slot_of, table_of

DAY = 86_400
HABIT = 5.0
"""Gaps of the item at large that weigh as much as as many of the asker's own."""
LEAST = 1e-6
NEVER = np.zeros(0, np.float32)
"""In place of what tells when a row is due, where nothing does."""


@njit(cache=True, nogil=True)
def _last(event_types: Any, times: Any, bought: Any) -> Any:
    """When something was bought last, 0 for never, and how many things were."""
    last, many = np.int64(0), 0
    for place in range(len(times)):
        if event_types[place] == bought:
            last, many = max(last, times[place]), many + 1
    return last, many


@njit(cache=True, nogil=True)
def _faded(half_life: Any, days: Any, later: Any) -> Any:
    """What a purchase counts so many days, or later purchases, before the last one; see `purchases`."""
    if half_life > 0:
        return 2.0 ** (-days / half_life)
    return 2.0 ** (later / half_life) if half_life < 0 else 1.0


@njit((ENDS, ROWS, CODES, ENDS, types.int64, types.float64, types.int64), cache=True, nogil=True)
def purchases(
    indptr: Any, rows: Any, event_types: Any, times: Any, bought: Any, half_life: Any, least: Any
) -> Any:
    """The rows that each asker bought on `least` days or more, with those days, faded, added up.

    A day counts once however many lines it holds, halved for every `half_life` days that it lies
    before the asker's last purchase; 0 is for days that do not fade. Where `half_life` is negative
    there are no days: each event counts as one, halved for every -`half_life` purchases of the asker
    that came after it, of whatever; -inf is for never. Events of an asker come oldest first. Ragged:
    int64[n + 1], rows int32 without repeats in the order of first purchase, sums float32; of each
    row also what `habits` asks for: int64 days bought on, int64 time of the last, float32 sum of the
    logarithms of the days between them.
    """
    out_indptr = np.zeros(len(indptr), np.int64)
    out_rows, out_sums = np.empty(len(rows), np.int32), np.empty(len(rows), np.float32)
    out_counts, out_last = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    out_gaps = np.empty(len(rows), np.float32)
    filled = 0
    for asker in range(len(indptr) - 1):
        low, high = indptr[asker], indptr[asker + 1]
        last, later = _last(event_types[low:high], times[low:high], bought)
        table = table_of(rows[low:low], high - low)
        numbers = np.empty(len(table), np.int64)
        start, n = filled, filled
        moment, faded = np.int64(-1), 1.0
        for place in range(low, high):
            if event_types[place] != bought:
                continue
            later -= 1
            slot = slot_of(table, rows[place])
            if table[slot] < 0:
                table[slot], numbers[slot], out_rows[n] = rows[place], n, rows[place]
                out_sums[n], out_counts[n], out_last[n], out_gaps[n] = 0, 0, times[place], 0
                n += 1
            at = numbers[slot]
            gap = times[place] // DAY - out_last[at] // DAY
            if half_life < 0 or out_counts[at] == 0 or gap > 0:
                out_counts[at] += 1
                out_gaps[at] += np.log(np.float64(max(gap, 1)))
                if half_life < 0 or times[place] != moment:  # a basket's lines share their moment
                    moment, faded = times[place], _faded(half_life, (last - times[place]) / DAY, later)
                out_sums[at] += faded
                out_last[at] = times[place]
        for at in range(start, n):
            if out_counts[at] >= least:
                out_rows[filled], out_sums[filled] = out_rows[at], out_sums[at]
                out_counts[filled], out_last[filled] = out_counts[at], out_last[at]
                out_gaps[filled], filled = out_gaps[at], filled + 1
        out_indptr[asker + 1] = filled
    return (
        *(out_indptr, out_rows[:filled].copy(), out_sums[:filled].copy()),
        *(out_counts[:filled].copy(), out_last[:filled].copy(), out_gaps[:filled].copy()),
    )


COUNTS = types.Array(types.int64, 1, "C", readonly=True)


@njit(cache=True, nogil=True)
def _chance(
    count: Any, last: Any, gaps: Any, now: Any, ahead: Any, usual: Any, regular: Any, share: Any
) -> Any:
    """The chance of one row, as `habits` says. Powers of days are taken by their logarithms."""
    again = count - 1
    days = (gaps + HABIT * usual) / (again + HABIT)
    away = max(0.0, (now - last) / DAY)
    longer = 1 / (1 + np.exp(regular * (np.log(away) - days))) if away > 0 else 1.0
    longest = 1 / (1 + np.exp(regular * (np.log(away + ahead) - days)))
    back = (again + share) / count
    return np.float32(max(LEAST, back * (longer - longest) / (1 - back * (1 - longer) + LEAST)))


@njit(
    (*(ENDS, ROWS, SCORES, COUNTS, COUNTS, SCORES, SCORES, types.int64, types.float64),
     *(SCORES, SCORES, SCORES, types.float32, types.boolean)),
    cache=True,
    nogil=True,
)  # fmt: skip
def habits(
    indptr: Any, rows: Any, days: Any, counts: Any, last: Any, gaps: Any, weights: Any, now: Any,
    ahead: Any, usual: Any, regular: Any, share: Any, timing: Any, level: Any,
) -> Any:  # fmt: skip
    """What each asker's habits count, float32 like `rows`: days, times the row's weight, times the chance
    that it is bought again within `ahead` days from `now`, as the power `timing`.

    Days between purchases are log-logistic: their median is e to the mean logarithm of the asker's own
    gaps, shrunk to the item's (`usual`, of weight HABIT gaps), their shape the item's (`regular`). Of
    those who bought on n days a share (n - 1 + share of the item) / n comes back at all, so that who
    stayed away for long counts as lost (as in Fader, Hardie and Lee's BG/NBD, 2005).

    Rows, days, counts, last and gaps are as of `purchases`; where `usual` is empty nothing is timed. With
    `level` an asker's add up to what they would without timing.
    """
    out = np.empty(len(rows), np.float32)
    for asker in range(len(indptr) - 1):
        own, before, after = slice(indptr[asker], indptr[asker + 1]), 0.0, 0.0
        for at in range(own.start, own.stop):
            row = rows[at]
            out[at] = days[at] * weights[row]
            if len(usual):
                of_row = (usual[row], regular[row], share[row])
                chance = _chance(counts[at], last[at], gaps[at], now, ahead, *of_row)
                before += out[at]
                out[at] *= np.sqrt(chance) if timing == np.float32(0.5) else chance**timing
                after += out[at]
        if len(usual) and level:
            out[own] *= np.float32(before / max(after, 1e-12))
    return out


@njit((ENDS, ROWS, CODES, types.int64, ENDS, ROWS), cache=True, nogil=True)
def among(indptr: Any, rows: Any, event_types: Any, bought: Any, ends: Any, wanted: Any) -> Any:
    """The wanted rows that are among those bought, as they stand, -1 for others: int32[m, 1].

    Asker i did `rows[indptr[i]:indptr[i + 1]]` and wants to know of `wanted[ends[i]:ends[i + 1]]`.
    """
    found = np.full((len(wanted), 1), -1, np.int32)
    for asker in range(len(ends) - 1):
        low, high = ends[asker], ends[asker + 1]
        table = table_of(wanted[low:high], 0)
        spots = np.empty(len(table), np.int64)
        for at in range(low, high):
            spots[slot_of(table, wanted[at])] = at
        for place in range(indptr[asker], indptr[asker + 1]):
            if low < high and event_types[place] == bought:
                slot = slot_of(table, rows[place])
                if table[slot] >= 0:
                    found[spots[slot], 0] = rows[place]
    return found
