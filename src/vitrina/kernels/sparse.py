"""Compressed rows without scipy: the server has none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numba import get_num_threads, njit
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
        indptr, indices, data = _flip(self.indptr, self.indices.view(np.uint32), self.data, self.shape[1])
        return Csr(indptr, indices, data, (self.shape[1], self.shape[0]))


def compress(
    rows: NDArray[np.int32], columns: NDArray[np.int32], values: NDArray[np.float32], shape: tuple[int, int]
) -> Csr:
    """Build a Csr from triples in any order; values of equal places are added up, as they come.

    A triple of a negative row or column is left out. Two counting sorts, by columns and then by rows, take
    rows and values along: linear in the triples, and no more is held than them and the result once over.
    """
    ends, by_column, along = _dealt_triples(rows, columns, values, shape[1])
    indptr, indices, data = _merged(ends, by_column, along, shape[0])
    return Csr(indptr, indices, data, shape)


def picked(matrix: Csr, chosen: NDArray[np.bool_]) -> Csr:
    """The chosen entries of a matrix."""
    ends = _ends_of_chosen(matrix.indptr, chosen)
    return Csr(ends, matrix.indices[chosen], matrix.data[chosen], matrix.shape)


def dealt(keys: NDArray[np.int32], ends: NDArray[np.int64], *columns: NDArray[Any]) -> list[NDArray[Any]]:
    """Columns grouped by key, in their order within each; `ends` as `ends_of` has them. A thread a column."""
    with ThreadPoolExecutor(get_num_threads()) as pool:
        return list(pool.map(partial(_dealt, keys, ends), columns))


@njit(cache=True, nogil=True)
def ends_of(keys: Any, n_keys: Any) -> Any:
    """int64[n_keys + 1]: where the places of each key end; a key below 0 has none."""
    ends = np.zeros(n_keys + 1, np.int64)
    for key in keys:
        if key >= 0:
            ends[key + 1] += 1
    for key in range(n_keys):
        ends[key + 1] += ends[key]
    return ends


def group(keys: NDArray[np.int32], n_keys: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(indptr int64[n_keys + 1], order int64): the places of each key, in their given order."""
    indptr = np.zeros(n_keys + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=n_keys), out=indptr[1:])
    return indptr, counting_order(keys, n_keys)


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _flip(indptr: Any, columns: Any, data: Any, n_columns: Any) -> Any:
    """The transpose, each column filled from its end; columns unsigned, as a signed index costs a test."""
    places, one = np.zeros(n_columns + 1, np.int64), np.uint64(1)
    for column in columns:
        places[column] += 1
    for column in range(n_columns):
        places[column + 1] += places[column]
    rows = np.empty(len(columns), np.int32)
    values = np.empty(len(columns), np.float32)
    place = np.uint64(len(columns))
    for row in range(len(indptr) - 2, -1, -1):
        while place > np.uint64(indptr[row]):
            place -= one
            column = columns[place]
            at = np.uint64(places[column]) - one
            places[column] = at
            rows[at], values[at] = row, data[place]
    return places, rows, values


@njit(cache=True, nogil=True)
def _dealt(keys: Any, ends: Any, column: Any) -> Any:
    at, grouped = ends[:-1].copy(), np.empty(ends[-1], column.dtype)
    for place in range(len(keys)):
        key = keys[place]
        if key >= 0:
            grouped[at[key]] = column[place]
            at[key] += 1
    return grouped


@njit(cache=True, nogil=True)
def _ends_of_chosen(indptr: Any, chosen: Any) -> Any:
    ends = np.zeros(len(indptr), np.int64)
    for row in range(len(indptr) - 1):
        ends[row + 1] = ends[row]
        for place in range(indptr[row], indptr[row + 1]):
            ends[row + 1] += chosen[place]
    return ends


@njit(cache=True, nogil=True)
def _dealt_triples(rows: Any, columns: Any, values: Any, n_columns: Any) -> Any:
    """Rows and values by column: (ends, rows, values)."""
    ends = np.zeros(n_columns + 1, np.int64)
    for place in range(len(columns)):
        if columns[place] >= 0 and rows[place] >= 0:
            ends[columns[place] + 1] += 1
    for column in range(n_columns):
        ends[column + 1] += ends[column]
    at = ends[:-1].copy()
    grouped, along = np.empty(ends[-1], np.int32), np.empty(ends[-1], np.float32)
    for place in range(len(columns)):
        if columns[place] >= 0 and rows[place] >= 0:
            to = at[columns[place]]
            grouped[to], along[to] = rows[place], values[place]
            at[columns[place]] = to + 1
    return ends, grouped, along


@njit(cache=True, nogil=True)
def _merged(ends: Any, rows: Any, values: Any, n_rows: Any) -> Any:
    """What lies by columns, by rows: (indptr, columns, values), equal places added up."""
    latest, indptr = np.full(n_rows, -1, np.int32), np.zeros(n_rows + 1, np.int64)
    for column in range(len(ends) - 1):
        for row in rows[ends[column] : ends[column + 1]]:
            indptr[row + 1] += latest[row] != column
            latest[row] = column
    for row in range(n_rows):
        indptr[row + 1] += indptr[row]
    at, indices, data = indptr[:-1].copy(), np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    for column in range(len(ends) - 1):
        for place in range(ends[column], ends[column + 1]):
            row = rows[place]
            to = at[row]
            if to > indptr[row] and indices[to - 1] == column:
                data[to - 1] += values[place]
            else:
                indices[to], data[to] = column, values[place]
                at[row] = to + 1
    return indptr, indices, data


def largest(
    weights: NDArray[np.float32], kept: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """The `kept` weights of greatest size of each row, zeros left out, the lower column among equals: rows,
    columns, values, by row and column."""
    ends, columns, values = _largest(np.ascontiguousarray(weights), max(0, min(kept, weights.shape[1])))
    return np.repeat(np.arange(len(weights), dtype=np.int32), np.diff(ends)), columns, values


@njit(cache=True, nogil=True)
def _largest(weights: Any, kept: Any) -> Any:
    """(int64[rows + 1] ends, columns, values). A heap of sizes, the least on top, tells what a weight must
    exceed: few do after the first columns, so that a row is read little more than once."""
    ends = np.zeros(len(weights) + 1, np.int64)
    columns, values = np.empty(len(weights) * kept, np.int32), np.empty(len(weights) * kept, np.float32)
    heap = np.empty(kept, np.float32)
    for row in range(len(weights)):
        least, above = _least_kept(weights[row], heap)
        at, room = ends[row], kept - above
        for column in range(weights.shape[1]):
            size = abs(weights[row, column])
            if size > least or (size == least and room > 0 and size > 0):
                room -= size == least
                columns[at], values[at] = column, weights[row, column]
                at += 1
        ends[row + 1] = at
    return ends, columns[: ends[-1]].copy(), values[: ends[-1]].copy()


@njit(cache=True, nogil=True)
def _least_kept(line: Any, heap: Any) -> Any:
    """The least size that is kept of a row, as many as `heap` has room for, and how many are above it."""
    if not len(heap):
        return np.float32(np.inf), 0
    heap[:] = 0
    for weight in line:
        size = abs(weight)
        if size > heap[0]:
            _sunk(heap, size)
    return heap[0], np.sum(heap > heap[0])


@njit(cache=True, nogil=True)
def _sunk(heap: Any, size: Any) -> None:
    """Put a size in place of the least one."""
    place = 0
    while 2 * place + 1 < len(heap):
        child = 2 * place + 1
        if child + 1 < len(heap) and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= size:
            break
        heap[place], place = heap[child], child
    heap[place] = size
