"""What was said to people and what they read of it, from the store's log: contacts as they happen.

A shop records each product that it sends as an event of type `sent.<channel>`, at one time for all products
of one letter, and what was opened as `open.<channel>`; `vitrina edge` records openings by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from vitrina.audience.entries import Known
from vitrina.contact.decide import Contact
from vitrina.contact.hours import HOURS
from vitrina.contact.policy import Policy
from vitrina.dataset import DAY
from vitrina.state.events import Event, unpacked
from vitrina.state.recording import OPENED, SENT
from vitrina.state.store import Store
from vitrina.state.tables import LOG
from vitrina.state.tailer import Tailer

KEPT_S = 60 * DAY
"""How long a contact is remembered: longer than any cap counts."""
_MARKS = (f'"{SENT}'.encode(), f'"{OPENED}'.encode())


class Journal:
    """Contacts and openings of everybody. `take` is given the log by a tailer, in a thread of its own; what
    stands in `known` may be read meanwhile, since entries are replaced and never changed."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._contacts: dict[str, tuple[Contact, ...]] = {}
        self._opens: dict[str, NDArray[np.int64]] = {}
        self._everybody = np.zeros(HOURS, np.int64)
        self.known = Known(self._contacts, self._opens, {}, self._everybody)

    def take(self, page: Sequence[tuple[int, bytes]]) -> None:
        """Some of the log, in order."""
        for _, value in page:
            if not any(mark in value for mark in _MARKS):
                continue
            event = unpacked(value).event
            if event.user_id and event.type.startswith(SENT):
                self._keep(event, _with(self._held(event), event))
            elif event.user_id and event.type.startswith(OPENED):
                self._keep(event, _opened(self._held(event), event))
                self._count(event)

    def _held(self, event: Event) -> tuple[Contact, ...]:
        return self._contacts.get(event.user_id, ())

    def _keep(self, event: Event, contacts: tuple[Contact, ...]) -> None:
        self._contacts[event.user_id] = tuple(one for one in contacts if one.time > event.time - KEPT_S)

    def _count(self, event: Event) -> None:
        hour = datetime.fromtimestamp(event.time, self._policy.clock("")).hour
        own = self._opens.get(event.user_id, np.zeros(HOURS, np.int64)).copy()
        own[hour] += 1
        self._opens[event.user_id] = own
        self._everybody[hour] += 1


def journalled(store: Store, policy: Policy) -> Known:
    """What was said to people, by a store's log as it is. Raises StoreError."""
    journal = Journal(policy)
    Tailer(store, LOG, journal.take).turn()
    return journal.known


def _with(contacts: tuple[Contact, ...], event: Event) -> tuple[Contact, ...]:
    """With one more product sent: of the same letter, if it was sent at the same time."""
    channel = event.type.removeprefix(SENT)
    for at, one in enumerate(contacts):
        if (one.channel, one.time) == (channel, event.time):
            items = tuple(dict.fromkeys((*one.item_ids, event.item_id)))
            return (*contacts[:at], replace(one, item_ids=items), *contacts[at + 1 :])
    return (*contacts, Contact(channel, event.time, (event.item_id,)))


def _opened(contacts: tuple[Contact, ...], event: Event) -> tuple[Contact, ...]:
    """With the latest contact that said it opened; one that nobody recorded was sent when it was opened."""
    channel = event.type.removeprefix(OPENED)
    said = [
        at
        for at, one in enumerate(contacts)
        if one.channel == channel and event.item_id in one.item_ids and one.time <= event.time
    ]
    if not said:
        return (*contacts, Contact(channel, event.time, (event.item_id,), event.time))
    at = max(said, key=lambda place: contacts[place].time)
    first = contacts[at].opened or event.time
    return (*contacts[:at], replace(contacts[at], opened=first), *contacts[at + 1 :])
