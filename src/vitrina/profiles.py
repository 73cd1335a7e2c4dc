"""Which of a customer's events speak of the customer: gifts and one-off purchases are set aside.

What is set aside still counts for the shop, as the purchase of nobody in particular: it sells, it
stands in its basket, and it bars itself where bought things may not return. But nothing follows from
it for the person, who went to one baby shower and has no baby.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import PATH, Catalog
from vitrina.dataset import DAY, PURCHASE, Dataset
from vitrina.ids import UNKNOWN, Rows
from vitrina.kernels.distinct import among, distinct
from vitrina.kernels.occasions import met, sums_of
from vitrina.kernels.sparse import dealt, ends_of
from vitrina.spill import spilled

STEPS = 2
"""Of a category's path that count: below, too few customers meet."""
MOST = 2000
"""Categories that are looked at, the best sold."""
FEWEST, NARROW, HABITUAL, THRICE = 20, 0.10, 0.20, 3
"""A category tells of people when at least so many, but at most this share of customers ever took it, and
at least this share of those took it on three trips: infant formula does, paprika does not."""
TRIPS, SINCE = 10, 5
"""Trips that a customer must have made, and have made since, to be known well enough."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Aside:
    """What is set aside of a dataset's events: bool each. `sought`: what else was done before a gift was
    bought, to find it. `categories` are those of `one_offs`, with how many customers took one only once, most
    first."""

    gifts: Mask
    sought: Mask
    one_offs: Mask
    categories: tuple[tuple[str, int], ...] = ()

    @property
    def events(self) -> Mask:
        """bool per event: whether it is set aside, for whichever reason."""
        return self.gifts | self.sought | self.one_offs

    def impersonal(self, dataset: Dataset) -> Dataset:
        """The dataset with these events belonging to their visits, and to no customer."""
        aside = self.events
        if not aside.any():
            return dataset
        user = spilled(np.where(aside, np.int32(UNKNOWN), dataset.events.user))
        return replace(dataset, events=replace(dataset.events, user=user))

    def __str__(self) -> str:
        looks = f" with {int(self.sought.sum()):,} looks at them" if self.sought.any() else ""
        few = ", ".join(f"{name} {count:,}" for name, count in self.categories[:3])
        return (
            f"{int(self.gifts.sum()):,} gifts{looks} and {int(self.one_offs.sum()):,} events around one-off "
            f"purchases{f' ({few})' if few else ''}"
        )


def set_aside(dataset: Dataset, *, one_offs: bool = True) -> Aside:
    """Of known customers: gifts with what led to them, and where asked for one-off purchases.

    A one-off is a telling category (see `Habits.telling`) that a customer of at least TRIPS took on one
    trip, with SINCE trips since, while the customer's other categories speak against it. All that the
    customer did in the category is then set aside. Deterministic.
    """
    known = dataset.events.user >= 0
    gifts = dataset.events.gift & known
    sought = _sought(dataset, gifts)
    if not one_offs:
        return Aside(gifts, sought, np.zeros(len(gifts), np.bool_))
    habits = Habits.of(dataset, gifts)
    lone = np.flatnonzero(habits.lone)
    lone = lone[habits.speaks(lone) < 0] if len(lone) else lone
    flagged = habits.of_pairs(dataset, lone)
    often = np.bincount(habits.place[lone], minlength=len(habits.names))
    most = [one for one in np.argsort(-often, kind="stable").tolist() if often[one]]
    categories = tuple((habits.names[one].replace(PATH, " > "), int(often[one])) for one in most)
    return Aside(gifts, sought, flagged & ~(gifts | sought), categories)


def _sought(dataset: Dataset, gifts: Mask) -> Mask:
    """bool per event: what customers did to a product whose next purchase by them was a gift, but for
    purchases."""
    events = dataset.events
    found = np.zeros(len(gifts), np.bool_)
    givers = np.zeros(len(dataset.users) + 1, np.bool_)
    givers[events.user[gifts]] = True
    givers[UNKNOWN] = False
    places = np.flatnonzero(givers[events.user])
    keys = events.user[places].astype(np.int64) * len(dataset.items) + events.item[places]
    order = np.argsort(keys, kind="stable")
    keys, places = keys[order], places[order]
    bought = events.type[places] == PURCHASE
    at = np.where(bought, np.arange(len(places)), len(places))
    following = np.minimum.accumulate(at[::-1])[::-1]
    ahead = np.flatnonzero(~bought & (following < len(places)))
    after = following[ahead]
    found[places[ahead]] = (keys[after] == keys[ahead]) & gifts[places[after]]
    return found & ~gifts


@dataclass(frozen=True)
class Habits:
    """Which categories customers take, on how many of their trips.

    `names` of categories; `kind`: int32 per item, its category or UNKNOWN; `trips`: int64 per customer.
    Of each customer and category that met: `user`, `place` (the category), `counts` (trips with it) and
    `first` (the first of these, counted from 0), int32.
    """

    names: tuple[str, ...]
    kind: Rows
    trips: NDArray[np.int64]
    user: Rows
    place: Rows
    counts: Rows
    first: Rows

    @classmethod
    def of(cls, dataset: Dataset, without: Mask) -> Habits:
        """The habits of a dataset's customers, by their purchases less some events."""
        kind, names = _kinds(dataset.catalog)
        bought = (dataset.events.type == PURCHASE) & ~without
        found, trips = _met(dataset, np.where(bought, dataset.events.user, np.int32(UNKNOWN)), kind)
        return cls(names, kind, trips, *np.ascontiguousarray(found.T))

    def of_pairs(self, dataset: Dataset, pairs: NDArray[np.intp]) -> Mask:
        """bool per event: whether it is of one of these pairs of a customer and a category."""
        wanted = np.zeros(len(self.trips) + 1, np.bool_)
        wanted[self.user[pairs]] = True
        places = np.flatnonzero(wanted[dataset.events.user])
        user, kind = dataset.events.user[places], self.kind[dataset.events.item[places]]
        found = np.zeros(len(dataset.events), np.bool_)
        keys = distinct(self._key(self.user[pairs], self.place[pairs]))
        found[places] = among(self._key(user, kind), keys) & (kind >= 0)
        return found

    def _key(self, user: Rows, place: Rows) -> NDArray[np.int64]:
        """int64: one number for a customer and a category."""
        return user.astype(np.int64) * max(len(self.names), 1) + place

    @property
    def telling(self) -> Mask:
        """bool per category: whether it tells of people. Few ever take it, and those come back for it."""
        takers = np.bincount(self.place, minlength=len(self.names))
        loyal = np.bincount(self.place[self.counts >= THRICE], minlength=len(self.names))
        known = int((self.trips >= TRIPS).sum())
        return (takers >= FEWEST) & (takers <= NARROW * known) & (loyal >= HABITUAL * takers)

    @property
    def lone(self) -> Mask:
        """bool per pair: whether it is one trip to a telling category, some trips ago."""
        trips = self.trips[self.user]
        once = (self.counts == 1) & self.telling[self.place]
        lone: Mask = once & (trips >= TRIPS) & (trips - 1 - self.first >= SINCE)
        return lone

    def speaks(self, asked: NDArray[np.intp]) -> NDArray[np.float64]:
        """float64 per asked pair: how the customer's other categories speak for this one.

        The sum over them of how much of each the customer takes, standardised, times its correlation with
        the category; K categories take K * K float64.
        """
        from scipy.sparse import csr_array

        best = np.argsort(-np.bincount(self.place, minlength=len(self.names)), kind="stable")[:MOST]
        column = np.full(len(self.names), UNKNOWN, np.int32)
        column[best] = np.arange(len(best), dtype=np.int32)
        place, n = column[self.place], len(self.trips)
        keep = place >= 0
        user, amounts = self.user[keep], np.log1p(self.counts[keep])
        amounts /= np.sqrt(np.bincount(user, amounts**2, n))[user]
        ends = ends_of(user, n)
        taken = csr_array((amounts, place[keep], ends), shape=(n, len(best)))
        pull = _pull(taken)
        usual = np.asarray(taken.mean(axis=0)) @ pull
        spoken = (
            sums_of(ends, place[keep], amounts, pull, self.user[asked], place[asked]) - usual[place[asked]]
        )
        return np.where(place[asked] >= 0, np.round(spoken, 9), 0.0)  # the last digits depend on who adds


