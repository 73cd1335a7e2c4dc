"""User-based collaborative filtering: what the most similar customers took.

Customers are vectors of what they took, by a cosine (Herlocker et al., 1999) or as item_knn compares items,
turned over; an item scores the sum, over the nearest customers, of how alike they are times its share in
their vector. A customer of the bundle has their nearest from training, in a shop of up to `listed`
customers. In a larger one everybody finds theirs when asked, through the latest takers of each item: so do
visitors of whom a few events are known, and a customer's new events, with all before them where what events
count does not add up (all but "cosine"). Where a shop knows no customers, its visits stand for them.

Lists from training cost more with every customer and event, takers as much for each event: of a million
customers 61 and 5 seconds of CPU, item_knn among them; asked by takers a list takes up to 60 us more. Blended
with item_knn both ways are as good on three real shops, within 0.001 of NDCG@10; alone, takers lose 0.003 of
0.040 on groceries and gain 0.011 of 0.045 on films; on a made shop they are ahead (`benchmarks/circles.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset
from vitrina.ids import UNKNOWN, Rows
from vitrina.kernels.customers import latest_takers, pasts, through_customers
from vitrina.kernels.gather import Ragged, Scratch, in_chunks
from vitrina.kernels.grounds import shared_grounds
from vitrina.kernels.likeness import (
    COSINES,
    LINEAR,
    ROOT,
    SATURATED,
    SET,
    SETS,
    WEIGHTINGS,
    Likeness,
    entries,
)
from vitrina.kernels.neighbours import neighbours
from vitrina.kernels.overlap import overlaps
from vitrina.kernels.sparse import Csr, compress, picked
from vitrina.kernels.weighting import Doubles, by_column, by_row, cosine, lengths, rarity, tilted
from vitrina.needs import ENTRY, EVENT, Extent, Need, lists_of
from vitrina.neighbourhood import seed_parts, with_views
from vitrina.parts import Parts
from vitrina.strategy import Allow, Candidates, Query, Whys

TABLES, PARTS = ("alike", "takers", "taken"), ("indptr", "rows", "scores")


@dataclass(frozen=True)
class Strategy:
    """`neighbours`: the nearest customers that make a list; `each`: of those who have an item the nearest
    that count for it, 0 for all. `event_weights`: what an event counts, by type; others count nothing.
    `half_life_days`: by which events count half, in training and when asked, 0 for never.

    `listed`: most customers whose nearest are kept, 0 for nobody's, ever.
    `takers`: the latest customers of each item through whom others find their like. `seeds`: the latest
    items of theirs that are looked up. `crowd`: an item that more customers took tells nobody apart, and
    is left out when they are compared, which bounds the time of training.

    `weighting`, `bm25_k1`, `bm25_b`, `ours`, `theirs` (the asker's, the other's), `shrink`, `asymmetry`: how
    customers are compared, as items are by item_knn. `rarity`, of "cosine": what they took counts times
    log(1 + customers / its customers) to this power.

    `popularity`: the power of its number of customers by which an item is held down. `dilution`: the power
    of its length by which a vector is divided when it is listed from; 0 counts all that is in it in full.
    """

    personal: ClassVar[bool] = True

    neighbours: int = 100
    each: int = 0
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    half_life_days: float = 0.0
    listed: int = 50_000
    takers: int = 300
    seeds: int = 50
    crowd: int = 20_000
    weighting: str = "cosine"
    bm25_k1: float = 1.2
    bm25_b: float = 0.75
    ours: float = 1.0
    theirs: float = 1.0
    rarity: float = 0.0
    asymmetry: float = 0.5
    shrink: float = 0.0
    popularity: float = 0.0
    dilution: float = 1.0

    def __post_init__(self) -> None:
        if min(self.neighbours, self.takers, self.seeds, self.crowd) < 1:
            raise ValueError("neighbours, takers, seeds and crowd must be at least 1")
        if min(self.listed, self.each) < 0:
            raise ValueError("listed and each must be at least 0: for never, and for all")
        if self.weighting not in WEIGHTINGS:
            raise ValueError(f"weighting '{self.weighting}' is unknown; known: {', '.join(WEIGHTINGS)}")
        if not (0 <= self.asymmetry <= 1 and 0 <= self.bm25_b <= 1):
            raise ValueError("asymmetry and bm25_b must be from 0 to 1")
        powers = ("bm25_k1", "ours", "theirs", "rarity", "shrink", "popularity", "dilution")
        if min(getattr(self, name) for name in powers) < 0:
            raise ValueError(f"{', '.join(powers)} must be at least 0")

    def need(self, extent: Extent) -> Need:
        """The matrix and its tables, and where they are few enough a list of each customer."""
        length = self.neighbours if extent.users <= self.listed else 0
        return lists_of(extent, length, customers=True, per_event=EVENT - ENTRY, tables=2 * ENTRY)

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: three tables of lists, `<table>/indptr`, `rows`, `scores`: `alike`, the nearest of each
        customer; `takers`, the latest customers of each item; `taken`, each customer's items, of length 1
        but for `popularity` and `dilution`.
        Of each customer `events`, `digests`, `lengths`; `type_weights`, `half_life` and `end` of seeds;
        `mean`, of customers' sums of weights."""
        dataset = dataset.settled()
        by_item, chosen = self._matrix(dataset)
        customers, having = by_item.transposed(), np.maximum(np.diff(by_item.indptr), 1)
        mean = float(customers.data.sum(dtype=np.float64)) / max(customers.shape[0], 1)
        counted = entries(customers, self.likeness(mean))
        if counted is not customers:
            by_item = counted.transposed()
        rare, known = self._rare(counted, having), np.diff(counted.indptr) > 0
        long = self._long(_times(counted, rare))
        tilt = long ** (2 * self.asymmetry - 1)
        latest = tilted(_times(picked(by_item, chosen), tilt / long), rare**2)
        del by_item, chosen
        listed = 0 < len(dataset.users) <= self.listed
        alike = self._alike(_times(counted, rare), having, tilt) if listed else _of_nobody(len(tilt))
        return {
            **_table("alike", alike),
            **_table("takers", latest),
            **_table("taken", self._listed_from(customers, having)),
            **(_past(dataset, np.where(known, long, 0.0)) if listed else _UNLISTED),
            **seed_parts(dataset, with_views(self.event_weights), self.half_life_days),
            "end": np.array([dataset.end]),
            "mean": np.array([mean]),
        }

    def open(self, parts: Parts) -> UserKnn:
        """A source over the tables."""
        return UserKnn(parts, self)

    def likeness(self, mean: float) -> Likeness:
        """How customers are compared whose weights have sums of this mean."""
        if self.weighting in SETS:
            ratio = (self.ours, self.theirs) if self.weighting == "tversky" else (1.0, 1.0)
            return SET, (*ratio, self.shrink)
        return _COUNTED[self.weighting], (self.bm25_k1, self.bm25_b, mean if mean > 0 else 1.0)

    def _matrix(self, dataset: Dataset) -> tuple[Csr, NDArray[np.bool_]]:
        """Items x customers, what events count added up; and which of the entries are the latest takers."""
        weights = dataset.weights(self.event_weights, self.half_life_days)
        takers = dataset.events.user if len(dataset.users) else dataset.actors
        takers = np.where(weights > 0, takers, np.int32(UNKNOWN))
        n_takers = len(dataset.users) or int(takers.max(initial=UNKNOWN)) + 1
        by_item = compress(dataset.events.item, takers, weights, (len(dataset.items), n_takers))
        return by_item, latest_takers(
            dataset.events.item, takers, by_item.indptr, by_item.indices, self.takers
        )

    def _rare(self, customers: Csr, having: NDArray[np.int64]) -> Doubles:
        """float64 per item: what having it counts."""
        if self.weighting == "cosine":
            known = int((np.diff(customers.indptr) > 0).sum())
            powered: Doubles = np.log1p(known / having) ** self.rarity
            return powered
        return np.ones(len(having)) if self.weighting in SETS else rarity(customers.shape[0], having)

    def _long(self, compared: Csr) -> Doubles:
        """float64 per customer: by what products are divided, of both together."""
        cosines = self.weighting in COSINES
        return lengths(compared, self.shrink) if cosines else np.ones(compared.shape[0])

    def _alike(self, compared: Csr, having: NDArray[np.int64], tilt: Doubles) -> Csr:
        """The nearest of each customer, nearest first, by the items that are no crowd's."""
        few = having[compared.indices] <= self.crowd
        if self.weighting in SETS:
            sizes, (_, ratio) = np.diff(compared.indptr), self.likeness(0)
            found = overlaps(picked(compared, few), self.neighbours, *ratio, sizes)
        else:
            cosines = self.weighting in COSINES
            vectors = tilted(cosine(compared, self.shrink), tilt) if cosines else compared
            found = neighbours(picked(vectors, few), self.neighbours)
        indptr, rows, scores = found
        return Csr(indptr, rows, by_row(indptr, scores, 1 / tilt), (len(tilt), len(tilt)))

    def _listed_from(self, customers: Csr, having: NDArray[np.int64]) -> Csr:
        """What each customer says of items when theirs are listed."""
        diluted = tilted(customers, lengths(customers) ** -self.dilution)
        return _times(diluted, having.astype(np.float64) ** -self.popularity)


