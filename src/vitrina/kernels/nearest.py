"""The k most similar rows of a dense matrix for each of some queries, by dot product; exact.

Queries go in blocks, a matrix product and a selection each, handed to threads as they become
free. What BLAS adds up may hang on its own number of threads: pin it to one where lists must be the
same bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange
from numpy.typing import NDArray

from vitrina.kernels.neighbours import Lists, ragged
from vitrina.kernels.select import NOTHING, descending, key_of, row_of, to_front

BLOCK_NUMBERS = 1 << 24
"""Similarities a thread holds at once: 64 MB."""
BLOCK_ROWS = 512

Floats = NDArray[np.float32]
Codes = NDArray[np.int32]


def nearest(
    queries: Floats,
    rows: Floats,
    k: int,
    *,
    asking: Codes,
    owners: Codes,
    watch: Callable[[int, Floats], None] | None = None,
) -> Lists:
    """The k of `rows` of greatest positive dot product with each query; ties to the lower row.

    `queries`: float32[m, d]; `rows`: float32[n, d]; `owners`: int32[n]; `asking`: int32[m], each
    query is spared the rows of this owner (its own), -1 for none. `watch` is shown every block: its
    first query and float32[queries, n], by any thread, in no order.
    """
    m, n = len(queries), len(rows)
    k = max(0, min(k, n))
    best, scores, counts = np.empty((m, k), np.int32), np.empty((m, k), np.float32), np.zeros(m, np.int64)
    columns = np.ascontiguousarray(rows.T)
    step = max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // max(1, n)))

    def block(low: int) -> None:
        cut = slice(low, low + step)
        similar = queries[cut] @ columns
        if watch is not None:
            watch(low, similar)
        _select(similar, similar.view(np.int32), asking[cut], owners, best[cut], scores[cut], counts[cut])

    if k:
        with ThreadPoolExecutor(get_num_threads()) as pool:
            for done in [pool.submit(block, low) for low in range(0, m, step)]:
                done.result()
    return ragged(best, scores, counts)


@njit(cache=True, parallel=True)
def likeness(rows: Any, indptr: Any, others: Any) -> Any:
    """The dot product of row i with each of the rows `others[indptr[i]:indptr[i + 1]]`: float32."""
    found = np.empty(len(others), np.float32)
    for row in prange(len(indptr) - 1):
        for place in range(indptr[row], indptr[row + 1]):
            total = np.float32(0.0)
            for column in range(rows.shape[1]):
                total += rows[row, column] * rows[others[place], column]
            found[place] = total
    return found


@njit(cache=True, parallel=True)
def closer(points: Any, most: Any, indptr: Any, others: Any) -> Any:
    """Whether row i is within a squared distance of each of the rows `others[indptr[i]:indptr[i + 1]]`: bool.

    `points`: uint8[rows, d]; `most`: float64[rows], the smaller of the two rows' counts.
    """
    found = np.empty(len(others), np.bool_)
    for row in prange(len(indptr) - 1):
        for place in range(indptr[row], indptr[row + 1]):
            other, total, column = others[place], 0, 0
            bound = min(most[row], most[other])
            while total <= bound and column < points.shape[1]:
                apart: Any = np.int64(points[row, column]) - np.int64(points[other, column])
                total, column = total + apart * apart, column + 1
            found[place] = total <= bound
    return found


@njit(cache=True, nogil=True)
def _select(similar: Any, bits: Any, asking: Any, owners: Any, rows: Any, scores: Any, counts: Any) -> None:
    """The best k of each row of a block; bits of positive floats compare as the floats do."""
    k = rows.shape[1]
    keys = np.empty(4 * k, np.int64)
    front = np.empty(k, np.int64)
    for query in range(len(bits)):
        found, least = 0, NOTHING
        for row in range(len(owners)):
            if bits[query, row] > 0 and owners[row] != asking[query]:
                key = key_of(bits[query, row], row)
                if key > least:
                    keys[found] = key
                    found += 1
                    if found == len(keys):
                        least = to_front(keys, k)
                        found = k
        if found > k:
            to_front(keys[:found], k)
        kept = min(found, k)
        descending(keys[:kept], front[:kept])
        for place in range(kept):
            rows[query, place] = row_of(front[place])
            scores[query, place] = similar[query, row_of(front[place])]
        counts[query] = kept
