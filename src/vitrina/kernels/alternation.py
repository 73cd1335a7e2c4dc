"""Training by alternating least squares: the rows of a matrix from its columns, in a basis made for it.

Columns' factors come turned so that their Gram matrix is diagonal. Short rows are solved whole (`factors`);
long ones take a few steps of conjugate gradients from where they were (Takács, Pilászy and Tikk, RecSys
2011), in float32: with a diagonal Gram matrix a step costs no more than reading the row's columns once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import get_num_threads, njit
from numpy.typing import NDArray

from vitrina.kernels.factors import Rules, dot, factor_of
from vitrina.kernels.sparse import Csr

_NOTHING = np.float32(1e-12)
PIECE = 512
"""Rows a thread takes at a time."""
WHOLE = 6
"""Rows of at most so many columns are solved whole; longer ones in STEPS steps."""
STEPS = 3
Numbers = NDArray[np.float32]


def turned(factors: Numbers, other: Numbers) -> tuple[Numbers, NDArray[np.float64], Numbers]:
    """The factors turned so that their Gram matrix is diagonal, its diagonal, and the other side's factors
    turned alike: products stay."""
    values, vectors = np.linalg.eigh(factors.T.astype(np.float64) @ factors.astype(np.float64))
    vectors = vectors.astype(np.float32)
    found = factors @ vectors
    # Too strong a ridge sends factors to zero through denormal numbers, each of which costs a trap.
    found[np.abs(found) < _NOTHING] = 0
    return found, np.maximum(values, 0.0), other @ vectors


def solved(
    matrix: Csr, factors: Numbers, spectrum: NDArray[np.float64], columns: int, rules: Rules, before: Numbers
) -> Numbers:
    """float32[rows, k]: the factor of every row, given those of the columns; zeros for an empty row.

    `columns`: how many there are that hold anything; `before`: what the factors were, float32[rows, k], for
    the rows that are too long to be solved whole.
    """
    found = before.copy()
    found[np.diff(matrix.indptr) == 0] = 0
    learned = (factors, spectrum, float(columns), rules)

    def work(low: int) -> None:
        high = min(low + PIECE, matrix.shape[0])
        _solve_rows(low, high, matrix.indptr, matrix.indices, matrix.data, learned, found)

    with ThreadPoolExecutor(get_num_threads()) as pool:
        list(pool.map(work, range(0, matrix.shape[0], PIECE)))
    return found


@njit(cache=True, nogil=True, fastmath={"contract"})
def _applied(rows: Any, extra: Any, factors: Any, diagonal: Any, vector: Any, out: Any) -> None:
    """The row's matrix, D + Z'Z, times a vector into `out`; float32[k]."""
    for place in range(len(out)):
        out[place] = diagonal[place] * vector[place]
    for at in range(len(rows)):
        own = factors[rows[at]]
        share = extra[at] * dot(own, vector, len(out))
        for place in range(len(out)):
            out[place] += share * own[place]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _improved(rows: Any, weights: Any, learned: Any, factor: Any, room: Any) -> None:
    """A row's factor, float32[k], STEPS steps nearer to what solves its equation; `room`: float32[5, k].

    Conjugate gradients, preconditioned by the matrix's own diagonal.
    """
    factors, spectrum, columns, (confidence, regularization, exponent) = learned
    extra, total, k = np.empty(len(rows), np.float32), columns, len(factor)
    rest, toward, applied, diagonal, scale = room[0], room[1], room[2], room[3], room[4]
    for at in range(len(rows)):
        extra[at] = confidence * weights[at]
        total += extra[at]
    ridge = regularization * total**exponent
    for place in range(k):
        diagonal[place] = scale[place] = spectrum[place] + ridge
        rest[place] = -diagonal[place] * factor[place]
    for at in range(len(rows)):
        own = factors[rows[at]]
        share = 1 + extra[at] * (1 - dot(own, factor, k))
        for place in range(k):
            rest[place] += share * own[place]
            scale[place] += extra[at] * own[place] * own[place]
    for place in range(k):
        toward[place] = rest[place] / scale[place]
    left = dot(rest, toward, k)
    for _ in range(STEPS):
        if left < _NOTHING:
            return
        _applied(rows, extra, factors, diagonal, toward, applied)
        step = left / dot(toward, applied, k)
        before, left = left, np.float32(0)
        for place in range(k):
            factor[place] += step * toward[place]
            rest[place] -= step * applied[place]
            applied[place] = rest[place] / scale[place]
            left += rest[place] * applied[place]
        for place in range(k):
            toward[place] = applied[place] + (left / before) * toward[place]


@njit(cache=True, nogil=True)
def _solve_rows(low: Any, high: Any, indptr: Any, columns: Any, data: Any, learned: Any, found: Any) -> None:
    factor, room = np.empty(found.shape[1]), np.empty((5, found.shape[1]), np.float32)
    for row in range(low, high):
        own = slice(indptr[row], indptr[row + 1])
        if indptr[row + 1] - indptr[row] > WHOLE:
            _improved(columns[own], data[own], learned, found[row], room)
        elif indptr[row] < indptr[row + 1]:
            factor_of(columns[own], data[own], learned, factor)
            found[row] = factor
