"""What goes with what is in the cart: association rules over baskets, of one to three antecedents.

A rule a -> b is kept where `min_count` baskets hold both sides and the signed root of Dunning's
log-likelihood ratio reaches `min_llr`. It is as strong as the lower Wilson bound of its confidence,
divided by P(b)^discount: a little lift in it, so that milk is not the answer to everything. A row
scores the power norm of the rules that a cart fires for it, and its reason is the strongest of them.

Figures are exact over the baskets of 1 to `max_basket` distinct items. A larger one (a wholesale
order, a test account) counts nowhere: not in N, not in any item's or pair's baskets. Nor does one older
than `window_days`: a window, and no half-life, so that the figures stay counts of baskets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, PURCHASE, REMOVE, RETURN, Dataset
from vitrina.ids import UNKNOWN, Rows
from vitrina.itemsets import longer_rules
from vitrina.kernels.association import carts, causes, completions, measures, strongest
from vitrina.kernels.lists import best
from vitrina.kernels.pairs import Pairs, pair_counts
from vitrina.kernels.sessions import visit_keys
from vitrina.kernels.sparse import Csr
from vitrina.needs import Extent, Need, lists_of
from vitrina.strategy import Allow, Candidates, Parts, Query, Whys

SIDES = 3
"""Antecedents of a rule at most."""
UNDONE = np.isin(np.arange(256), [REMOVE, RETURN])


@dataclass(frozen=True)
class Strategy:
    """Association rules over a shop's baskets.

    `discount` and `power` were chosen by completing baskets with one line hidden, on Groceries and on
    Complete Journey: sum, maximum, noisy-or and longest antecedent first of the plain bound, gates,
    bounds and longer rules are beside them in `python benchmarks/baskets.py`, results/baskets.json.
    """

    personal: ClassVar[bool] = True

    max_basket: int = 200
    """Distinct items of the largest basket that counts."""
    min_count: int = 3
    """Baskets that must hold both sides of a rule."""
    min_llr: float = 0.0
    """Signed root of the log-likelihood ratio; 0 keeps whatever is more frequent than chance."""
    z: float = 1.64
    """Width of Wilson's interval in standard deviations; 1.64 leaves 5 % below its lower end."""
    discount: float = 0.2
    """How far strength leans from confidence (0) towards lift (1)."""
    power: float = 2.0
    """How the rules of one cart add up: 1 is their sum, 8 nearly their maximum."""
    rules: int = 100
    """Rules kept for each antecedent, strongest first."""
    itemset_support: float = 0.004
    """Least share of baskets for a rule of two or three antecedents; 0 for no such rules."""
    max_itemsets: int = 30_000
    """Candidate itemsets of one size at most; where there are more, rules stay shorter."""
    max_seeds: int = 50
    """Latest distinct items of a cart that are looked at."""
    window_days: float = 0.0
    """Only baskets of this many days before the last event count; 0 for all, as where there are no times."""

    def __post_init__(self) -> None:
        if min(self.max_basket, self.min_count, self.rules, self.max_seeds) < 1:
            raise ValueError("max_basket, min_count, rules and max_seeds must be at least 1")
        if not 1 <= self.power <= 8:
            raise ValueError("power must be between 1, a sum, and 8, nearly a maximum")
        if not self.window_days >= 0:
            raise ValueError("window_days must be 0 or more")

    def need(self, extent: Extent) -> Need:
        """Baskets both ways round, and the rules of each product, which have a figure more than lists."""
        return lists_of(extent, 2 * self.rules)

    def fit(self, dataset: Dataset) -> Parts:
        """Count pairs exactly; find longer rules by FP-growth (Han, Pei and Yin 2000) where they are few."""
        baskets = _baskets(_lately(dataset.settled(), self.window_days), self.max_basket)
        n_baskets, n_items = baskets.shape
        holding = np.bincount(baskets.indices, minlength=n_items)
        rules = [_ragged({})]
        for pairs in pair_counts(baskets, self.min_count):
            rules.append(self._strongest(_of_pairs(pairs, holding), holding, n_baskets))
        if self.itemset_support > 0:
            least = max(ceil(self.itemset_support * n_baskets), self.min_count)
            longer = _ragged(longer_rules(baskets, least, self.max_itemsets, SIDES))
            rules.append(self._strongest(longer, holding, n_baskets))
        return {
            **_parts(rules, n_items),
            "item_counts": holding.astype(np.int32),
            "baskets": np.array([n_baskets], np.int64),
        }

    def open(self, parts: Parts) -> BoughtTogether:
        """Rules by antecedent, as they were stored."""
        arrays: dict[str, Any] = {name: np.asarray(part) for name, part in parts.items()}
        return BoughtTogether(power=self.power, max_seeds=self.max_seeds, **arrays)

    def _strongest(self, rules: _Rules, holding: NDArray[np.int64], n_baskets: int) -> _Rules:
        counts = (rules.indptr, rules.rows, rules.counts, rules.holding, holding, n_baskets)
        keep, strengths = strongest(*counts, self.min_llr, self.z, self.discount, self.rules)
        return rules.only(keep, strengths**self.power)


