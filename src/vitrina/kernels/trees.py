"""Boosted trees, scored without walking them (Lucchese et al., QuickScorer, 2015; many rows at a time).

A tree's leaves are bits, left to right. Each node whose question a row fails strikes out the leaves on
its left; the first leaf that is left is the row's. Questions are asked of many rows at once, and no
step depends on the one before it.

Signatures are explicit and take read-only arrays: nothing compiles while a shopper waits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

MAX_LEAVES = 32

_ENDS = types.Array(types.int64, 1, "C", readonly=True)
_ROWS = types.Array(types.int32, 1, "C", readonly=True)
_THRESHOLDS = types.Array(types.float32, 1, "C", readonly=True)
_SIDES = types.Array(types.boolean, 1, "C", readonly=True)
_BITS = types.Array(types.uint32, 1, "C", readonly=True)
_VALUES = types.Array(types.float64, 1, "C", readonly=True)
_COLUMNS = types.Array(types.float32, 2, "C", readonly=True)
_OUT = types.Array(types.float64, 1, "C")

_WHERE = np.zeros(32, np.int64)
_WHERE[[((0x077CB531 << one) & 0xFFFFFFFF) >> 27 for one in range(32)]] = np.arange(32)
"""The place of a word's only bit, by the top five bits of its product with a de Bruijn sequence."""


@njit(
    [types.void(_COLUMNS, _ENDS, _ROWS, _THRESHOLDS, _SIDES, _BITS, _ENDS, _VALUES, _OUT)],
    cache=True,
    nogil=True,
)
def add_scores(
    columns: Any,
    ends: Any,
    feature: Any,
    threshold: Any,
    nan_left: Any,
    kept: Any,
    first: Any,
    value: Any,
    out: Any,
) -> None:
    """Add to each of n rows, given as `columns` float32[f, n], its leaf's value in every tree.

    Tree t has the nodes `ends[t]` to `ends[t + 1]`. At most the `threshold` is on a node's left, and so is
    NaN if `nan_left`; `kept`: the leaves that are not on its left. `first`: the place of a tree's
    leftmost leaf in `value`.
    """
    whole = np.uint32(0xFFFFFFFF)
    left = np.empty(len(out), np.uint32)
    for tree in range(len(first)):
        left[:] = whole
        for node in range(ends[tree], ends[tree + 1]):
            column, bound, rest = columns[feature[node]], threshold[node], kept[node]
            if nan_left[node]:
                for row in range(len(out)):
                    left[row] &= rest if column[row] > bound else whole
            else:
                for row in range(len(out)):
                    left[row] &= whole if column[row] <= bound else rest
        for row in range(len(out)):
            lowest = left[row] & (~left[row] + np.uint32(1))
            place = _WHERE[np.uint32(lowest * np.uint32(0x077CB531)) >> np.uint32(27)]
            out[row] += value[first[tree] + place]
