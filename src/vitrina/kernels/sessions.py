"""Visits alike: which earlier visits resemble this one, and what happened in them.

An inverted index says of each item which visits held it last; the visits so reached are compared
with the asker's, the most alike vote for their items. A request costs what the index keeps of the
asker's items, never what the shop has seen (VMIS-kNN: Kersbergen, Sprangers and Schelter, 2022;
weights of VSTAN: Ludewig, Mauro, Latifi and Jannach, 2021, after Garg et al., 2019).

Signatures are explicit and take read-only arrays, as in kernels/gather.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from vitrina.kernels.gather import ALLOW, ENDS, ROWS, SCORES, SUMS, TYPES, pick
from vitrina.kernels.select import key_of, row_of, to_front

FAR = 255
"""Steps from the end of a visit that are told apart."""
RECALL = types.Tuple((SCORES, SCORES, SCORES))
INDEX = types.Tuple((ENDS, ROWS))
VISITS = types.Tuple((ENDS, ROWS, TYPES, SCORES))
ALLOWED = types.Tuple(ALLOW)
WORK = types.Tuple((SUMS, SUMS, SUMS))


def visit_keys(
    visit: NDArray[np.int32], user: NDArray[np.int32], day: NDArray[np.int64]
) -> NDArray[np.int32]:
    """int32 per event: the visit that holds it, or else its customer's day, all numbered from 0; -1 for
    an event of nobody in no visit."""
    keys = visit.astype(np.int64)
    loose = (visit < 0) & (user >= 0)
    days = day[loose] - day[loose].min(initial=0)
    _, numbers = np.unique(user[loose] * (days.max(initial=0) + 1) + days, return_inverse=True)
    keys[loose] = visit.max(initial=-1) + 1 + numbers
    return keys.astype(np.int32)


@njit(cache=True)
def latest_items(indptr: Any, items: Any, times: Any, visits: Any, longest: Any, n_items: Any) -> Any:
    """The distinct items of these visits, latest first, `longest` of each at most: (indptr, items, ages).

    Visit v holds `items[indptr[v]:indptr[v + 1]]`, oldest first. Ages: uint8, steps from the end of the
    visit to the item's last event there, FAR at most; what has one time is no step apart.
    """
    seen = np.full(n_items, -1, np.int64)
    ends = np.zeros(len(visits) + 1, np.int64)
    rows, ages = np.empty(len(items), np.int32), np.empty(len(items), np.uint8)
    filled = 0
    for at in range(len(visits)):
        first, last = indptr[visits[at]], indptr[visits[at] + 1] - 1
        age = 0
        for place in range(last, first - 1, -1):
            row = items[place]
            age += place < last and times[place] != times[place + 1]
            if seen[row] != at and filled - ends[at] < longest:
                seen[row] = at
                rows[filled], ages[filled] = row, min(age, FAR)
                filled += 1
        ends[at + 1] = filled
    return ends, rows[:filled].copy(), ages[:filled].copy()


@njit(cache=True)
def holders(indptr: Any, rows: Any, n_items: Any, most: Any) -> Any:
    """For each item the first `most` visits that hold it, in order: (indptr int64, visits int32)."""
    ends = np.zeros(n_items + 1, np.int64)
    for row in rows:
        ends[row + 1] += 1
    for row in range(n_items):
        ends[row + 1] = ends[row] + min(ends[row + 1], most)
    filled = ends[:-1].copy()
    visits = np.empty(ends[-1], np.int32)
    for visit in range(len(indptr) - 1):
        for row in rows[indptr[visit] : indptr[visit + 1]]:
            if filled[row] < ends[row + 1]:
                visits[filled[row]] = visit
                filled[row] += 1
    return ends, visits


@njit(cache=True, nogil=True)
def recall(rows: Any, kinds: Any, tables: Any, marks: Any, seeds: Any, weights: Any, echoes: Any) -> Any:
    """The latest distinct rows of some events, newest first, into `seeds`; how many they are.

    `tables`: what an event is worth by its type; then, by how many events came after it, what is left
    of that in a seed's weight, and of a vote in its echo. Marks each seed with its number, from 1.
    """
    worth, fading, echoing = tables
    found, age = 0, 0
    for at in range(len(rows) - 1, -1, -1):
        row, kind = rows[at], kinds[at]
        if kind >= len(worth) or worth[kind] <= 0 or not 0 <= row < len(marks):
            continue
        if age == len(fading) or found == len(seeds):
            break
        if marks[row] == 0:
            seeds[found], weights[found], echoes[found] = row, worth[kind] * fading[age], echoing[age]
            found += 1
            marks[row] = found
        age += 1
    return found


@njit(cache=True, nogil=True)
def alike(seeds: Any, weights: Any, index: Any, credit: Any, k: Any, likeness: Any) -> Any:
    """Keys of the k visits most like the seeds, in no order; of equals the latest. Clears `likeness`.

    A visit's likeness is the sum of the weights of its seeds, times its credit.
    """
    ends, visits = index
    reached = 0
    for row in seeds:
        reached += ends[row + 1] - ends[row]
    touched = np.empty(reached + 1, np.int32)
    found = 0
    for at in range(len(seeds)):
        for visit in visits[ends[seeds[at]] : ends[seeds[at] + 1]]:
            touched[found] = visit
            found += likeness[visit] == 0
            likeness[visit] += weights[at]
    keys, product = np.empty(found, np.int64), np.empty(1, np.float32)
    bits = product.view(np.int32)
    for at in range(found):
        product[0] = likeness[touched[at]] * credit[touched[at]]
        keys[at] = key_of(bits[0], touched[at])
        likeness[touched[at]] = 0
    if found > k:
        to_front(keys, k)
    return keys[: min(found, k)]


@njit(cache=True, nogil=True)
def matched(rows: Any, ages: Any, marks: Any) -> Any:
    """(age of the last seed in a visit, number of the asker's latest seed in it): seeds are marked."""
    star, latest = np.int64(-1), np.int64(0)
    for at in range(len(rows)):
        mark = np.int64(marks[rows[at]])
        if mark > 0 and (latest == 0 or mark < latest):
            latest = mark
        if mark > 0 and star < 0:
            star = np.int64(ages[at])
    return star, latest - 1


@njit(cache=True, nogil=True)
def vote(
    keys: Any, visits: Any, marks: Any, echoes: Any, nearness: Any, favour: Any, sums: Any, touched: Any
) -> Any:
    """Add what each visit says of each of its items to `sums`; how many rows went into `touched`.

    That is the visit's likeness x the echo of the asker's latest item in it x the nearness of the item
    to the last match, by its signed distance from it (`nearness[FAR]` is none) x favour of the item.
    """
    ends, rows, ages, _ = visits
    likeness = (keys >> 32).astype(np.int32).view(np.float32)
    found = 0
    for at in range(len(keys)):
        visit = row_of(keys[at])
        own = slice(ends[visit], ends[visit + 1])
        star, latest = matched(rows[own], ages[own], marks)
        voice = likeness[at] * echoes[latest]
        for place in range(ends[visit], ends[visit + 1]):
            row = rows[place]
            touched[found] = row
            found += sums[row] == 0
            sums[row] += voice * nearness[FAR + star - np.int64(ages[place])] * favour[row]
    return found


@njit(cache=True, nogil=True)
def reached_by(keys: Any, ends: Any) -> Any:
    """How many items some visits hold together, repeats counted."""
    total = 0
    for key in keys:
        total += ends[row_of(key) + 1] - ends[row_of(key)]
    return total


@njit(cache=True, nogil=True)
def _share(
    keys: Any, visits: Any, marks: Any, weights: Any, echoes: Any, nearness: Any, places: Any, given: Any
) -> None:
    ends, rows, ages, credit = visits
    for key in keys:
        visit = row_of(key)
        own = slice(ends[visit], ends[visit + 1])
        star, latest = matched(rows[own], ages[own], marks)
        for place in range(ends[visit], ends[visit + 1]):
            at = np.int64(places[rows[place]]) - 1
            if at >= 0:
                voice = credit[visit] * echoes[latest] * nearness[FAR + star - np.int64(ages[place])]
                for row in rows[own]:
                    if marks[row] > 0:
                        given[at, np.int64(marks[row]) - 1] += voice * weights[np.int64(marks[row]) - 1]


ANSWER = (types.int64, types.int64, ENDS, ROWS, TYPES, RECALL, types.int64, INDEX, VISITS, types.int64)


@njit((*ANSWER, SCORES, SCORES, ALLOWED, types.int64, WORK), cache=True, nogil=True)
def follow(
    low: Any,
    high: Any,
    seed_ends: Any,
    seed_rows: Any,
    kinds: Any,
    tables: Any,
    most: Any,
    index: Any,
    visits: Any,
    near: Any,
    nearness: Any,
    favour: Any,
    allowed: Any,
    k: Any,
    work: Any,
) -> Any:
    """The k best allowed rows of askers low..high by the `near` visits most like theirs: gather.Ragged.

    `tables`, `most` seeds: see `recall`; `index`: see `holders`; `visits`: (indptr, items, ages, credit),
    latest visit first; `nearness`, `favour`: see `vote`. `work`: zeros, one per visit, item, item.
    """
    likeness, marks, sums = work
    mask, skip_ends, skips = allowed
    k = max(0, min(k, len(sums)))
    seeds, weights = np.empty(most, np.int32), np.empty(most, np.float32)
    echoes = np.empty(most, np.float32)
    ends = np.zeros(high - low + 1, np.int64)
    out_rows, out_scores = np.empty((high - low) * k, np.int32), np.empty((high - low) * k, np.float32)
    for asker in range(low, high):
        own = slice(seed_ends[asker], seed_ends[asker + 1])
        found = recall(seed_rows[own], kinds[own], tables, marks, seeds, weights, echoes)
        keys = alike(seeds[:found], weights, index, visits[3], near, likeness)
        touched = np.empty(reached_by(keys, visits[0]) + 1, np.int32)
        reached = vote(keys, visits, marks, echoes, nearness, favour, sums, touched)
        marks[seeds[:found]] = 0
        for row in skips[skip_ends[asker] : skip_ends[asker + 1]]:
            sums[row] = 0
        at = ends[asker - low]
        ends[asker - low + 1] = at + pick(sums, touched[:reached], mask, k, out_rows[at:], out_scores[at:])
    return ends, out_rows[: ends[-1]].copy(), out_scores[: ends[-1]].copy()


@njit(cache=True, nogil=True)
def _ground(found: Any, seeds: Any, given: Any, reasons: Any) -> None:
    """The two seeds that gave each row most, as `given` has it, into `reasons`."""
    for at in range(len(reasons)):
        for place in range(min(2, found)):
            best = np.argmax(given[at])
            if given[at, best] > 0:
                reasons[at, place], given[at, best] = seeds[best], 0


@njit(
    (ENDS, ROWS, TYPES, RECALL, types.int64, INDEX, VISITS, types.int64, SCORES, ENDS, ROWS, WORK),
    cache=True,
    nogil=True,
)
def grounds(
    seed_ends: Any,
    seed_rows: Any,
    kinds: Any,
    tables: Any,
    most: Any,
    index: Any,
    visits: Any,
    near: Any,
    nearness: Any,
    ends: Any,
    wanted: Any,
    work: Any,
) -> Any:
    """For each wanted row the two seeds that spoke most for it, the greater first: int32[n, 2], -1 none.

    Asker i asks of `wanted[ends[i]:ends[i + 1]]`. What a visit says of a row is divided among the seeds in it
    by their weights. Other arguments as in `follow`.
    """
    likeness, marks, sums = work
    seeds, weights = np.empty(most, np.int32), np.empty(most, np.float32)
    echoes, reasons = np.empty(most, np.float32), np.full((len(wanted), 2), -1, np.int32)
    for asker in range(len(ends) - 1):
        low, high, own = ends[asker], ends[asker + 1], slice(seed_ends[asker], seed_ends[asker + 1])
        if low == high:
            continue
        found = recall(seed_rows[own], kinds[own], tables, marks, seeds, weights, echoes)
        keys = alike(seeds[:found], weights, index, visits[3], near, likeness)
        for at in range(low, high):
            sums[wanted[at]] = at - low + 1
        given = np.zeros((high - low, found), np.float32)
        _share(keys, visits, marks, weights, echoes, nearness, sums, given)
        marks[seeds[:found]] = 0
        sums[wanted[low:high]] = 0
        _ground(found, seeds, given, reasons[low:high])
    return reasons