_COUNTED = {"cosine": LINEAR, "tfidf": ROOT, "bm25": SATURATED}


class UserKnn:
    """Customers alike, and what they took."""

    def __init__(self, parts: Parts, made: Strategy) -> None:
        array = {name: np.asarray(part) for name, part in parts.items()}
        self._rules = (float(array["half_life"][0]), array["type_weights"], made.seeds)
        past = tuple(array[name] for name in ("events", "digests", "lengths"))
        mean = float(array["mean"].sum()) if "mean" in array else 0.0  # old bundles need none
        self._known = (*past, int(array["end"][0]), made.neighbours, made.likeness(mean))
        self._tables = [
            tuple(array[f"{one}/{part}"] for part in ("indptr", "rows", "scores")) for one in TABLES
        ]
        n_items = len(array["takers/indptr"]) - 1
        self._items, self._marks = Scratch(n_items), Scratch(n_items)
        self._each = made.each

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
            sums: Any = (allowed, k, self._each, self._scratch)
            found: Ragged = through_customers(low, high, *asked, *self._tables, *sums)
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
        return self._items.sums, self._marks.sums


def _table(name: str, lists: Csr) -> dict[str, NDArray[Any]]:
    arrays: tuple[NDArray[Any], ...] = (lists.indptr, lists.indices, lists.data)
    return {f"{name}/{part}": array for part, array in zip(PARTS, arrays, strict=True)}


def _of_nobody(n: int) -> Csr:
    """n empty rows."""
    return Csr(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), (n, n))


def _times(matrix: Csr, factors: Doubles) -> Csr:
    """Every column times its factor."""
    return replace(matrix, data=by_column(matrix.indices, matrix.data, factors))


def _past(dataset: Dataset, long: Doubles) -> dict[str, NDArray[Any]]:
    """By what customers are recognised, and the lengths of their vectors."""
    events = dataset.events
    counts, digests = pasts(events.user, events.item, events.type, len(dataset.users))
    return {"events": counts, "digests": digests, "lengths": long.astype(np.float32)}


_UNLISTED: dict[str, NDArray[Any]] = {
    "events": np.zeros(0, np.int32),
    "digests": np.zeros(0, np.int64),
    "lengths": np.zeros(0, np.float32),
}
