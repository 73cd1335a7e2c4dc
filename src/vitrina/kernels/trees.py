"""Boosted trees, scored from plain arrays.

All trees lie in one run of nodes; a node's children stand after it, so a walk ends. The rules are
LightGBM's: at most the threshold goes left; where nothing is known (NaN) goes where the node says.

Signatures are explicit and take read-only arrays: nothing compiles while a shopper waits.
"""

from __future__ import annotations

from typing import Any

from numba import njit, types

_NODES = types.Array(types.int32, 1, "C", readonly=True)
_SIDES = types.Array(types.boolean, 1, "C", readonly=True)
_REALS = types.Array(types.float64, 1, "C", readonly=True)
_TABLE = types.Array(types.float32, 2, "C", readonly=True)


@njit(
    [
        types.void(
            _TABLE, _NODES, _NODES, _REALS, _SIDES, _NODES, _NODES, _REALS, types.Array(types.float64, 1, "C")
        )
    ],
    cache=True,
    nogil=True,
    boundscheck=False,
)
def add_scores(
    features: Any,
    roots: Any,
    feature: Any,
    threshold: Any,
    nan_left: Any,
    left: Any,
    right: Any,
    value: Any,
    out: Any,
) -> None:
    """Add to each of n rows of `features` (float32[n, f]) the leaf it falls into in every tree.

    By node: `feature`, `threshold`, `nan_left`, and the children `left` and `right`, of which ~i is
    leaf i of `value`. `roots`: each tree's first node, or ~leaf for a tree that is one leaf. Trees are
    the outer loop: one tree stays in the nearest cache, and the walks of many rows overlap.
    """
    for tree in range(len(roots)):
        for row in range(len(features)):
            node = roots[tree]
            while node >= 0:
                seen = features[row, feature[node]]
                goes_left = seen <= threshold[node] or (seen != seen and nan_left[node])
                node = left[node] if goes_left else right[node]
            out[row] += value[~node]
