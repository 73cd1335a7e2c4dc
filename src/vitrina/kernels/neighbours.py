"""The k most similar rows of every row of a sparse matrix, by dot product; exact.

One sum, two ways to add it up. A row of few entries goes through the transpose (Gustavson, 1978):
each of its columns adds its own rows to an array of sums. Rows of many entries go 32 at a time, one
in each lane of the vector registers, past every row of the matrix: what all of them would have
fetched apart is fetched once, sums never leave the registers, and a single comparison with the 32
lists so far passes over what cannot enter any.

Rows are numbered anew by falling number of entries, so that rows alike are near, and handed to
threads as they become free. A list follows from its row and the matrix alone, so lists are the
same, bit for bit, for any number of threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numba import get_num_threads, njit
from numpy.typing import NDArray

from vitrina.kernels.panels import BLOCK, LANES, beside, by_blocks
from vitrina.kernels.select import NOTHING, key_of, to_front, write_list
from vitrina.kernels.sparse import Csr, counting_order

Lists = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]
"""Ragged lists, best first: `indptr` int64[n + 1], `rows` int32, `scores` float32."""

PIECES = 8
"""Pieces of work a thread: enough that none waits long for the last."""
MOST_SEGMENTS = 1 << 24
"""Rows times blocks of columns at most; beyond, every row goes the first way."""


def neighbours(matrix: Csr, k: int) -> Lists:
    """The k rows of greatest positive dot product with each row but itself; ties to the lower row.

    Takes numba.get_num_threads() threads and, beside the lists, memory linear in the rows for each.
    """
    n = matrix.shape[0]
    k = max(0, min(k, n - 1))
    rows, scores, counts = np.empty((n, k), np.int32), np.empty((n, k), np.float32), np.zeros(n, np.int64)
    if k and len(matrix.data):
        order = by_falling_size(matrix)
        left = reordered(matrix, order)
        right = left.transposed()
        lists = (order, rows, scores.view(np.int32), counts)
        reach = _reach(left.indptr, left.indices, right.indptr)
        dense = _dense_rows(left, reach)

        blocked = by_blocks(*_arrays(left), _blocks(left)) if dense and _blocks(left) > 1 else _arrays(left)

        def beside_all(low: int, high: int) -> None:
            beside(low * LANES, high * LANES, *blocked, *lists)

        def through(low: int, high: int) -> None:
            _through(dense + low, dense + high, *_arrays(left), *_arrays(right), *lists)

        pieces = PIECES * get_num_threads()
        tasks = [partial(beside_all, *cut) for cut in _cuts(np.arange(dense // LANES + 1), pieces)]
        cost = reach[dense:] + 256 * np.arange(n - dense + 1)
        _run(tasks + [partial(through, *cut) for cut in _cuts(cost, pieces)])
    return ragged(rows, scores, counts)


def ragged(rows: NDArray[np.int32], scores: NDArray[np.float32], counts: NDArray[np.int64]) -> Lists:
    """The first counts[i] of row i of two matrices."""
    indptr = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    if indptr[-1] == rows.size:
        return indptr, rows.reshape(-1), scores.reshape(-1)
    return indptr, _packed(rows, indptr), _packed(scores, indptr)


def by_falling_size(matrix: Csr) -> NDArray[np.int32]:
    """Rows by falling number of entries; of those with as many, by their first column."""
    sizes = np.diff(matrix.indptr).astype(np.int32)
    starts = np.minimum(matrix.indptr[:-1], max(0, len(matrix.indices) - 1))
    by_first = counting_order(matrix.indices[starts], matrix.shape[1])
    most = sizes.max(initial=0)
    order: NDArray[np.int32] = by_first[counting_order(most - sizes[by_first], most + 1)].astype(np.int32)
    return order


def reordered(matrix: Csr, order: NDArray[np.int32]) -> Csr:
    """The matrix whose row i is row order[i] of this one."""
    indptr, indices, data = _reordered(matrix.indptr, matrix.indices, matrix.data, order)
    return Csr(indptr, indices, data, (len(order), matrix.shape[1]))


def _arrays(matrix: Csr) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.float32]]:
    """What kernels take; unsigned, since a signed index costs a test for being negative."""
    return matrix.indptr, matrix.indices.view(np.uint32), matrix.data


def _blocks(left: Csr) -> int:
    return -(-left.shape[1] // BLOCK)


def _dense_rows(left: Csr, reach: NDArray[np.int64]) -> int:
    """How many of the first rows are cheaper 32 at a time."""
    n, blocks = left.shape[0], _blocks(left)
    if blocks * n > MOST_SEGMENTS:
        return 0
    through = np.diff(reach[::LANES])
    cheaper = through > len(left.data) + 4 * n * blocks
    return LANES * int(np.argmin(np.append(cheaper, False)))


def _cuts(cost: NDArray[np.int64], pieces: int) -> list[tuple[int, int]]:
    """Ranges of about equal cost; `cost` is cumulative."""
    marks = np.linspace(cost[0], cost[-1], pieces + 1)
    ends = np.unique(np.append(np.searchsorted(cost, marks), (0, len(cost) - 1)))
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))


def _run(tasks: list[partial[None]]) -> None:
    with ThreadPoolExecutor(get_num_threads()) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result()


@njit(cache=True, nogil=True)
def _reordered(indptr: Any, columns: Any, data: Any, order: Any) -> Any:
    starts = np.zeros(len(order) + 1, np.int64)
    for row in range(len(order)):
        starts[row + 1] = starts[row] + indptr[order[row] + 1] - indptr[order[row]]
    new_columns, new_data = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
    for row in range(len(order)):
        shift = indptr[order[row]] - starts[row]
        for at in range(starts[row], starts[row + 1]):
            new_columns[at] = columns[at + shift]
            new_data[at] = data[at + shift]
    return starts, new_columns, new_data


@njit(cache=True, nogil=True)
def _reach(indptr: Any, columns: Any, t_indptr: Any) -> Any:
    """int64[n + 1]: the products that the first i rows take, going through the transpose."""
    reach = np.zeros(len(indptr), np.int64)
    for row in range(len(indptr) - 1):
        products = 0
        for column in columns[indptr[row] : indptr[row + 1]]:
            products += t_indptr[column + 1] - t_indptr[column]
        reach[row + 1] = reach[row] + products
    return reach


@njit(cache=True, nogil=True)
def _packed(table: Any, indptr: Any) -> Any:
    """The first entries of each row of a table, one row after the other."""
    packed = np.empty(indptr[-1], table.dtype)
    for row in range(len(table)):
        for at in range(indptr[row + 1] - indptr[row]):
            packed[indptr[row] + at] = table[row, at]
    return packed


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_up(columns: Any, data: Any, t_indptr: Any, t_rows: Any, t_data: Any, sums: Any, touched: Any) -> Any:
    """Add every column's rows to `sums`; `touched` lists the rows that have one, how many is returned.

    Where signs cancel or products vanish a row may be there more than once, so `touched` has room
    for twice the rows and is cleared of repeats when half full.
    """
    found = np.uint64(0)
    for place in range(len(columns)):
        weight = data[place]
        low, high = t_indptr[columns[place]], t_indptr[columns[place] + np.uint32(1)]
        for at in range(np.uint64(low), np.uint64(high)):
            row = t_rows[at]
            before = sums[row]
            touched[found] = row
            found += np.uint64(before == 0)
            sums[row] = before + weight * t_data[at]
        if found > len(sums):
            once = np.unique(touched[: np.int64(found)])
            touched[: len(once)] = once
            found = np.uint64(len(once))
    return found


@njit(cache=True, nogil=True)
def _best(sums: Any, touched: Any, order: Any, k: Any, keys: Any) -> Any:
    """Clear the touched sums; the keys of the k best come first in `keys`, how many is returned."""
    bits = sums.view(np.int32)
    floor, least = NOTHING, np.int32(1)
    held, room = np.uint64(0), np.uint64(len(keys))
    for row in touched:
        score = bits[row]
        sums[row] = 0
        if score >= least:
            keys[held] = key_of(score, order[row])
            held += np.uint64(keys[held] > floor)
            if held == room:
                floor = to_front(keys, k)
                held, least = np.uint64(k), np.int32(floor >> 32)
    if held > np.uint64(k):
        to_front(keys[: np.int64(held)], k)
    return min(np.int64(held), k)


@njit(cache=True, nogil=True)
def _through(
    low: Any,
    high: Any,
    indptr: Any,
    columns: Any,
    data: Any,
    t_indptr: Any,
    t_rows: Any,
    t_data: Any,
    order: Any,
    rows: Any,
    bits: Any,
    counts: Any,
) -> None:
    """The lists of rows low..high, each through the transpose."""
    n, k = rows.shape
    sums, touched = np.zeros(n, np.float32), np.empty(2 * n + 1, np.uint32)
    keys = np.empty(max(256, 4 * k), np.int64)
    for row in range(low, high):
        here = slice(indptr[row], indptr[row + 1])
        found = _add_up(columns[here], data[here], t_indptr, t_rows, t_data, sums, touched)
        sums[row] = 0
        held = _best(sums, touched[:found], order, k, keys)
        write_list(order[row], keys[:held], rows, bits, counts)
