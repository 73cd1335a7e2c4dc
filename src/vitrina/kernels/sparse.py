"""Compressed rows without scipy: the server has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@dataclass(frozen=True)
class Csr:
    """A sparse matrix by rows: `indptr` int64[n + 1], `indices` int32, `data` float32.

    Within a row indices ascend and do not repeat.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float32]
    shape: tuple[int, int]

    def transposed(self) -> Csr:
        """The same matrix by columns."""
        indptr, indices, data = _flip(self.indptr, self.indices, self.data, self.shape[1])
        return Csr(indptr, indices, data, (self.shape[1], self.shape[0]))


def compress(
    rows: NDArray[np.int32], columns: NDArray[np.int32], values: NDArray[np.float32], shape: tuple[int, int]
) -> Csr:
    """Build a Csr from triples in any order; values of equal places are added up.

    Two counting sorts (columns, then rows): linear in the triples.
    """
    by_column = counting_order(columns, shape[1])
    order = by_column[counting_order(rows[by_column], shape[0])]
    indptr, indices, data = _merge(rows[order], columns[order], values[order].astype(np.float32), shape[0])
    return Csr(indptr, indices, data, shape)


def group(keys: NDArray[np.int32], n_keys: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(indptr int64[n_keys + 1], order int64): the places of each key, in their given order."""
    indptr = np.zeros(n_keys + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=n_keys), out=indptr[1:])
    return indptr, counting_order(keys, n_keys)


@njit(cache=True)
def counting_order(keys: Any, n_keys: Any) -> Any:
    """The stable order that sorts small non-negative integers: int64[len(keys)]."""
    starts = np.zeros(n_keys + 1, np.int64)
    for key in keys:
        starts[key + 1] += 1
    for key in range(n_keys):
        starts[key + 1] += starts[key]
    order = np.empty(len(keys), np.int64)
    for place in range(len(keys)):
        key = keys[place]
        order[starts[key]] = place
        starts[key] += 1
    return order


@njit(cache=True)
def _flip(indptr: Any, columns: Any, data: Any, n_columns: Any) -> Any:
    starts = np.zeros(n_columns + 2, np.int64)
    for column in columns:
        starts[column + 2] += 1
    for column in range(n_columns):
        starts[column + 2] += starts[column + 1]
    rows = np.empty(len(columns), np.int32)
    values = np.empty(len(columns), np.float32)
    for row in range(len(indptr) - 1):
        for place in range(indptr[row], indptr[row + 1]):
            at = starts[columns[place] + 1]
            rows[at] = row
            values[at] = data[place]
            starts[columns[place] + 1] += 1
    return starts[:-1].copy(), rows, values


@njit(cache=True)
def _merge(rows: Any, columns: Any, values: Any, n_rows: Any) -> Any:
    indptr = np.zeros(n_rows + 1, np.int64)
    indices = np.empty(len(rows), np.int32)
    data = np.empty(len(rows), np.float32)
    kept = 0
    for place in range(len(rows)):
        fresh = place == 0 or rows[place] != rows[place - 1] or columns[place] != columns[place - 1]
        if fresh:
            indices[kept] = columns[place]
            data[kept] = values[place]
            indptr[rows[place] + 1] += 1
            kept += 1
        else:
            data[kept - 1] += values[place]
    for row in range(n_rows):
        indptr[row + 1] += indptr[row]
    return indptr, indices[:kept].copy(), data[:kept].copy()


def largest(
    weights: NDArray[np.float32], kept: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """The `kept` weights of greatest size of each row, zeros left out: rows, columns, values."""
    n = len(weights)
    if kept < 1:
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32)
    columns = np.argpartition(-np.abs(weights), kept - 1, axis=1)[:, :kept].astype(np.int32)
    rows = np.repeat(np.arange(n, dtype=np.int32), kept)
    values = np.take_along_axis(weights, columns.astype(np.intp), 1).ravel()
    used = values != 0
    return rows[used], columns.ravel()[used], values[used]
