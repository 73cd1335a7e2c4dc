"""What a list starts from: the events of askers that a placement names, as a query to its sources."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from vitrina.askers import Asker
from vitrina.crowd import Crowd, Ends
from vitrina.dataset import CART, PURCHASE, REMOVE, VIEW
from vitrina.history import Doings
from vitrina.kernels.doings import last_orders, marked
from vitrina.strategy import Query, Seeds


def query(askers: Sequence[Asker], seeds: str, now: int) -> Query:
    """A batch of askers as a query that starts from the named kind of seeds."""
    if len(askers) > 1:
        return _query(Crowd.of(askers), seeds, now)
    one = askers[0]
    if (seeds, now) not in one.queries:
        one.queries[seeds, now] = _query(Crowd.of(askers), seeds, now)
    return one.queries[seeds, now]


def _query(crowd: Crowd, seeds: str, now: int) -> Query:
    ends, did = _OF_ALL[seeds](crowd) if seeds in _OF_ALL else _of_each(crowd, seeds, now)
    return Query(now, crowd.users, crowd.regions, Seeds(ends, did.rows, did.types, did.times))


def _of_each(crowd: Crowd, seeds: str, now: int) -> tuple[Ends, Doings]:
    chosen = [_SEEDS[seeds](one, now) for one in crowd]
    ends = np.array([0, *accumulate(len(one.rows) for one in chosen)], np.int64)
    return ends, Doings.joined(chosen)


def _history(crowd: Crowd) -> tuple[Ends, Doings]:
    if crowd.aside is None:
        return crowd.ends, crowd.doings
    ends, places = marked(crowd.ends, ~crowd.aside)
    return ends, crowd.doings.cut(places)


def _last_order(crowd: Crowd) -> tuple[Ends, Doings]:
    ends, places = last_orders(crowd.ends, crowd.doings.types, crowd.visits, crowd.session_at, PURCHASE)
    return ends, crowd.doings.cut(places)


def _none(crowd: Crowd) -> tuple[Ends, Doings]:
    return np.zeros(len(crowd) + 1, np.int64), crowd.doings.cut(slice(0, 0))


def _context(asker: Asker, now: int) -> Doings:
    n = len(asker.context)
    return Doings(asker.context, np.full(n, VIEW, np.uint8), np.full(n, now, np.int64))


def _session(asker: Asker, now: int) -> Doings:
    return Doings.joined([asker.doings.cut(slice(asker.session_at, None)), _context(asker, now)])


def _viewed(asker: Asker, now: int) -> Doings:
    return _pending(asker.doings, (VIEW,), (PURCHASE,))


def _carted(asker: Asker, now: int) -> Doings:
    return _pending(asker.doings, (CART,), (PURCHASE, REMOVE))


def _pending(doings: Doings, opening: Sequence[int], closing: Sequence[int]) -> Doings:
    """The opening events of items that no closing event followed."""
    _, item = np.unique(doings.rows, return_inverse=True)
    places = np.arange(len(item))
    closed = np.full(len(item) + 1, -1)
    ends = np.isin(doings.types, closing)
    np.maximum.at(closed, item[ends], places[ends])
    return doings.cut(np.flatnonzero(np.isin(doings.types, opening) & (places > closed[item])))


_OF_ALL = {"history": _history, "last_order": _last_order, "none": _none}
_SEEDS = {"session": _session, "context": _context, "viewed": _viewed, "carted": _carted}
