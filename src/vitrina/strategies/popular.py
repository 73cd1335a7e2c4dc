"""What sells, what is rising, what is new: one order of the whole catalogue, and one for each region.

The whole past is the TopPop of Cremonesi, Koren and Turrin (RecSys 2010). Popularity counts distinct
buyers a day, not pieces: a wholesale order of a thousand pieces is one, and so is a script that orders all
day long. An event of no user is bought by its visit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, INDIFFERENT, Dataset
from vitrina.ids import UNKNOWN, Rows
from vitrina.kernels.buyers import first_seen, once_a_day
from vitrina.kernels.lists import walk
from vitrina.kernels.sparse import dealt, ends_of, group
from vitrina.needs import ENTRY, EVENT, Extent, Need, lists_of
from vitrina.strategy import Allow, Candidates, Parts, Query, Whys

WINDOWS = {"sales": 0.0, "velocity": 7.0, "newness": 30.0}
"""The orders there are, and the days that count in each by default; 0 is the whole past."""
ALWAYS = np.iinfo(np.int64).min
NONE = np.zeros(0, np.int32)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Strategy:
    """An order of all items, so a list is short only where nothing more is allowed.

    `by` = "sales": buyers, each halved every `half_life_days`, as in all orders. "velocity": buyers of the
    last week against those that an item's share of earlier sales foretells, `prior` added to both, so that
    the first sale of a new item is no trend. "newness": 1 + log2(1 + buyers), halved once more every
    `half_life_days` since the item could first be bought, as long as that is a month at most.

    Items that score nothing follow by all that ever happened to them, then by row. Without times
    a customer's later order counts as a day, and what is of no order neither decays nor rises nor is new.
    """

    personal: ClassVar[bool] = False

    by: str = "sales"
    half_life_days: float = 30.0
    """0 for no decay."""
    window_days: float = 0.0
    """Days before the last event that count; 0 for the order's own: all, a week, a month."""
    event_weights: Mapping[str, float] = field(default_factory=lambda: {"purchase": 1.0})
    """How much of a buyer an event is, by type. Where none of them ever happened, all types are alike."""
    prior: float = 10.0
    """Buyers added to both sides of a trend; above 0, as who never sold would rise without end."""
    regional_prior: float = 100.0
    """Buyers from everywhere, mixed with a region's own, so that a small region is not left to chance."""
    regional_items: int = 2000
    """Length of a region's own order; the overall order follows."""

    def __post_init__(self) -> None:
        if self.by not in WINDOWS:
            raise ValueError(f"by = {self.by!r} is unknown; known: {', '.join(WINDOWS)}")
        for name in ("half_life_days", "window_days", "prior", "regional_prior", "regional_items"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more")
        if self.by == "velocity" and not self.prior > 0:
            raise ValueError("prior must be above 0: a trend is divided by it where nothing sold before")

    def need(self, extent: Extent) -> Need:
        """Events by product, buyer and day, and an order of the products."""
        return lists_of(extent, 2, per_event=EVENT + ENTRY)

    def fit(self, dataset: Dataset) -> Parts:
        """Order the items, everywhere and by region."""
        shop = dataset.settled()
        buyers, age = self._buyers(shop), _age(shop)
        everywhere = buyers.counts(slice(None))
        scores = self._scores(everywhere, age)
        liked = np.where(_liking(shop)[shop.events.type], shop.events.item, np.int32(UNKNOWN))
        interest = np.diff(ends_of(liked, len(shop.items)))
        del liked
        order = np.lexsort((-interest, -scores)).astype(np.int32)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order), dtype=np.int32)
        shelves, heights = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
        for own in buyers.by_region():
            local = self._scores(own + self._sample(everywhere), age) if own.any() else np.zeros(len(order))
            shelves.append(_first(local, rank, self.regional_items))
            heights.append(local[shelves[-1]].astype(np.float32))
        return {
            "order": order,
            "rank": rank,
            "scores": scores[order].astype(np.float32),
            "region_indptr": np.cumsum([len(one) for one in shelves]).astype(np.int64),
            "region_rows": np.concatenate(shelves),
            "region_scores": np.concatenate(heights),
        }

    def open(self, parts: Parts) -> Popular:
        """The orders, as they were stored."""
        arrays: dict[str, Any] = {name: np.asarray(part) for name, part in parts.items()}
        return Popular(**arrays)

    def _buyers(self, shop: Dataset) -> _Buyers:
        worth = shop.type_weights(self.event_weights).astype(np.float64)
        if not (np.bincount(shop.events.type, minlength=len(worth)) * worth).any():
            worth = _liking(shop).astype(np.float64)
        item, actor, time, worths = _once_a_day(shop, worth)
        age = (shop.end - time) / DAY
        window = self._window
        recent = age < window if window > 0 else np.ones(len(age), np.bool_)
        region = shop.people.get("region")
        codes = np.full(len(actor), UNKNOWN, np.int32)
        if region is not None:
            known = (actor >= 0) & (actor < len(shop.users))
            codes[known] = region.codes[actor[known]]
        worths *= _decay(age, self.half_life_days)
        n_regions = len(region.values) if region is not None else 0
        return _Buyers(item, codes, worths, recent, len(shop.items), n_regions)

    def _scores(self, counts: Floats, age: Floats | None) -> Floats:
        """float64 per item, from its (recent, earlier) buyers and its age in days."""
        recent: Floats
        recent, earlier = counts
        if self.by == "sales" or age is None:
            return recent
        if self.by == "newness":
            liked = (1 + np.log2(1 + recent)) * _decay(age, self.half_life_days)
            return np.where(age < self._window, liked, 0.0)
        expected = earlier * (recent.sum() / max(earlier.sum(), 1e-9))
        return np.where(recent > 0, (recent + self.prior) / (expected + self.prior), 0.0)

    def _sample(self, counts: Floats) -> Floats:
        """What `regional_prior` of all recent buyers would have bought."""
        share: float = self.regional_prior / max(counts[0].sum(), 1e-9)
        return counts * share

    @property
    def _window(self) -> float:
        return self.window_days or WINDOWS[self.by]


