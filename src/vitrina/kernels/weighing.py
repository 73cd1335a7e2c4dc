"""How good a blend of lists would be, for many weights: lists are merged once, then only summed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from vitrina.kernels.fusion import RANK_CONSTANT

ABSENT = np.float32(-1.0)


@njit(cache=True, nogil=True)
def merged(indptr: Any, rows: Any, scores: Any, product: Any, asked_indptr: Any, asked: Any) -> Any:
    """The rows of S sources' lists, once each, for n askers.

    First arguments as of `fusion.fuse`; `product`: int32, the product of each row; `asked`: products,
    ragged by asker. Returns `wanted` int64 along it, the head of each, -1 if in no list; `starts`
    int64[n + 1], and ragged along it `found` int32, the rows; `heads` int64, the place of the first row
    of the same product; `by_rank`, `by_score` float32[S, .], what each source gives the row for a
    weight of 1, ABSENT where it does not list it.
    """
    n_sources, n = indptr.shape[0], indptr.shape[1] - 1
    starts, total = np.zeros(n + 1, np.int64), len(rows)
    found, heads = np.empty(total, np.int32), np.empty(total, np.int64)
    by_rank = np.full((n_sources, total), ABSENT, np.float32)
    by_score = np.full((n_sources, total), ABSENT, np.float32)
    place_of = np.full(len(product), -1, np.int64)
    head_of = np.full(max(_most(product), _most(asked)) + 1, -1, np.int64)
    wanted = np.full(len(asked), -1, np.int64)
    end = 0
    for asker in range(n):
        for source in range(n_sources):
            low, high = indptr[source, asker], indptr[source, asker + 1]
            best = max(scores[low], np.float32(1e-30)) if high > low else np.float32(1.0)
            for at in range(low, high):
                row = rows[at]
                place = place_of[row]
                if place < 0:
                    place = place_of[row] = end
                    if head_of[product[row]] < 0:
                        head_of[product[row]] = end
                    found[end], heads[end] = row, head_of[product[row]]
                    end += 1
                by_rank[source, place] = 1 / (RANK_CONSTANT + at - low + 1)
                by_score[source, place] = max(scores[at], np.float32(0)) / best
        starts[asker + 1] = end
        for at in range(asked_indptr[asker], asked_indptr[asker + 1]):
            wanted[at] = head_of[asked[at]]
        for place in range(starts[asker], end):
            place_of[found[place]] = head_of[product[found[place]]] = -1
    return wanted, starts, found[:end], heads[:end], by_rank[:, :end].copy(), by_score[:, :end].copy()


@njit(cache=True, nogil=True)
def _most(numbers: Any) -> Any:
    most = -1
    for one in numbers:
        most = max(most, one)
    return most


@njit(cache=True, nogil=True, parallel=True)
def gained(
    starts: Any, found: Any, heads: Any, gains: Any, weights: Any, source: Any, levels: Any, indptr: Any,
    wanted: Any, worth: Any,
) -> Any:  # fmt: skip
    """float64[levels, n]: each asker's sum of `worth` of the places at which wanted products stand, in the
    blend by `weights`, float32[S], but for one source's, which is each of `levels` in turn.

    `starts`, `found`, `heads`, `gains`: as of `merged`. `wanted`: places of products' heads, -1 for what
    is in no list, ragged by asker along `indptr`. `worth`: float64 by place in the list; later ones are
    worth nothing. A product stands where its best row does; ties go to the lower row.
    """
    n, most = len(starts) - 1, levels.max()
    sums = np.zeros((len(levels), n))
    for asker in prange(n):
        low, high = starts[asker], starts[asker + 1]
        taken = wanted[indptr[asker] : indptr[asker + 1]] - low
        if not np.any(taken >= 0):  # worth nothing however it is blended
            continue
        others, own = _summed(gains, weights, source, low, high), gains[source, low:high]
        rows, products = found[low:high], heads[low:high] - low
        apart = np.all(products == np.arange(high - low))
        tops = others if apart else _tops(others, products)
        kept = _within(others, own, most, _nth(tops, len(worth)))
        places, slots = _slots(products, kept)
        taken = np.array([slots[one] if one >= 0 else -1 for one in taken])
        if apart:
            _by_row(others[kept], own[kept], levels, rows[kept], taken, worth, sums[:, asker])
        else:
            _by_product(others[kept], own[kept], levels, rows[kept], places, taken, worth, sums[:, asker])
    return sums


@njit(cache=True, nogil=True)
def _tops(others: Any, heads: Any) -> Any:
    """Each product's best sum, at its head, ABSENT elsewhere."""
    tops = np.full(len(others), ABSENT, np.float32)
    for place in range(len(others)):
        tops[heads[place]] = max(tops[heads[place]], others[place])
    return tops


