"""The k rows of a sparse matrix whose columns overlap most with each row's: Tversky's ratio, exact.

Rows are sets, whatever their values. With c columns in common, of n and m, row i likens to row j by
c / (c + ours (n - c) + theirs (m - c)) (Tversky, Psychological Review 1977): Jaccard's index where both are
1, Dice's where both are a half, the share of the row's own set where ours is 1 and theirs 0. Common columns
are counted through the transpose, and a list follows from its row and the matrix alone.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import get_num_threads, njit

from vitrina.kernels.neighbours import Lists, ragged
from vitrina.kernels.select import NOTHING, key_of, to_front, write_list
from vitrina.kernels.sparse import Csr

PIECE = 256
"""Rows a thread takes at a time."""


def overlaps(matrix: Csr, k: int, ours: float = 1.0, theirs: float = 1.0, shrink: float = 0.0) -> Lists:
    """The k rows that overlap most with each row but itself; ties to the lower row.

    `shrink` is added to what c is divided by: small sets that are the same are then less alike than large
    ones. `ours`, `theirs` and `shrink` are at least 0.
    """
    n = matrix.shape[0]
    k = max(0, min(k, n - 1))
    rows, scores, counts = np.empty((n, k), np.int32), np.empty((n, k), np.float32), np.zeros(n, np.int64)
    columns = matrix.transposed()
    sides = (matrix.indptr, matrix.indices, columns.indptr, columns.indices, (ours, theirs, shrink))
    lists = (rows, scores.view(np.int32), counts)

    def work(low: int) -> None:
        _overlaps(low, min(low + PIECE, n), *sides, *lists)

    if k:
        with ThreadPoolExecutor(get_num_threads()) as pool:
            list(pool.map(work, range(0, n, PIECE)))
    return ragged(rows, scores, counts)


@njit(cache=True, nogil=True)
def _count(own: Any, t_indptr: Any, t_rows: Any, counts: Any, touched: Any) -> Any:
    """Count what each row has of `own` columns; rows so met go into `touched`, how many is returned."""
    found = np.uint64(0)
    for column in own:
        for at in range(np.uint64(t_indptr[column]), np.uint64(t_indptr[column + 1])):
            row = np.uint32(t_rows[at])
            before = counts[row]
            touched[found] = row
            found += np.uint64(before == 0)
            counts[row] = before + 1
    return np.int64(found)


@njit(cache=True, nogil=True)
def _overlaps(
    low: Any,
    high: Any,
    indptr: Any,
    columns: Any,
    t_indptr: Any,
    t_rows: Any,
    ratio: Any,
    rows: Any,
    bits: Any,
    listed: Any,
) -> None:
    """The lists of rows low..high."""
    (ours, theirs, shrink), (n, k) = ratio, rows.shape
    counts, touched = np.zeros(n, np.int32), np.empty(n + 1, np.uint32)
    keys, ranked = np.empty(max(256, 4 * k), np.int64), np.empty(k, np.int64)
    score = np.empty(1, np.float32)
    score_bits = score.view(np.int32)
    for row in range(low, high):
        size = indptr[row + 1] - indptr[row]
        found = _count(columns[indptr[row] : indptr[row + 1]], t_indptr, t_rows, counts, touched)
        counts[row] = 0
        held, floor = 0, NOTHING
        for other in touched[:found]:
            common = np.float64(counts[other])
            if common == 0:  # the row itself: sets of ratio 0, 0 would divide by nothing
                continue
            counts[other] = 0
            alone = ours * (size - common)
            beside = theirs * (indptr[other + 1] - indptr[other] - common)
            score[0] = common / (common + alone + beside + shrink)
            keys[held] = key_of(score_bits[0], other)
            held += int(keys[held] > floor)
            if held == len(keys):
                floor = to_front(keys, k)
                held = k
        if held > k:
            to_front(keys[:held], k)
        write_list(row, keys, min(held, k), ranked, rows, bits, listed)