def _pull(taken: Any) -> NDArray[np.float64]:
    """float64[K, K]: what a unit of one category says of another; 0 of itself."""
    mean = np.asarray(taken.mean(axis=0))
    together = (taken.T @ taken).toarray() / taken.shape[0] - np.outer(mean, mean)
    spread = np.sqrt(np.maximum(np.diag(together), 1e-12))
    pull: NDArray[np.float64] = together / spread[:, None] ** 2 / spread
    np.fill_diagonal(pull, 0.0)
    return pull


def _kinds(catalog: Catalog) -> tuple[Rows, tuple[str, ...]]:
    """int32 per item: its category's first STEPS steps, UNKNOWN where it has none; and their names."""
    paths = catalog.category.values
    short = [PATH.join(one.split(PATH)[:STEPS]) for one in paths.names(np.arange(len(paths), dtype=np.int32))]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(short))}
    of_path = np.array([*(numbers[one] for one in short), UNKNOWN], np.int32)
    return of_path[catalog.category.codes], tuple(numbers)


def _met(dataset: Dataset, buyer: Rows, kind: Rows) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """What `kernels.occasions.met` finds of the purchases of each `buyer`.

    A trip is a visit, or a day's purchases without one.
    """
    events, ends = dataset.events, ends_of(buyer, len(dataset.users))
    item, visit, time = dealt(buyer, ends, events.item, events.visit, events.time)
    alone = time // DAY if dataset.timed else np.arange(len(item))
    found: tuple[NDArray[np.int32], NDArray[np.int64]]
    found = met(ends, kind[item], np.where(visit >= 0, visit, -1 - alone))
    return found
