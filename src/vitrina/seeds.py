"""What a list starts from: the events of askers that a placement names, as a query to its sources."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from vitrina.askers import Asker
from vitrina.dataset import CART, PURCHASE, REMOVE, VIEW
from vitrina.history import Doings
from vitrina.ids import UNKNOWN
from vitrina.strategy import Query, Seeds


def query(askers: Sequence[Asker], seeds: str, now: int) -> Query:
    """A batch of askers as a query that starts from the named kind of seeds."""
    if len(askers) > 1:
        return _query(askers, seeds, now)
    known = askers[0].queries
    if (seeds, now) not in known:
        known[seeds, now] = _query(askers, seeds, now)
    return known[seeds, now]


def _query(askers: Sequence[Asker], seeds: str, now: int) -> Query:
    chosen = [_SEEDS[seeds](one, now) for one in askers]
    ends = [0, *accumulate(len(one.rows) for one in chosen)]
    joined = chosen[0] if len(chosen) == 1 else Doings.joined(chosen)
    return Query(
        now=now,
        users=np.array([UNKNOWN if one.stranger else one.user for one in askers], np.int32),
        regions=np.array([one.region for one in askers], np.int32),
        seeds=Seeds(np.array(ends, np.int64), joined.rows, joined.types, joined.times),
    )


def _history(asker: Asker, now: int) -> Doings:
    if asker.aside is None or not asker.aside.any():
        return asker.doings
    own = np.ones(len(asker.doings.rows), np.bool_)
    own[: len(asker.aside)] = ~asker.aside
    return asker.doings.cut(np.flatnonzero(own))


def _context(asker: Asker, now: int) -> Doings:
    n = len(asker.context)
    return Doings(asker.context, np.full(n, VIEW, np.uint8), np.full(n, now, np.int64))


def _session(asker: Asker, now: int) -> Doings:
    return Doings.joined([asker.doings.cut(slice(asker.session_at, None)), _context(asker, now)])


def _last_order(asker: Asker, now: int) -> Doings:
    bought = np.flatnonzero(asker.doings.types == PURCHASE)
    if not len(bought):
        return _none(asker, now)
    last = int(bought[-1])
    if last >= asker.session_at:
        return asker.doings.cut(bought[bought >= asker.session_at])
    same = asker.visits[bought] == asker.visits[last] if asker.visits[last] >= 0 else bought == last
    return asker.doings.cut(bought[same])


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


def _none(asker: Asker, now: int) -> Doings:
    return asker.doings.cut(slice(0, 0))


_SEEDS = {
    "history": _history,
    "session": _session,
    "context": _context,
    "last_order": _last_order,
    "viewed": _viewed,
    "carted": _carted,
    "none": _none,
}
