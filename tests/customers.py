"""Customers of small shops, what they took as vectors, and queries of those who ask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vitrina.dataset import DAY, Catalog, Dataset, Events
from vitrina.history import History
from vitrina.ids import UNKNOWN, Ids
from vitrina.strategy import Query, Seeds


def bought(users, items, days=None, kinds=None) -> Dataset:
    """A shop of events, oldest first: rows of users, rows of items, days, event types."""
    n = len(users)
    none = np.full(n, UNKNOWN, np.int32)
    events = Events(
        user=np.asarray(users, np.int32),
        item=np.asarray(items, np.int32),
        visit=none,
        time=np.arange(n) if days is None else np.asarray(days, np.int64) * DAY,
        type=np.zeros(n, np.uint8) if kinds is None else np.asarray(kinds, np.uint8),
        quantity=np.ones(n, np.float32),
        price=np.full(n, np.nan, np.float32),
    )
    ids = [Ids.of(f"{one:06d}" for one in range(max(column) + 1)) for column in (users, items)]
    return Dataset(ids[0], ids[1], events, Catalog.bare(len(ids[1])), timed=days is not None)


def random_shop(seed: int, n: int = 700) -> Dataset:
    random = np.random.default_rng(seed)
    users, items = random.integers(0, 40, n), (random.beta(0.8, 2.0, n) * 30).astype(int)
    items[0] = 29
    return bought(users, items, np.sort(random.integers(0, 90, n)), random.choice(3, n, p=[0.6, 0.3, 0.1]))


def whole_history(dataset: Dataset, *users: int) -> Query:
    """Customers who ask with all that they did."""
    history = History.of(dataset)
    places = [np.arange(len(history.rows))[history.span(user)] for user in users]
    indptr = np.concatenate(([0], np.cumsum([len(one) for one in places])))
    at = np.concatenate(places)
    seeds = Seeds(indptr, history.rows[at], history.types[at], history.times[at])
    nowhere = np.full(len(users), UNKNOWN, np.int32)
    return Query(dataset.end, np.array(users, np.int32), nowhere, seeds)


def and_since(query: Query, rows, kinds, time: int) -> Query:
    """One who asked, and what they did later, all at once."""
    n, seeds = len(rows), query.seeds
    more = replace(
        seeds,
        indptr=seeds.indptr + np.array([0, n]),
        rows=np.append(seeds.rows, np.array(rows, np.int32)),
        types=np.append(seeds.types, np.array(kinds, np.uint8)),
        times=np.append(seeds.times, np.full(n, time)),
    )
    return replace(query, seeds=more)


def stranger(rows, kinds, times) -> Query:
    n = len(rows)
    seeds = Seeds(
        np.array([0, n]), np.array(rows, np.int32), np.array(kinds, np.uint8), np.array(times, np.int64)
    )
    nobody = np.full(1, UNKNOWN, np.int32)
    return Query(times[-1], nobody, nobody, seeds)


def vectors_of(dataset: Dataset, half_life: float) -> np.ndarray:
    """Customers x items, float64, not scaled: weights by type, halved by age."""
    worth = np.array([1.0, 0.25, 0.6, 0.0, 0.0])[dataset.events.type]
    age = (dataset.end - dataset.events.time) / DAY
    worth = worth * 2.0 ** (-age / half_life) if half_life else worth
    whole = np.zeros((len(dataset.users), len(dataset.items)))
    np.add.at(whole, (dataset.events.user, dataset.events.item), worth)
    return whole


def assert_scores(found, expected: np.ndarray) -> None:
    assert set(found.rows.tolist()) == set(np.flatnonzero(expected > 1e-12).tolist())
    np.testing.assert_allclose(found.scores, expected[found.rows], rtol=1e-4)
