"""Whether the rows of a shop without times came in an order that means anything.

Where they did, what a customer took next resembles what was taken just before more than what was taken some
other time. Interaction sets are often published with each customer's rows by lot, which shows as no such
difference, or sorted by product, which shows as ids that only rise. Within a basket neither says anything:
what is bought together is alike, and its lines are often sorted. So baskets are compared by a line each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset, Events

FEWEST, MOST = 200, 5000
"""Customers of `LENGTH` events or more that are needed to tell, and looked at."""
LENGTH = 4
RISING = 0.25
"""Where less than this share of steps fall, or rise, rows are sorted: by chance it is half."""
SURE = 3.0
"""Standard errors that neighbours must be more alike by."""
DRAWS = 12
"""Times that each customer is looked at: one pair says little of a basket."""
_SEED = 7

Places = NDArray[np.int64]


def in_order(dataset: Dataset) -> bool:
    """Whether each customer's events stand in an order of time, as far as can be told; else yes."""
    random = np.random.default_rng(_SEED)
    items, owner = _one_each(dataset.events, random)
    long = np.flatnonzero(np.bincount(owner) >= LENGTH)
    if len(long) < FEWEST:
        return True
    if _sorted(_numbered(dataset)[items], owner):
        return False
    theirs = dataset.events.take(np.isin(dataset.events.user, random.permutation(long)[:MOST]))
    taken = _taken(dataset)
    draws = (_one_each(theirs, random) for _ in range(DRAWS))
    more = np.mean([_nearer(*draw, taken, random) for draw in draws], axis=0)
    return bool(more.mean() > SURE * more.std() / np.sqrt(len(more)))


def _one_each(events: Events, random: np.random.Generator) -> tuple[Places, Places]:
    """Items and owners of the customers' events, by customer: of each visit one event, drawn by lot."""
    known = random.permutation(np.flatnonzero(events.user >= 0))
    alone = -1 - np.arange(len(events))
    _, first = np.unique(np.where(events.visit < 0, alone, events.visit)[known], return_index=True)
    places = np.sort(known[first])
    places = places[np.argsort(events.user[places], kind="stable")]
    return events.item[places].astype(np.int64), events.user[places].astype(np.int64)


def _taken(dataset: Dataset) -> Any:
    """Items x customers, a scipy matrix: who took what."""
    from scipy.sparse import csr_matrix

    known = dataset.events.user >= 0
    pairs = dataset.events.item[known], dataset.events.user[known]
    taken = csr_matrix((np.ones(known.sum()), pairs), (len(dataset.items), len(dataset.users)))
    taken.data[:] = 1
    return taken


def _sorted(numbers: Places, owner: Places) -> bool:
    """Whether the steps within customers nearly all rise, or nearly all fall."""
    steps = np.diff(numbers)[np.diff(owner) == 0]
    return bool(min(np.mean(steps > 0), np.mean(steps < 0)) < RISING)


def _numbered(dataset: Dataset) -> Places:
    """int64 per item: its id where all ids are numbers, else its place among them."""
    names = dataset.items.names(np.arange(len(dataset.items), dtype=np.int32))
    numbers = all(one.isascii() and one.isdigit() and len(one) < 18 for one in names)
    return np.array([int(one) for one in names] if numbers else np.arange(len(names)), np.int64)


def _nearer(items: Places, owner: Places, taken: Any, random: np.random.Generator) -> NDArray[np.float64]:
    """Of each customer, how much more an item drawn by lot is like the next than like another one: cosines
    over all other customers."""
    _, starts, sizes = np.unique(owner, return_index=True, return_counts=True)
    degrees = np.maximum(np.diff(taken.indptr), 1)
    place = (random.random(len(starts)) * (sizes - 1)).astype(np.int64)
    away = (place + 2 + (random.random(len(starts)) * (sizes - 3)).astype(np.int64)) % sizes
    one, following, another = (items[starts + where] for where in (place, place + 1, away))

    def alike(other: Places) -> NDArray[np.float64]:
        together = np.asarray(taken[one].multiply(taken[other]).sum(1)).ravel() - 1
        found: NDArray[np.float64] = together / np.sqrt(degrees[one] * degrees[other])
        return found

    return alike(following) - alike(another)
