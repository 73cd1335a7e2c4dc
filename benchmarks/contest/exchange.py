"""A window of a shop as arrays on disk: what may be learned from, and what is asked after it.

Written by Vitrina's side, read by every contestant in its own environment; numpy and scipy alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

K = 20
"""Rows of a list."""
USERS, VISITS = "users", "visits"
_BATCH = 256
Lists = NDArray[np.int32]
Scorer = Callable[[NDArray[np.int64]], NDArray[np.floating[Any]]]
"""From places of askers to scores of all items, float[n, items]; what scores -inf is not listed."""


@dataclass(frozen=True)
class Asked:
    """The askers of a placement. `by`: whether known users ask, or visits that hold some items so far.

    `ways`: whether what an asker has may not be listed; where both are allowed, validation decides.
    `owner`: int32, the user of each asker, -1 for nobody. `indptr`, `rows`: the items of their visit so
    far. `truth_indptr`, `truth_rows`: the products they took next.
    """

    placement: str
    by: str
    ways: tuple[bool, ...]
    owner: NDArray[np.int32]
    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    truth_indptr: NDArray[np.int64]
    truth_rows: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.owner)


@dataclass(frozen=True)
class Window:
    """Events that everybody learns from, oldest first: int32 `user` (-1 nobody), `item`, `visit` (-1 none),
    int64 `time` in seconds; `product`: int32 of each item; `now`: the moment all is asked at."""

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    visit: NDArray[np.int32]
    time: NDArray[np.int64]
    product: NDArray[np.int32]
    n_users: int
    now: int
    timed: bool
    asked: tuple[Asked, ...]

    def matrix(self, by: str) -> csr_matrix:
        """Users or visits x items, by how often."""
        owner = self.user if by == USERS else self.visit
        n_owners = self.n_users if by == USERS else int(self.visit.max(initial=-1)) + 1
        keep = owner >= 0
        ones = np.ones(int(keep.sum()), np.float32)
        found = csr_matrix((ones, (owner[keep], self.item[keep])), shape=(n_owners, len(self.product)))
        found.sum_duplicates()
        return found

    def held(self, asked: Asked) -> csr_matrix:
        """Askers x items: what each has, of known users in all their past."""
        n, n_items = len(asked), len(self.product)
        if asked.by == VISITS:
            ones = np.ones(len(asked.rows), np.float32)
            return csr_matrix((ones, asked.rows, asked.indptr), shape=(n, n_items))
        return self.past(asked)

    def past(self, asked: Asked) -> csr_matrix:
        """Askers x items: all that each known user had before; rows of nobody are empty."""
        return of_owners(self.matrix(USERS), asked.owner)


def of_owners(users: csr_matrix, owner: NDArray[np.int32]) -> csr_matrix:
    """Each owner's row of a matrix of users; an empty one for -1."""
    padded = users.copy()
    padded.resize((users.shape[0] + 1, users.shape[1]))
    return padded[np.where(owner >= 0, owner, users.shape[0])]


def write(folder: Path, window: Window) -> None:
    """Store a window."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {name: getattr(window, name) for name in ("n_users", "now", "timed")}
    about = [{"placement": one.placement, "by": one.by, "ways": one.ways} for one in window.asked]
    (folder / "window.json").write_text(json.dumps({**facts, "asked": about}))
    for name in _arrays(Window):
        np.save(folder / f"{name}.npy", getattr(window, name))
    for one in window.asked:
        for name in _arrays(Asked):
            np.save(folder / f"{one.placement}.{name}.npy", getattr(one, name))


def read(folder: Path) -> Window:
    """Read a window."""
    facts = json.loads((folder / "window.json").read_text())
    asked = tuple(
        Asked(
            **{**one, "ways": tuple(one["ways"])},
            **{name: np.load(folder / f"{one['placement']}.{name}.npy") for name in _arrays(Asked)},
        )
        for one in facts.pop("asked")
    )
    return Window(**facts, asked=asked, **{name: np.load(folder / f"{name}.npy") for name in _arrays(Window)})


def best(score: Scorer, held: csr_matrix, *, fresh: bool) -> Lists:
    """int32[n, K]: the best items of each asker, -1 where there are no more; of equals the lower row."""
    found = np.full((held.shape[0], K), -1, np.int32)
    for low in range(0, held.shape[0], _BATCH):
        places = np.arange(low, min(low + _BATCH, held.shape[0]))
        scores = np.array(score(places), np.float64)
        if fresh:
            some = held[places]
            scores[np.repeat(np.arange(len(places)), np.diff(some.indptr)), some.indices] = -np.inf
        width = min(K, scores.shape[1])
        top = np.argpartition(-scores, width - 1, axis=1)[:, :width]
        top.sort(axis=1)
        own = np.take_along_axis(scores, top, 1)
        order = np.argsort(-own, axis=1, kind="stable")
        rows = np.take_along_axis(top, order, 1)
        found[places, :width] = np.where(np.isfinite(np.take_along_axis(own, order, 1)), rows, -1)
    return found


def _arrays(of: type) -> list[str]:
    return [one.name for one in fields(of) if "NDArray" in str(one.type)]
