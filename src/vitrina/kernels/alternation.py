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
FOUR = 4
"""Columns taken at once: the row's vectors are read and written once for all of them."""
Numbers = NDArray[np.float32]


def turned(factors: Numbers, other: Numbers) -> tuple[Numbers, NDArray[np.float64], Numbers]:
    """The factors turned so that their Gram matrix is diagonal, its diagonal, and the other side's factors
    turned alike: products stay."""
    wide = factors.astype(np.float64)
    values, vectors = np.linalg.eigh(wide.T @ wide)
    vectors = vectors.astype(np.float32)
    found = factors @ vectors
    _let_go(found)
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


@njit(cache=True, nogil=True)
def _let_go(factors: Any) -> None:
    """Make next to nothing nothing: too strong a ridge sends factors to zero through denormal numbers, each
    of which costs a trap."""
    for row in factors:
        for place in range(len(row)):
            if abs(row[place]) < _NOTHING:
                row[place] = 0


@njit(inline="always")
def _dots(p: Any, q: Any, r: Any, s: Any, vector: Any) -> Any:
    """The products of four rows with one vector, which is read once."""
    a = b = c = d = np.float32(0)
    for place in range(len(vector)):
        a += p[place] * vector[place]
        b += q[place] * vector[place]
        c += r[place] * vector[place]
        d += s[place] * vector[place]
    return a, b, c, d


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _applied(rows: Any, extra: Any, factors: Any, diagonal: Any, vector: Any, out: Any) -> None:
    """The row's matrix, D + Z'Z, times a vector into `out`; float32[k]."""
    n, k = len(rows), len(out)
    for place in range(k):
        out[place] = diagonal[place] * vector[place]
    for at in range(0, n - n % FOUR, FOUR):
        p, q, r, s = factors[rows[at]], factors[rows[at + 1]], factors[rows[at + 2]], factors[rows[at + 3]]
        a, b, c, d = _dots(p, q, r, s, vector)
        a, b, c, d = a * extra[at], b * extra[at + 1], c * extra[at + 2], d * extra[at + 3]
        for place in range(k):
            out[place] += (a * p[place] + b * q[place]) + (c * r[place] + d * s[place])
    for at in range(n - n % FOUR, n):
        own = factors[rows[at]]
        share = extra[at] * dot(own, vector, k)
        for place in range(k):
            out[place] += share * own[place]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _begun(rows: Any, extra: Any, factors: Any, factor: Any, rest: Any, scale: Any) -> None:
    """Add to `rest` what the row's columns ask for beyond what its factor gives, to `scale` their squares."""
    n, k = len(rows), len(factor)
    for at in range(0, n - n % FOUR, FOUR):
        p, q, r, s = factors[rows[at]], factors[rows[at + 1]], factors[rows[at + 2]], factors[rows[at + 3]]
        e, f, g, h = extra[at], extra[at + 1], extra[at + 2], extra[at + 3]
        a, b, c, d = _dots(p, q, r, s, factor)
        a, b, c, d = 1 + e * (1 - a), 1 + f * (1 - b), 1 + g * (1 - c), 1 + h * (1 - d)
        for place in range(k):
            rest[place] += (a * p[place] + b * q[place]) + (c * r[place] + d * s[place])
            scale[place] += (e * p[place] * p[place] + f * q[place] * q[place]) + (
                g * r[place] * r[place] + h * s[place] * s[place]
            )
    for at in range(n - n % FOUR, n):
        own = factors[rows[at]]
        share = 1 + extra[at] * (1 - dot(own, factor, k))
        for place in range(k):
            rest[place] += share * own[place]
            scale[place] += extra[at] * own[place] * own[place]


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
    _begun(rows, extra, factors, factor, rest, scale)
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
