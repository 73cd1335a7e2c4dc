"""Ids among sorted ids: where a few stand among many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

_IDS = types.Array(types.uint8, 2, "C", readonly=True)
_ENDS = types.Array(types.int64, 1, "C", readonly=True)
_BYTES = types.Array(types.uint8, 1, "C", readonly=True)


@njit(cache=True, nogil=True)
def _order(known: Any, needle: Any) -> Any:
    """Below 0 where a known id, padded with NUL, comes before the needle; above 0 behind it; 0 for itself."""
    for at in range(len(known)):
        letter = np.int64(needle[at]) if at < len(needle) else np.int64(0)
        if known[at] != letter:
            return np.int64(known[at]) - letter
    return np.int64(0)


@njit((_IDS, _ENDS, _BYTES), cache=True, nogil=True)
def places(letters: Any, ends: Any, needles: Any) -> Any:
    """int32 per needle: its row among sorted ids, -1 where it is not there, is empty or too long.

    `letters`: uint8[n, width], ids padded with NUL, ascending. Needle i is `needles[ends[i]:ends[i + 1]]`,
    without NUL.
    """
    n, width = letters.shape
    found = np.full(len(ends) - 1, -1, np.int32)
    for at in range(len(found)):
        needle = needles[ends[at] : ends[at + 1]]
        if not 0 < len(needle) <= width:
            continue
        low, high = 0, n
        while low < high:
            middle = (low + high) // 2
            if _order(letters[middle], needle) < 0:
                low = middle + 1
            else:
                high = middle
        if low < n and _order(letters[low], needle) == 0:
            found[at] = low
    return found
