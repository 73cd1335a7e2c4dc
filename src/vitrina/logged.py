"""A shop's files and its store together: what was logged since, what was said of items, and nobody who asked
to be forgotten.

Nothing counts twice: of each event type that the files have too, only what the log has later than the last
of them counts. Ids that were joined are one customer; a visitor who is nobody's is anonymous, a visit a day.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, NOT_DONE, PURCHASE, Dataset, Events, as_known, lone_words
from vitrina.ids import UNKNOWN, Ids, Rows, encode
from vitrina.kernels.distinct import distinct
from vitrina.renewal import CatalogView
from vitrina.splicing import grown, taken
from vitrina.state.events import Event, unpacked
from vitrina.state.items import every
from vitrina.state.people import Tombstones, members
from vitrina.state.recording import OPENED, SENT, keys_of, user_key, visitor_key
from vitrina.state.store import Reads
from vitrina.state.tables import LOG

_NOT_BY_THEM = (SENT, OPENED)
_PAGE = 10_000


@dataclass(frozen=True)
class Added:
    """What a store adds to a dataset: events of the log that count, and those that the files have already;
    items that something was said of; customers left out because they asked to be forgotten."""

    events: int
    known: int
    items: int
    forgotten: int


def logged(
    dataset: Dataset, reads: Reads, tombstones: Tombstones, weighed: Collection[str] = ()
) -> tuple[Dataset, Added]:
    """The dataset with what one moment of a store adds to it. `weighed`: types that the recipe weighs."""
    kept = without(dataset, tombstones) if tombstones.look(reads) else dataset
    since, log = _since(kept), _log(reads, tombstones)
    if lone := lone_words({as_known(one.type, kept.types, kept.words) for one in log}.union(since), weighed):
        kept = replace(kept, words={**lone, **kept.words})
    found = [_named(reads, one._replace(type=as_known(one.type, kept.types, kept.words))) for one in log]
    fresh = [one for one in found if one.time > since.get(one.type, -1)]
    told = every(reads)
    whole = _joined(_catalogued(kept, told, [one.item_id for one in fresh]), fresh)
    left_out = len(dataset.users) - len(kept.users)
    whole = replace(whole, logged=reads.last(LOG))
    return whole, Added(len(fresh), len(found) - len(fresh), len(told), left_out)


def without(dataset: Dataset, tombstones: Tombstones) -> Dataset:
    """The dataset without those who asked to be forgotten, as of the last look: neither ids nor events."""
    names = dataset.users.names(np.arange(len(dataset.users), dtype=np.int32))
    keep = np.array([not tombstones.holds([user_key(one), visitor_key(one)]) for one in names], np.bool_)
    return dataset if keep.all() else dataset.of_users(keep)


def _log(reads: Reads, tombstones: Tombstones) -> list[Event]:
    """The events of the log that say what somebody did to an item, and that are no machine's; nor of those
    who asked to be forgotten, whose events may lie there still, until all are erased."""
    after, events = 0, list[Event]()
    while page := reads.feed(LOG, after, _PAGE):
        after = page[-1][0]
        entries = (unpacked(value) for _, value in page)
        events += [one.event for one in entries if not one.quarantined and one.event.item_id]
    did = [one for one in events if one.type not in NOT_DONE and not one.type.startswith(_NOT_BY_THEM)]
    return [one for one in did if not tombstones.holds(keys_of(one.user_id, one.visitor_id))]


def _named(reads: Reads, event: Event) -> Event:
    """The event of the customer whom its ids belong to: the first user of the golden record."""
    if event.user_id and not event.visitor_id:
        keys: Sequence[bytes] = members(reads, user_key(event.user_id))
    else:
        keys = [member for one in keys_of(event.user_id, event.visitor_id) for member in members(reads, one)]
    users = sorted(one for one in keys if one[:1] == b"u")
    return event._replace(user_id=users[0][1:].decode("utf-8", "surrogatepass")) if users else event


def _since(dataset: Dataset) -> dict[str, int]:
    """When each type of event happened last."""
    events = dataset.events
    present = distinct(events.type).tolist()
    return {dataset.types[one]: int(events.time[events.type == one].max()) for one in present}


def _catalogued(dataset: Dataset, told: Mapping[str, Any], item_ids: Sequence[str]) -> Dataset:
    """The dataset over its catalogue as it is now, with items that nothing but events says."""
    view = CatalogView.of(dataset.items, dataset.catalog).told(told)
    known = view.items.rows(list(item_ids)) >= 0 if item_ids else np.zeros(0, np.bool_)
    more = dict.fromkeys(
        one for one, old in zip(item_ids, known.tolist(), strict=True) if not old and encode(one)
    )
    if view.catalog is dataset.catalog and not more:
        return dataset
    names = [*view.items.names(np.arange(len(view.items), dtype=np.int32)), *more]
    items = Ids.of(names)
    rows = items.rows(names)
    order = np.argsort(rows)
    catalog = taken(grown(view.catalog, len(more)), order.astype(np.int32))
    events = replace(dataset.events, item=rows[dataset.events.item])

    def looks(of: NDArray[Any] | None) -> NDArray[Any] | None:
        if of is None:
            return None
        out = np.zeros((len(names), of.shape[1]), of.dtype)
        out[rows[: len(of)]] = of
        return out

    return replace(
        dataset,
        items=items,
        catalog=catalog,
        events=events,
        vectors=looks(dataset.vectors),
        colours=looks(dataset.colours),
        thumbnails=looks(dataset.thumbnails),
    )


def _joined(dataset: Dataset, events: Sequence[Event]) -> Dataset:
    """The dataset with more events, of customers and of types that it may not know."""
    if not events:
        return dataset
    types = (*dataset.types, *dict.fromkeys(one.type for one in events if one.type not in dataset.types))
    old = dataset.users.names(np.arange(len(dataset.users), dtype=np.int32))
    users = Ids.of([*old, *(one.user_id for one in events if one.user_id)])
    rows = users.rows(old)
    more = Events(
        user=users.rows([one.user_id for one in events]),
        item=dataset.items.rows([one.item_id for one in events]),
        visit=_visits(dataset, events),
        time=np.array([one.time for one in events], np.int64),
        type=np.array([types.index(one.type) for one in events], np.uint8),
        quantity=np.array([one.quantity for one in events], np.float32),
        price=np.array([one.price or np.nan for one in events], np.float32),
        gift=np.array([one.gift for one in events], np.bool_),
    ).take(dataset.items.rows([one.item_id for one in events]) >= 0)
    before = replace(dataset.events, user=np.append(rows, UNKNOWN).astype(np.int32)[dataset.events.user])
    both = Events(*(np.concatenate(pair) for pair in zip(_columns(before), _columns(more), strict=True)))
    people = {}
    for name, one in dataset.people.items():
        codes = np.full(len(users), UNKNOWN, np.int32)
        codes[rows] = one.codes
        people[name] = replace(one, codes=codes)
    whole = both.take(np.argsort(both.time, kind="stable"))
    return replace(dataset, users=users, types=types, events=whole, people=people)


def _columns(events: Events) -> list[NDArray[Any]]:
    return [getattr(events, name) for name in events.__dataclass_fields__]


def _visits(dataset: Dataset, events: Sequence[Event]) -> Rows:
    """int32: visits after those of the dataset: of one name, of one customer's purchases of a day, of one
    anonymous visitor's day."""
    first = int(dataset.events.visit.max(initial=-1)) + 1
    numbers: dict[tuple[str, ...], int] = {}
    purchase = dataset.types[PURCHASE]

    def visit(one: Event) -> int:
        key: tuple[str, ...] = ()
        day = str(one.time // DAY)
        if one.visit:
            key = "o", one.visit
        elif one.user_id and one.type == purchase:
            key = "d", one.user_id, day
        elif not one.user_id:
            key = "v", one.visitor_id, day
        return numbers.setdefault(key, first + len(numbers)) if key else UNKNOWN

    by_time = sorted(range(len(events)), key=lambda at: events[at].time)
    found = np.full(len(events), UNKNOWN, np.int32)
    for at in by_time:
        found[at] = visit(events[at])
    return found


def forgotten_among(users: Ids, tombstones: Tombstones) -> bool:
    """Whether somebody among these customers asked to be forgotten, as of the last look."""
    names = users.names(np.arange(len(users), dtype=np.int32))
    return any(tombstones.holds([user_key(one), visitor_key(one)]) for one in names)
