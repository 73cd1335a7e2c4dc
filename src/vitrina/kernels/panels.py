"""Rows of many entries, 32 at a time, past every row of a matrix.

The 32 are laid down as a dense panel, one lane each, a block of columns after the other, so that the
panel stays near the processor however many columns there are. See `lanes` for the loop within.

Rows are ranked, those of many entries first, and a panel passes only its own rows and those that come
after: what it finds for a later row of many entries is put among that row's best too, and no pair is
multiplied twice. Each thread takes every so many-th panel and keeps the best of its own; `join` brings
them together. Threads share the scores from which a key is wanted: which keys are the best does not
depend on the order they come in, nor on how many others were let in on the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrina.kernels.keeping import clear, put, room, write_best
from vitrina.kernels.lanes import LANES, dots, lowest_bit
from vitrina.kernels.select import NOTHING, key_of
from vitrina.kernels.streams import KEYS

__all__ = [
    "BLOCK",
    "LANES",
    "TINY",
    "Best",
    "beside",
    "by_blocks",
    "held_by_each",
    "join",
    "nothing_yet",
    "write",
]

BLOCK = 4096
"""Columns of a panel: half a megabyte."""
TINY = np.float32(1e-45)
"""The least score of a neighbour."""
NEVER = np.float32(np.inf)

Best = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""Of each row of many entries: its best keys, a handful that comes next, how many are in it, how many
there were in all; and, for all threads, the score from which a key is wanted."""


def held_by_each(n: int, dense: int, k: int) -> int:
    """Bytes that a thread holds: a panel, sums of n rows, the best of those of many entries."""
    held, handful = room.py_func(k)
    return 4 * LANES * (BLOCK + n) + 8 * dense * (held + handful + KEYS)


@njit(cache=True, nogil=True)
def nothing_yet(dense: Any, k: Any) -> Any:
    """Best but for the scores, for so many rows of which nothing is known."""
    held, handful = room(k)
    best, keys = np.empty((dense, held), np.int64), np.empty((dense, handful + KEYS), np.int64)
    for row in range(dense):
        clear(best[row])
    return best, keys, np.zeros(dense, np.int64), np.zeros(dense, np.int64)