@njit(cache=True, nogil=True)
def _nth(values: Any, n: Any) -> Any:
    """The n-th largest, ABSENT where there are fewer."""
    largest = np.full(n, ABSENT, np.float32)
    for value in values:
        if value > largest[0]:
            at = 1
            while at < n and largest[at] < value:
                largest[at - 1] = largest[at]
                at += 1
            largest[at - 1] = value
    return largest[0]


@njit(cache=True, nogil=True)
def _within(others: Any, own: Any, most: Any, floor: Any) -> Any:
    """Places of the rows that can stand within the list at some level: at the highest they reach what so many
    products as the list holds have at the lowest, since a row only gains from a level to the next."""
    kept, many = np.empty(len(others), np.int64), 0
    for place in range(len(others)):
        if _total(others, own, most, place) >= floor:
            kept[many] = place
            many += 1
    return kept[:many]


@njit(cache=True, nogil=True)
def _slots(heads: Any, kept: Any) -> Any:
    """Per row that is kept the first that is kept of its product, counted among those; and that by head, -1
    where none is kept."""
    slots, places = np.full(len(heads), -1, np.int64), np.empty(len(kept), np.int64)
    for one, place in enumerate(kept):
        head = heads[place]
        if slots[head] < 0:
            slots[head] = one
        places[one] = slots[head]
    return places, slots


@njit(cache=True, nogil=True)
def _by_row(
    others: Any, own: Any, levels: Any, rows: Any, taken: Any, worth: Any, sums: Any
) -> None:  # fmt: skip
    """An asker's sums at each level, where every row is a product of its own."""
    for level in range(len(levels)):
        for one in taken:
            if one >= 0:
                place = _ahead(others, own, levels[level], rows, one, len(worth))
                if place < len(worth):
                    sums[level] += worth[place]


@njit(cache=True, nogil=True)
def _by_product(
    others: Any, own: Any, levels: Any, rows: Any, heads: Any, taken: Any, worth: Any, sums: Any
) -> None:  # fmt: skip
    """The same where some are variants of one product."""
    tops, best = np.empty(len(rows), np.float32), np.empty(len(rows), np.int32)
    for level in range(len(levels)):
        _stand(others, own, levels[level], rows, heads, tops, best)
        for one in taken:
            if one >= 0 and tops[one] >= 0:
                place = _before(tops, best, one, len(worth))
                if place < len(worth):
                    sums[level] += worth[place]


@njit(cache=True, nogil=True)
def _total(others: Any, own: Any, weight: Any, place: Any) -> Any:
    """What all sources give a row, ABSENT where none that weighs lists it."""
    if weight > 0 and own[place] >= 0:
        return max(others[place], np.float32(0.0)) + weight * own[place]
    return others[place]


@njit(cache=True, nogil=True)
def _ahead(others: Any, own: Any, weight: Any, rows: Any, place: Any, most: Any) -> Any:
    """How many rows stand before one, counted to `most`; that many where nobody lists it."""
    total, count = _total(others, own, weight, place), 0
    if total < 0:
        return most
    for other in range(len(others)):
        one = _total(others, own, weight, other)
        if one > total or (one == total and rows[other] < rows[place]):
            count += 1
            if count == most:
                break
    return count


@njit(cache=True, nogil=True)
def _summed(gains: Any, weights: Any, but: Any, low: Any, high: Any) -> Any:
    """float32 per row from `low` on: what sources but one give it, ABSENT where none that weighs lists it."""
    sums = np.full(high - low, ABSENT, np.float32)
    for source in range(len(weights)):
        if source != but and weights[source] > 0:
            weight, given = weights[source], gains[source, low:high]
            for place in range(len(sums)):  # no branch, so that many rows are done at once
                one, before = given[place], sums[place]
                more = (before if before > 0 else np.float32(0.0)) + weight * one
                sums[place] = more if one >= 0 else before
    return sums


@njit(cache=True, nogil=True)
def _stand(others: Any, own: Any, weight: Any, found: Any, heads: Any, tops: Any, best: Any) -> None:
    """Each product's best sum, at its head, ABSENT where nobody lists it, and the row that has it."""
    tops[:] = ABSENT
    for place in range(len(others)):
        total = others[place]
        if weight > 0 and own[place] >= 0:
            total = max(total, np.float32(0.0)) + weight * own[place]
        head = heads[place]
        if total >= 0 and (total > tops[head] or (total == tops[head] and found[place] < best[head])):
            tops[head], best[head] = total, found[place]


@njit(cache=True, nogil=True)
def _before(tops: Any, best: Any, place: Any, most: Any) -> Any:
    """How many products stand before one, counted to `most`."""
    own, row, count = tops[place], best[place], 0
    for other in range(len(tops)):
        if tops[other] > own or (tops[other] == own and tops[other] >= 0 and best[other] < row):
            count += 1
            if count == most:
                break
    return count
