"""Events into the store, in one transaction: the log, what makes an id count once, and profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from vitrina.state.events import Entry, Event, packed, unpacked
from vitrina.state.failpoints import reach
from vitrina.state.profiles import crowded, excessive, grown, quarantined, record, set_apart
from vitrina.state.store import Reads, Transaction, sequence_key, sequence_of
from vitrina.state.tables import LOG, NAMES, NUMBERS, PROFILES, SEEN, SHOWN

Outcome = Literal["accepted", "duplicate", "quarantined"]
IMPRESSION = "impression"
BOUGHT = ("purchase", "return")
"""What one order, of a firm's say, may hold hundreds of: no sign of a machine."""


def recorded(to: Transaction, events: Sequence[Event], now: int) -> list[Outcome]:
    """Record events; what became of each. `now`: seconds since 1970 UTC. Doing it twice does it once.

    Profiles are of users and of visitors, each with all that was done under its id. Gifts, searches and
    what only ids in quarantine did are in the log alone.
    """
    people: dict[bytes, bytes] = {}
    outcomes: list[Outcome] = []
    for event in events:
        key = event.id.encode()
        if to.get(SEEN, key) is not None:
            outcomes.append("duplicate")
            continue
        owners = _trusted(to, event, people, now)
        sequence = to.append(LOG, packed(Entry(event, now, not owners)))
        to.put(SEEN, key, sequence_key(sequence))
        outcomes.append("accepted" if owners else "quarantined")
        if not event.gift:
            _steer(to, event, sequence, owners, people, now)
    for owner, value in people.items():
        if value:
            to.put(PROFILES, owner, value)
    return outcomes


def _trusted(to: Reads, event: Event, people: dict[bytes, bytes], now: int) -> list[bytes]:
    """The owners of an event that are not in quarantine; for the others it starts anew."""
    owners = [user_key(event.user_id)] if event.user_id else []
    if event.visitor_id:
        owners.append(visitor_key(event.visitor_id))
    for owner in owners:
        if owner not in people:
            people[owner] = to.get(PROFILES, owner) or b""
    apart = [one for one in owners if quarantined(people[one], now)]
    for owner in apart:
        people[owner] = set_apart(people[owner], now)
    return [one for one in owners if one not in apart]


def _steer(
    to: Transaction,
    event: Event,
    sequence: int,
    owners: Sequence[bytes],
    people: dict[bytes, bytes],
    now: int,
) -> None:
    """Let an event steer the lists of its owners."""
    if event.type == IMPRESSION:
        some = [record(sequence, event.time, number_of(to, one.item_id), 0) for one in event.placed]
        for owner in owners:
            to.put(SHOWN, owner, grown(to.get(SHOWN, owner) or b"", some))
    elif event.item_id:
        one = record(sequence, event.time, number_of(to, event.item_id), number_of(to, event.type))
        for owner in owners:
            value = people[owner] = grown(people[owner], [one])
            if crowded(value) and excessive(value, [number_of(to, one) for one in BOUGHT]):
                people[owner] = set_apart(value, now)


def number_of(to: Transaction, name: str) -> int:
    """The number of an item id or an event type; a new one gets the next."""
    key = name.encode()
    found = to.get(NUMBERS, key)
    if found is not None:
        return sequence_of(found)
    number = to.append(NAMES, key)
    to.put(NUMBERS, key, sequence_key(number))
    return number


def retained(to: Transaction, before: int, most: int = 10_000) -> int:
    """Let go of events that were received before a second, and of their ids: at most so many; how many.

    An id may count anew once its event has gone.
    """
    reach("retain.before")
    gone = 0
    for number, value in to.feed(LOG, 0, most):
        entry = unpacked(value)
        if entry.received >= before:
            break
        to.delete(LOG, sequence_key(number))
        to.delete(SEEN, entry.event.id.encode())
        gone += 1
    return gone


def user_key(user_id: str) -> bytes:
    """Where a user's profile stands."""
    return b"u" + user_id.encode()


def visitor_key(visitor_id: str) -> bytes:
    """Where a visitor's profile stands."""
    return b"v" + visitor_id.encode()
