"""Who would buy these: each customer's score of some products, by a source that learned from all of them.

`user_knn` turned round, by default: a customer is meant as much as customers alike have bought the products.
Scores of one source are of one scale, so that people can be put in order by them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

import numpy as np

from vitrina.engine import Engine
from vitrina.errors import InvalidRequest
from vitrina.request import Request
from vitrina.seeds import query
from vitrina.strategy import Allow

BATCH = 512


def likely(
    engine: Engine,
    item_ids: Sequence[str],
    most: int,
    now: int,
    source: str = "user_knn",
    *,
    bought: bool = False,
) -> list[tuple[str, float]]:
    """The `most` customers with the greatest sum of scores over the products, and that sum, best first.

    Ties go to the lower id. Who bought one of them already is left out, unless `bought`. Raises
    InvalidRequest for a source or items that the bundle does not have.
    """
    if source not in engine.sources:
        raise InvalidRequest(
            f"the bundle has no source {source!r}; it has {', '.join(sorted(engine.sources))}"
        )
    rows = engine.items.rows(list(item_ids))
    if unknown := [one for one, row in zip(item_ids, rows.tolist(), strict=True) if row < 0]:
        raise InvalidRequest(f"unknown items: {', '.join(unknown[:5])}")
    mask = np.zeros(engine.n_items, np.bool_)
    mask[rows] = True
    best = heapq.nlargest(most, _scores(engine, mask, now, source, bought), key=lambda one: (one[0], -one[1]))
    names = engine.askers.users.names(np.array([row for _, row in best], np.int32))
    return [(name, score) for name, (score, _) in zip(names, best, strict=True)]


def _scores(
    engine: Engine, mask: np.ndarray, now: int, source: str, bought: bool
) -> Iterator[tuple[float, int]]:
    """The score of every customer who has one, and their row."""
    users, history, wanted = engine.askers.users, engine.askers.history, int(mask.sum())
    for start in range(0, len(users), BATCH):
        rows = np.arange(start, min(start + BATCH, len(users)), dtype=np.int32)
        askers = [
            engine.askers.of(Request((), user_id=one, channel="retargeting"), now)
            for one in users.names(rows)
        ]
        found = engine.sources[source].top(
            query(askers, "history", now), wanted, Allow(mask, np.zeros(len(rows) + 1, np.int64), rows[:0])
        )
        sums = np.add.reduceat(np.append(found.scores, 0.0), np.minimum(found.indptr[:-1], len(found.scores)))
        for place in np.flatnonzero(np.diff(found.indptr)).tolist():
            if bought or not mask[history.rows[history.span(start + place)]].any():
                yield float(sums[place]), start + place
