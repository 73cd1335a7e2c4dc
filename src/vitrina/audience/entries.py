"""The triggers of everybody as a stream: each with a stable id, in order, from where a cursor says.

Pure but for the engine and the store it asks. The same bundle, plan, moment, contacts and store give the same
entries, so a run that was broken off goes on from its cursor: an entry may come twice, with the same id, and
none is left out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.audience.entry import Entry
from vitrina.audience.plan import Plan, Watch
from vitrina.audience.triggers import TRIGGERS, Facts, Found
from vitrina.contact.decide import Contact, Decision, Offer, Person, decide
from vitrina.contact.hours import HOURS
from vitrina.contact.policy import Policy
from vitrina.dataset import PURCHASE
from vitrina.engine import Engine
from vitrina.errors import InvalidRequest, StoreError
from vitrina.history import Doings
from vitrina.live import Live
from vitrina.request import Block, Request
from vitrina.state.lately import Lately

BATCH = 512
"""People looked at between two cursors."""
PAID = "retargeting"
MAX_EXCLUDED = 1000
_DIGEST = 10


class Place(NamedTuple):
    """How far an export is: behind so many customers of the bundle, and behind a newcomer's id."""

    row: int
    after: str = ""


BEGIN = Place(0)


@dataclass(frozen=True)
class Known:
    """What is known of people beside their history. `contacts`, `opens` (int64[24], by local hour) and
    `zones` by user id; `everybody`: int64[24], opens of all."""

    contacts: Mapping[str, Sequence[Contact]]
    opens: Mapping[str, NDArray[np.int64]]
    zones: Mapping[str, str]
    everybody: NDArray[np.int64]

    @classmethod
    def nothing(cls) -> Known:
        """Nobody was ever contacted."""
        return cls({}, {}, {}, np.zeros(HOURS, np.int64))


@dataclass(frozen=True)
class _Hit:
    watch: Watch
    user_id: str
    found: Found
    decision: Decision
    about: tuple[str, ...]


def entries(
    engine: Engine,
    plan: Plan,
    policy: Policy,
    facts: Facts,
    known: Known,
    now: int,
    start: Place = BEGIN,
    lately: Lately | None = None,
) -> Iterator[tuple[list[Entry], str]]:
    """Batches of entries, each with the cursor to go on from; `start`: a cursor's place.

    `lately`: what people did since training, which counts as their history does, and who is new; nothing
    without it. Raises UnknownPlacement, and StoreError where it cannot be asked, since a letter about
    what was bought meanwhile is worse than none.
    """
    for watch in plan.watches:
        engine.placements.named(watch.placement)
    mark = marked(engine, plan, policy)
    for place, user_ids in _people(engine, start, lately):
        live = lately.live([(one, "") for one in user_ids], now) if lately else Live(now)
        if live.degraded:
            raise StoreError("the store cannot be read: what was bought meanwhile is not known; try again")
        hits = [
            hit
            for one in user_ids
            if one == _addressed(engine, one, live)
            and (hit := _hit(engine, plan, policy, facts, known, one, live)) is not None
        ]
        yield _entries(engine, hits, live), write_cursor(place, now, mark)


def _addressed(engine: Engine, user_id: str, live: Live) -> str:
    """The id under which somebody of several is addressed: the first that the bundle knows, or else their
    own; empty for who asked to be forgotten."""
    every = live.whose.get((user_id, ""))
    if every is None:
        return user_id
    known = sorted(one for one in every if engine.askers.users.row(one) >= 0)
    return (known or [user_id])[0] if every else ""


def _people(engine: Engine, start: Place, lately: Lately | None) -> Iterator[tuple[Place, list[str]]]:
    """Everybody in batches, and the place behind each: the bundle's customers, then who is new since."""
    users, after = engine.askers.users, start.after
    for first in range(start.row, len(users), BATCH):
        last = min(first + BATCH, len(users))
        yield Place(last), users.names(np.arange(first, last, dtype=np.int32))
    while lately and (page := lately.users(after, BATCH)):
        after = page[-1]
        yield Place(len(users), after), [one for one in page if users.row(one) < 0]


def marked(engine: Engine, plan: Plan, policy: Policy) -> str:
    """What a cursor belongs to."""
    return f"{engine.version} {plan} {policy}"


def write_cursor(place: Place, now: int, mark: str) -> str:
    """Where to go on, as of which moment, and of what: opaque, in the base64url alphabet."""
    told = place.row.to_bytes(6, "little") + now.to_bytes(8, "little", signed=True) + place.after.encode()
    digest = hashlib.blake2b(told + mark.encode(), digest_size=_DIGEST).digest()
    return base64.urlsafe_b64encode(told + digest).decode()


def read_cursor(cursor: str, mark: str) -> tuple[Place, int]:
    """The place and the moment of a cursor. Raises InvalidRequest for one of another bundle or plan."""
    try:
        told = base64.b64decode(cursor, altchars=b"-_", validate=True)[:-_DIGEST]
        place, now = Place(int.from_bytes(told[:6], "little"), told[14:].decode()), told[6:14]
        moment = int.from_bytes(now, "little", signed=True)
    except (binascii.Error, ValueError):
        place, moment = BEGIN, 0
    if write_cursor(place, moment, mark) != cursor:
        raise InvalidRequest("the cursor is of another bundle, plan or policy; begin again without one")
    return place, moment


