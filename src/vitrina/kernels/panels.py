"""Rows of many entries, 32 at a time, past every row of a matrix.

The 32 are laid down as a dense panel, one lane each, a block of columns after the other, so that the
panel stays near the processor however many columns there are. See `lanes` for the loop within.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from vitrina.kernels.lanes import LANES, dots, lowest_bit
from vitrina.kernels.select import NOTHING, key_of, to_front, write_list

__all__ = ["BLOCK", "LANES", "beside", "by_blocks"]

BLOCK = 4096
"""Columns of a panel: half a megabyte."""
TINY = np.float32(1e-45)


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
    low: Any, high: Any, starts: Any, columns: Any, data: Any, order: Any, rows: Any, bits: Any, counts: Any
) -> None:
    """The lists of rows low..high, a multiple of 32, each 32 beside every row of the matrix.

    The matrix comes `by_blocks`; `order` names its rows in the lists, which `write_list` writes.
    """
    n, k = rows.shape
    blocks = (len(starts) - 1) // n
    panel = np.zeros((BLOCK, LANES), np.float32)
    sums = np.zeros((n if blocks > 1 else 1, LANES), np.float32)
    keys, ranked = np.empty((LANES, max(256, 4 * k)), np.int64), np.empty(k, np.int64)
    for first in range(low, high, LANES):
        for block in range(blocks - 1):
            _lay(panel, first, n, starts, block, columns, data, True)
            _add_block(n, starts, block, columns, data, panel, sums)
            _lay(panel, first, n, starts, block, columns, data, False)
        _lay(panel, first, n, starts, blocks - 1, columns, data, True)
        held = _last_block(first, starts, columns, data, panel, sums, order, k, keys)
        _lay(panel, first, n, starts, blocks - 1, columns, data, False)
        for lane in range(LANES):
            write_list(order[first + lane], keys[lane], held[lane], ranked, rows, bits, counts)


@njit(cache=True, nogil=True)
def _lay(panel: Any, first: Any, n: Any, starts: Any, block: Any, columns: Any, data: Any, down: Any) -> None:
    """Lay one block of 32 rows down in the panel, a lane each, or take it up again."""
    for lane in range(LANES):
        segment = block * n + first + lane
        for place in range(starts[segment], starts[segment + 1]):
            panel[columns[place] - block * BLOCK, lane] = data[place] if down else 0


@njit(cache=True, nogil=True)
def _add_block(n: Any, starts: Any, block: Any, columns: Any, data: Any, panel: Any, sums: Any) -> None:
    """Every row's products with one block, but not the last, added to its sums."""
    never = np.full(LANES, np.float32(np.inf))
    for row in range(n):
        low, high = starts[block * n + row], starts[block * n + row + 1]
        dots(columns, data, low, high, panel, block * BLOCK, sums, row, block > 0, never)


@njit(cache=True, nogil=True)
def _last_block(
    first: Any, starts: Any, columns: Any, data: Any, panel: Any, sums: Any, order: Any, k: Any, keys: Any
) -> Any:
    """Every row past the last block; how many keys come first in each keys[lane], its k best."""
    held, least = np.zeros(LANES, np.int64), np.full(LANES, NOTHING)
    floors = np.full(LANES, TINY)
    sum_bits, floor_bits = sums.view(np.int32), floors.view(np.int32)
    n = len(order)
    block = (len(starts) - 1) // n - 1
    for row in range(n):
        at, low, high = row if block else 0, starts[block * n + row], starts[block * n + row + 1]
        reached = dots(columns, data, low, high, panel, block * BLOCK, sums, at, block > 0, floors)
        while reached:
            lane = lowest_bit(reached)
            reached &= reached - np.uint64(1)
            key = key_of(sum_bits[at, lane], order[row])
            if key > least[lane] and row != first + lane:
                keys[lane, held[lane]] = key
                held[lane] += 1
                if held[lane] == keys.shape[1]:
                    least[lane] = to_front(keys[lane], k)
                    held[lane], floor_bits[lane] = k, least[lane] >> 32
    for lane in range(LANES):
        if held[lane] > k:
            to_front(keys[lane, : held[lane]], k)
    return np.minimum(held, k)
