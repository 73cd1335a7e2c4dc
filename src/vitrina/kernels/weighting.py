"""What an entry of a matrix counts for: the weightings of neighbourhood models, on compressed rows.

All give a matrix whose rows' dot products are the similarities. Arithmetic is float64, results float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrina.kernels.sparse import Csr

Doubles = NDArray[np.float64]


def cosine(matrix: Csr, shrink: float = 0.0) -> Csr:
    """Rows scaled to length 1, so that products are cosines.

    `shrink` is added to each squared length: rows of which little is known stay shorter, and their
    cosines lower.
    """
    return Csr(matrix.indptr, matrix.indices, _scaled(matrix.indptr, matrix.data, shrink), matrix.shape)


def rare(matrix: Csr) -> Csr:
    """Square roots of entries times the rarity of their column."""
    return _with(matrix, np.sqrt(matrix.data.astype(np.float64)) * _rarity(matrix))


def lengths(matrix: Csr, shrink: float = 0.0) -> Doubles:
    """float64 per row: its length as `cosine` has it, 1 for a row of nothing."""
    squares: Doubles = shrink + _squares(matrix.indptr, matrix.data)
    return np.sqrt(np.where(squares > 0, squares, 1.0))


def tilted(matrix: Csr, factors: Doubles) -> Csr:
    """Every row times its factor, float64 each."""
    return Csr(matrix.indptr, matrix.indices, by_row(matrix.indptr, matrix.data, factors), matrix.shape)


def bm25(matrix: Csr, k1: float = 1.2, b: float = 0.75) -> Csr:
    """Okapi BM25 (Robertson and Walker, 1994): entries saturate with `k1`, long rows lose with `b`.

    Products are not bounded by 1, and a row need not be nearest to itself.
    """
    data = matrix.data.astype(np.float64)
    lengths = _row_sums(matrix, data)
    mean = lengths.mean() if len(lengths) else 0.0
    norms = k1 * ((1.0 - b) + b * lengths / (mean if mean > 0 else 1.0))
    return _with(matrix, data * (k1 + 1.0) / (norms[_rows(matrix)] + data) * _rarity(matrix))


def rarity(rows: int, having: NDArray[np.int64]) -> Doubles:
    """float64 per column: log(rows / (1 + rows that have it)); at most 0 for a column all have.

    The logarithm is taken as it is in implicit, so that results can be compared; its sign does not
    matter, as it meets itself in a product.
    """
    found: Doubles = np.log(max(rows, 1)) - np.log1p(having)
    return found


def _rarity(matrix: Csr) -> Doubles:
    """float64 per entry: the rarity of its column."""
    having = np.bincount(matrix.indices, minlength=matrix.shape[1])
    each: Doubles = rarity(matrix.shape[0], having)[matrix.indices]
    return each


def _rows(matrix: Csr) -> NDArray[np.int64]:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def _row_sums(matrix: Csr, data: Doubles) -> Doubles:
    return np.bincount(_rows(matrix), data, matrix.shape[0]).astype(np.float64)


def _with(matrix: Csr, data: Doubles) -> Csr:
    """The same matrix of other values; entries that come to 0, or to no number, are left out."""
    keep = np.isfinite(data) & (data != 0)
    indptr = np.concatenate(([0], np.cumsum(keep)))[matrix.indptr]
    return Csr(indptr, matrix.indices[keep], data[keep].astype(np.float32), matrix.shape)


@njit(cache=True, nogil=True)
def _scaled(indptr: Any, data: Any, shrink: Any) -> Any:
    scaled = np.zeros(len(data), np.float32)
    for row in range(len(indptr) - 1):
        squares = np.float64(shrink)
        for place in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
            squares += np.float64(data[place]) * np.float64(data[place])
        if squares > 0:
            length = np.sqrt(squares)
            for place in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
                scaled[place] = data[place] / length
    return scaled


@njit(cache=True, nogil=True)
def by_row(indptr: Any, data: Any, factors: Any) -> Any:
    """float32: every entry times the factor, float64, of its row; nothing else is held meanwhile."""
    found = np.empty(len(data), np.float32)
    for row in range(len(indptr) - 1):
        for place in range(indptr[row], indptr[row + 1]):
            found[place] = np.float64(data[place]) * factors[row]
    return found


@njit(cache=True, nogil=True)
def by_column(indices: Any, data: Any, factors: Any) -> Any:
    """float32: every entry times the factor, float64, of its column; nothing else is held meanwhile."""
    found = np.empty(len(data), np.float32)
    for place in range(len(data)):
        found[place] = np.float64(data[place]) * factors[indices[place]]
    return found


@njit(cache=True, nogil=True)
def _squares(indptr: Any, data: Any) -> Any:
    """float64 per row: the sum of its entries' squares."""
    sums = np.zeros(len(indptr) - 1)
    for row in range(len(sums)):
        for value in data[indptr[row] : indptr[row + 1]]:
            sums[row] += np.float64(value) * np.float64(value)
    return sums
