"""The best k of a stream of (score, row) pairs, with numbers instead of branches.

A pair is one int64 key: the bits of a positive float32 score above, the row's complement below.
Comparing keys compares scores, and prefers the lower row where scores are equal; no two keys of
distinct rows are equal, so every choice here has one answer, in whatever order keys arrive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from vitrina.kernels.network import FEW, sort_few

NOTHING = np.int64(0xFFFFFFFF)
"""Every key of a positive score is above it."""

FEWER = FEW // 2
"""Keys that are placed by counting sooner than by a network."""


@njit(cache=True, inline="always")
def key_of(score_bits: Any, row: Any) -> Any:
    """The key of a score, given as the int32 that shares its bits."""
    return (np.int64(score_bits) << 32) | (np.int64(0xFFFFFFFF) - np.int64(row))


@njit(cache=True, inline="always")
def ordered(score_bits: Any) -> Any:
    """The bits of any score as an int32 that compares as the score does; its own inverse."""
    bits = np.int32(score_bits)
    return bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))


@njit(cache=True, inline="always")
def row_of(key: Any) -> Any:
    """The row of a key."""
    return np.int64(0xFFFFFFFF) - (key & np.int64(0xFFFFFFFF))


@njit(cache=True, nogil=True)
def to_front(keys: Any, k: Any) -> Any:
    """Move the k largest of distinct keys to the front, in no order; the least of them is returned.

    Quickselect (Hoare, 1961) with Lomuto's partition, whose swap needs no branch: among keys as few
    and as mixed as these a branch is mispredicted half the time. 1 <= k <= len(keys).
    """
    low, high, cut = np.uint64(0), np.uint64(len(keys)), np.uint64(k)
    one = np.uint64(1)
    while low < cut < high:
        pivot = _middle(keys[low], keys[(low + high) >> one], keys[high - one])
        split = low
        for place in range(low, high):
            key = keys[place]
            keys[place] = keys[split]
            keys[split] = key
            split += np.uint64(key > pivot)
        if split < cut:
            low = split + np.uint64(_swap_in(keys, split, high, pivot))
        else:
            high = split
    least = keys[0]
    for place in range(k):
        least = min(least, keys[place])
    return least


@njit(cache=True, inline="always")
def _middle(one: Any, two: Any, three: Any) -> Any:
    return max(min(one, two), min(max(one, two), three))


@njit(cache=True, nogil=True)
def _swap_in(keys: Any, split: Any, high: Any, pivot: Any) -> Any:
    """Put the pivot, which is in split..high, at `split`; 1."""
    place = split
    while keys[place] != pivot:
        place += np.uint64(1)
    keys[place] = keys[split]
    keys[split] = pivot
    return 1


@njit(cache=True, nogil=True)
def descending(keys: Any, out: Any) -> None:
    """Write distinct keys into `out`, largest first; `keys` is left in another order.

    Many are halved about their median, a few go through a network, and fewer still are placed by
    counting, for each, those above it.
    """
    if len(keys) > FEW:
        half = len(keys) // 2
        to_front(keys, half)
        descending(keys[:half], out[:half])
        descending(keys[half:], out[half:])
    elif len(keys) > FEWER:
        sort_few(keys, len(keys), out)
    else:
        _by_counting(keys, out)


@njit(cache=True, nogil=True)
def _by_counting(keys: Any, out: Any) -> None:
    n = len(keys)
    for place in range(n):
        above = 0
        for other in range(n):
            above += keys[other] > keys[place]
        out[above] = keys[place]


@njit(cache=True, nogil=True)
def write_list(at: Any, keys: Any, n: Any, ranked: Any, rows: Any, bits: Any, counts: Any) -> None:
    """Write the first n keys as list `at`, best first; `ranked` is room for as many.

    `rows` and `bits` (of scores) are [lists, k], `counts` is [lists].
    """
    descending(keys[:n], ranked[:n])
    counts[at] = n
    for place in range(n):
        rows[at, place] = row_of(ranked[place])
        bits[at, place] = ranked[place] >> 32
