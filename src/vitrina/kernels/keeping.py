"""The best keys so far, for lists that are found little by little.

Keys come in handfuls, those above the k-th best gathered by their finder; a handful is merged with the
best in vector registers for lists of up to 128, and by selection beyond.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from vitrina.kernels.network import merge_32, merge_128, start_128
from vitrina.kernels.select import NOTHING, descending, to_front
from vitrina.kernels.streams import KEYS, LINE, to_be_written, write_keys

_0, _KEYS, _LINE = np.uint64(0), np.uint64(KEYS), np.uint64(LINE)


@njit(cache=True, nogil=True)
def room(k: Any) -> Any:
    """How many keys there is room for: among the best, and in a handful."""
    if k <= 32:
        return 32, 32
    if k <= 128:
        return 128, 64
    return 2 * k, k


@njit(cache=True, inline="always")
def clear(best: Any) -> None:
    """Keys below that of any pair, so that the k-th best is a floor from the start."""
    for at in range(len(best)):
        best[at] = NOTHING


@njit(cache=True, nogil=True)
def put(keys: Any, n: Any, k: Any, best: Any) -> Any:
    """Put a handful of n keys among the best; best[k - 1], the k-th best, if it is something, or NOTHING.

    Up to 128 keys are kept best first, more in no order but for the k-th, which is the least.
    """
    if len(best) == 32:
        merge_32(best, keys, n)
    elif len(best) == 128 and best[0] <= NOTHING:
        start_128(best, keys, n)
    elif len(best) == 128:
        merge_128(best, keys, n)
    else:
        _put_many(keys, n, k, best)
    return max(NOTHING, best[k - 1])


@njit(cache=True, nogil=True)
def _put_many(keys: Any, n: Any, k: Any, best: Any) -> None:
    """Append the keys to the best so far; of more than k the k largest stay, the least of them last."""
    known = 0
    while known < k and best[known] > NOTHING:
        known += 1
    for at in range(n):
        best[known + at] = keys[at]
    if known + n < k:
        return
    least = to_front(best[: known + n], k)
    for at in range(k):
        if best[at] == least:
            best[at], best[k - 1] = best[k - 1], least


@njit(cache=True, inline="always")
def announce(row: Any, rows: Any, bits: Any) -> None:
    """Have the list of a row, of tables as `write_best` takes them, near when it comes to be written."""
    k = np.uint64(rows.shape[1])
    to = np.uint64(row) * k
    for at in range(to, to + k, _LINE):
        to_be_written(rows, at)
        to_be_written(bits, at)


@njit(cache=True, inline="always")
def write_best(row: Any, n: Any, keys: Any, best: Any, rows: Any, bits: Any, counts: Any) -> None:
    """Write the n <= k best as the list of a row, best first; `keys`, a handful's room, is written over.

    `rows` and `bits` (of scores) are [lists, k], `counts` is [lists].
    """
    k = rows.shape[1]
    counts[row] = n
    source = best
    if len(best) > 128:
        descending(best[:n], keys[:n])
        source = keys
    to = np.uint64(row) * np.uint64(k)
    if n < KEYS:
        for at in range(n):
            rows[row, at] = np.int32(~source[at])
            bits[row, at] = np.int32(source[at] >> 32)
        return
    last = np.uint64(n - KEYS)
    for at in range(_0, last, _KEYS):
        write_keys(source, at, rows, bits, to + at)
    write_keys(source, last, rows, bits, to + last)
