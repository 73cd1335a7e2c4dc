"""The triggers of everybody as a stream: each with a stable id, in order, from where a cursor says.

Pure but for the engine it asks. The same bundle, plan, moment and contacts give the same entries, so a run
that was broken off goes on from its cursor: an entry may come twice, with the same id, and none is left out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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
from vitrina.errors import InvalidRequest
from vitrina.history import Doings
from vitrina.live import Live
from vitrina.request import Block, Request

BATCH = 512
"""People looked at between two cursors."""
PAID = "retargeting"
MAX_EXCLUDED = 1000


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
    engine: Engine, plan: Plan, policy: Policy, facts: Facts, known: Known, now: int, start: int = 0
) -> Iterator[tuple[list[Entry], str]]:
    """Batches of entries, each with the cursor to go on from; `start`: a cursor's place. Raises
    UnknownPlacement."""
    for watch in plan.watches:
        engine.placements.named(watch.placement)
    users, mark = engine.askers.users, marked(engine, plan, policy)
    for first in range(start, len(users), BATCH):
        rows = np.arange(first, min(first + BATCH, len(users)), dtype=np.int32)
        hits = [
            hit
            for row, user_id in zip(rows.tolist(), users.names(rows), strict=True)
            if (hit := _hit(engine, plan, policy, facts, known, row, user_id, now))
        ]
        yield _entries(engine, hits, now), write_cursor(first + len(rows), now, mark)


def marked(engine: Engine, plan: Plan, policy: Policy) -> str:
    """What a cursor belongs to."""
    return f"{engine.version} {plan} {policy}"


def write_cursor(place: int, now: int, mark: str) -> str:
    """Where to go on, as of which moment, and of what: opaque, in the base64url alphabet."""
    told = place.to_bytes(6, "little") + now.to_bytes(8, "little", signed=True)
    digest = hashlib.blake2b(told + mark.encode(), digest_size=10).digest()
    return base64.urlsafe_b64encode(told + digest).decode()


def read_cursor(cursor: str, mark: str) -> tuple[int, int]:
    """The place and the moment of a cursor. Raises InvalidRequest for one of another bundle or plan."""
    try:
        data = base64.b64decode(cursor, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    place, now = int.from_bytes(data[:6], "little"), int.from_bytes(data[6:14], "little", signed=True)
    if write_cursor(place, now, mark) != cursor:
        raise InvalidRequest("the cursor is of another bundle, plan or policy; begin again without one")
    return place, now


def _hit(
    engine: Engine, plan: Plan, policy: Policy, facts: Facts, known: Known, row: int, user_id: str, now: int
) -> _Hit | None:
    """The first watch that fires for somebody and that a channel is free for."""
    history, asked = engine.askers.history, engine.askers
    span = history.span(row)
    doings = Doings(history.rows[span], history.types[span], history.times[span])
    person: Person | None = None
    for watch in plan.watches:
        found = TRIGGERS[watch.kind](doings, facts, watch.window, now)
        region = asked.regions.text(row) if asked.regions is not None else ""
        if found is None or not watch.who.fits(doings, region, engine.opened.rules.facets, now):
            continue
        person = person or _person(engine, known, row, user_id, doings)
        about = tuple(asked.items.names(found.rows[: watch.k]))
        decision = decide(
            _cooled(policy, watch), person, Offer(about, found.until, watch.channels), now, known.everybody
        )
        if decision.channel:
            return _Hit(watch, user_id, found, decision, about)
    return None


def _cooled(policy: Policy, watch: Watch) -> Policy:
    """After an order silence is broken only by what is about the order itself."""
    return replace(policy, cool_down_days=0.0) if watch.kind == "post_purchase" else policy


def _person(engine: Engine, known: Known, row: int, user_id: str, doings: Doings) -> Person:
    consent, bought = engine.askers.consent, doings.times[doings.types == PURCHASE]
    allowed = None if consent is None else frozenset(consent.text(row).split(";"))
    if allowed is not None and "email" in allowed:
        allowed |= {"push"}  # a push is a short letter
    return Person(
        user_id,
        known.contacts.get(user_id, ()),
        allowed,
        int(bought.max()) if len(bought) else 0,
        known.opens.get(user_id, np.zeros(HOURS, np.int64)),
        known.zones.get(user_id, ""),
    )


def _entries(engine: Engine, hits: Sequence[_Hit], now: int) -> list[Entry]:
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
    answers = dict(zip(map(id, wanted), engine.recommend(requests, Live(now=now)), strict=True))
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
