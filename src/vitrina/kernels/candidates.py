"""What is known of each candidate of a list beside its place in it: one pass over lists and history.

Candidates, and their categories, are found again in small tables of slots: a list costs what its
sources' lists and its asker's history are long, whatever the catalogue is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

BLEND, SOURCE, OWN, CATEGORY, ASKER, ITEM = 2, 2, 12, 6, 6, 9
"""Columns of the blend; of each source; of asker and item; of its category; of the asker; of the item."""

_DAY = 86_400.0
_FADE_DAYS = 30.0
_PURCHASE, _VIEW = 0, 1
_NAN = np.float32(np.nan)

_ROWS = types.Array(types.int32, 1, "C", readonly=True)
_REALS = types.Array(types.float32, 1, "C", readonly=True)
_ENDS = types.Array(types.int64, 1, "C", readonly=True)
_TYPES = types.Array(types.uint8, 1, "C", readonly=True)
_LISTS = types.Array(types.int32, 2, "C", readonly=True), types.Array(types.float32, 2, "C", readonly=True)
_SOURCES = types.Array(types.int64, 2, "C", readonly=True), _ROWS, _REALS
_ITEMS = types.Array(types.float32, 2, "C", readonly=True), _ROWS, _REALS, _REALS
_OUT = types.Array(types.float32, 3, "C")


@njit(cache=True, nogil=True)
def _find(slots: Any, keys: Any, key: Any) -> Any:
    """The slot that holds the place of `key`, or the free one (-1) where it would stand."""
    mask = len(slots) - 1
    slot = ((np.int64(key) * 2654435761) >> 16) & mask
    while slots[slot] >= 0 and keys[slots[slot]] != key:
        slot = (slot + 1) & mask
    return slot


@njit(cache=True, nogil=True)
def _index(wanted: Any, slots: Any, keys: Any) -> None:
    """A table of the distinct numbers among `wanted`, in order; those below 0 are left out."""
    slots[:] = -1
    found = 0
    for number in wanted:
        slot = _find(slots, keys, number)
        if number >= 0 and slots[slot] < 0:
            slots[slot] = found
            keys[found] = number
            found += 1


@njit(cache=True, nogil=True)
def _ratio(above: Any, below: Any) -> Any:
    return np.float32(above / below) if below > 0 else _NAN


@njit(cache=True, nogil=True)
def _days(now: Any, then: Any) -> Any:
    """Days from `then` to `now`; NaN for a moment that never was (below 0)."""
    return np.float32((now - then) / _DAY) if then >= 0 else _NAN


@njit(cache=True, nogil=True)
def _from_lists(table: Any, scores: Any, ends: Any, listed: Any, gains: Any, slots: Any, keys: Any) -> None:
    """Rank and share of the best score, in the blend and in each source; NaN where it has not the row."""
    best = max(scores[0], np.float32(1e-30)) if len(scores) else np.float32(1)
    for place in range(len(table)):
        table[place, 0] = place
        table[place, 1] = scores[place] / best
        table[place, BLEND : BLEND + SOURCE * len(ends)] = _NAN
    for source in range(len(ends)):
        low, high = ends[source, 0], ends[source, 1]
        best = max(gains[low], np.float32(1e-30)) if high > low else np.float32(1)
        for at in range(low, high):
            place = slots[_find(slots, keys, listed[at])]
            if place >= 0:
                table[place, BLEND + SOURCE * source] = at - low
                table[place, BLEND + SOURCE * source + 1] = gains[at] / best


@njit(cache=True, nogil=True)
def _add_up(
    past: Any, now: Any, items: Any, groups: Any, category: Any, log_price: Any, own: Any, shared: Any
) -> None:
    """Into `own`, by candidate: purchases, faded purchases, first, last, views, last view; into `shared`, by
    category: purchases, last, sum of known logarithms of prices, how many are known. -1: never."""
    own[:] = 0.0
    shared[:] = 0.0
    own[:, 2:4], own[:, 5], shared[:, 1] = -1.0, -1.0, -1.0
    done, kinds, times = past
    for event in range(len(done)):
        row = done[event]
        place = items[0][_find(items[0], items[1], row)]
        if kinds[event] == _VIEW and place >= 0:
            own[place, 4] += 1
            own[place, 5] = times[event]
        if kinds[event] != _PURCHASE:
            continue
        if place >= 0:
            own[place, 0] += 1
            own[place, 1] += np.exp2((times[event] - now) / (_DAY * _FADE_DAYS))
            own[place, 2] = times[event] if own[place, 2] < 0 else own[place, 2]
            own[place, 3] = times[event]
        group = groups[0][_find(groups[0], groups[1], category[row])] if category[row] >= 0 else -1
        if group >= 0:
            shared[group, 0] += 1
            shared[group, 1] = times[event]
            if not np.isnan(log_price[row]):
                shared[group, 2] += log_price[row]
                shared[group, 3] += 1


@njit(cache=True, nogil=True)
def _person(kinds: Any, times: Any) -> Any:
    """Purchases, moments of purchase, the first of them and the last; -1: never."""
    purchases, visits, first, last = 0.0, 0.0, -1.0, -1.0
    for event in range(len(kinds)):
        if kinds[event] == _PURCHASE:
            purchases += 1
            visits += times[event] != last
            last = times[event]
            first = last if first < 0 else first
    return purchases, visits, first, last


@njit(cache=True, nogil=True)
def _own(out: Any, own: Any, person: Any, now: Any, due_days: Any) -> None:
    """What the asker did with the item."""
    count, since = own[0], _days(now, own[3])
    gap = np.float32((own[3] - own[2]) / _DAY / (count - 1)) if count > 1 else _NAN
    out[0], out[1], out[2], out[3], out[4] = count, own[1], since, _days(now, own[2]), gap
    out[5] = since / gap if gap > 0 else _NAN
    out[6] = since / due_days if due_days > 0 else _NAN
    out[7] = _ratio(count, person[1])
    out[8] = _ratio(count, _days(now, own[2]))
    out[9] = np.float32((person[3] - own[3]) / _DAY) if count > 0 else _NAN
    out[10], out[11] = own[4], _days(now, own[5])


@njit(cache=True, nogil=True)
def _of_category(
    out: Any, own: Any, shared: Any, group: Any, person: Any, now: Any, log_price: Any, due_days: Any
) -> None:
    """What the asker did with the item's category, and how the item's price fits in it."""
    out[:6] = _NAN
    if group < 0:
        return
    count, since = shared[group, 0], _days(now, shared[group, 1])
    out[0], out[1], out[2] = count, _ratio(count, person[0]), since
    out[3] = since / due_days if due_days > 0 else _NAN
    out[4] = _ratio(own[0], count)
    out[5] = log_price - _ratio(shared[group, 2], shared[group, 3])


@njit(cache=True, nogil=True)
def _of_asker(out: Any, person: Any, now: Any) -> None:
    """What the asker is like."""
    purchases, visits, first, last = person
    out[0], out[1], out[2], out[3] = purchases, visits, _ratio(purchases, visits), _days(now, last)
    gap = np.float32((last - first) / _DAY / (visits - 1)) if visits > 1 else _NAN
    out[4] = gap
    out[5] = _days(now, last) / gap if gap > 0 else _NAN


@njit(
    [types.void(*_LISTS, *_SOURCES, _ENDS, _ROWS, _TYPES, _ENDS, types.int64, *_ITEMS, _OUT)],
    cache=True,
    nogil=True,
)
def describe(
    rows: Any, scores: Any, ends: Any, listed: Any, gains: Any, indptr: Any, done: Any, kinds: Any,
    times: Any, now: Any, facts: Any, category: Any, log_price: Any, due_days: Any, out: Any,
) -> None:  # fmt: skip
    """Fill `out`, float32[n, m, f], for n blended lists of m candidates (`rows`, `scores`; -1 pads).

    Source s gave asker i `listed[ends[s, i]:ends[s, i + 1]]` with `gains`. Asker i did
    `done[indptr[i]:indptr[i + 1]]` (`kinds`, `times` in seconds). By item: `facts`
    float32[n_items, ITEM], `category`, `log_price` (NaN unknown), `due_days` (0 unknown). Columns stand
    in the order of BLEND, SOURCE of each source, OWN, CATEGORY, ASKER, ITEM.
    """
    m = rows.shape[1]
    size = 16
    while size < 4 * m:
        size *= 2
    slots, keys = np.empty(size, np.int32), np.empty(m + 1, np.int32)
    groups, names = np.empty(size, np.int32), np.empty(m + 1, np.int32)
    classes, own, shared = np.empty(m, np.int32), np.empty((m, 6)), np.empty((m, 4))
    for asker in range(len(rows)):
        for place in range(m):
            classes[place] = category[rows[asker, place]] if rows[asker, place] >= 0 else -1
        _index(rows[asker], slots, keys)
        _index(classes, groups, names)
        table = out[asker]
        _from_lists(table, scores[asker], ends[:, asker : asker + 2], listed, gains, slots, keys)
        low, high = indptr[asker], indptr[asker + 1]
        past = (done[low:high], kinds[low:high], times[low:high])
        _add_up(past, now, (slots, keys), (groups, names), category, log_price, own, shared)
        person = _person(past[1], past[2])
        first = BLEND + SOURCE * len(ends)
        for place in range(m):
            row = rows[asker, place]
            if row >= 0:
                group = groups[_find(groups, names, classes[place])] if classes[place] >= 0 else -1
                _own(table[place, first:], own[place], person, now, due_days[row])
                _of_category(
                    table[place, first + OWN :],
                    own[place],
                    shared,
                    group,
                    person,
                    now,
                    log_price[row],
                    due_days[row],
                )
                _of_asker(table[place, first + OWN + CATEGORY :], person, now)
                table[place, first + OWN + CATEGORY + ASKER :] = facts[row]