def _hit(
    engine: Engine, plan: Plan, policy: Policy, facts: Facts, known: Known, user_id: str, live: Live
) -> _Hit | None:
    """The first watch that fires for somebody and that a channel is free for."""
    row, asked, now = engine.askers.users.row(user_id), engine.askers, live.now
    doings = _doings(engine, user_id, live)
    person: Person | None = None
    for watch in plan.watches:
        found = TRIGGERS[watch.kind](doings, facts, watch.window, now)
        region = asked.regions.text(row) if asked.regions is not None and row >= 0 else ""
        if found is None or not watch.who.fits(doings, region, engine.opened.rules.facets, now):
            continue
        person = person or _person(engine, known, row, live.whose.get((user_id, ""), (user_id,)), doings)
        about = tuple(asked.items.names(found.rows[: watch.k]))
        decision = decide(
            _cooled(policy, watch), person, Offer(about, found.until, watch.channels), now, known.everybody
        )
        if decision.channel:
            return _Hit(watch, user_id, found, decision, about)
    return None


def _doings(engine: Engine, user_id: str, live: Live) -> Doings:
    """What a customer did, in the bundle and since, whatever lists they agreed to."""
    who, past = (user_id, ""), engine.askers.history
    if who in live.did or who in live.whose:
        return engine.asker(Request((), user_id=user_id, consent="given"), live).doings
    span = past.span(engine.askers.users.row(user_id))
    return Doings(past.rows[span], past.types[span], past.times[span])


def _cooled(policy: Policy, watch: Watch) -> Policy:
    """After an order silence is broken only by what is about the order itself."""
    return replace(policy, cool_down_days=0.0) if watch.kind == "post_purchase" else policy


def _person(engine: Engine, known: Known, row: int, ids: Sequence[str], doings: Doings) -> Person:
    """What the contact policy must know of somebody, under all the ids that they have."""
    consent, bought = engine.askers.consent, doings.times[doings.types == PURCHASE]
    agreed = consent.text(row) if consent is not None and row >= 0 else ""
    allowed = None if consent is None else frozenset(agreed.split(";"))
    if allowed is not None and "email" in allowed:
        allowed |= {"push"}  # a push is a short letter
    return Person(
        ids[0],
        [contact for one in ids for contact in known.contacts.get(one, ())],
        allowed,
        int(bought.max()) if len(bought) else 0,
        sum((known.opens[one] for one in ids if one in known.opens), np.zeros(HOURS, np.int64)),
        next((known.zones[one] for one in ids if one in known.zones), ""),
    )


def _entries(engine: Engine, hits: Sequence[_Hit], live: Live) -> list[Entry]:
    """Hits with the products to show, asked for together."""
    wanted = [hit for hit in hits if _similar(hit)]
    requests = [
        Request(
            (Block(hit.watch.placement, hit.watch.k, exclude_item_ids=_barred(hit)),),
            user_id=hit.user_id,
            channel="retargeting" if hit.decision.channel == PAID else "email",
            context_item_ids=hit.about,
            reasons=False,
        )
        for hit in wanted
    ]
    answers = dict(zip(map(id, wanted), engine.recommend(requests, live), strict=True))
    made = []
    for hit in hits:
        similar = [one.item_id for one in answers[id(hit)].blocks[0].items] if id(hit) in answers else []
        entry = _entry(hit, tuple(similar))
        if entry.item_ids:  # who is left with nothing to be shown is not addressed
            made.append(entry)
    return made


def _barred(hit: _Hit) -> tuple[str, ...]:
    """What other channels said, as much of it as a request may exclude."""
    return tuple(sorted(hit.decision.barred)[:MAX_EXCLUDED])


def _similar(hit: _Hit) -> bool:
    return hit.watch.show != "same" or not hit.about or hit.decision.channel == PAID


def _entry(hit: _Hit, similar: tuple[str, ...]) -> Entry:
    watch, decision = hit.watch, hit.decision
    # Ads show what is like the thing, not the thing that was looked at and left; unless the shop says 'same'.
    own = (
        ()
        if watch.show == "similar" or (decision.channel == PAID and watch.show != "same")
        else decision.item_ids
    )
    items = tuple(dict.fromkeys((*own, *(() if watch.show == "same" and own else similar))))[: watch.k]
    said = "\0".join((watch.name, hit.user_id, str(hit.found.since), *hit.about))
    return Entry(
        trigger_id=hashlib.blake2b(said.encode(), digest_size=12).hexdigest(),
        trigger=watch.name,
        user_id=hit.user_id,
        since=hit.found.since,
        until=hit.found.until,
        about_item_ids=hit.about,
        item_ids=items,
        channel=decision.channel,
        send_at=decision.send_at,
        hour_opens=decision.hour_opens,
        reason=decision.reason,
    )
