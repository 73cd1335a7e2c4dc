"""What follows what: sums over sequences offline, lists of successors at request time.

An antecedent is its occurrences: places in one flat array of events, sequence after sequence. One
antecedent at a time is summed in a counter as wide as the catalogue, so memory is bounded by a block
of antecedents and a counter for each thread, and no sum depends on how many threads there are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange, types
from numpy.typing import NDArray

from vitrina.kernels.gather import ALLOW, ENDS, LISTS, ROWS, SCORES, SUMS, TYPES, pick, pour, reach
from vitrina.kernels.select import key_of, to_front, write_list

BLOCK = 1 << 22
"""Places in lists that one block of antecedents has room for: 32 MB."""

Lists = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]


def fade(kind: str, n: int) -> NDArray[np.float64]:
    """float64[n]: what 1, 2, ... n steps weigh, 1 first. Reciprocal is `div` of sequential rules
    (Kamehkhosh, Jannach and Ludewig, 2017)."""
    steps = np.arange(1, n + 1, dtype=np.float64)
    return {
        "none": np.ones(n),
        "linear": (n + 1 - steps) / max(n, 1),
        "reciprocal": 1 / steps,
        "quadratic": 1 / steps**2,
        "exponential": 0.5 ** (steps - 1),
    }[kind]


@njit(cache=True)
def moments(sequence: Any, mark: Any) -> Any:
    """int64 per event: its moment, a run of equal marks in one sequence; numbered from 0 throughout."""
    numbers = np.zeros(len(sequence), np.int64)
    for at in range(1, len(sequence)):
        same = sequence[at] == sequence[at - 1] and mark[at] == mark[at - 1]
        numbers[at] = numbers[at - 1] + (not same)
    return numbers


class Steps(NamedTuple):
    """Events in the order of their sequences, and what follows each: those at `first` to `end`.

    `item` int32; `weight` float64, of the event as the one that follows; `moment`: see `moments`;
    `together` float64: what a follower at the same moment counts.
    """

    item: NDArray[np.int32]
    weight: NDArray[np.float64]
    moment: NDArray[np.int64]
    first: NDArray[np.int64]
    end: NDArray[np.int64]
    together: NDArray[np.float64]


def steps_of(
    item: NDArray[np.int32],
    weight: NDArray[np.float64],
    sequence: NDArray[np.int32],
    mark: NDArray[np.int64],
    gap: int,
    together: float,
) -> Steps:
    """Steps of `gap` moments at most. Sequences ascend; a run of equal marks in one is a moment.

    A moment follows itself where `together` is not 0: its events have no order.
    """
    moment = moments(sequence, mark)
    first, end = _windows(sequence, moment, gap, together > 0)
    return Steps(item, weight, moment, first, end, np.full(len(item), together))


def joined(one: Steps, other: Steps) -> Steps:
    """Both, the places of the other after those of the one."""
    after, later = len(one.item), int(one.moment.max(initial=-1)) + 1
    moved = other._replace(moment=other.moment + later, first=other.first + after, end=other.end + after)
    columns: Any = zip(one, moved, strict=True)
    return Steps(*(np.concatenate(pair) for pair in columns))


@njit(cache=True)
def _windows(sequence: Any, moment: Any, gap: Any, together: Any) -> Any:
    n = len(sequence)
    first, end = np.empty(n, np.int64), np.empty(n, np.int64)
    begins, after, last = 0, 0, 0
    for at in range(n):
        if moment[begins] != moment[at]:
            begins = at
        while after < n and moment[after] <= moment[at]:
            after += 1
        while last < n and sequence[last] <= sequence[at] and moment[last] <= moment[at] + gap:
            last += 1
        first[at], end[at] = (begins if together else after), max(last, after)
    return first, end


def successors(steps: Steps, antecedents: tuple[Any, ...], tables: tuple[Any, ...], kept: int) -> Lists:
    """For each antecedent the `kept` items that follow it most, best first: (indptr, rows, scores).

    `antecedents`: (indptr, places), the occurrences of each in `steps`.
    `tables`: (fading float64, of 1 moment, 2, ...; divisor float64 of each antecedent; favour float64 of
    each item). A score is the sum of faded weights / divisor x favour. Deterministic.
    """
    indptr, places = antecedents
    n, width = len(indptr) - 1, max(1, min(kept, len(tables[2])))
    step = max(1, BLOCK // width)
    counts, rows, scores = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    for low in range(0, n, step):
        high = min(low + step, n)
        found = _successors(steps, indptr, places, tables, low, high, width, get_num_threads())
        held = np.arange(width) < found[0][:, None]
        counts.append(found[0])
        rows.append(found[1][held])
        scores.append(found[2][held])
    return np.cumsum(np.concatenate(counts)), np.concatenate(rows), np.concatenate(scores)


@njit(cache=True)
def _add_up(steps: Any, places: Any, fading: Any, sums: Any, touched: Any) -> Any:
    """Add to `sums` what follows at these places; how many rows went into `touched`."""
    found = 0
    for place in places:
        for other in range(steps.first[place], steps.end[place]):
            gap, row = steps.moment[other] - steps.moment[place], steps.item[other]
            if gap == 0 and row == steps.item[place]:
                continue
            worth = steps.weight[other] * (steps.together[place] if gap == 0 else fading[gap - 1])
            if worth > 0:
                touched[found] = row
                found += sums[row] == 0
                sums[row] += worth
    return found


@njit(cache=True, parallel=True)
def _successors(
    steps: Any, indptr: Any, places: Any, tables: Any, low: Any, high: Any, width: Any, threads: Any
) -> Any:
    fading, divisor, favour = tables
    counts = np.zeros(high - low, np.int64)
    rows = np.empty((high - low, width), np.int32)
    scores = np.empty((high - low, width), np.float32)
    for thread in prange(threads):
        sums, touched = np.zeros(len(favour)), np.empty(len(favour) + 1, np.int32)
        keys, ranked = np.empty(len(favour), np.int64), np.empty(width, np.int64)
        score = np.empty(1, np.float32)
        bits = score.view(np.int32)
        for one in range(low + thread, high, threads):
            found = _add_up(steps, places[indptr[one] : indptr[one + 1]], fading, sums, touched)
            held = 0
            for at in range(found):
                row = touched[at]
                score[0] = sums[row] / divisor[one] * favour[row]
                keys[held] = key_of(bits[0], row)
                held += score[0] > 0
                sums[row] = 0
            if held > width:
                to_front(keys[:held], width)
            write_list(one - low, keys, min(held, width), ranked, rows, scores.view(np.int32), counts)
    return counts, rows, scores


@njit(cache=True, nogil=True)
def trail(rows: Any, kinds: Any, worth: Any, fading: Any, sums: Any, seeds: Any, weights: Any) -> Any:
    """(how many, the last row, the one before it): the latest distinct rows of some events into `seeds`.

    The newest first, as many as `fading` is long, each weighing what its type is worth x how many
    distinct rows came after it; (0, -1, -1) where no event is worth anything.
    """
    found, last, before = 0, np.int64(-1), np.int64(-1)
    for at in range(len(rows) - 1, -1, -1):
        row, kind = rows[at], kinds[at]
        if kind >= len(worth) or worth[kind] <= 0 or not 0 <= row < len(sums):
            continue
        if last >= 0 and before < 0:
            before = row
        if last < 0:
            last = row
        if sums[row] == 0 and found < len(fading):
            seeds[found], weights[found] = row, worth[kind] * fading[found]
            found += 1
            sums[row] = 1
        if found == len(fading) and before >= 0:
            break
    sums[seeds[:found]] = 0
    return found, last, before


@njit(cache=True, nogil=True)
def add_pair(last: Any, before: Any, pairs: Any, rest: Any, n_items: Any, lists: Any, weights: Any) -> Any:
    """1 if there is a list for the last two rows: put it first, and leave the last row its `rest`; else 0.

    `pairs`: ascending before x n_items + last. `lists`, `weights`: of seeds, from place 1 on.
    """
    if before < 0:
        return 0
    pair = np.int64(before) * n_items + last
    at = np.searchsorted(pairs, pair)
    if at == len(pairs) or pairs[at] != pair:
        return 0
    lists[0], weights[0] = n_items + at, weights[1]
    weights[1] *= rest[at]
    return 1


LEARNED = (SCORES, SCORES, ENDS, SCORES)


@njit(
    (types.int64, types.int64, ENDS, ROWS, TYPES, *LEARNED, *LISTS, *ALLOW, types.int64, SUMS),
    cache=True,
    nogil=True,
)
def advance(
    low: Any,
    high: Any,
    seed_ends: Any,
    seed_rows: Any,
    kinds: Any,
    worth: Any,
    fading: Any,
    pairs: Any,
    rest: Any,
    indptr: Any,
    rows: Any,
    scores: Any,
    mask: Any,
    skip_ends: Any,
    skips: Any,
    k: Any,
    sums: Any,
) -> Any:
    """The k best allowed rows of askers low..high, by what follows their latest seeds: gather.Ragged.

    Lists are (indptr, rows, scores): one for each item, then one for each of `pairs`. See `trail` for
    seeds, `add_pair` for pairs.
    """
    n_items = len(sums)
    k = max(0, min(k, n_items))
    lists, weights = np.empty(len(fading) + 1, np.int32), np.empty(len(fading) + 1, np.float32)
    ends = np.zeros(high - low + 1, np.int64)
    out_rows, out_scores = np.empty((high - low) * k, np.int32), np.empty((high - low) * k, np.float32)
    for asker in range(low, high):
        own = slice(seed_ends[asker], seed_ends[asker + 1])
        found, last, before = trail(seed_rows[own], kinds[own], worth, fading, sums, lists[1:], weights[1:])
        used = slice(1 - add_pair(last, before, pairs, rest, n_items, lists, weights), 1 + found)
        touched = np.empty(reach(lists[used], indptr) + 1, np.int32)
        reached = pour(lists[used], weights[used], indptr, rows, scores, sums, touched)
        for row in skips[skip_ends[asker] : skip_ends[asker + 1]]:
            sums[row] = 0
        at = ends[asker - low]
        ends[asker - low + 1] = at + pick(sums, touched[:reached], mask, k, out_rows[at:], out_scores[at:])
    return ends, out_rows[: ends[-1]].copy(), out_scores[: ends[-1]].copy()


@njit((ROWS, TYPES, *LEARNED, *LISTS, ROWS, SUMS), cache=True, nogil=True)
def grounds(
    seed_rows: Any,
    kinds: Any,
    worth: Any,
    fading: Any,
    pairs: Any,
    rest: Any,
    indptr: Any,
    rows: Any,
    scores: Any,
    wanted: Any,
    sums: Any,
) -> Any:
    """For each wanted row the two seeds that gave it most, the greater first: int32[n, 2], -1 for none.

    What a pair gave is its last row's. Arguments as in `advance`, for one asker.
    """
    lists, weights = np.empty(len(fading) + 1, np.int32), np.empty(len(fading) + 1, np.float32)
    found, last, before = trail(seed_rows, kinds, worth, fading, sums, lists[1:], weights[1:])
    paired = add_pair(last, before, pairs, rest, len(sums), lists, weights)
    given = np.zeros((len(wanted), found + 1), np.float32)
    for at in range(len(wanted)):
        sums[wanted[at]] = at + 1
    for one in range(1 - paired, 1 + found):
        for place in range(indptr[lists[one]], indptr[lists[one] + 1]):
            which = np.int64(sums[rows[place]]) - 1
            if which >= 0:
                given[which, max(one, 1)] += weights[one] * scores[place]
    sums[wanted] = 0
    reasons = np.full((len(wanted), 2), -1, np.int32)
    for at in range(len(wanted)):
        for place in range(2):
            best = np.argmax(given[at])
            if given[at, best] > 0:
                reasons[at, place], given[at, best] = lists[best], 0
    return reasons
