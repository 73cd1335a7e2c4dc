"""The two ends of a linear model in closed form: how often items meet, and its inverse made into weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numba import get_num_threads, njit
from numpy.typing import NDArray

from vitrina.kernels.sparse import Csr

_BLOCK = 64
"""Rows and columns of a block: both places of a pair stay near."""
_PIECES = 8
"""Ranges of rows for each thread: the first rows meet more others than the last."""


def gram(matrix: Csr) -> NDArray[np.float32]:
    """float32[n, n]: the dot products of a matrix's rows, on the diagonal and above it; below it zero.

    Each is summed by ascending column, whatever the number of threads.
    """
    turned, n = matrix.transposed(), matrix.shape[0]
    sums = np.zeros((n, n), np.float32)
    sides: tuple[Any, ...] = (
        matrix.indptr,
        matrix.indices,
        matrix.data,
        turned.indptr,
        turned.indices,
        turned.data,
        sums,
    )
    cuts = np.linspace(0, n, _PIECES * get_num_threads() + 1).astype(np.int64).tolist()
    with ThreadPoolExecutor(get_num_threads()) as pool:
        for done in [pool.submit(_gram, low, high, *sides) for low, high in pairwise(cuts)]:
            done.result()
    return sums


@njit(cache=True, nogil=True)
def _gram(
    low: Any,
    high: Any,
    indptr: Any,
    columns: Any,
    data: Any,
    t_indptr: Any,
    t_rows: Any,
    t_data: Any,
    sums: Any,
) -> None:
    """The products of rows from low to high with themselves and those below."""
    for row in range(low, high):
        for at in range(indptr[row], indptr[row + 1]):
            first, end = t_indptr[columns[at]], t_indptr[columns[at] + 1]
            first += np.searchsorted(t_rows[first:end], row)
            for other in range(first, end):
                sums[row, t_rows[other]] += data[at] * t_data[other]


@njit(cache=True, nogil=True)
def speak_for_one_another(inverse: Any) -> None:
    """Weights in place of an inverse P, float32[n, n], whose upper triangle is there: -P[i, j] / P[j, j], and
    zero on the diagonal (Steck 2019, eq. 8)."""
    n = len(inverse)
    own = np.diag(inverse).copy()
    for low in range(0, n, _BLOCK):
        for left in range(low, n, _BLOCK):
            for one in range(low, min(low + _BLOCK, n)):
                for other in range(max(one + 1, left), min(left + _BLOCK, n)):
                    both = inverse[one, other]
                    inverse[one, other] = -both / own[other]
                    inverse[other, one] = -both / own[one]
    for one in range(n):
        inverse[one, one] = 0.0
