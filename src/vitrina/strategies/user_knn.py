"""User-based collaborative filtering: what the most similar customers took.

Customers are vectors of what they took, by cosine (Herlocker et al., 1999); an item scores the sum, over
the nearest customers, of their cosine times its share in their vector. A customer of the bundle has
their nearest from training. A visitor of whom a few events are known, or a customer's new events, find
theirs through the latest takers of each item. Where a shop knows no customers, its visits stand for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset
from vitrina.history import History
from vitrina.ids import Rows
from vitrina.kernels.customers import digest, shared_grounds, through_customers
from vitrina.kernels.gather import Ragged, Scratch, in_chunks
from vitrina.kernels.neighbours import neighbours
from vitrina.kernels.sparse import Csr, compress
from vitrina.kernels.weighting import Doubles, by_row, cosine, lengths, tilted
from vitrina.needs import ENTRY, Extent, Need, lists_of
from vitrina.neighbourhood import seed_parts, with_views
from vitrina.parts import Parts
from vitrina.strategy import Allow, Candidates, Query, Whys

TABLES, PARTS = ("alike", "takers", "taken"), ("indptr", "rows", "scores")


@dataclass(frozen=True)
class Strategy:
    """`neighbours`: the nearest customers that make a list. `event_weights`: what an event counts, by
    type; others count nothing. `half_life_days`: by which events count half, in training and when asked,
    0 for never.

    `takers`: the latest customers of each item through whom visitors find their like. `seeds`: the latest
    items of theirs that are looked up. `crowd`: an item that more customers took tells nobody apart, and
    is left out when they are compared, which bounds the time of training.

    Customers are compared by what they took times its rarity, log(1 + customers / its customers), to the
    power `rarity`. `asymmetry`: 0.5 divides by both customers' lengths (cosine), 1 by the asker's alone, 0 by
    the other's (Aiolli, RecSys 2013). `shrink` is added to squared lengths. `popularity`: the power of its
    number of customers by which an item is held down.
    """

    personal: ClassVar[bool] = True

    neighbours: int = 100
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    half_life_days: float = 0.0
    takers: int = 300
    seeds: int = 50
    crowd: int = 20_000
    rarity: float = 0.0
    asymmetry: float = 0.5
    shrink: float = 0.0
    popularity: float = 0.0

    def __post_init__(self) -> None:
        if min(self.neighbours, self.takers, self.seeds, self.crowd) < 1:
            raise ValueError("neighbours, takers, seeds and crowd must be at least 1")
        if not 0 <= self.asymmetry <= 1 or min(self.rarity, self.shrink, self.popularity) < 0:
            raise ValueError("asymmetry must be from 0 to 1; rarity, shrink and popularity at least 0")

    def need(self, extent: Extent) -> Need:
        """The matrix and its tables, and a list of each customer."""
        return lists_of(extent, self.neighbours, customers=True, tables=2 * ENTRY)

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: three tables of lists, `<table>/indptr`, `rows`, `scores`: `alike`, the nearest of each
        customer; `takers`, the latest customers of each item; `taken`, each customer's items, of length 1
        but for `popularity`.
        Of each customer `events`, `digests`, `lengths`; `type_weights`, `half_life` and `end` of seeds."""
        dataset = dataset.settled()
        weights = dataset.weights(self.event_weights, self.half_life_days)
        if len(dataset.users):
            weights = np.where(dataset.events.user >= 0, weights, 0).astype(np.float32)
        by_item = dataset.matrix(weights)
        customers = by_item.transposed()
        vectors, long, rare = self._compared(customers, by_item)
        tilt = long ** (2 * self.asymmetry - 1)
        indptr, rows, scores = neighbours(
            _without(tilted(vectors, tilt), np.diff(by_item.indptr) > self.crowd), self.neighbours
        )
        scores = by_row(indptr, scores, 1 / tilt)
        told = tilted(tilted(vectors, tilt).transposed(), rare)
        takers = _latest(told, _last_times(dataset, weights, by_item), self.takers)
        taken = cosine(customers)
        held = np.maximum(np.diff(by_item.indptr), 1.0) ** -self.popularity
        taken = replace(taken, data=(taken.data * held[taken.indices]).astype(np.float32))
        return {
            **_table("alike", indptr, rows, scores),
            **_table("takers", takers.indptr, takers.indices, takers.data),
            **_table("taken", taken.indptr, taken.indices, taken.data),
            **_past(dataset, np.where(np.diff(customers.indptr) > 0, long, 0.0)),
            **seed_parts(dataset, with_views(self.event_weights), self.half_life_days),
            "end": np.array([dataset.end]),
        }

    def _compared(self, customers: Csr, by_item: Csr) -> tuple[Csr, Doubles, Doubles]:
        """Vectors whose products are cosines, their lengths before, and what each item's rarity counts."""
        having = np.maximum(np.diff(by_item.indptr), 1)
        rare = np.log1p(int((np.diff(customers.indptr) > 0).sum()) / having) ** self.rarity
        entries = replace(customers, data=(customers.data * rare[customers.indices]).astype(np.float32))
        return cosine(entries, self.shrink), lengths(entries, self.shrink), rare

    def open(self, parts: Parts) -> UserKnn:
        """A source over the tables."""
        return UserKnn(parts, self)


