"""The k most similar rows of one sparse matrix for each row of another, by dot product.

Entries are positive, and no product of two vanishes. A row goes through the transpose (Gustavson,
1978): each of its columns adds its own rows to an array of sums. A list follows from its row and the
matrix alone, so lists are the same, bit for bit, for any number of threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numba import get_num_threads, njit
from numpy.typing import NDArray

from vitrina.kernels.neighbours import Lists, ragged
from vitrina.kernels.select import NOTHING, key_of, to_front, write_list
from vitrina.kernels.sparse import Csr

PIECES = 8
"""Pieces of work a thread: enough that none waits long for the last."""
CHUNK = 1 << 16
"""Rows whose candidates are held at once where they are ranked anew."""

Codes = NDArray[np.int32]
Floats = NDArray[np.float32]


def across(
    asking: Csr, columns: Csr, k: int, *, owner: Codes, owners: Codes, floors: Floats | None = None
) -> Lists:
    """The k rows of greatest positive dot product with each row of `asking`; ties to the lower row.

    `columns`: the rows to choose from, transposed. `owner`: int32 per asking row, spared the rows
    whose `owners` (int32 per row) is the same: its own. `floors`: float32 per asking row, the least
    score worth listing.
    """
    floors = np.zeros(asking.shape[0], np.float32) if floors is None else floors
    m, n = asking.shape[0], columns.shape[1]
    k = max(0, min(k, n))
    rows, scores, counts = np.empty((m, k), np.int32), np.empty((m, k), np.float32), np.zeros(m, np.int64)
    # Unsigned, since a signed index costs a test for being negative.
    through = (columns.indptr, columns.indices.view(np.uint32), columns.data)
    sides = (asking.indptr, asking.indices, asking.data, *through)
    lists = (rows, scores.view(np.int32), counts)
    cuts = np.unique(np.linspace(0, m, PIECES * get_num_threads() + 1).astype(np.int64)).tolist()
    if k:
        with ThreadPoolExecutor(get_num_threads()) as pool:
            work = [(low, high, *sides, owner, owners, floors, *lists) for low, high in pairwise(cuts)]
            for done in [pool.submit(_across, *one) for one in work]:
                done.result()
    return ragged(rows, scores, counts)


def found_then_ranked(
    finders: Csr, asking: Csr, matrix: Csr, k: int, candidates: int, *, owner: Codes, owners: Codes
) -> Lists:
    """As `across`, but `finders`, thinner rows, choose `candidates` of each, ranked by `asking` in full.

    Linear in memory: so many rows at a time.
    """
    columns = matrix.transposed()
    found: Lists = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
    for low in range(0, asking.shape[0], CHUNK):
        high = min(low + CHUNK, asking.shape[0])
        own = owner[low:high]
        chosen = across(sliced(finders, low, high), columns, candidates, owner=own, owners=owners)
        whole = sliced(asking, low, high)
        sides = (whole.indptr, whole.indices, whole.data, matrix.indptr, matrix.indices, matrix.data)
        found = appended(found, shortened((*chosen[:2], _products(*sides, *chosen[:2])), k))
    return found


def rarer(matrix: Csr, held: NDArray[np.int64], common: int) -> Csr:
    """Of each row the entries whose column is `held` by at most `common` rows, or its rarest ones."""
    each = held[matrix.indices]
    some = np.flatnonzero(np.diff(matrix.indptr))
    least = np.zeros(matrix.shape[0], np.int64)
    if len(some):
        least[some] = np.minimum.reduceat(each, matrix.indptr[some])
    kept = each <= np.maximum(common, np.repeat(least, np.diff(matrix.indptr)))
    indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return Csr(indptr, matrix.indices[kept], matrix.data[kept], matrix.shape)


def sliced(matrix: Csr, low: int, high: int) -> Csr:
    """Rows low..high."""
    start, end = matrix.indptr[low], matrix.indptr[high]
    span = slice(int(start), int(end))
    shape = (high - low, matrix.shape[1])
    return Csr(matrix.indptr[low : high + 1] - start, matrix.indices[span], matrix.data[span], shape)


def stacked(above: Csr, below: Csr, n_columns: int) -> Csr:
    """The rows of one matrix, then those of another, under so many columns."""
    indptr = np.concatenate([above.indptr, below.indptr[1:] + above.indptr[-1]])
    indices = np.concatenate([above.indices, below.indices])
    shape = (above.shape[0] + below.shape[0], n_columns)
    return Csr(indptr, indices, np.concatenate([above.data, below.data]), shape)


def appended(lists: Lists, more: Lists) -> Lists:
    """The lists of some rows, then those of others."""
    indptr = np.concatenate([lists[0], more[0][1:] + lists[0][-1]])
    return indptr, np.concatenate([lists[1], more[1]]), np.concatenate([lists[2], more[2]])


def joined(one: Lists, other: Lists, k: int) -> Lists:
    """The k best of two lists of each row, together; each list is best first, no row is in both."""
    sizes = np.minimum(np.diff(one[0]) + np.diff(other[0]), k)
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    rows, scores = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    _merge(*one, *other, indptr, rows, scores)
    return indptr, rows, scores


def worst(lists: Lists, k: int) -> Floats:
    """float32 per list: its last score where it is k long, else 0; what is not above it cannot enter."""
    indptr, _, scores = lists
    last = np.append(scores, np.float32(0))[np.maximum(indptr[1:] - 1, 0)]
    return np.where(np.diff(indptr) >= k, last, np.float32(0))


def without_own(lists: Lists, owner: Codes, owners: Codes) -> Lists:
    """The lists without the rows whose owner is the asker's own."""
    indptr, rows, scores = lists
    kept = owners[rows] != np.repeat(owner, np.diff(indptr))
    return np.concatenate([[0], np.cumsum(kept)])[indptr], rows[kept], scores[kept]


