"""Looks: all photos of the same thing are one, listed once and never similar to itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.ids import UNKNOWN, Rows
from vitrina.kernels.neighbours import Lists
from vitrina.kernels.sparse import group

Floats = NDArray[np.float32]


def distinct(vectors: Floats, start: int) -> tuple[Rows, NDArray[np.int64], NDArray[np.int64]]:
    """Items from `start` on with a photo; of these the first with each distinct photo; the photo of each.

    Distinct photos are in the order of the first item that has them.
    """
    rows = (start + np.flatnonzero(vectors[start:].any(axis=1))).astype(np.int32)
    places: dict[bytes, int] = {}
    photo = np.array([places.setdefault(vectors[row].tobytes(), len(places)) for row in rows], np.int64)
    first = np.full(len(places), len(rows), np.int64)
    np.minimum.at(first, photo, np.arange(len(rows)))
    return rows, first, photo


def doubles(lists: Lists, same: NDArray[np.bool_]) -> tuple[Rows, NDArray[np.int64]]:
    """(look int32 per photo, the first photo of each look): a photo joins the first it doubles."""
    indptr, rows, _ = lists
    leader = np.arange(len(indptr) - 1)
    for photo in np.flatnonzero(np.diff(indptr)).tolist():
        cut = slice(int(indptr[photo]), int(indptr[photo + 1]))
        others = rows[cut][same[cut] & (rows[cut] < photo)]
        others = others[leader[others] == others]
        if len(others):
            leader[photo] = others.min()
    leaders, look = np.unique(leader, return_inverse=True)
    return look.astype(np.int32), leaders


def by_look(lists: Lists, look: Rows, n_looks: int, k: int) -> Lists:
    """Neighbours of photos as neighbours of looks: the k best of each, each once."""
    indptr, rows, scores = lists
    asking, other = np.repeat(look, np.diff(indptr)), look[rows]
    order = np.lexsort((other, -scores, asking))
    order = order[(asking != other)[order]]
    pair = asking[order].astype(np.int64) * n_looks + other[order]
    once = np.sort(np.unique(pair, return_index=True)[1])
    order = order[once]
    ends = np.zeros(n_looks + 1, np.int64)
    np.cumsum(np.bincount(asking[order], minlength=n_looks), out=ends[1:])
    kept = np.arange(len(order)) - ends[asking[order]] < k
    order = order[kept]
    np.cumsum(np.bincount(asking[order], minlength=n_looks), out=ends[1:])
    return ends, other[order], scores[order]


def table(found: Lists, look: Rows, n_looks: int) -> dict[str, NDArray[Any]]:
    """Looks as named arrays: what each is like, the look of each item (UNKNOWN for none), who shows it."""
    shown = np.flatnonzero(look >= 0)
    shown_indptr, order = group(look[shown], n_looks)
    names = ("indptr", "rows", "scores", "look", "shown_indptr", "shown")
    return dict(zip(names, (*found, look, shown_indptr, shown[order].astype(np.int32)), strict=True))


def nothing(n_items: int) -> dict[str, NDArray[Any]]:
    """The table of a shop without photos."""
    none: Lists = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
    return table(none, np.full(n_items, UNKNOWN, np.int32), 0)


class Entering:
    """New photos that are more like an old look than the last of its list, as they are come upon."""

    def __init__(self, floors: Floats) -> None:
        self._floors = floors
        self._seen: list[tuple[NDArray[Any], NDArray[Any], Floats]] = []

    def watch(self, low: int, similar: Floats) -> None:
        """A block of likenesses, float32[new photos from `low` on, looks and new photos]."""
        new, old = np.nonzero(similar[:, : len(self._floors)] > self._floors)
        self._seen.append((low + new, old, similar[new, old]))

    def lists(self, leaders: NDArray[np.int64], owners: Rows) -> Lists:
        """For each old look those of the new photos that are looks, `leaders`; never of its own product."""
        n, none = len(self._floors), (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
        new, old, scores = (np.concatenate(one) for one in zip(none, *self._seen, strict=True))
        number = np.full(len(owners) - n, UNKNOWN, np.int64)
        number[leaders] = np.arange(len(leaders))
        kept = (number[new] >= 0) & (owners[n + new] != owners[old])
        new, old, scores = number[new[kept]], old[kept], scores[kept]
        order = np.lexsort((new, -scores, old))
        indptr = np.concatenate([[0], np.cumsum(np.bincount(old, minlength=n))])
        return indptr, (n + new[order]).astype(np.int32), scores[order]
