"""The k most similar rows of every row of a sparse matrix, by dot product; exact.

One sum, two ways to add it up. A row of few entries goes through the transpose (Gustavson, 1978):
each of its columns adds its own rows to an array of sums. Rows of many entries go 32 at a time, one
in each lane of the vector registers, past every row of the matrix: what all of them would have
fetched apart is fetched once, sums never leave the registers, and a single comparison with the 32
lists so far passes over what cannot enter any.

Rows are taken by falling number of entries, so that those taken together are alike, and handed to
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

from vitrina.kernels.network import FEW, sort_few
from vitrina.kernels.panels import BLOCK, LANES, beside, by_blocks
from vitrina.kernels.select import FEWER, NOTHING, key_of, to_front, write_list, write_ranked
from vitrina.kernels.sparse import Csr, counting_order

Lists = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]
"""Ragged lists, best first: `indptr` int64[n + 1], `rows` int32, `scores` float32."""

PIECES = 8
"""Pieces of work a thread: enough that none waits long for the last."""
MOST_SEGMENTS = 1 << 24
"""Rows times blocks of columns at most; beyond, every row goes the first way."""
MANY = 4096
"""Rows touched among which hardly any enters a list, so that a branch on their scores is foreseen."""


def neighbours(matrix: Csr, k: int) -> Lists:
    """The k rows of greatest positive dot product with each row but itself; ties to the lower row.

    Takes numba.get_num_threads() threads and, beside the lists, memory linear in the rows for each.
    """
    n = matrix.shape[0]
    k = max(0, min(k, n - 1))
    rows, scores, counts = np.empty((n, k), np.int32), np.empty((n, k), np.float32), np.zeros(n, np.int64)
    if k and len(matrix.data):
        _run(_tasks(matrix, PIECES * get_num_threads(), (rows, scores.view(np.int32), counts)))
    return ragged(rows, scores, counts)


def ragged(rows: NDArray[np.int32], scores: NDArray[np.float32], counts: NDArray[np.int64]) -> Lists:
    """The first counts[i] of row i of two matrices."""
    indptr = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    if indptr[-1] == rows.size:
        return indptr, rows.reshape(-1), scores.reshape(-1)
    whole = rows.flags.c_contiguous and scores.flags.c_contiguous
    if whole and 2 * indptr[-1] > rows.size:  # moved up in place: a copy would need as much again
        _run([partial(_pack, one, indptr, one.reshape(-1)) for one in (rows, scores)])
        return indptr, rows.reshape(-1)[: indptr[-1]], scores.reshape(-1)[: indptr[-1]]
    packed_rows, packed_scores = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    _run([partial(_pack, rows, indptr, packed_rows), partial(_pack, scores, indptr, packed_scores)])
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


def _tasks(matrix: Csr, pieces: int, lists: tuple[NDArray[Any], ...]) -> list[partial[None]]:
    """The work, in pieces of about equal cost, the dearest rows first."""
    order, columns = by_falling_size(matrix), matrix.transposed()
    reach = _reach(order, matrix.indptr, matrix.indices, columns.indptr)
    dense = _dense_rows(matrix, reach)
    rest, sides = order[dense:], (*_arrays(matrix), *_arrays(columns))
    cuts = _cuts(reach[dense:] + 256 * np.arange(len(rest) + 1), pieces)
    tasks = _panel_tasks(matrix, order, dense // LANES, pieces, lists) if dense else []
    return tasks + [partial(_through, rest[low:high], *sides, *lists) for low, high in cuts]


def _panel_tasks(
    matrix: Csr, order: NDArray[np.int32], panels: int, pieces: int, lists: tuple[NDArray[Any], ...]
) -> list[partial[None]]:
    ranked = reordered(matrix, order)
    blocks = _blocks(matrix)
    sides = _arrays(ranked) if blocks == 1 else by_blocks(*_arrays(ranked), blocks)
    cuts = _cuts(np.arange(panels + 1), pieces)
    return [partial(beside, low * LANES, high * LANES, *sides, order, *lists) for low, high in cuts]


def _blocks(matrix: Csr) -> int:
    return -(-matrix.shape[1] // BLOCK)


def _dense_rows(matrix: Csr, reach: NDArray[np.int64]) -> int:
    """How many of the first rows are cheaper 32 at a time."""
    n, blocks = matrix.shape[0], _blocks(matrix)
    if blocks * n > MOST_SEGMENTS:
        return 0
    cheaper = np.diff(reach[::LANES]) > len(matrix.data) + 4 * n * blocks
    return LANES * int(np.argmin(np.append(cheaper, False)))


def _cuts(cost: NDArray[np.int64], pieces: int) -> list[tuple[int, int]]:
    """Ranges of about equal cost; `cost` is cumulative."""
    marks = np.linspace(cost[0], cost[-1], pieces + 1)
    ends = np.unique(np.append(np.searchsorted(cost, marks), (0, len(cost) - 1)))
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))


def _run(tasks: list[partial[None]]) -> None:
    if get_num_threads() == 1:
        for task in tasks:
            task()
        return
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
def _reach(order: Any, indptr: Any, columns: Any, t_indptr: Any) -> Any:
    """int64[n + 1]: the products that the first i rows of the order take, going through the transpose."""
    reach = np.zeros(len(indptr), np.int64)
    for at in range(len(order)):
        products = 0
        for column in columns[indptr[order[at]] : indptr[order[at] + 1]]:
            products += t_indptr[column + 1] - t_indptr[column]
        reach[at + 1] = reach[at] + products
    return reach


@njit(cache=True, nogil=True)
def _pack(table: Any, indptr: Any, packed: Any) -> None:
    """The first entries of each row of a table, one row after the other."""
    for row in range(len(table)):
        for at in range(indptr[row + 1] - indptr[row]):
            packed[indptr[row] + at] = table[row, at]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_up(
    low: Any,
    high: Any,
    columns: Any,
    data: Any,
    t_indptr: Any,
    t_rows: Any,
    t_data: Any,
    sums: Any,
    touched: Any,
) -> Any:
    """Add the rows of every column of entries low..high to `sums`; how many rows came into `touched`.

    Where signs cancel or products vanish a row may be there more than once, so `touched` has room
    for twice the rows and is cleared of repeats when half full.
    """
    found = np.uint64(0)
    for place in range(low, high):
        weight = data[place]
        start, end = t_indptr[columns[place]], t_indptr[columns[place] + np.uint32(1)]
        for at in range(np.uint64(start), np.uint64(end)):
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
def _best(sums: Any, touched: Any, found: Any, k: Any, keys: Any) -> Any:
    """Clear the sums of the `found` rows touched; how many keys come first in `keys`, the k best."""
    bits = sums.view(np.int32)
    floor, least = NOTHING, np.int32(1)
    held, room = np.uint64(0), np.uint64(len(keys))
    for place in range(found):
        row = touched[place]
        score = bits[row]
        sums[row] = 0
        if score >= least:
            keys[held] = key_of(score, row)
            held += np.uint64(keys[held] > floor)
            if held == room:
                floor = to_front(keys, k)
                held, least = np.uint64(k), np.int32(floor >> 32)
    if held > np.uint64(k):
        to_front(keys[: np.int64(held)], k)
    return min(np.int64(held), k)


@njit(cache=True, nogil=True)
def _best_few(sums: Any, touched: Any, found: Any, k: Any, keys: Any) -> Any:
    """As `_best` for k <= FEWER, and best first: without a branch on scores, sorted whenever FEW are held."""
    bits = sums.view(np.int32)
    floor, held = NOTHING, np.uint64(0)
    for place in range(found):
        row = touched[place]
        keys[held] = key_of(bits[row], row)
        sums[row] = 0
        held += np.uint64(keys[held] > floor)
        if held == np.uint64(FEW):
            sort_few(keys, FEW, keys)
            floor, held = keys[k - 1], np.uint64(k)
    sort_few(keys, np.int64(held), keys)
    return min(np.int64(held), k)


@njit(cache=True, nogil=True)
def _through(
    which: Any,
    indptr: Any,
    columns: Any,
    data: Any,
    t_indptr: Any,
    t_rows: Any,
    t_data: Any,
    rows: Any,
    bits: Any,
    counts: Any,
) -> None:
    """The lists of some rows, each through the transpose."""
    n, k = rows.shape
    sums, touched = np.zeros(n, np.float32), np.empty(2 * n + 1, np.uint32)
    keys, ranked = np.empty(max(256, 4 * k), np.int64), np.empty(k, np.int64)
    for row in which:
        low, high = indptr[row], indptr[row + 1]
        found = _add_up(low, high, columns, data, t_indptr, t_rows, t_data, sums, touched)
        sums[row] = 0
        if k <= FEWER and found < MANY:
            held = _best_few(sums, touched, found, k, keys)
            write_ranked(row, keys, held, rows, bits, counts)
        else:
            held = _best(sums, touched, found, k, keys)
            write_list(row, keys, held, ranked, rows, bits, counts)
