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
    of the same product; `by_rank`, `by_score` float32[., S], what each source gives the row for a
    weight of 1, ABSENT where it does not list it.
    """
    n_sources, n = indptr.shape[0], indptr.shape[1] - 1
    starts, total = np.zeros(n + 1, np.int64), len(rows)
    found, heads = np.empty(total, np.int32), np.empty(total, np.int64)
    by_rank = np.full((total, n_sources), ABSENT, np.float32)
    by_score = np.full((total, n_sources), ABSENT, np.float32)
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
                by_rank[place, source] = 1 / (RANK_CONSTANT + at - low + 1)
                by_score[place, source] = max(scores[at], np.float32(0)) / best
        starts[asker + 1] = end
        for at in range(asked_indptr[asker], asked_indptr[asker + 1]):
            wanted[at] = head_of[asked[at]]
        for place in range(starts[asker], end):
            place_of[found[place]] = head_of[product[found[place]]] = -1
    return wanted, starts, found[:end], heads[:end], by_rank[:end], by_score[:end]


@njit(cache=True, nogil=True)
def _most(numbers: Any) -> Any:
    most = -1
    for one in numbers:
        most = max(most, one)
    return most


@njit(cache=True, nogil=True, parallel=True)
def ranks(starts: Any, found: Any, heads: Any, gains: Any, weights: Any, indptr: Any, wanted: Any) -> Any:
    """int64 per wanted product: how many products stand before it in the blend by `weights`, float32[S];
    -1 where no source that weighs lists it.

    `starts`, `found`, `heads`, `gains`: as of `merged`. `wanted`: places of products' heads, -1 for what
    is in no list, ragged by asker along `indptr`. A product stands where its best row does; ties go to
    the lower row.
    """
    before = np.full(len(wanted), -1, np.int64)
    for asker in prange(len(starts) - 1):
        low, high = starts[asker], starts[asker + 1]
        tops = np.full(high - low, ABSENT, np.float32)
        best = np.zeros(high - low, np.int32)
        for place in range(low, high):
            total, listed, head = np.float32(0.0), False, heads[place] - low
            for source in range(len(weights)):
                if weights[source] > 0 and gains[place, source] >= 0:
                    total += weights[source] * gains[place, source]
                    listed = True
            first = total > tops[head] or (total == tops[head] and found[place] < best[head])
            if listed and first:
                tops[head], best[head] = total, found[place]
        for at in range(indptr[asker], indptr[asker + 1]):
            if wanted[at] < 0 or tops[wanted[at] - low] < 0:
                continue
            own, row, count = tops[wanted[at] - low], best[wanted[at] - low], 0
            for place in range(high - low):
                if tops[place] > own or (tops[place] == own and best[place] < row):
                    count += 1
            before[at] = count
    return before
