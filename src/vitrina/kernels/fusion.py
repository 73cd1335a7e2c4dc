"""Many ranked lists into one, and one list down to what may be shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.select import descending, key_of, ordered, row_of, to_front

RANK_CONSTANT = 60.0

_ROWS = types.Array(types.int32, 1, "C", readonly=True)
_ENDS = types.Array(types.int64, 1, "C", readonly=True)
_PLACES = types.Array(types.int32, 2, "C", readonly=True)
_SCORES = types.Array(types.float32, 2, "C", readonly=True)
_SHARES = types.Array(types.float32, 3, "C", readonly=True)


@njit(cache=True, nogil=True)
def fuse(indptr: Any, rows: Any, scores: Any, weights: Any, by_score: Any, k: Any) -> Any:
    """Merge the lists of S sources for n askers.

    `indptr`: int64[S, n + 1] into the joined `rows` (int32) and `scores` (float32); `weights`:
    float32[S]. A row earns from each list weight / (60 + its rank there), ranks from 1 (Cormack,
    Clarke and Buettcher, SIGIR 2009); or, with `by_score`, weight x its score / the list's best.
    Returns rows int32[n, k] (-1 pads), scores float32[n, k], shares float32[n, k, S]: what each
    source gave. Ties go to the lower row.
    """
    n_sources, n = indptr.shape[0], indptr.shape[1] - 1
    out_rows = np.full((n, k), -1, np.int32)
    out_scores = np.zeros((n, k), np.float32)
    out_shares = np.zeros((n, k, n_sources), np.float32)
    most = _longest(indptr)
    table, slots = _room(most)
    gains = 1 / (RANK_CONSTANT + 1 + np.arange(most))
    seen, keys, ranked = np.empty(most, np.int32), np.empty(most, np.int64), np.empty(most, np.int64)
    shares, sums = np.empty((most, n_sources), np.float32), np.empty(most, np.float32)
    for asker in range(n):
        found = _gather(indptr, rows, scores, weights, by_score, gains, asker, seen, shares, table, slots)
        for place in range(found):
            sums[place] = 0
            for source in range(n_sources):
                sums[place] += shares[place, source]
        for rank in range(_best_first(sums[:found], seen[:found], k, keys, ranked)):
            place = table[_slot(table, seen, row_of(ranked[rank]))]
            out_rows[asker, rank] = seen[place]
            out_scores[asker, rank] = sums[place]
            for source in range(n_sources):
                out_shares[asker, rank, source] = shares[place, source]
        for place in range(found):
            table[slots[place]] = -1
    return out_rows, out_scores, out_shares


@njit(cache=True, nogil=True)
def _longest(indptr: Any) -> Any:
    """What all sources propose to one asker, at most."""
    most = 0
    for asker in range(indptr.shape[1] - 1):
        total = 0
        for source in range(indptr.shape[0]):
            total += indptr[source, asker + 1] - indptr[source, asker]
        most = max(most, total)
    return most


@njit(cache=True, nogil=True)
def _room(most: Any) -> Any:
    """An open table for the places of so many rows, empty, and room for the slots they take."""
    size = 16
    while size < 2 * most:
        size *= 2
    return np.full(size, -1, np.int32), np.empty(most, np.int64)


@njit(cache=True, nogil=True)
def _gather(
    indptr: Any, rows: Any, scores: Any, weights: Any, by_score: Any, gains: Any, asker: Any,
    seen: Any, shares: Any, table: Any, slots: Any,
) -> Any:  # fmt: skip
    """The distinct rows of one asker into `seen`, what each source gives them into `shares`, and where they
    stand into the table, whose slots so taken are noted; how many they are."""
    found = 0
    for source in range(indptr.shape[0]):
        low, high = indptr[source, asker], indptr[source, asker + 1]
        best = max(scores[low], np.float32(1e-30)) if high > low else np.float32(1.0)
        for place in range(low, high):
            slot = _slot(table, seen, rows[place])
            if table[slot] < 0:
                table[slot], slots[found], seen[found] = found, slot, rows[place]
                shares[found] = 0
                found += 1
            gain = max(scores[place], np.float32(0)) / best if by_score else gains[place - low]
            shares[table[slot], source] = weights[source] * gain
    return found


@njit(cache=True, nogil=True)
def _slot(table: Any, seen: Any, row: Any) -> Any:
    """Where the place of a row stands in the table, or would stand."""
    # Shifted, since a product's low bits know only the row's low bits.
    slot = ((np.int64(row) * 2654435761) >> 16) & (len(table) - 1)
    while table[slot] >= 0 and seen[table[slot]] != row:
        slot = (slot + 1) & (len(table) - 1)
    return slot


@njit(cache=True, nogil=True)
def _best_first(sums: Any, rows: Any, k: Any, keys: Any, ranked: Any) -> Any:
    """The keys (`select`) of the k best of some rows into `ranked`, best first; how many they are."""
    bits, n, best = sums.view(np.int32), len(rows), min(k, len(rows))
    for place in range(n):
        keys[place] = key_of(ordered(bits[place]), rows[place])
    if 0 < best < n:
        to_front(keys[:n], best)
    descending(keys[:best], ranked[:best])
    return best


@njit(cache=True, nogil=True)
def settle(rows: Any, products: Any, levels: Any, n_levels: Any, limit: Any, room: Any) -> Any:
    """Which places of each ranked list to keep: int32[n, room] places (-1 pads), int32[n] level used.

    Places of level 0 come first, `room` of them at most; then, while there are fewer than `limit`, those
    of level 1 and so on. A product already chosen is not chosen again in another variant.
    `rows`: int32[n, m], -1 pads; `levels`: int8[n, m]; `products`: int32[n_items].
    """
    n, m = rows.shape
    picks = np.full((n, room), -1, np.int32)
    used, chosen = np.zeros(n, np.int32), np.empty(room, np.int32)
    for asker in range(n):
        count = 0
        for level in range(n_levels + 1):
            most = limit if level else room
            for place in range(m):
                if count >= most:
                    break
                row = rows[asker, place]
                if row < 0 or levels[asker, place] != level:
                    continue
                fresh = True
                for earlier in range(count):
                    if chosen[earlier] == products[row]:
                        fresh = False
                        break
                if fresh:
                    picks[asker, count], chosen[count] = place, products[row]
                    count += 1
                    used[asker] = level
    return picks, used


@njit(cache=True, nogil=True)
def _strongest_first(shares: Any, order: Any) -> Any:
    """The sources that gave anything, the most first, into `order`; how many they are."""
    found = 0
    for source in range(len(shares)):
        if shares[source] != 0:
            spot = found
            while spot > 0 and shares[order[spot - 1]] < shares[source]:
                order[spot] = order[spot - 1]
                spot -= 1
            order[spot] = source
            found += 1
    return found


@njit(cache=True, nogil=True)
def _once(order: Any, numbers: Any, out: Any) -> None:
    """The numbers of some sources into `out`, each at its first place."""
    held = 0
    for source in order:
        known = False
        for earlier in range(held):
            known |= out[earlier] == numbers[source]
        if not known:
            out[held] = numbers[source]
            held += 1


@njit((_PLACES, _SCORES, _SHARES, _ROWS), cache=True, nogil=True)
def finished(rows: Any, scores: Any, shares: Any, numbers: Any) -> Any:
    """What n ranked lists show, joined: ends int64[n + 1], rows, scores, sources int32[m, S], leads int32[m].

    `numbers`: int32[S], the number that stands for each source; several may share one. `sources` are the
    numbers of those that gave a row anything, the most first and each once, -1 pads; `leads` are the
    sources, not their numbers, that gave most. Ties go to the earlier source.
    """
    n, m, n_sources = shares.shape
    ends = np.zeros(n + 1, np.int64)
    for asker in range(n):
        ends[asker + 1] = ends[asker] + (rows[asker] >= 0).sum()
    out_rows, out_scores = np.empty(ends[n], np.int32), np.empty(ends[n], np.float32)
    sources, leads = np.full((ends[n], n_sources), -1, np.int32), np.zeros(ends[n], np.int32)
    order = np.empty(n_sources, np.int32)
    at = 0
    for asker in range(n):
        for place in range(m):
            if rows[asker, place] >= 0:
                out_rows[at], out_scores[at] = rows[asker, place], scores[asker, place]
                found = _strongest_first(shares[asker, place], order)
                leads[at] = order[0] if found else 0
                _once(order[:found], numbers, sources[at])
                at += 1
    return ends, out_rows, out_scores, sources, leads


@njit((_ROWS, _ENDS, types.int64), cache=True, nogil=True)
def by_source(leads: Any, ends: Any, n_sources: Any) -> Any:
    """Items of n lists in the order of their leading sources: places int64[m], spans int64[S, n + 1].

    Of source s and list i they are `places[spans[s, i]:spans[s, i + 1]]`.
    """
    n = len(ends) - 1
    places, spans = np.empty(len(leads), np.int64), np.zeros((n_sources, n + 1), np.int64)
    filled = 0
    for source in range(n_sources):
        spans[source, 0] = filled
        for one in range(n):
            for at in range(ends[one], ends[one + 1]):
                if leads[at] == source:
                    places[filled] = at
                    filled += 1
            spans[source, one + 1] = filled
    return places, spans


@njit(cache=True, nogil=True)
def take(rows: Any, scores: Any, shares: Any, places: Any) -> Any:
    """The chosen places of n ranked lists: rows, scores and shares as `fuse` gives them, int32[n, k] places.

    -1 pads stay pads: row -1 with nothing to its name.
    """
    n, k = places.shape
    out_rows = np.full((n, k), -1, np.int32)
    out_scores = np.zeros((n, k), np.float32)
    out_shares = np.zeros((n, k, shares.shape[2]), np.float32)
    for asker in range(n):
        for rank in range(k):
            place = places[asker, rank]
            if place >= 0:
                out_rows[asker, rank] = rows[asker, place]
                out_scores[asker, rank] = scores[asker, place]
                for source in range(shares.shape[2]):
                    out_shares[asker, rank, source] = shares[asker, place, source]
    return out_rows, out_scores, out_shares


@njit((_PLACES, _SCORES, _SHARES, _ENDS, _ROWS, types.int64), cache=True, nogil=True)
def append(rows: Any, scores: Any, shares: Any, ends: Any, more: Any, source: Any) -> Any:
    """n ranked lists with `more[ends[i]:ends[i + 1]]` put behind list i, as the share of one source.

    Scores go on falling from the least of each list, or from 1 where it is empty. -1 pads stay there.
    """
    (n, m, columns), width = shares.shape, 0
    for asker in range(n):
        width = max(width, ends[asker + 1] - ends[asker])
    out_rows = np.full((n, m + width), -1, np.int32)
    out_scores = np.zeros((n, m + width), np.float32)
    out_shares = np.zeros((n, m + width, columns), np.float32)
    for asker in range(n):
        floor = np.float32(1.0)
        for place in range(m):
            out_rows[asker, place], out_scores[asker, place] = rows[asker, place], scores[asker, place]
            out_shares[asker, place] = shares[asker, place]
            if rows[asker, place] >= 0:
                floor = min(floor, scores[asker, place])
        for at in range(ends[asker + 1] - ends[asker]):
            score = floor / np.float32(2 + at)
            out_rows[asker, m + at], out_scores[asker, m + at] = more[ends[asker] + at], score
            out_shares[asker, m + at, source] = score
    return out_rows, out_scores, out_shares


@njit((_PLACES, _SCORES, _SHARES, _SCORES), cache=True, nogil=True)
def scaled(rows: Any, scores: Any, shares: Any, factors: Any) -> Any:
    """n ranked lists, scores and shares multiplied by float32[n, m], best first again; ties keep their order.

    -1 pads stand last.
    """
    n, m, columns = shares.shape
    out_rows = np.full((n, m), -1, np.int32)
    out_scores, out_shares = np.zeros((n, m), np.float32), np.zeros((n, m, columns), np.float32)
    for asker in range(n):
        keys = np.full(m, np.inf, np.float32)
        for place in range(m):
            if rows[asker, place] >= 0:
                keys[place] = -scores[asker, place] * factors[asker, place]
        order = np.argsort(keys, kind="mergesort")
        for at in range(m):
            place = order[at]
            if rows[asker, place] >= 0:
                out_rows[asker, at], out_scores[asker, at] = rows[asker, place], -keys[place]
                for column in range(columns):
                    out_shares[asker, at, column] = shares[asker, place, column] * factors[asker, place]
    return out_rows, out_scores, out_shares
