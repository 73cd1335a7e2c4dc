"""Who asks: string ids of a request turned into rows, once, for all its blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.consent import agrees
from vitrina.dataset import PURCHASE, RETURN, TYPES, Attribute, as_known
from vitrina.errors import InvalidRequest
from vitrina.history import Doings, History
from vitrina.ids import UNKNOWN, Ids, Rows
from vitrina.request import Request
from vitrina.strategy import Query

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
    """What a bundle knows that somebody did, as in `Asker`: its `visits`, and what of it says nothing.

    `joined`: whether it is not of the asker's row alone.
    """

    doings: Doings
    visits: Rows
    aside: NDArray[np.bool_] | None
    joined: bool = False


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
    words: Mapping[str, str] = field(default_factory=dict)
    """The shop's own for one of `types`."""

    def of(self, request: Request, now: int) -> Asker:
        """One request in rows. Unknown ids are collected, not fatal.

        Raises InvalidRequest for an event type that the bundle does not know.
        """
        return self.together((request,), now)[0]

    def together(self, requests: Sequence[Request], now: int) -> list[Asker]:
        """Requests in rows, each as it would be alone; ids are looked up all at once. Raises as `of` does."""
        users = self._users(requests)
        agreed = [
            agrees(one.consent, one.channel, self.consent, user)
            for one, user in zip(requests, users, strict=True)
        ]
        told = [one if ok else _silent(one) for one, ok in zip(requests, agreed, strict=True)]
        wanted = [_wanted(one) for one in told]
        ends = [0, *accumulate(map(len, wanted))]
        rows = self.items.rows([*chain.from_iterable(wanted)]) if ends[-1] else NOTHING
        spans = [rows[low:high] for low, high in pairwise(ends)]
        each = zip(told, users, agreed, wanted, spans, strict=True)
        return [
            self._asker(one, user if ok else UNKNOWN, not ok, names, found, now)
            for one, user, ok, names, found in each
        ]

    def _asker(
        self, request: Request, user: int, contextual: bool, wanted: Sequence[str], rows: Rows, now: int
    ) -> Asker:
        n_context, n_events = len(request.context_item_ids), len(request.events)
        past = self._past(user, request.also)
        doings, visits = self._doings(request, past, rows[n_context : n_context + n_events], now)
        asker = Asker(
            user=user,
            region=self._region(request, user),
            doings=doings,
            visits=visits,
            session_at=len(past.visits),
            context=_known(rows[:n_context]),
            page=_known(rows[n_context + n_events :]),
            unknown=tuple([one for one, row in zip(wanted, rows.tolist(), strict=True) if row < 0]),
            aside=past.aside,
            place=request.region or self._home(user),
            contextual=contextual,
            # What sources learned of one row is half of such a person; the seeds are all of it.
            stranger=past.joined,
            identity=request.user_id or request.visitor_id,
            shown=self._shown(request) if request.shown else NEVER,
        )
        return _returned(asker) if any(one.type == _RETURN for one in request.events) else asker

    def _users(self, requests: Sequence[Request]) -> list[int]:
        """The row of each asker, by one of their ids."""
        rows: list[int] = self.users.rows([one.user_id or one.visitor_id for one in requests]).tolist()
        return [
            self._other(one) if row < 0 and (one.visitor_id or one.also) else row
            for one, row in zip(requests, rows, strict=True)
        ]

    def _other(self, request: Request) -> int:
        """The row of somebody whose first id is unknown."""
        user = self.users.row(request.visitor_id)
        if user < 0 and request.also:
            rows: list[int] = self.users.rows(request.also).tolist()
            return max(rows, key=lambda row: _length(self.history.span(row)))
        return user

    def _past(self, user: int, also: Sequence[str]) -> Past:
        """What the bundle knows of an asker, of all their ids together, oldest first."""
        past, span = self.history, self.history.span(user)
        aside = None if past.aside is None else past.aside[span]
        own = Past(Doings(past.rows[span], past.types[span], past.times[span]), past.visits[span], aside)
        rows = self.users.rows(also).tolist() if also else []
        others = [one for one in (past.span(row) for row in rows if row >= 0 and row != user) if _length(one)]
        if not others:
            return own
        spans = [span, *others]
        places = np.concatenate([np.arange(one.start, one.stop) for one in spans])
        places = places[np.argsort(past.times[places], kind="stable")]
        doings = Doings(past.rows[places], past.types[places], past.times[places])
        aside = None if past.aside is None else past.aside[places]
        return Past(doings, past.visits[places], aside, joined=True)

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
            lately = lately.cut(np.flatnonzero(rows >= 0))
        doings = Doings.joined([past.doings, lately])
        return doings, np.concatenate([past.visits, np.full(len(lately.rows), UNKNOWN, np.int32)])

    def _shown(self, request: Request) -> Shown:
        rows = self.items.rows([one.item_id for one in request.shown])
        times = np.array([one.time for one in request.shown], np.int64)
        return Shown(rows[rows >= 0], times[rows >= 0])

    def _type(self, name: str) -> int:
        known = as_known(name, self.types, self.words)
        if known not in self.types:
            raise InvalidRequest(f"unknown event type {name!r}; known: {', '.join(self.types)}")
        return self.types.index(known)


def _silent(request: Request) -> Request:
    """The request of nobody in particular."""
    return replace(request, user_id="", visitor_id="", events=(), shown=(), also=())


def _wanted(request: Request) -> tuple[str, ...]:
    """The items that a request names: of its page's context, its events, and what the page holds."""
    return (*request.context_item_ids, *[one.item_id for one in request.events], *request.page_item_ids)


def _known(rows: Rows) -> Rows:
    return rows[rows >= 0] if len(rows) else NOTHING


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
        doings=did.cut(np.flatnonzero(keep)),
        visits=asker.visits[keep],
        session_at=int(keep[: asker.session_at].sum()),
        aside=None if asker.aside is None else asker.aside[keep[: len(asker.aside)]],
    )
