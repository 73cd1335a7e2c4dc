"""How much one customer likens another, by every weighting: what an entry counts, what a sum comes to.

A row of weights is counted the same way while training and when asked. Counted rows times the rarity of
their columns have likenesses for products, but for a factor of each row; of sets the product is how many
columns are in common, and `to_ratios` makes Tversky's ratio of it. See `weighting` and `overlap`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.overlap import tversky
from vitrina.kernels.sparse import Csr

COSINES, SETS = ("cosine", "tfidf"), ("jaccard", "tversky")
WEIGHTINGS = (*COSINES, "bm25", *SETS)

LINEAR, ROOT, SATURATED, SET = range(4)
"""What an entry counts: its weight; the root of it; BM25's share of it; 1."""

LIKENESS = types.Tuple((types.int64, types.UniTuple(types.float64, 3)))
"""What an entry counts, and three numbers: of SATURATED k1, b and the mean of all rows' sums; of SET what
columns count that one row alone has, the asker's and the other's, and what is added to the divisor."""
Likeness = tuple[int, tuple[float, float, float]]


def entries(matrix: Csr, likeness: Likeness) -> Csr:
    """The matrix of what its entries count; itself where that is their weight."""
    if likeness[0] == LINEAR:
        return matrix
    return replace(matrix, data=_entries(matrix.indptr, matrix.data, likeness))


@njit(cache=True, nogil=True)
def _entries(indptr: Any, data: Any, likeness: Any) -> Any:
    found = data.copy()
    for row in range(len(indptr) - 1):
        count(found[indptr[row] : indptr[row + 1]], likeness)
    return found


@njit(cache=True, nogil=True)
def count(weights: Any, likeness: Any) -> None:
    """What the weights of one row count, in their place; float32, above 0."""
    kind, (k1, b, mean) = likeness
    if kind == ROOT:
        for at in range(len(weights)):
            weights[at] = np.sqrt(weights[at])
    elif kind == SATURATED:
        total = 0.0
        for weight in weights:
            total += np.float64(weight)
        norm = k1 * ((1.0 - b) + b * total / mean)
        for at in range(len(weights)):
            weight = np.float64(weights[at])
            weights[at] = weight * (k1 + 1.0) / (norm + weight) if weight > 0 else 0.0
    elif kind == SET:
        weights[:] = 1


@njit(cache=True, nogil=True)
def to_ratios(sums: Any, slots: Any, table: Any, ends: Any, size: Any, numbers: Any) -> None:
    """Make Tversky's ratio of each sum, where it is how many columns an asker of `size` has in common.

    `slots`: places of the sums; `table`: the other's row at each, `ends`: where rows of a matrix end.
    """
    for slot in slots:
        other = ends[table[slot] + 1] - ends[table[slot]]
        sums[slot] = tversky(np.float64(sums[slot]), size, other, numbers)


@njit(cache=True, nogil=True)
def newest_of(rows: Any, kinds: Any, times: Any, worth: Any, n_items: Any) -> Any:
    """When the newest event that is worth anything happened; 0 if none is. Events are oldest first."""
    for at in range(len(rows) - 1, -1, -1):
        if kinds[at] < len(worth) and 0 <= rows[at] < n_items and worth[kinds[at]] > 0:
            return times[at]
    return np.int64(0)
