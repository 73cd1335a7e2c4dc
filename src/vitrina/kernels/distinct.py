"""What is among many numbers: sorted, where numpy hashes.

Since numpy 2.3 `numpy.unique` puts every number into a hash table, and `numpy.isin` goes through it: of many
different ones that takes far longer than sorting them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The different ones among numbers of any shape, ascending; none of them may be NaN."""
    ascending = np.sort(values, axis=None)
    first = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=first[1:])
    return ascending[first]


def distinct_pairs(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """int64[m] each: the different pairs of numbers from 0 to 2^31 - 1 that stand side by side in `first` and
    `second`, ascending by the first, then the second. Rows of two would be sorted far more slowly."""
    pairs = distinct(first.astype(np.int64) << 32 | second.astype(np.int64))
    return pairs >> 32, pairs & 0xFFFFFFFF


def among(values: NDArray[Any], ascending: NDArray[Any]) -> NDArray[np.bool_]:
    """bool, of the shape of `values`: whether each is one of some ascending numbers."""
    if not len(ascending):
        return np.zeros(values.shape, np.bool_)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    found: NDArray[np.bool_] = ascending[at] == values
    return found