@dataclass(frozen=True)
class Popular:
    """Orders of one bundle.

    `order`: int32, every row, best first; `rank`: int32, where each row stands in it; `scores`:
    float32 along `order`. Region r puts `region_rows[region_indptr[r]:region_indptr[r + 1]]` before.
    """

    order: Rows
    rank: Rows
    scores: NDArray[np.float32]
    region_indptr: NDArray[np.int64]
    region_rows: Rows
    region_scores: NDArray[np.float32]

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """The first k allowed rows of each asker's region, and then of everywhere."""
        orders = (self.order, self.scores, self.rank)
        regions = (self.region_indptr, self.region_rows, self.region_scores, query.regions)
        few = NONE if allow.few is None else allow.few
        return Candidates(*walk(*orders, *regions, allow.mask, few, allow.indptr, allow.rows, k))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """Nothing of the asker's own: these lists are everybody's."""
        return Whys.nothing(len(rows))


@dataclass(frozen=True)
class _Buyers:
    """One entry a buyer, item and day. `region`: int32, UNKNOWN where it is; `worth`: float64, decayed."""

    item: Rows
    region: Rows
    worth: Floats
    recent: NDArray[np.bool_]
    n_items: int
    n_regions: int

    def counts(self, where: NDArray[np.int64] | slice) -> Floats:
        """float64[2, n_items]: recent and earlier buyers of each item, among some entries."""
        item, worth, recent = self.item[where], self.worth[where], self.recent[where]
        return np.stack(
            [np.bincount(item, worth * when, self.n_items).astype(np.float64) for when in (recent, ~recent)]
        )

    def by_region(self) -> Iterator[Floats]:
        """The counts of each region in turn."""
        known = np.flatnonzero(self.region >= 0)
        indptr, order = group(self.region[known], self.n_regions)
        for region in range(self.n_regions):
            yield self.counts(known[order[indptr[region] : indptr[region + 1]]])


def _once_a_day(shop: Dataset, worth: Floats) -> tuple[Rows, Rows, NDArray[np.int64], Floats]:
    """Of each item every buyer and day: item, actor, time, and the most that any event of the day is worth.

    Without times an order is a day. An event of neither user nor visit has a buyer of its own.
    """
    events, actors = shop.events, shop.actors
    counted = np.where(worth[events.type] > 0, events.item, np.int32(UNKNOWN))
    ends = ends_of(counted, len(shop.items))
    moments = events.time if shop.timed else shop.end - (DAY * shop.age_days()).astype(np.int64)
    actor, time, kind = dealt(counted, ends, actors, moments, events.type)
    day = (time // DAY).astype(np.int32)
    stands, most = once_a_day(ends, actor, day, worth[kind], int(actors.max(initial=UNKNOWN)) + 1)
    item = np.repeat(np.arange(len(shop.items), dtype=np.int32), np.diff(ends))
    return item[stands], actor[stands], time[stands], most


def _liking(shop: Dataset) -> NDArray[np.bool_]:
    """bool per event type: whether it is done to an item, and undoes nothing."""
    return np.array([name not in INDIFFERENT for name in shop.types])


def _age(shop: Dataset) -> Floats | None:
    """float64 per item: days since it could first be bought, or else was first seen; inf where unknown."""
    if not shop.timed:
        return None
    first = first_seen(shop.events.item, shop.events.time, len(shop.items))
    born = shop.catalog.available_from
    first = np.where(born > ALWAYS, born, first)
    return np.where(np.isfinite(first), np.maximum(shop.end - first, 0) / DAY, np.inf)


def _decay(age: Floats, half_life: float) -> Floats:
    return np.exp2(-age / half_life) if half_life > 0 else np.ones(len(age))


def _first(scores: Floats, rank: Rows, most: int) -> Rows:
    """int32: the `most` best rows that score at all, ties in the overall order."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > most:
        least = np.partition(scores[rows], len(rows) - most)[len(rows) - most] if most else np.inf
        rows = rows[scores[rows] >= least]
    return rows[np.lexsort((rank[rows], -scores[rows]))][:most].astype(np.int32)
