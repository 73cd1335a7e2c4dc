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
from numpy.typing import NDArray

from vitrina.kernels.neighbours import Lists, ragged
from vitrina.kernels.select import NOTHING, key_of, to_front, write_list
from vitrina.kernels.sparse import Csr

PIECE = 256
"""Rows a thread takes at a time."""


def overlaps(
    matrix: Csr,
    k: int,
    ours: float = 1.0,
    theirs: float = 1.0,
    shrink: float = 0.0,
    sizes: NDArray[np.int64] | None = None,
) -> Lists:
    """The k rows that overlap most with each row but itself; ties to the lower row.

    `shrink` is added to what c is divided by: small sets that are the same are then less alike than large
    ones. `ours`, `theirs` and `shrink` are at least 0. `sizes`: n of each row, where the matrix has less of
    it than there is.
    """
    n = matrix.shape[0]
    k = max(0, min(k, n - 1))
    rows, scores, counts = np.empty((n, k), np.int32), np.empty((n, k), np.float32), np.zeros(n, np.int64)
    columns, sizes = matrix.transposed(), np.diff(matrix.indptr) if sizes is None else sizes
    sides = (matrix.indptr, matrix.indices, columns.indptr, columns.indices, sizes, (ours, theirs, shrink))
    lists = (rows, scores.view(np.int32), counts)

    def work(low: int) -> None:
        _overlaps(low, min(low + PIECE, n), *sides, *lists)

    if k:
        with ThreadPoolExecutor(get_num_threads()) as pool:
            list(pool.map(work, range(0, n, PIECE)))
    return ragged(rows, scores, counts)


@njit(cache=True, nogil=True)
def tversky(common: Any, own: Any, other: Any, ratio: Any) -> Any:
    """Two sets' likeness, float64, by how many they have in common, above 0, and have; see above.

    `ratio`: ours, theirs, and what is added to the divisor.
    """
    ours, theirs, shrink = ratio
    return common / (common + ours * (own - common) + theirs * (other - common) + shrink)


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
    sizes: Any,
    ratio: Any,
    rows: Any,
    bits: Any,
    listed: Any,
) -> None:
    """The lists of rows low..high."""
    n, k = rows.shape
    counts, touched = np.zeros(n, np.int32), np.empty(n + 1, np.uint32)
    keys, ranked = np.empty(max(256, 4 * k), np.int64), np.empty(k, np.int64)
    score = np.empty(1, np.float32)
    score_bits = score.view(np.int32)
    for row in range(low, high):
        found = _count(columns[indptr[row] : indptr[row + 1]], t_indptr, t_rows, counts, touched)
        counts[row] = 0
        held, floor = 0, NOTHING
        for other in touched[:found]:
            common = np.float64(counts[other])
            if common == 0:  # the row itself: sets of ratio 0, 0 would divide by nothing
                continue
            counts[other] = 0
            score[0] = tversky(common, sizes[row], sizes[other], ratio)
            keys[held] = key_of(score_bits[0], other)
            held += int(keys[held] > floor)
            if held == len(keys):
                floor = to_front(keys, k)
                held = k
        if held > k:
            to_front(keys[:held], k)
        write_list(row, keys, min(held, k), ranked, rows, bits, listed)
