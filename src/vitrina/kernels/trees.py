"""Boosted trees, scored without walking them (Lucchese et al., QuickScorer, 2015; many rows at a time).

A tree's leaves are bits, left to right. Each node whose question a row fails strikes out the leaves on
its left; the first leaf that is left is the row's. Questions are asked of many rows at once, and no
step depends on the one before it.

Signatures are explicit and take read-only arrays: nothing compiles while a shopper waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

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


def flat(arrays: Sequence[NDArray[np.generic]], n_features: int) -> tuple[NDArray[np.generic], ...]:
    """What `add_scores` takes, from the arrays of a `ranker.Forest`.

    Raises ValueError for trees that lead back or out of their arrays, look at none of the features, or
    have more than MAX_LEAVES leaves.
    """
    roots, feature, threshold, nan_left, left, right, value = arrays
    if len({len(one) for one in (feature, threshold, nan_left, left, right)}) > 1:
        raise ValueError("the nodes of a ranker's trees are not each said in full")
    steps = np.concatenate([roots, left, right]).tolist()
    if steps and not -len(value) <= min(steps) <= max(steps) < len(feature):
        raise ValueError("a tree of a ranker leads out of it")
    if len(feature) and not 0 <= feature.min() <= feature.max() < n_features:
        raise ValueError(f"a tree of a ranker looks at a feature that is none of its {n_features}")
    return _laid_out(*(one.tolist() for one in arrays))


def _laid_out(
    roots: list[int],
    feature: list[int],
    threshold: list[float],
    nan_left: list[bool],
    left: list[int],
    right: list[int],
    value: list[float],
) -> tuple[NDArray[np.generic], ...]:
    nodes: list[tuple[int, float, bool, int]] = []
    values: list[float] = []
    ends, first = [0], [0]

    def visit(node: int, above: int, deep: int) -> int:
        """The leaves below a node, as bits. So deep below its root, a tree has at least so many leaves."""
        if max(deep, len(values) - first[-1]) >= MAX_LEAVES:
            raise ValueError(f"a tree of a ranker has more than {MAX_LEAVES} leaves")
        if node < 0:
            values.append(value[~node])
            return 1 << (len(values) - 1 - first[-1])
        if node <= above:
            raise ValueError("a tree of a ranker leads back")
        place = len(nodes)
        nodes.append((feature[node], threshold[node], nan_left[node], 0))
        below = visit(left[node], node, deep + 1)
        nodes[place] = (*nodes[place][:3], below)
        return below | visit(right[node], node, deep + 1)

    for root in roots:
        visit(root, -1, 0)
        ends.append(len(nodes))
        first.append(len(values))
    features, bounds, sides, below = zip(*nodes, strict=True) if nodes else ((), (), (), ())
    return (
        np.array(ends, np.int64), np.array(features, np.int32), _at_most(np.array(bounds, np.float64)),
        np.array(sides, np.bool_), ~np.array(below, np.uint32), np.array(first[:-1], np.int64),
        np.array(values, np.float64),
    )  # fmt: skip


def _at_most(bounds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 not above each bound: a float32 is at most one where it is at most the other."""
    with np.errstate(over="ignore"):
        near = bounds.astype(np.float32)
    return np.where(near > bounds, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)
