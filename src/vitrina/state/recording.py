"""Events into the store, in one transaction: the log, what makes an id count once, and profiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from vitrina.state.events import Event, encoded, entered, unpacked
from vitrina.state.failpoints import reach
from vitrina.state.people import Tombstones
from vitrina.state.profiles import crowded, excessive, grown, newest, quarantined, record, set_apart
from vitrina.state.store import Transaction, sequence_key, sequence_of
from vitrina.state.tables import LOG, NAMES, NUMBERS, PROFILES, SEEN, SHOWN

Outcome = Literal["accepted", "duplicate", "quarantined", "forgotten"]
IMPRESSION = "impression"
FORGOTTEN = "whoever did it asked to be forgotten"
SENT, OPENED = "sent.", "open."
"""Types that begin so, and end with a channel: what the shop said to somebody, and that they read it. What
was sent was shown; that it was makes nobody like it."""
BOUGHT = ("purchase", "return")
"""What one order, of a firm's say, may hold hundreds of: no sign of a machine."""


def recording(
    events: Sequence[Event], now: int, tombstones: Tombstones | None = None
) -> Callable[[Transaction], list[Outcome]]:
    """A work for `Store.write` that records events and gives what became of each; done twice it is done once.

    `now`: seconds since 1970 UTC. What needs no transaction is done here: others wait for theirs meanwhile.
    Profiles are of users and of visitors, each with all that was done under its id. Gifts, searches and
    what only ids in quarantine did are in the log alone. Of those whom `tombstones` hold nothing is kept.
    """
    ready = [(event, event.id.encode(), encoded(event)) for event in events]

    def record(to: Transaction) -> list[Outcome]:
        batch = _Batch(to, now)
        forgetful = tombstones is not None and tombstones.look(to)
        outcomes: list[Outcome] = []
        for event, key, body in ready:
            if forgetful and tombstones and tombstones.holds(keys_of(event.user_id, event.visitor_id)):
                outcomes.append("forgotten")
                continue
            sequence = to.last(LOG) + 1
            if to.add(SEEN, key, sequence_key(sequence)):
                outcomes.append("accepted" if batch.record(event, body, sequence) else "quarantined")
            else:
                outcomes.append("duplicate")
        batch.finish()
        return outcomes

    return record


class _Batch:
    """What the events of a batch share: profiles, read once and written once, and numbers of names."""

    def __init__(self, to: Transaction, now: int) -> None:
        self.to, self.now = to, now
        self.people: dict[bytes, bytes] = {}
        self.numbers: dict[str, int] = {}

    def record(self, event: Event, body: bytes, sequence: int) -> bool:
        """Log an event, and let it steer the lists of whom it is of; whether there was anybody to steer."""
        owners = self._trusted(event)
        self.to.append(LOG, entered(body, self.now, not owners))
        if event.gift:
            return bool(owners)
        if event.type == IMPRESSION:
            self._show([one.item_id for one in event.placed], event, sequence, owners)
        elif event.type.startswith(SENT):
            self._show([event.item_id], event, sequence, owners)
        elif event.item_id and not event.type.startswith(OPENED):
            self._steer(event, sequence, owners)
        return bool(owners)

    def finish(self) -> None:
        """Put the profiles back."""
        for owner, value in self.people.items():
            if value:
                self.to.put(PROFILES, owner, value)

    def _trusted(self, event: Event) -> list[bytes]:
        """The owners of an event that are not in quarantine; for the others it starts anew."""
        owners = keys_of(event.user_id, event.visitor_id)
        apart = [one for one in owners if quarantined(self._profile(one), self.now)]
        for owner in apart:
            self.people[owner] = set_apart(self.people[owner], self.now)
        return [one for one in owners if one not in apart] if apart else owners

    def _profile(self, owner: bytes) -> bytes:
        if owner not in self.people:
            self.people[owner] = self.to.get(PROFILES, owner) or b""
        return self.people[owner]

    def _show(self, items: Sequence[str], event: Event, sequence: int, owners: Sequence[bytes]) -> None:
        some = [record(sequence, event.time, self._number(one), 0) for one in items if one]
        for owner in owners:
            self.to.put(SHOWN, owner, grown(self.to.get(SHOWN, owner) or b"", some))

    def _steer(self, event: Event, sequence: int, owners: Sequence[bytes]) -> None:
        one = record(sequence, event.time, self._number(event.item_id), self._number(event.type))
        for owner in owners:
            value = self.people[owner] = grown(self.people[owner], [one])
            if crowded(value) and excessive(value, [self._number(one) for one in BOUGHT]):
                self.people[owner] = set_apart(value, self.now)

    def _number(self, name: str) -> int:
        """The number of an item id or an event type; a new one gets the next."""
        found = self.numbers.get(name)
        if found is None:
            found = self.numbers[name] = number_of(self.to, name)
        return found


def number_of(to: Transaction, name: str) -> int:
    """The number of a name, the next one for a new name."""
    key = name.encode()
    found = to.get(NUMBERS, key)
    if found is not None:
        return sequence_of(found)
    number = to.append(NAMES, key)
    to.put(NUMBERS, key, sequence_key(number))
    return number


def retained(to: Transaction, before: int, most: int = 10_000) -> int:
    """Let go of events that were received before a second, of their ids, and of profiles that hold nothing
    newer: at most so many; how many.

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
        for owner in keys_of(entry.event.user_id, entry.event.visitor_id):
            for table in (PROFILES, SHOWN):
                if (held := to.get(table, owner)) and newest(held) <= number:
                    to.delete(table, owner)
        gone += 1
    return gone


def keys_of(user_id: str, visitor_id: str) -> list[bytes]:
    """Where the profiles of somebody stand; either id may be empty."""
    found = [user_key(user_id)] if user_id else []
    return [*found, visitor_key(visitor_id)] if visitor_id else found


def user_key(user_id: str) -> bytes:
    """Where a user's profile stands."""
    return b"u" + user_id.encode()


def visitor_key(visitor_id: str) -> bytes:
    """Where a visitor's profile stands."""
    return b"v" + visitor_id.encode()
