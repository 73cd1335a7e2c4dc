"""Lists at request time where a filter admits few rows: every one of them is scored, from both ends.

A learned list keeps an item's best neighbours, and under a filter that admits one product in a thousand
hardly any of them is left. Likeness has two ends: where the seed's list was cut before a row, the row's
own list may still hold the seed. What it says counts, but for no more than the last place of the seed's
list, since had it been more, the row would stand there. Rows that are linked to no seed at all follow, by
the way through a third item that is in both lists.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.gather import LISTS, ROWS, SEEDS, SUMS, pour, reach
from vitrina.kernels.latest import latest
from vitrina.kernels.select import NOTHING, descending, key_of, row_of
from vitrina.kernels.signatures import ENDS

SIEVE = np.uint32(1 << 16)
"""Slots of a filter that stays in a near cache: most rows of the lists of few are of no interest."""


@njit(cache=True, nogil=True)
def _onward(
    seeds: Any, weights: Any, indptr: Any, rows: Any, scores: Any, sums: Any, totals: Any, met: Any,
    floors: Any,
) -> None:  # fmt: skip
    """Add what the seeds' lists hold of the rows numbered in `sums`; which were met, each list's least."""
    for at in range(len(seeds)):
        floor = np.float32(np.inf)
        for place in range(indptr[seeds[at]], indptr[seeds[at] + 1]):
            floor = min(floor, scores[place])
            number = np.int64(sums[rows[place]]) - 1
            if number >= 0:
                totals[number] += weights[at] * scores[place]
                met[number, at] = True
        floors[at] = floor


@njit(cache=True, nogil=True)
def _backward(
    few: Any, weights: Any, indptr: Any, rows: Any, scores: Any, sums: Any, totals: Any, met: Any,
    floors: Any, near: Any,
) -> None:  # fmt: skip
    """Add what the rows' own lists hold of the seeds numbered in `sums`, where theirs had no such row."""
    for number in range(len(few)):
        for place in range(np.uint64(indptr[few[number]]), np.uint64(indptr[few[number] + 1])):
            if not near[np.uint32(rows[place]) % SIEVE]:
                continue
            at = np.int64(sums[rows[place]]) - 1
            if at >= 0 and not met[number, at]:
                totals[number] += weights[at] * min(scores[place], floors[at])


@njit(cache=True, nogil=True)
def _through(
    few: Any, seeds: Any, weights: Any, indptr: Any, rows: Any, scores: Any, sums: Any, totals: Any,
    near: Any,
) -> None:  # fmt: skip
    """Score rows that have nothing yet by their lists' likeness to the seeds' lists, below all that have."""
    touched = np.empty(reach(seeds, indptr) + 1, np.int32)
    reached = pour(seeds, weights, indptr, rows, scores, sums, touched)
    near[:] = False
    for row in touched[:reached]:
        near[np.uint32(row) % SIEVE] = True
    ways, most, least = np.zeros(len(few), np.float32), np.float32(0), np.float32(np.inf)
    for number in range(len(few)):
        if totals[number] > 0:
            least = min(least, totals[number])
            continue
        for place in range(np.uint64(indptr[few[number]]), np.uint64(indptr[few[number] + 1])):
            if near[np.uint32(rows[place]) % SIEVE]:
                ways[number] += scores[place] * sums[rows[place]]
        most = max(most, ways[number])
    for row in touched[:reached]:
        sums[row] = 0
    ceiling = np.float32(0.5) * (least if least < np.inf else most)
    for number in range(len(few)):
        if ways[number] > 0:
            totals[number] = ceiling * (ways[number] / most)


@njit(cache=True, nogil=True)
def _chosen(few: Any, totals: Any, barred: Any, k: Any, out_rows: Any, out_bits: Any) -> Any:
    """The k best of the rows that score above 0 and are not barred, best first; how many they are."""
    bits, keys, held = totals.view(np.int32), np.empty(len(few), np.int64), 0
    for number in range(len(few)):
        key = key_of(bits[number], few[number])
        if key > NOTHING and not barred[number]:
            keys[held] = key
            held += 1
    ranked = np.empty(held, np.int64)
    descending(keys[:held], ranked)
    for at in range(min(k, held)):
        out_rows[at] = row_of(ranked[at])
        out_bits[at] = ranked[at] >> 32
    return min(k, held)


@njit((types.int64, types.int64, *SEEDS, *LISTS, ROWS, ENDS, ROWS, types.int64, SUMS), cache=True, nogil=True)
def among(
    low: Any,
    high: Any,
    seed_ends: Any,
    seed_rows: Any,
    kinds: Any,
    times: Any,
    half_life: Any,
    worth: Any,
    most: Any,
    power: Any,
    indptr: Any,
    rows: Any,
    scores: Any,
    few: Any,
    skip_ends: Any,
    skips: Any,
    k: Any,
    sums: Any,
) -> Any:
    """The k best of the rows `few` for askers low..high: Ragged. Other arguments as in `gather`."""
    k = max(0, min(k, len(few)))
    seeds, weights = np.empty(most + 1, np.int32), np.empty(most + 1, np.float32)
    floors = np.empty(most + 1, np.float32)
    ends = np.zeros(high - low + 1, np.int64)
    out_rows, out_scores = np.empty((high - low) * k, np.int32), np.empty((high - low) * k, np.float32)
    out_bits, near = out_scores.view(np.int32), np.empty(SIEVE, np.bool_)
    for asker in range(low, high):
        own = slice(seed_ends[asker], seed_ends[asker + 1])
        found = latest(
            seed_rows[own], kinds[own], times[own], half_life, worth, most, power, sums, seeds, weights
        )
        totals, met = np.zeros(len(few), np.float32), np.zeros((len(few), found), np.bool_)
        lists = (indptr, rows, scores)
        for number in range(len(few)):
            sums[few[number]] = number + 1
        _onward(seeds[:found], weights, *lists, sums, totals, met, floors)
        barred = np.zeros(len(few), np.bool_)
        for row in skips[skip_ends[asker] : skip_ends[asker + 1]]:
            if sums[row] > 0:
                barred[np.int64(sums[row]) - 1] = True
        for row in few:
            sums[row] = 0
        near[:] = False
        for at in range(found):
            sums[seeds[at]] = at + 1
            near[np.uint32(seeds[at]) % SIEVE] = True
        _backward(few, weights, *lists, sums, totals, met, floors, near)
        for at in range(found):
            sums[seeds[at]] = 0
        if (totals > 0).sum() - barred.sum() < k:
            _through(few, seeds[:found], weights, *lists, sums, totals, near)
        start = ends[asker - low]
        ends[asker - low + 1] = start + _chosen(few, totals, barred, k, out_rows[start:], out_bits[start:])
    return ends, out_rows[: ends[-1]].copy(), out_scores[: ends[-1]].copy()
