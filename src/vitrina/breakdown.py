"""How a placement's lists do department by department: what was taken there, and how much of it they had."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vitrina import metrics
from vitrina.bootstrap import Estimate, estimates
from vitrina.metrics import Lists, Truth, Values
from vitrina.scoreboard import FIGURES, Department

_MOST = 40
"""Departments with figures of their own, the most taken first; the rest have their shares alone."""


def by_department(
    lists: Lists,
    truth: Truth,
    clusters: NDArray[np.int64],
    of_product: NDArray[np.int32],
    named: Sequence[str],
    cuts: Sequence[int],
    seed: int,
) -> tuple[Department, ...]:
    """The departments in which anything was taken, the most taken first.

    `lists`: in products. `of_product`: int32, the department of each product, into `named`, -1 for none.
    `clusters`: int64 per asker, see `bootstrap`. In a department's figures an asker is who took something
    there, and only that counts; the places are those of the whole list.
    """
    of_entry = of_product[truth.rows] if len(of_product) else truth.rows[:0]
    taken = _counts(of_entry, len(named))
    hits = {}
    for k in cuts:
        entries = metrics.places(lists[:, :k], truth)
        hits[k] = _counts(of_entry[entries[entries != metrics.MISS]], len(named))
    order = [one for one in np.argsort(-taken, kind="stable").tolist() if taken[one]]
    figures = _figures(lists, truth, clusters, of_entry, order[:_MOST], seed)
    nothing = dict.fromkeys(FIGURES, Estimate(np.nan, np.nan, np.nan, 0))
    return tuple(
        Department(
            named[one],
            int(taken[one]),
            {k: float(hits[k][one] / taken[one]) for k in cuts},
            figures.get(one, nothing),
        )
        for one in order
    )


def _counts(departments: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """int64[n]: how many entries each department has."""
    return np.bincount(departments + 1, minlength=n + 1)[1:]


def _figures(
    lists: Lists,
    truth: Truth,
    clusters: NDArray[np.int64],
    of_entry: NDArray[np.int32],
    departments: Sequence[int],
    seed: int,
) -> dict[int, dict[str, Estimate]]:
    """By department, the mean of each of FIGURES with its interval."""
    columns: dict[tuple[int, str], Values] = {}
    for one in departments:
        own = truth.only(of_entry == one)
        at = metrics.places(lists[:, :10], own) != metrics.MISS
        for name, score in zip(FIGURES, (metrics.ndcg, metrics.recall, metrics.hit_rate), strict=True):
            columns[one, name] = score(at, own.sizes)
    found = estimates(columns, np.unique(clusters, return_inverse=True)[1], seed=seed)
    return {one: {name: found[one, name] for name in FIGURES} for one in departments}