def shortened(lists: Lists, k: int) -> Lists:
    """The k best of each list, best first, ties to the lower row; scores of 0 and less are left out."""
    n = len(lists[0]) - 1
    longest = int(np.diff(lists[0]).max(initial=0))
    k = max(0, min(k, longest))
    rows, scores, counts = np.empty((n, k), np.int32), np.empty((n, k), np.float32), np.zeros(n, np.int64)
    if k:
        _shorten(
            *lists, np.empty(longest, np.int64), np.empty(k, np.int64), rows, scores.view(np.int32), counts
        )
    return ragged(rows, scores, counts)


@njit(cache=True, nogil=True)
def _across(
    low: Any,
    high: Any,
    indptr: Any,
    columns: Any,
    data: Any,
    t_indptr: Any,
    t_rows: Any,
    t_data: Any,
    owner: Any,
    owners: Any,
    floors: Any,
    rows: Any,
    bits: Any,
    counts: Any,
) -> None:
    """The lists of rows low..high."""
    n, k = len(owners), rows.shape[1]
    sums, touched = np.zeros(n, np.float32), np.empty(n + 1, np.uint32)
    keys, ranked = np.empty(max(256, 4 * k), np.int64), np.empty(k, np.int64)
    leasts = floors.view(np.int32)
    for at in range(low, high):
        found = np.uint64(0)
        for place in range(np.uint64(indptr[at]), np.uint64(indptr[at + 1])):
            weight, start = data[place], t_indptr[columns[place]]
            for other in range(np.uint64(start), np.uint64(t_indptr[columns[place] + 1])):
                row = t_rows[other]
                before = sums[row]
                touched[found] = row
                found += np.uint64(before == 0)
                sums[row] = before + weight * t_data[other]
        held = _best(sums, touched, found, owners, owner[at], leasts[at], k, keys)
        write_list(at, keys, held, ranked, rows, bits, counts)


@njit(cache=True, nogil=True)
def _best(sums: Any, touched: Any, found: Any, owners: Any, owner: Any, least: Any, k: Any, keys: Any) -> Any:
    """Clear the sums of the `found` rows touched; how many keys come first in `keys`, the k best."""
    bits = sums.view(np.int32)
    floor, least = NOTHING, max(np.int32(1), least)
    held, room = np.uint64(0), np.uint64(len(keys))
    for place in range(found):
        row = touched[place]
        score = bits[row]
        sums[row] = 0
        if score >= least and owners[row] != owner:
            keys[held] = key_of(score, row)
            held += np.uint64(keys[held] > floor)
            if held == room:
                floor = to_front(keys, k)
                held, least = np.uint64(k), np.int32(floor >> 32)
    if held > np.uint64(k):
        to_front(keys[: np.int64(held)], k)
    return min(np.int64(held), k)


@njit(cache=True, nogil=True)
def _products(
    indptr: Any,
    columns: Any,
    data: Any,
    o_indptr: Any,
    o_columns: Any,
    o_data: Any,
    l_indptr: Any,
    l_rows: Any,
) -> Any:
    """float32: the dot product of each row with each of its listed rows of another matrix."""
    found = np.zeros(len(l_rows), np.float32)
    for row in range(len(l_indptr) - 1):
        for place in range(l_indptr[row], l_indptr[row + 1]):
            one, end = indptr[row], indptr[row + 1]
            other, o_end = o_indptr[l_rows[place]], o_indptr[l_rows[place] + 1]
            while one < end and other < o_end:
                if columns[one] == o_columns[other]:
                    found[place] += data[one] * o_data[other]
                here, there = columns[one], o_columns[other]
                one += here <= there
                other += there <= here
    return found


@njit(cache=True, nogil=True)
def _shorten(
    indptr: Any, l_rows: Any, scores: Any, keys: Any, ranked: Any, rows: Any, bits: Any, counts: Any
) -> None:
    k, l_bits = rows.shape[1], scores.view(np.int32)
    for at in range(len(indptr) - 1):
        held = 0
        for place in range(indptr[at], indptr[at + 1]):
            if scores[place] > 0:
                keys[held] = key_of(l_bits[place], l_rows[place])
                held += 1
        if held > k:
            to_front(keys[:held], k)
        write_list(at, keys, min(held, k), ranked, rows, bits, counts)


@njit(cache=True, nogil=True)
def _merge(
    indptr: Any,
    l_rows: Any,
    l_scores: Any,
    o_indptr: Any,
    o_rows: Any,
    o_scores: Any,
    ends: Any,
    rows: Any,
    scores: Any,
) -> None:
    for at in range(len(ends) - 1):
        one, other = indptr[at], o_indptr[at]
        for place in range(ends[at], ends[at + 1]):
            mine = other == o_indptr[at + 1]
            if not mine and one < indptr[at + 1]:
                tie = l_scores[one] == o_scores[other] and l_rows[one] < o_rows[other]
                mine = tie or l_scores[one] > o_scores[other]
            if mine:
                rows[place], scores[place] = l_rows[one], l_scores[one]
            else:
                rows[place], scores[place] = o_rows[other], o_scores[other]
            one += mine
            other += not mine
