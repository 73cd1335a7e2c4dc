"""What the next basket holds: an asker's own habits, and those of the customers most like them.

TIFU-kNN (Hu, He, Gao and Zhang, SIGIR 2020): a customer is a vector of what their baskets held, older
baskets counting less, and the next basket is foretold by a mix of their own vector and the mean of
their nearest neighbours'. Here a basket's weight halves by days, without times by later purchases,
rather than by groups of baskets; an item counts by how many of its buyers come back for it; neighbours
are near by cosine and count by it; and a habit counts by the chance that it is due, which the
neighbours' part does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, PURCHASE, Dataset
from vitrina.history import History
from vitrina.ids import Rows
from vitrina.intervals import half_life, repeat_share, rhythm
from vitrina.kernels.gather import Ragged, Scratch, in_chunks
from vitrina.kernels.neighbours import neighbours
from vitrina.kernels.next_basket import next_baskets
from vitrina.kernels.repeats import NEVER, among, habits, purchases
from vitrina.kernels.sparse import Csr, compress
from vitrina.kernels.weighting import cosine
from vitrina.needs import ENTRY, Extent, Need, lists_of
from vitrina.parts import Parts
from vitrina.strategy import Allow, Candidates, Query, Whys

TABLES, PARTS = ("alike", "takers", "taken"), ("indptr", "rows", "scores")
HABITS = ("usual", "regular", "share")


@dataclass(frozen=True)
class Strategy:
    """The defaults are within 0.001 NDCG@10 of the best on Complete Journey, lists of 10 against the next
    four weeks, chosen on the four weeks before the last (`python benchmarks/buy_again.py`).
    """

    personal: ClassVar[bool] = True

    alpha: float = 0.85
    """What own habits count; the rest is the neighbours'."""
    neighbours: int = 30
    """The nearest customers that make a list; more gained nothing and took longer to add up."""
    half_life_days: float = 90.0
    """By which a basket counts half, before the customer's last one; 0 for never."""
    half_life_purchases: float = 300.0
    """Without times: after how many more purchases of the customer one counts half; 0 for never."""
    repeat_power: float = 0.5
    """Weight of the share of an item's buyers who bought it again, as its power; 0 ignores it."""
    repeat_prior: float = 20.0
    """Buyers with the overall share, added to each item's own."""
    timing: float = 0.5
    """Power of the chance that a habit is due in the days ahead; 0 ignores it. See `habits`."""
    ahead_days: float = 14.0
    """The days ahead."""
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    """By what events strangers find their neighbours."""
    takers: int = 300
    """The customers of each item, those most of it first, through whom strangers find neighbours."""
    seeds: int = 50
    """The latest items of a stranger that are looked up."""

    def __post_init__(self) -> None:
        if min(self.neighbours, self.takers, self.seeds) < 1:
            raise ValueError("neighbours, takers and seeds must be at least 1")
        if not 0 <= self.alpha <= 1:
            raise ValueError("alpha must be between 0 and 1")
        fading = (self.half_life_days, self.half_life_purchases)
        if min(*fading, self.repeat_power, self.repeat_prior, self.timing) < 0:
            raise ValueError("half-lives, repeat_power, repeat_prior and timing must be 0 or more")
        if not self.ahead_days > 0:
            raise ValueError("ahead_days must be above 0")

    def need(self, extent: Extent) -> Need:
        """The vectors and their tables, and a list of each customer."""
        return lists_of(extent, self.neighbours, customers=True, tables=2 * ENTRY, copies=2)

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: three tables of lists, `<table>/indptr`, `rows`, `scores`: `alike`, the nearest of each
        customer; `takers`, customers of each item, of vectors of length 1; `taken`, each customer's
        habits, as they count. Of each item `weights`, and `usual`, `regular`, `share` where there are
        times; `timed`; `type_weights` of seeds."""
        dataset = dataset.settled()
        share = repeat_share(dataset, self.repeat_prior)
        usual, regular = rhythm(dataset)
        weights = (share**self.repeat_power).astype(np.float32)
        taken = self._vectors(dataset, weights)
        scaled = cosine(taken)
        takers = _most(scaled.transposed(), self.takers)
        return {
            **_table("alike", *neighbours(scaled, self.neighbours)),
            **_table("takers", takers.indptr, takers.indices, takers.data),
            **_table("taken", taken.indptr, taken.indices, taken.data),
            "weights": weights,
            "usual": usual,
            "regular": regular,
            "share": share.astype(np.float32)[: len(usual)],
            "timed": np.array([dataset.timed]),
            "type_weights": dataset.type_weights(self.event_weights),
        }

    def open(self, parts: Parts) -> NextBasket:
        """A source over the tables."""
        return NextBasket(parts, self)

    def _vectors(self, dataset: Dataset, weights: NDArray[np.float32]) -> Csr:
        """Customers x items: days bought on, faded, as they count."""
        past = History.of(dataset)
        fading = half_life(self.half_life_days, self.half_life_purchases, timed=dataset.timed)
        found = purchases(past.indptr, past.rows, past.types, past.times, PURCHASE, fading, 1)
        users = np.repeat(np.arange(len(dataset.users), dtype=np.int32), np.diff(found[0]))
        values = found[2] * weights[found[1]]
        keep = values > 0
        shape = (len(dataset.users), len(dataset.items))
        return compress(users[keep], found[1][keep], values[keep], shape)


class NextBasket:
    """Habits, one's own and those of customers alike."""

    def __init__(self, parts: Parts, made: Strategy) -> None:
        array = {name: np.asarray(part) for name, part in parts.items()}
        timed = bool(array["timed"][0])
        self._half_life = half_life(made.half_life_days, made.half_life_purchases, timed=timed)
        known = timed and made.timing > 0 and all(len(array[name]) for name in HABITS)
        self._habits = tuple(array[name] if known else NEVER for name in HABITS)
        self._timing, self._ahead = np.float32(made.timing), made.ahead_days
        self._weights = array["weights"]
        fading = made.half_life_days * DAY if timed else 0.0
        self._rules = (float(fading), array["type_weights"], made.seeds)
        self._tables = [
            tuple(array[f"{one}/{part}"] for part in ("indptr", "rows", "scores")) for one in TABLES
        ]
        self._mix = (np.float32(made.alpha), made.neighbours)
        self._everyone = np.ones(len(array["taken/indptr"]) - 1, np.bool_)
        self._customers, self._items = Scratch(len(self._everyone)), Scratch(len(self._weights))

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """The k best allowed rows by own habits and those of the nearest customers."""
        seeds = query.seeds
        events = (seeds.indptr, seeds.rows, seeds.types, seeds.times)
        asked: Any = (query.users, events, self._rules, self._own(query))
        allowed = (allow.mask, allow.indptr, allow.rows)

        def answer(low: int, high: int) -> Ragged:
            scratch = (self._everyone, self._customers.sums, self._items.sums)
            found: Ragged = next_baskets(low, high, *asked, *self._tables, allowed, k, self._mix, scratch)
            return found

        return Candidates(*in_chunks(len(query), answer))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """The reason of a row bought before is itself; of others, that customers alike have the habit."""
        seeds = query.seeds
        return Whys(among(seeds.indptr, seeds.rows, seeds.types, PURCHASE, ends, rows))

    def _own(self, query: Query) -> tuple[NDArray[np.int64], Rows, NDArray[np.float32]]:
        """The askers' own habits, ragged."""
        if self not in query.found:
            query.found[self] = self._habitual(query)
        known: tuple[NDArray[np.int64], Rows, NDArray[np.float32]] = query.found[self]
        return known

    def _habitual(self, query: Query) -> tuple[NDArray[np.int64], Rows, NDArray[np.float32]]:
        seeds = query.seeds
        found = purchases(seeds.indptr, seeds.rows, seeds.types, seeds.times, PURCHASE, self._half_life, 1)
        # Level, since timing is to move habits, not alpha.
        scores = habits(*found, self._weights, query.now, self._ahead, *self._habits, self._timing, True)
        return found[0], found[1], scores


def _table(name: str, *lists: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {f"{name}/{part}": array for part, array in zip(PARTS, lists, strict=True)}


def _most(matrix: Csr, most: int) -> Csr:
    """Of each row the `most` greatest entries, the lower column among equals."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    keep = order[np.arange(len(order)) - matrix.indptr[rows] < most]
    return compress(rows[keep], matrix.indices[keep], matrix.data[keep], matrix.shape)
