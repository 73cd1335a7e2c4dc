"""Factors of one side from those of the other, solved whole: askers when served, short rows while training.

One equation for both. A row that holds weights w of some columns, whose factors are y, has the factor x
that minimises, over all columns, (1 + confidence w) (1 - x.y)^2 where w > 0 and (x.y)^2 elsewhere, plus a
ridge times |x|^2 (Hu, Koren and Volinsky, ICDM 2008). The ridge is `regularization` times the row's whole
confidence, columns + confidence x the sum of w, to the power `exponent`: 1 is the frequency-scaled one of
Rendle et al. (RecSys 2022), 0 the plain one.

Columns' factors come turned so that their Gram matrix is diagonal. A row of n < k columns then needs a
system of n, not of k: with D the Gram matrix and ridge and Z the columns' factors times sqrt(confidence w),
(D + Z'Z)^-1 Z' = D^-1 Z' (I + Z D^-1 Z')^-1. Sums are float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.gather import ALLOW, ENDS, ROWS, SCORES, SEEDS, SUMS, TYPES, pick
from vitrina.kernels.latest import EACH, latest

Rules = tuple[float, float, float]
"""Confidence, regularization, exponent."""

FACTORS = types.Array(types.float32, 2, "C", readonly=True)
SPECTRUM = types.Array(types.float64, 1, "C", readonly=True)
RULES = types.UniTuple(types.float64, 3)
LEARNED = types.Tuple((FACTORS, SPECTRUM, types.float64, RULES))
"""Factors of columns, the diagonal of their Gram matrix, how many columns there are, rules."""


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def dot(one: Any, other: Any, n: Any) -> Any:
    """The product of the first n places of two rows, in their own precision."""
    total = one[0] * other[0] * 0
    for at in range(n):
        total += one[at] * other[at]
    return total


@njit(cache=True, nogil=True)
def _system(rows: Any, weights: Any, learned: Any) -> Any:
    """(Z float64[n, k], D float64[k], right sides float64[n]) of the row's equation; see above.

    The factor is (D + Z'Z)^-1 Z' times the right sides. Weights are above 0.
    """
    factors, spectrum, columns, (confidence, regularization, exponent) = learned
    scaled, right = np.empty((len(rows), factors.shape[1])), np.empty(len(rows))
    total = columns
    for at in range(len(rows)):
        extra = confidence * np.float64(weights[at])
        root = np.sqrt(extra)
        total += extra
        right[at] = (1 + extra) / root
        scaled[at] = factors[rows[at]]
        scaled[at] *= root
    return scaled, spectrum + regularization * total**exponent, right


@njit(cache=True, nogil=True, fastmath={"contract"})
def _by_factors(scaled: Any, diagonal: Any) -> Any:
    """The lower triangle of D + Z'Z."""
    (n, k), four = scaled.shape, 4
    matrix = np.zeros((k, k))
    for at in range(0, n - n % four, four):  # four at a time: the matrix is read and written once for all
        p, q, r, s = scaled[at], scaled[at + 1], scaled[at + 2], scaled[at + 3]
        for a in range(k):
            for b in range(a + 1):
                matrix[a, b] += (p[a] * p[b] + q[a] * q[b]) + (r[a] * r[b] + s[a] * s[b])
    for at in range(n - n % four, n):
        for a in range(k):
            for b in range(a + 1):
                matrix[a, b] += scaled[at, a] * scaled[at, b]
    for a in range(k):
        matrix[a, a] += diagonal[a]
    return matrix


@njit(cache=True, nogil=True)
def _by_columns(scaled: Any, diagonal: Any) -> Any:
    """The lower triangle of I + Z D^-1 Z'."""
    n, k = scaled.shape
    matrix, faded = np.empty((n, n)), np.empty(k)
    for a in range(n):
        faded[:] = scaled[a] / diagonal
        for b in range(a + 1):
            matrix[a, b] = dot(faded, scaled[b], k)
        matrix[a, a] += 1
    return matrix


@njit(cache=True, nogil=True, fastmath={"contract"})
def _summed(weights: Any, vectors: Any, total: Any) -> None:
    """The weighted sum of vectors into `total`."""
    total[:] = 0
    for at in range(len(weights)):
        for place in range(len(total)):
            total[place] += weights[at] * vectors[at, place]


@njit(cache=True, nogil=True)
def factor_of(rows: Any, weights: Any, learned: Any, factor: Any) -> None:
    """The factor of a row that holds these columns, into `factor`, float64[k]."""
    scaled, diagonal, right = _system(rows, weights, learned)
    if len(rows) < len(factor):
        matrix = _by_columns(scaled, diagonal)
        _decompose(matrix)
        _substitute(matrix, right)
        _summed(right, scaled, factor)
        factor /= diagonal
    else:
        matrix = _by_factors(scaled, diagonal)
        _decompose(matrix)
        _summed(right, scaled, factor)
        _substitute(matrix, factor)


@njit(cache=True, nogil=True)
def _decompose(matrix: Any) -> None:
    """Cholesky's factor in place of the lower triangle."""
    for a in range(len(matrix)):
        for b in range(a):
            matrix[a, b] = (matrix[a, b] - dot(matrix[a], matrix[b], b)) / matrix[b, b]
        matrix[a, a] = np.sqrt(max(matrix[a, a] - dot(matrix[a], matrix[a], a), 1e-12))


@njit(cache=True, nogil=True, fastmath={"contract"})
def _substitute(matrix: Any, right: Any) -> None:
    """The solution in place of the right side."""
    for a in range(len(right)):
        right[a] = (right[a] - dot(matrix[a], right, a)) / matrix[a, a]
    for a in range(len(right) - 1, -1, -1):
        right[a] /= matrix[a, a]
        for b in range(a):
            right[b] -= right[a] * matrix[a, b]


@njit(
    (types.int64, types.int64, *SEEDS, LEARNED, *ALLOW, ROWS, types.int64, SUMS),
    cache=True,
    nogil=True,
)
def fold_in(
    low: Any,
    high: Any,
    seed_ends: Any,
    seed_rows: Any,
    kinds: Any,
    times: Any,
    half_life: Any,
    worth: Any,
    most: Any,
    power: Any,
    learned: Any,
    mask: Any,
    skip_ends: Any,
    skips: Any,
    everything: Any,
    k: Any,
    sums: Any,
) -> Any:
    """The k best allowed rows of askers low..high, by the factors of their latest seeds: Ragged.

    Seeds are weighed as `latest` does, then to the `power`. `everything`: all rows. A row's score is the
    product of the asker's factor with its own; only positive ones are listed. Ties go to the lower row.
    """
    factors = learned[0]
    k, width = max(0, min(k, len(sums))), factors.shape[1]
    seeds, weights = np.empty(most + 1, np.int32), np.empty(most + 1, np.float32)
    factor, narrow = np.empty(width), np.empty(width, np.float32)
    ends = np.zeros(high - low + 1, np.int64)
    out_rows, out_scores = np.empty((high - low) * k, np.int32), np.empty((high - low) * k, np.float32)
    for asker in range(low, high):
        own = slice(seed_ends[asker], seed_ends[asker + 1])
        found = latest(
            seed_rows[own], kinds[own], times[own], half_life, worth, most, EACH, sums, seeds, weights
        )
        at = ends[asker - low]
        ends[asker - low + 1] = at
        if found and k:
            weights[:found] **= np.float32(power)
            factor_of(seeds[:found], weights[:found], learned, factor)
            narrow[:] = factor
            for row in range(len(sums)):
                sums[row] = dot(factors[row], narrow, width)
            for row in skips[skip_ends[asker] : skip_ends[asker + 1]]:
                sums[row] = 0
            ends[asker - low + 1] += pick(sums, everything, mask, k, out_rows[at:], out_scores[at:])
    return ends, out_rows[: ends[-1]].copy(), out_scores[: ends[-1]].copy()


@njit(
    (ROWS, TYPES, ENDS, types.float64, SCORES, types.int64, types.float64, LEARNED, ROWS, SUMS),
    cache=True,
    nogil=True,
)
def shares(
    seed_rows: Any,
    kinds: Any,
    times: Any,
    half_life: Any,
    worth: Any,
    most: Any,
    power: Any,
    learned: Any,
    wanted: Any,
    sums: Any,
) -> Any:
    """(seeds int32[n], shares float64[wanted, n]): what each seed of an asker adds to a wanted row's score.

    The asker's factor is linear in the seeds' right sides, so shares add up to the score.
    """
    factors, width = learned[0], learned[0].shape[1]
    seeds, weights = np.empty(most + 1, np.int32), np.empty(most + 1, np.float32)
    found = latest(seed_rows, kinds, times, half_life, worth, most, EACH, sums, seeds, weights)
    weights[:found] **= np.float32(power)
    scaled, diagonal, right = _system(seeds[:found], weights[:found], learned)
    matrix = _by_columns(scaled, diagonal)
    _decompose(matrix)
    given, faded = np.zeros((len(wanted), found)), np.empty(width)
    for at in range(len(wanted)):
        faded[:] = factors[wanted[at]]
        faded /= diagonal
        for seed in range(found):
            given[at, seed] = dot(scaled[seed], faded, width)
        _substitute(matrix, given[at])
        given[at] *= right
    return seeds[:found].copy(), given
