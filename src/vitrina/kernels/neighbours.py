"""The k most similar rows of every row of a sparse matrix, by dot product; exact.

One sum, two ways to add it up. A row of few entries goes through the transpose: see `through`. Rows
of many entries go 32 at a time, one in each lane of the vector registers, past the rows that come
after them: what all of them would have fetched apart is fetched once, sums never leave the registers,
a single comparison passes over what can enter no list, and every pair is multiplied once. See `panels`.

Products are rounded before they are added, on every processor, and a list follows from its row and the
matrix alone, so lists are the same, bit for bit, for any number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numba import get_num_threads, njit
from numpy.typing import NDArray

from vitrina.kernels.panels import (
    BLOCK,
    LANES,
    TINY,
    Best,
    beside,
    by_blocks,
    held_by_each,
    join,
    nothing_yet,
    write,
)
from vitrina.kernels.sparse import Csr, counting_order
from vitrina.kernels.streams import move
from vitrina.kernels.through import through

Lists = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]
"""Ragged lists, best first: `indptr` int64[n + 1], `rows` int32, `scores` float32."""
Table = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]
"""Rows and bits of scores, [n, k] both, and how many there are of each list."""

PIECES = 8
"""Pieces of work a thread: enough that none waits long for the last."""
SMALL = 1 << 20
"""Numbers that are moved sooner than a thread starts."""
DEAR = 2
"""What an entry costs that passes a panel, beside a product that is added through the transpose."""
ROOM = 1 << 28
"""Bytes that threads hold beside each other for rows of many entries, at most: on a machine of many cores
fewer threads than there are take part, but one always."""
MOST_SEGMENTS = 1 << 24
"""Rows times blocks of columns at most; beyond, every row goes the first way."""


def neighbours(matrix: Csr, k: int) -> Lists:
    """The k rows of greatest positive dot product with each row but itself; ties to the lower row.

    Takes numba.get_num_threads() threads and, beside the lists, up to ROOM bytes or what one thread needs:
    memory linear in the rows, and twice what the lists of the rows of many entries take.
    """
    n = matrix.shape[0]
    k = max(0, min(k, n - 1))
    rows, bits = np.empty((2, n, k), np.int32)  # at once, so that large pages hold them
    counts = np.zeros(n, np.int64)
    if k and len(matrix.data):
        for tasks in _stages(matrix, (rows, bits, counts)):
            _run(tasks, get_num_threads())
    return ragged(rows, bits.view(np.float32), counts)


def ragged(rows: NDArray[np.int32], scores: NDArray[np.float32], counts: NDArray[np.int64]) -> Lists:
    """The first counts[i] of row i of two matrices."""
    indptr = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    if indptr[-1] == rows.size:
        return indptr, rows.reshape(-1), scores.reshape(-1)
    rows, scores = np.ascontiguousarray(rows), np.ascontiguousarray(scores)
    threads = min(2, get_num_threads()) if rows.size > SMALL else 1
    if 2 * indptr[-1] > rows.size:  # moved up in place: a copy would need as much again
        _run([partial(_pack, one, indptr, one.reshape(-1)) for one in (rows, scores)], threads)
        return indptr, rows.reshape(-1)[: indptr[-1]], scores.reshape(-1)[: indptr[-1]]
    packed_rows, packed_scores = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    _run([partial(_pack, rows, indptr, packed_rows), partial(_pack, scores, indptr, packed_scores)], threads)
    return indptr, packed_rows, packed_scores


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


def _stages(matrix: Csr, lists: Table) -> Iterator[list[partial[None]]]:
    """The work: all that can go on at once, the dearest first, then what needs its results."""
    columns = matrix.transposed()
    sides = (*_arrays(matrix), *_arrays(columns))
    reach = _reach(*sides[:2], columns.indptr)
    order, dense = _ranking(matrix, reach)
    rest = _but(order[:dense], matrix.shape[0])
    threads = get_num_threads()
    pieces = PIECES * threads if threads > 1 else 1
    cuts = _cuts(np.append(0, np.cumsum(reach[rest] + 256)), pieces)
    others = [partial(through, rest[low:high], reach, *sides, *lists) for low, high in cuts]
    if not dense:
        yield others
        return
    k = lists[0].shape[1]
    threads = max(1, min(threads, ROOM // held_by_each(len(order), dense, k)))
    floors = np.full(dense, TINY)
    found: list[Best] = [(*nothing_yet(dense, k), floors) for _ in range(threads)]
    ranked = _ranked(matrix, order)
    yield [partial(beside, one, threads, k, *ranked, order, found[one]) for one in range(threads)] + others
    yield [
        partial(_settled, low, high, order, found, lists)
        for low, high in _cuts(np.arange(dense + 1), threads)
    ]


def _settled(low: int, high: int, order: NDArray[np.int32], found: list[Best], lists: Table) -> None:
    for more in found[1:]:
        join(low, high, lists[0].shape[1], found[0], more)
    write(low, high, order, found[0], *lists)


def _but(rows: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """The others of n rows, rising."""
    others = np.ones(n, np.bool_)
    others[rows] = False
    return np.flatnonzero(others)


def _ranked(matrix: Csr, order: NDArray[np.int32]) -> tuple[NDArray[Any], ...]:
    arrays = _arrays(reordered(matrix, order))
    blocks = _blocks(matrix)
    return arrays if blocks == 1 else tuple(by_blocks(*arrays, blocks))


def _blocks(matrix: Csr) -> int:
    return -(-matrix.shape[1] // BLOCK)


def _ranking(matrix: Csr, reach: NDArray[np.int64]) -> tuple[NDArray[np.int32], int]:
    """Rows by falling size, and how many of the first are cheaper 32 at a time; if none can be, no order."""
    segments = _blocks(matrix) * matrix.shape[0]
    if segments > MOST_SEGMENTS or LANES * reach.max() <= DEAR * (len(matrix.data) + 4 * segments):
        return np.empty(0, np.int32), 0
    order = by_falling_size(matrix)
    return order, _dense_rows(matrix, order, reach[order])


def _dense_rows(matrix: Csr, order: NDArray[np.int32], reach: NDArray[np.int64]) -> int:
    """How many of the first rows, of falling size and so much reach, are cheaper 32 at a time."""
    n, blocks = matrix.shape[0], _blocks(matrix)
    sizes = np.diff(matrix.indptr)[order]
    whole = n // LANES * LANES
    passed = len(matrix.data) - np.append(0, np.cumsum(sizes))[:whole:LANES]
    segments = blocks * (n - np.arange(0, whole, LANES))
    cheaper = reach[:whole].reshape(-1, LANES).sum(1) > DEAR * (passed + 4 * segments)
    return LANES * int(np.argmin(np.append(cheaper, False)))


def _cuts(cost: NDArray[np.int64], pieces: int) -> list[tuple[int, int]]:
    """Ranges of about equal cost; `cost` is cumulative."""
    marks = np.linspace(cost[0], cost[-1], pieces + 1)
    ends = np.unique(np.append(np.searchsorted(cost, marks), (0, len(cost) - 1)))
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))


def _run(tasks: list[partial[None]], threads: int) -> None:
    """Do the tasks, each thread, this one among them, taking the next when it is free."""
    waiting = iter(tasks)

    def work() -> None:
        for task in waiting:
            task()

    if threads == 1:
        work()
        return
    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(work) for _ in range(threads - 1)]
        work()
        for one in others:
            one.result()


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
    """int64[n]: how many rows the columns of each row hold, repeats counted."""
    reach = np.zeros(len(indptr) - 1, np.int64)
    for row in range(len(reach)):
        for at in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
            reach[row] += t_indptr[columns[at] + np.uint32(1)] - t_indptr[columns[at]]
    return reach


@njit(cache=True, nogil=True)
def _pack(table: Any, indptr: Any, packed: Any) -> None:
    """The first entries of each row of a table, one row after the other."""
    width = table.shape[1]
    for row in range(len(table)):
        move(packed, indptr[row], table, row * width, indptr[row + 1] - indptr[row])