class UserKnn:
    """Customers alike, and what they took."""

    def __init__(self, parts: Parts, made: Strategy) -> None:
        array = {name: np.asarray(part) for name, part in parts.items()}
        self._rules = (float(array["half_life"][0]), array["type_weights"], made.seeds)
        past = tuple(array[name] for name in ("events", "digests", "lengths"))
        self._known = (*past, int(array["end"][0]), made.neighbours)
        self._tables = [
            tuple(array[f"{one}/{part}"] for part in ("indptr", "rows", "scores")) for one in TABLES
        ]
        self._everyone = np.ones(len(array["taken/indptr"]) - 1, np.bool_)
        self._customers = Scratch(len(self._everyone))
        n_items = len(array["takers/indptr"]) - 1
        self._items, self._marks = Scratch(n_items), Scratch(n_items)

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """The k best allowed rows of each asker's nearest customers."""
        seeds = query.seeds
        asked: Any = (
            query.users,
            (seeds.indptr, seeds.rows, seeds.types, seeds.times),
            self._rules,
            self._known,
        )
        allowed = (allow.mask, allow.indptr, allow.rows)

        def answer(low: int, high: int) -> Ragged:
            found: Ragged = through_customers(low, high, *asked, *self._tables, allowed, k, self._scratch)
            return found

        return Candidates(*in_chunks(len(query), answer))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """The one or two of the asker's items that nearest customers took most beside each row."""
        return Whys.of_each(query, ends, rows, self._grounds)

    def _grounds(self, query: Query, rows: Rows) -> Rows:
        seeds = (query.seeds.rows, query.seeds.types, query.seeds.times)
        asked: Any = (int(query.users[0]), seeds, self._rules, self._known)
        found: Rows = shared_grounds(*asked, *self._tables, rows, self._scratch)
        return found

    @property
    def _scratch(self) -> Any:
        return self._everyone, self._customers.sums, self._items.sums, self._marks.sums


def _table(name: str, *lists: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {f"{name}/{part}": array for part, array in zip(PARTS, lists, strict=True)}


def _without(vectors: Csr, left_out: NDArray[np.bool_]) -> Csr:
    """The vectors less some columns."""
    keep = ~left_out[vectors.indices]
    indptr = np.concatenate(([0], np.cumsum(keep)))[vectors.indptr]
    return replace(vectors, indptr=indptr, indices=vectors.indices[keep], data=vectors.data[keep])


def _last_times(dataset: Dataset, weights: NDArray[np.float32], by_item: Csr) -> NDArray[np.int64]:
    """int64 per entry of items x customers: when the customer last took the item."""
    counted = (weights > 0) & (dataset.actors >= 0)
    pairs = dataset.events.item[counted].astype(np.int64) * by_item.shape[1] + dataset.actors[counted]
    latest_first = np.unique(pairs[::-1], return_index=True)[1]
    return dataset.events.time[counted][::-1][latest_first]


def _latest(by_item: Csr, times: NDArray[np.int64], most: int) -> Csr:
    """Of each row the `most` entries of the latest times, the lower column among equals."""
    items = np.repeat(np.arange(by_item.shape[0], dtype=np.int32), np.diff(by_item.indptr))
    order = np.lexsort((by_item.indices, -times, items))
    keep = order[np.arange(len(order)) - by_item.indptr[items] < most]
    return compress(items[keep], by_item.indices[keep], by_item.data[keep], by_item.shape)


def _past(dataset: Dataset, long: Doubles) -> dict[str, NDArray[Any]]:
    """By what customers are recognised, and the lengths of their vectors."""
    history, n_users = History.of(dataset), len(dataset.users)
    spans = [history.span(user) for user in range(n_users)]
    return {
        "events": np.diff(history.indptr).astype(np.int32),
        "digests": np.array([digest(history.rows[one], history.types[one]) for one in spans], np.int64),
        "lengths": long[:n_users].astype(np.float32),
    }
