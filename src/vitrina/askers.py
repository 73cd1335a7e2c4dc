"""Who asks: string ids of a request turned into rows, once, for all its blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.consent import agrees
from vitrina.dataset import CART, PURCHASE, REMOVE, RETURN, TYPES, VIEW, Attribute, as_known
from vitrina.errors import InvalidRequest
from vitrina.history import Doings, History
from vitrina.ids import UNKNOWN, Ids, Rows
from vitrina.request import Request
from vitrina.strategy import Query, Seeds

NOTHING = np.zeros(0, np.int32)
_RETURN = TYPES[RETURN]


class Shown(NamedTuple):
    """What was shown to an asker, in any order: item `rows` int32, `times` int64 seconds."""

    rows: Rows
    times: NDArray[np.int64]


NEVER = Shown(NOTHING, np.zeros(0, np.int64))


@dataclass(frozen=True)
class Asker:
    """One request in rows. `doings`: the customer's history and, from `session_at` on, the session;
    `visits`: the order of each event, a session's being UNKNOWN. `unknown`: ids nobody knows. `place`: the
    region's name, which stock may know and bestsellers not. `contextual`: no personal list was agreed to,
    so that the asker is a stranger who did nothing. `identity`: the id by which chance and arms are dealt, of
    the customer or else the visitor, empty without; `shown`: what they were shown lately."""

    user: int
    region: int
    doings: Doings
    visits: Rows
    session_at: int
    context: Rows
    page: Rows
    unknown: tuple[str, ...]
    aside: NDArray[np.bool_] | None = None
    """bool per event of the history: what nothing follows from; None for nothing."""
    place: str = ""
    contextual: bool = False
    stranger: bool = False
    """Whether sources are not told who it is, and go by the seeds alone."""
    identity: str = ""
    shown: Shown = NEVER
    queries: dict[tuple[str, int], Query] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was asked for this asker alone, by kind of seeds and moment: many blocks of a page ask alike."""
    facts: dict[tuple[Any, ...], Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was found true of this asker, by what was asked (`scopes`)."""


class Past(NamedTuple):
    """What a bundle knows that somebody did, as in `Asker`: its `visits`, and what of it says nothing."""

    doings: Doings
    visits: Rows
    aside: NDArray[np.bool_] | None


def _length(span: slice) -> int:
    return int(span.stop - span.start)


@dataclass(frozen=True)
class Askers:
    """What turns requests into askers: id maps, histories, regions and consent of one bundle."""

    users: Ids
    items: Ids
    history: History
    types: tuple[str, ...]
    regions: Attribute | None
    consent: Attribute | None = None

    def of(self, request: Request, now: int) -> Asker:
        """One request in rows. Unknown ids are collected, not fatal.

        Raises InvalidRequest for an event type that the bundle does not know.
        """
        user = self._user(request)
        contextual = not agrees(request.consent, request.channel, self.consent, user)
        if contextual:
            user, request = UNKNOWN, replace(request, user_id="", visitor_id="", events=(), shown=(), also=())
        wanted = [*request.context_item_ids, *(one.item_id for one in request.events), *request.page_item_ids]
        rows = self.items.rows(wanted) if wanted else NOTHING
        n_context, n_events = len(request.context_item_ids), len(request.events)
        past = self._past(user, request.also)
        doings, visits = self._doings(request, past, rows[n_context : n_context + n_events], now)
        context, page = rows[:n_context], rows[n_context + n_events :]
        asker = Asker(
            user=user,
            region=self._region(request, user),
            doings=doings,
            visits=visits,
            session_at=len(past.visits),
            context=context[context >= 0],
            page=page[page >= 0],
            unknown=tuple(one for one, row in zip(wanted, rows.tolist(), strict=True) if row < 0),
            aside=past.aside,
            place=request.region or self._home(user),
            contextual=contextual,
            identity=request.user_id or request.visitor_id,
            shown=self._shown(request) if request.shown else NEVER,
        )
        return _returned(asker) if any(one.type == _RETURN for one in request.events) else asker

    def _user(self, request: Request) -> int:
        user = self.users.row(request.user_id) if request.user_id else UNKNOWN
        user = self.users.row(request.visitor_id) if user < 0 and request.visitor_id else user
        if user < 0 and request.also:
            rows: list[int] = self.users.rows(request.also).tolist()
            return max(rows, key=lambda row: _length(self.history.span(row)))
        return user

    def _past(self, user: int, also: Sequence[str]) -> Past:
        """What the bundle knows of an asker, of all their ids together, oldest first."""
        past, span = self.history, self.history.span(user)
        aside = None if past.aside is None else past.aside[span]
        own = Past(Doings(past.rows[span], past.types[span], past.times[span]), past.visits[span], aside)
        others = [row for row in self.users.rows(also).tolist() if row >= 0 and row != user] if also else []
        if not others:
            return own
        spans = [span, *map(past.span, others)]
        places = np.concatenate([np.arange(one.start, one.stop) for one in spans])
        places = places[np.argsort(past.times[places], kind="stable")]
        doings = Doings(past.rows[places], past.types[places], past.times[places])
        return Past(doings, past.visits[places], None if past.aside is None else past.aside[places])

    def _region(self, request: Request, user: int) -> int:
        if self.regions is None:
            return UNKNOWN
        if request.region:
            return self.regions.values.row(request.region)
        return int(self.regions.codes[user]) if user >= 0 else UNKNOWN

    def _home(self, user: int) -> str:
        """The name of a customer's region."""
        return self.regions.text(user) if self.regions is not None and user >= 0 else ""

    def _doings(self, request: Request, past: Past, rows: Rows, now: int) -> tuple[Doings, Rows]:
        if not len(rows):
            return past.doings, past.visits
        types = np.array([self._type(one.type) for one in request.events], np.uint8)
        times = np.array([min(one.time or now, now) for one in request.events], np.int64)
        lately = Doings(rows, types, times)
        if int(rows.min()) < 0:
            lately = _cut(lately, np.flatnonzero(rows >= 0))
        doings = _joined([past.doings, lately])
        return doings, np.concatenate([past.visits, np.full(len(lately.rows), UNKNOWN, np.int32)])

    def _shown(self, request: Request) -> Shown:
        rows = self.items.rows([one.item_id for one in request.shown])
        times = np.array([one.time for one in request.shown], np.int64)
        return Shown(rows[rows >= 0], times[rows >= 0])

    def _type(self, name: str) -> int:
        known = as_known(name, self.types)
        if known not in self.types:
            raise InvalidRequest(f"unknown event type {name!r}; known: {', '.join(self.types)}")
        return self.types.index(known)


def _returned(asker: Asker) -> Asker:
    """The asker without what was bought and then given back: each return takes the latest purchase before
    it, and goes with it."""
    did = asker.doings
    keep = np.ones(len(did.rows), np.bool_)
    for at in np.flatnonzero(did.types == RETURN):
        same = keep[:at] & (did.types[:at] == PURCHASE) & (did.rows[:at] == did.rows[at])
        keep[[at, *np.flatnonzero(same)[-1:]]] = False
    return replace(
        asker,
        doings=_cut(did, np.flatnonzero(keep)),
        visits=asker.visits[keep],
        session_at=int(keep[: asker.session_at].sum()),
        aside=None if asker.aside is None else asker.aside[keep[: len(asker.aside)]],
    )


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
    joined = chosen[0] if len(chosen) == 1 else _joined(chosen)
    return Query(
        now=now,
        users=np.array([UNKNOWN if one.stranger else one.user for one in askers], np.int32),
        regions=np.array([one.region for one in askers], np.int32),
        seeds=Seeds(np.array(ends, np.int64), joined.rows, joined.types, joined.times),
    )


def _joined(chosen: Sequence[Doings]) -> Doings:
    return Doings(
        np.concatenate([one.rows for one in chosen]),
        np.concatenate([one.types for one in chosen]),
        np.concatenate([one.times for one in chosen]),
    )


def _history(asker: Asker, now: int) -> Doings:
    if asker.aside is None or not asker.aside.any():
        return asker.doings
    own = np.ones(len(asker.doings.rows), np.bool_)
    own[: len(asker.aside)] = ~asker.aside
    return _cut(asker.doings, np.flatnonzero(own))


def _context(asker: Asker, now: int) -> Doings:
    n = len(asker.context)
    return Doings(asker.context, np.full(n, VIEW, np.uint8), np.full(n, now, np.int64))


def _session(asker: Asker, now: int) -> Doings:
    return _joined([_cut(asker.doings, slice(asker.session_at, None)), _context(asker, now)])


def _last_order(asker: Asker, now: int) -> Doings:
    bought = np.flatnonzero(asker.doings.types == PURCHASE)
    if not len(bought):
        return _none(asker, now)
    last = int(bought[-1])
    if last >= asker.session_at:
        return _cut(asker.doings, bought[bought >= asker.session_at])
    same = asker.visits[bought] == asker.visits[last] if asker.visits[last] >= 0 else bought == last
    return _cut(asker.doings, bought[same])


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
    return _cut(doings, np.flatnonzero(np.isin(doings.types, opening) & (places > closed[item])))


def _none(asker: Asker, now: int) -> Doings:
    return _cut(asker.doings, slice(0, 0))


def _cut(doings: Doings, where: slice | NDArray[np.intp]) -> Doings:
    return Doings(doings.rows[where], doings.types[where], doings.times[where])


_SEEDS = {
    "history": _history,
    "session": _session,
    "context": _context,
    "last_order": _last_order,
    "viewed": _viewed,
    "carted": _carted,
    "none": _none,
}