@njit(cache=True, nogil=True)
def by_blocks(indptr: Any, columns: Any, data: Any, blocks: Any) -> Any:
    """The entries block by block, so that a pass over one reads straight on: (starts, columns, data).

    Row r has `starts[b * n + r]:starts[b * n + r + 1]` in block b. Columns ascend within rows.
    """
    n = len(indptr) - 1
    starts = np.zeros(blocks * n + 1, np.int64)
    for row in range(n):
        for place in range(indptr[row], indptr[row + 1]):
            starts[columns[place] // BLOCK * n + row + 1] += 1
    for segment in range(blocks * n):
        starts[segment + 1] += starts[segment]
    new_columns, new_data = np.empty_like(columns), np.empty_like(data)
    for row in range(n):
        at, segment = 0, -1
        for place in range(indptr[row], indptr[row + 1]):
            here = columns[place] // BLOCK * n + row
            at = at if here == segment else starts[here]
            segment = here
            new_columns[at], new_data[at] = columns[place], data[place]
            at += 1
    return starts, new_columns, new_data


@njit(cache=True, nogil=True)
def beside(
    turn: Any, turns: Any, k: Any, starts: Any, columns: Any, data: Any, order: Any, found: Any
) -> None:
    """The panels turn, turn + turns, ... past every row from their own on; what they find into `found`, Best.

    The matrix comes `by_blocks`, its rows ranked; `order` names them in the lists.
    """
    n, dense = len(order), len(found[0])
    blocks = (len(starts) - 1) // n
    panel = np.zeros((BLOCK, LANES), np.float32)
    sums = np.zeros((n if blocks > 1 else 1, LANES), np.float32)
    for first in range(turn * LANES, dense, turns * LANES):
        for block in range(blocks - 1):
            _lay(panel, first, n, starts, block, columns, data, True)
            _add_block(first, n, starts, block, columns, data, panel, sums)
            _lay(panel, first, n, starts, block, columns, data, False)
        _lay(panel, first, n, starts, blocks - 1, columns, data, True)
        _last_block(first, starts, columns, data, panel, sums, order, k, found)
        _lay(panel, first, n, starts, blocks - 1, columns, data, False)


@njit(cache=True, nogil=True)
def _lay(panel: Any, first: Any, n: Any, starts: Any, block: Any, columns: Any, data: Any, down: Any) -> None:
    """Lay one block of 32 rows down in the panel, a lane each, or take it up again."""
    for lane in range(LANES):
        segment = block * n + first + lane
        for place in range(starts[segment], starts[segment + 1]):
            panel[columns[place] - block * BLOCK, lane] = data[place] if down else 0


@njit(cache=True, nogil=True)
def _add_block(
    first: Any, n: Any, starts: Any, block: Any, columns: Any, data: Any, panel: Any, sums: Any
) -> None:
    """The products of rows from the first on with one block, but not the last, added to their sums."""
    never = np.full(LANES, NEVER)
    for row in range(first, n):
        low, high = starts[block * n + row], starts[block * n + row + 1]
        dots(columns, data, low, high, panel, block * BLOCK, sums, row, block > 0, never, 0, NEVER)


@njit(cache=True, nogil=True)
def _last_block(
    first: Any, starts: Any, columns: Any, data: Any, panel: Any, sums: Any, order: Any, k: Any, found: Any
) -> None:
    """Rows from the first on past the last block, and what is good enough among the best of either row."""
    best, keys, held, total, floors = found
    sum_bits, floor_bits = sums.view(np.int32), floors.view(np.int32)
    n, dense, full = len(order), len(best), keys.shape[1] - KEYS
    block = (len(starts) - 1) // n - 1
    for row in range(first, n):
        at, low, high = row if block else 0, starts[block * n + row], starts[block * n + row + 1]
        own = floors[row] if first + LANES <= row < dense else NEVER
        reached = dots(
            columns, data, low, high, panel, block * BLOCK, sums, at, block > 0, floors, first, own
        )
        while reached:
            bit = lowest_bit(reached)
            reached &= reached - np.uint64(1)
            lane = bit % LANES
            one, other = (first + lane, row) if bit < LANES else (row, first + lane)
            key = key_of(sum_bits[at, lane], order[other])
            if key > best[one, k - 1] and one != other:
                keys[one, held[one]] = key
                held[one] += 1
                total[one] += 1
                if held[one] == full:
                    floor_bits[one] = max(floor_bits[one], put(keys[one], full, k, best[one]) >> 32)
                    held[one] = 0


@njit(cache=True, nogil=True)
def join(low: Any, high: Any, k: Any, found: Any, more: Any) -> None:
    """What another thread found of rows low..high into `found`."""
    best, keys, held, total, _ = found
    others, last, n_last, more_total, _ = more
    full = keys.shape[1] - KEYS
    for row in range(low, high):
        put(keys[row], held[row], k, best[row])
        put(last[row], n_last[row], k, others[row])
        total[row] += more_total[row]
        held[row] = 0
        for key in others[row, :k]:
            keys[row, held[row]] = key
            held[row] += key > NOTHING
            if held[row] == full:
                put(keys[row], full, k, best[row])
                held[row] = 0


@njit(cache=True, nogil=True)
def write(low: Any, high: Any, order: Any, found: Any, rows: Any, bits: Any, counts: Any) -> None:
    """Write what was found as the lists of rows low..high."""
    best, keys, held, total, _ = found
    k = rows.shape[1]
    for row in range(low, high):
        put(keys[row], held[row], k, best[row])
        write_best(order[row], min(k, total[row]), keys[row], best[row], rows, bits, counts)
