"""What is in a shop's data, in numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, PURCHASE, TYPES, UNLIKED, Dataset
from vitrina.kernels.distinct import distinct_pairs
from vitrina.kernels.sessions import visit_keys

QUANTILES = {"p10": 0.1, "median": 0.5, "p90": 0.9, "p99": 0.99, "most": 1.0}
HEAD = 0.01


@dataclass(frozen=True)
class Facts:
    """Counts, spans and shares (0 to 1) of a shop.

    `orders`: visits with a purchase; `pairs`: orders of two items or more; `learners`: customers,
    or anonymous visits, that touched two items or more; `returners`: customers who bought
    on two visits or more; `days`: from the first event to the last.
    `repeat_share`: purchases of something the same customer had bought in an earlier order.
    `head_share`: events on the most popular hundredth of the items that have any.
    `priced_items`, `categorised`, `pictured`, `with_vectors`: shares of all items.
    """

    events: int
    users: int
    items: int
    orders: int
    pairs: int
    learners: int
    returners: int
    types: Mapping[str, int]
    first: str
    last: str
    days: float
    events_per_user: Mapping[str, float]
    items_per_order: Mapping[str, float]
    repeat_share: float
    head_share: float
    anonymous_share: float
    priced_events: float
    unsold_items: int
    priced_items: float
    categorised: float
    pictured: float
    with_vectors: float

    @property
    def anonymous(self) -> bool:
        """Whether no event has a customer."""
        return not self.users or not self.events or self.anonymous_share == 1


def measure(dataset: Dataset, weighed: Collection[str] = ()) -> Facts:
    """Count a dataset; a few passes over its events. `weighed`: its own types that its recipe weighs."""
    events, catalog = dataset.events, dataset.catalog
    per_order = items_per_order(dataset)
    per_item = np.bincount(events.item, minlength=len(dataset.items))
    kinds = np.bincount(events.type, minlength=len(dataset.types))
    timed = dataset.timed and len(events) > 0
    return Facts(
        events=len(events),
        users=len(dataset.users),
        items=len(dataset.items),
        orders=len(per_order),
        pairs=int((per_order > 1).sum()),
        learners=int((_items_per_actor(dataset, weighed) > 1).sum()),
        returners=_returners(dataset),
        types={name: int(count) for name, count in zip(dataset.types, kinds, strict=True) if count},
        first=_date(int(events.time[0])) if timed else "",
        last=_date(int(events.time[-1])) if timed else "",
        days=float(events.time[-1] - events.time[0]) / DAY if timed else 0.0,
        events_per_user=_quantiles(events_per_user(dataset)),
        items_per_order=_quantiles(per_order),
        repeat_share=_repeat_share(dataset),
        head_share=_head_share(per_item[per_item > 0]),
        anonymous_share=_share(events.user < 0),
        priced_events=_share(~np.isnan(events.price)),
        unsold_items=int((per_item == 0).sum()),
        priced_items=_share(~np.isnan(catalog.price)),
        categorised=_share(catalog.category.codes >= 0),
        pictured=_share(np.diff(catalog.image.offsets) > 0),
        with_vectors=_share(np.any(dataset.vectors, axis=1)) if dataset.vectors is not None else 0.0,
    )


def events_per_user(dataset: Dataset) -> NDArray[np.int64]:
    """int64: the events of each user who has any, by user row."""
    counts = np.bincount(dataset.events.user[dataset.events.user >= 0])
    return counts[counts > 0]


def items_per_order(dataset: Dataset) -> NDArray[np.int64]:
    """int64: the distinct items of each visit that bought any."""
    bought = (dataset.events.type == PURCHASE) & (dataset.events.visit >= 0)
    return _distinct(dataset.events.visit[bought], dataset.events.item[bought])


def _items_per_actor(dataset: Dataset, weighed: Collection[str]) -> NDArray[np.int64]:
    """int64: the distinct items of each customer or anonymous visit, by events that strategies weigh."""
    actors = dataset.actors
    counts = [name not in UNLIKED and (name in TYPES or name in weighed) for name in dataset.types]
    known = (actors >= 0) & np.array(counts)[dataset.events.type]
    return _distinct(actors[known], dataset.events.item[known])


def _returners(dataset: Dataset) -> int:
    """Customers with purchases in two visits or more; a day, or without times a row, stands for a visit."""
    events = dataset.events
    bought = events.take((events.type == PURCHASE) & (events.user >= 0))
    if not len(bought):
        return 0
    visit = visit_keys(bought.visit, bought.user, bought.time // DAY if dataset.timed else bought.time)
    users, _ = distinct_pairs(bought.user, visit)
    return int((np.bincount(users) > 1).sum())


def _distinct(holders: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.int64]:
    """How many different items each holder has that has any."""
    counts = np.bincount(distinct_pairs(holders, items)[0])
    return counts[counts > 0]


def _repeat_share(dataset: Dataset) -> float:
    events = dataset.events
    bought = np.flatnonzero((events.type == PURCHASE) & (events.user >= 0))
    pair = events.user[bought].astype(np.int64) * max(len(dataset.items), 1) + events.item[bought]
    order = np.argsort(pair, kind="stable")
    place, sorted_pair = bought[order], pair[order]
    starts = np.flatnonzero(np.diff(sorted_pair, prepend=-1))
    first = np.repeat(place[starts], np.diff(starts, append=len(place)))
    # Without visits two lines of one moment are one order.
    known = (events.visit[place] >= 0) & (events.visit[first] >= 0)
    elsewhere, later = events.visit[place] != events.visit[first], events.time[place] != events.time[first]
    return _share(np.where(known, elsewhere, later))


def _head_share(counts: NDArray[np.int64]) -> float:
    """The share of the most popular hundredth, one item at least."""
    head = max(1, round(HEAD * len(counts)))
    return float(np.sort(counts)[::-1][:head].sum() / counts.sum()) if len(counts) else 0.0


def _quantiles(counts: NDArray[np.int64]) -> dict[str, float]:
    return {name: float(np.quantile(counts, at)) for name, at in QUANTILES.items()} if len(counts) else {}


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
