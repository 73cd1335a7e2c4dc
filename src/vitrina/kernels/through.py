"""Rows of few entries: each of their columns adds its own rows to an array of sums (Gustavson, 1978).

A row whose columns hold few rows in all is laid out first, as one stream of rows and products, copied
by whole vectors: then neither adding up nor taking the sums out again stops at the end of a column.
A sum is taken where its row is met first and left 0, so that every list leaves the sums as it found
them. Where lists are short, the largest of every so many-th pair tell first from which sum on one can be
listed, so that hardly more are sorted than are listed. For a row whose columns hold many, all sums are
looked through, 64 at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from vitrina.kernels.keeping import announce, clear, put, room, write_best
from vitrina.kernels.lanes import lowest_bit
from vitrina.kernels.select import NOTHING, key_of
from vitrina.kernels.streams import KEYS, LANES, SCAN, SPAN, append_above, leaders, reaching, spill

_0, _1, _KEYS, _SPAN, _SCAN = np.uint64(0), np.uint64(1), np.uint64(KEYS), np.uint64(SPAN), np.uint64(SCAN)
_LANES = np.uint64(LANES)

SPARSE = 4
"""A row is laid out if its columns hold up to a quarter as many rows as there are, and up to"""
STREAM = 1 << 15
"""so many, since the stream has to stay near the processor."""
MANY = 64
"""A stream as long is asked for its leaders first."""


@njit(cache=True, nogil=True)
def through(
    which: Any,
    reach: Any,
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
    """The lists of the rows named by `which`, into [lists, k] `rows` and `bits` (of scores), and `counts`.

    reach[row] is how many rows, repeats counted, its columns hold; the matrix comes by rows and by
    columns, columns and rows as uint32. A list is the k rows of greatest positive sum but the row
    itself, best first, the lower row first where sums are equal.
    """
    n, k = rows.shape
    most = min(n // SPARSE, STREAM)
    sums = np.zeros(-(-n // SCAN) * SCAN, np.float32)
    stream_rows, stream = np.empty(most + SPAN + KEYS, np.uint32), np.empty(most + SPAN + KEYS, np.float32)
    held, handful = room(k)
    best, keys = np.empty(held, np.int64), np.empty(handful + KEYS, np.int64)
    sum_bits, stream_bits = sums.view(np.int32), stream.view(np.int32)
    for row in which:
        low, high = np.uint64(indptr[row]), np.uint64(indptr[row + 1])
        clear(best)
        announce(row, rows, bits)
        if reach[row] <= most:
            met = _lay_out(low, high, columns, data, t_indptr, t_rows, t_data, stream_rows, stream)
            _add_stream(met, stream_rows, stream, sums)
            sums[row] = 0
            _take(met, stream_rows, stream, sums)
            found = _best_of_stream(met, stream_rows, stream_bits, k, keys, best)
        else:
            _add_up(low, high, columns, data, t_indptr, t_rows, t_data, sums)
            sums[row] = 0
            found = _best_of_sums(sum_bits, k, keys, best)
        write_best(row, min(k, found), keys, best, rows, bits, counts)


@njit(cache=True, inline="always")
def _lay_out(
    low: Any,
    high: Any,
    columns: Any,
    data: Any,
    t_indptr: Any,
    t_rows: Any,
    t_data: Any,
    stream_rows: Any,
    stream: Any,
) -> Any:
    """The rows of every column of entries low..high, and the products with them, one after the other.

    How many there are is returned. The stream has room for SPAN more, which may be written to.
    """
    met = _0
    for place in range(low, high):
        start, end = np.uint64(t_indptr[columns[place]]), np.uint64(t_indptr[columns[place] + np.uint32(1)])
        weight, to = data[place], met
        met += end - start
        if end + _SPAN <= np.uint64(len(t_rows)):
            for at in range(start, end, _SPAN):
                spill(stream_rows, stream, to, t_rows, t_data, at, weight)
                to += _SPAN
        else:
            for at in range(start, end):
                stream_rows[to], stream[to] = t_rows[at], weight * t_data[at]
                to += _1
    return met


@njit(cache=True, inline="always")
def _add_stream(met: Any, stream_rows: Any, stream: Any, sums: Any) -> None:
    for at in range(met):
        sums[stream_rows[at]] += stream[at]


@njit(cache=True, inline="always")
def _take(met: Any, stream_rows: Any, stream: Any, sums: Any) -> None:
    """Every sum into the stream where its row is met first, 0 where it is met again; sums are left 0."""
    for at in range(met):
        row = stream_rows[at]
        stream[at] = sums[row]
        sums[row] = 0
    for at in range(met, met + _LANES):
        stream[at] = 0


@njit(cache=True, inline="always")
def _floor(met: Any, stream_rows: Any, stream_bits: Any, k: Any, keys: Any, best: Any) -> Any:
    """A key that the k best of the stream are above, found before them: just below the k-th of the leaders.

    NOTHING where too few lead or the stream is short. `keys` is written over, `best` left clear.
    """
    if k > 2 * LANES or met < MANY:
        return NOTHING
    leaders(stream_rows, stream_bits, met, keys)
    floor = put(keys, 2 * LANES, k, best)
    clear(best)
    return max(NOTHING, floor - 1)


@njit(cache=True, inline="always")
def _best_of_stream(met: Any, stream_rows: Any, stream_bits: Any, k: Any, keys: Any, best: Any) -> Any:
    """The best pairs of the stream into `best`; how many there are, or more than k."""
    held, total, full = _0, _0, np.uint64(len(keys) - KEYS)
    floor = _floor(met, stream_rows, stream_bits, k, keys, best)
    for at in range(_0, met, _KEYS):
        held += append_above(stream_rows, stream_bits, at, floor, keys, held)
        if held >= full:
            floor = max(floor, put(keys, np.int64(full), k, best))
            total += full
            held -= full
            for more in range(_KEYS):
                keys[more] = keys[full + more]
    put(keys, np.int64(held), k, best)
    return np.int64(total + held)


@njit(cache=True, inline="always")
def _add_up(
    low: Any, high: Any, columns: Any, data: Any, t_indptr: Any, t_rows: Any, t_data: Any, sums: Any
) -> None:
    """Add the products with the rows of every column of entries low..high to their sums."""
    for place in range(low, high):
        weight = data[place]
        start, end = np.uint64(t_indptr[columns[place]]), np.uint64(t_indptr[columns[place] + np.uint32(1)])
        for at in range(start, end):
            sums[t_rows[at]] += weight * t_data[at]


@njit(cache=True, inline="always")
def _best_of_sums(sum_bits: Any, k: Any, keys: Any, best: Any) -> Any:
    """As `_best_of_stream`, of all sums, which are left 0."""
    held, total, floor, least = _0, _0, NOTHING, np.int32(1)
    full = np.uint64(len(keys) - KEYS)
    for start in range(_0, np.uint64(len(sum_bits)), _SCAN):
        reached = reaching(sum_bits, start, least)
        while reached:
            row = start + lowest_bit(reached)
            reached &= reached - _1
            keys[held] = key_of(sum_bits[row], row)
            held += np.uint64(keys[held] > floor)
            if held == full:
                floor = put(keys, np.int64(held), k, best)
                least = max(least, np.int32(floor >> 32))
                total += held
                held = _0
    sum_bits[:] = 0
    put(keys, np.int64(held), k, best)
    return np.int64(total + held)