@dataclass(frozen=True)
class BoughtTogether:
    """Rules by antecedent (see `kernels.association`), and the baskets behind their figures.

    `counts`: int32, baskets with both sides of each rule; `antecedent_counts`: int32, with each
    antecedent; `item_counts`: int32, with each item; `baskets`: int64[1], all there are.
    """

    starts: NDArray[np.int64]
    companions: Rows
    indptr: NDArray[np.int64]
    indices: Rows
    scores: NDArray[np.float32]
    counts: NDArray[np.int32]
    antecedent_counts: NDArray[np.int32]
    item_counts: NDArray[np.int32]
    baskets: NDArray[np.int64]
    power: float
    max_seeds: int

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """What the rules of each asker's cart lead to; the cart's own items too, unless `allow` bars them."""
        table = (self.starts, self.companions, self.indptr, self.indices, self.scores)
        indptr, rows, scores = completions(*self._carts(query), *table)
        indptr, rows, scores = best(indptr, rows, scores, allow.mask, allow.indptr, allow.rows, k)
        return Candidates(indptr, rows, scores ** np.float32(1 / self.power))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """The strongest rule that the cart fired for each row."""
        table = (self.starts, self.companions, self.indptr, self.indices, self.scores)
        fired, places = causes(*self._carts(query), ends, rows, *table)
        known = np.flatnonzero(places >= 0)
        seeds, figures = np.full((len(rows), SIDES), UNKNOWN, np.int32), np.zeros((len(rows), 3))
        if len(known):
            seeds[known], figures[known] = self._rules(fired[known], places[known])
        return Whys(seeds, figures)

    def _carts(self, query: Query) -> tuple[NDArray[np.int64], Rows]:
        seeds = query.seeds
        held: tuple[NDArray[np.int64], Rows]
        held = carts(seeds.indptr, seeds.rows, seeds.types, UNDONE, self.max_seeds)
        return held

    def _rules(
        self, fired: NDArray[np.int64], places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Sides and figures of rules, by their antecedents `fired` and their `places` in the table."""
        keys = np.searchsorted(self.starts, fired, side="right") - 1
        consequents = self.item_counts[self.indices[places]]
        found = measures(
            self.counts[places], self.antecedent_counts[fired], consequents, int(self.baskets[0])
        )
        figures = np.column_stack([found.support, found.confidence, found.lift])
        return np.column_stack([keys, self.companions[fired]]), figures


@dataclass(frozen=True)
class _Rules:
    """Ragged by antecedent: antecedent g leads to `rows[indptr[g]:indptr[g + 1]]`.

    `sides`: int32[g, SIDES], rarest item first, padded with UNKNOWN; `holding`: int64[g], baskets
    with all of them; `counts`: int32, baskets with both sides of a rule; `scores`: float32.
    """

    sides: Rows
    holding: NDArray[np.int64]
    indptr: NDArray[np.int64]
    rows: Rows
    counts: NDArray[np.int32]
    scores: NDArray[np.float32]

    def only(self, keep: NDArray[np.bool_], scores: NDArray[np.float32]) -> _Rules:
        """The rules kept, and the antecedents that have any."""
        indptr = np.concatenate([[0], np.cumsum(keep)])[self.indptr]
        some = np.diff(indptr) > 0
        ends = np.append(indptr[:-1][some], indptr[-1])
        return _Rules(
            self.sides[some], self.holding[some], ends, self.rows[keep], self.counts[keep], scores[keep]
        )


def _of_pairs(pairs: Pairs, holding: NDArray[np.int64]) -> _Rules:
    sides = np.full((len(pairs.antecedents), SIDES), UNKNOWN, np.int32)
    sides[:, 0] = pairs.antecedents
    unscored = np.zeros(len(pairs.rows), np.float32)
    return _Rules(sides, holding[pairs.antecedents], pairs.indptr, pairs.rows, pairs.counts, unscored)


def _ragged(found: Mapping[tuple[int, ...], Sequence[tuple[int, int, int]]]) -> _Rules:
    """Rules by their sides: (consequent, baskets with both sides, baskets with the antecedent)."""
    sides = [(*one, *[UNKNOWN] * (SIDES - len(one))) for one in found]
    rules = np.array([rule for some in found.values() for rule in sorted(some)], np.int32).reshape(-1, 3)
    ends = np.cumsum([0, *(len(some) for some in found.values())])
    return _Rules(
        np.array(sides, np.int32).reshape(-1, SIDES),
        rules[ends[:-1], 2].astype(np.int64),
        ends.astype(np.int64),
        rules[:, 0].copy(),
        rules[:, 1].copy(),
        np.zeros(len(rules), np.float32),
    )


def _parts(rules: Sequence[_Rules], n_items: int) -> dict[str, NDArray[Any]]:
    """One table of all rules, by their first side and then by the others: see `kernels.association`."""
    sides = np.concatenate([one.sides for one in rules])
    sizes = np.concatenate([np.diff(one.indptr) for one in rules])
    order = np.lexsort(sides.T[::-1])
    begins = (np.cumsum(sizes) - sizes)[order]
    indptr = np.concatenate([[0], np.cumsum(sizes[order])]).astype(np.int64)
    places = np.repeat(begins - indptr[:-1], sizes[order]) + np.arange(indptr[-1])
    return {
        "starts": np.searchsorted(sides[order, 0], np.arange(n_items + 1)).astype(np.int64),
        "companions": sides[order, 1:].copy(),
        "antecedent_counts": np.concatenate([one.holding for one in rules])[order].astype(np.int32),
        "indptr": indptr,
        "indices": np.concatenate([one.rows for one in rules])[places],
        "counts": np.concatenate([one.counts for one in rules])[places],
        "scores": np.concatenate([one.scores for one in rules])[places],
    }


def _lately(dataset: Dataset, days: float) -> Dataset:
    """The events of the last days, and all of a basket that reaches into them; everything for 0."""
    if not days or not dataset.timed:
        return dataset
    visit, late = dataset.events.visit, dataset.events.time > dataset.end - days * DAY
    reaching = np.zeros(int(visit.max(initial=-1)) + 2, np.bool_)
    reaching[visit[late]] = True
    reaching[UNKNOWN] = False
    return replace(dataset, events=dataset.events.take(late | reaching[visit]))


def _baskets(dataset: Dataset, most: int) -> Csr:
    """Baskets x items, of those with 1 to `most` distinct items.

    Where no purchase belongs to an order or a session, what a customer bought on one day is taken
    for a basket, and without times all that a customer ever bought.
    """
    events = dataset.events
    bought = events.type == PURCHASE
    if not (bought & (events.visit >= 0)).any():
        dataset = replace(dataset, events=replace(events, visit=_days(dataset, bought)))
    baskets = dataset.baskets()
    sizes = np.diff(baskets.indptr)
    kept = (sizes > 0) & (sizes <= most)
    indptr = np.concatenate([[0], np.cumsum(sizes[kept])]).astype(np.int64)
    lines = np.repeat(kept, sizes)
    return Csr(indptr, baskets.indices[lines], baskets.data[lines], (int(kept.sum()), baskets.shape[1]))


def _days(dataset: Dataset, bought: NDArray[np.bool_]) -> Rows:
    """int32 per event: a number for each customer's day of purchases, UNKNOWN for other events."""
    known = bought & (dataset.events.user >= 0)
    day = dataset.events.time[known] // DAY if dataset.timed else np.zeros(known.sum(), np.int64)
    visit = np.full(len(known), UNKNOWN, np.int32)
    visit[known] = visit_keys(visit[known], dataset.events.user[known], day)
    return visit
