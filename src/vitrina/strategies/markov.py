"""What is taken next: transitions within a visit, and from one visit of a customer to the next.

A step counts the less the longer it is (sequential rules: Kamehkhosh, Jannach and Ludewig, 2017; one
step alone is a Markov chain). What happened at one moment has no order: such items follow one another
both ways. With `order` 2 the last two items together are an antecedent as well, smoothed by the list
of the last alone (MacKay and Peto, 1995).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, Dataset
from vitrina.ids import Rows
from vitrina.kernels.gather import Ragged, Scratch, in_chunks
from vitrina.kernels.sessions import visit_keys
from vitrina.kernels.sparse import group
from vitrina.kernels.transitions import Steps, advance, fade, grounds, joined, steps_of, successors
from vitrina.needs import ENTRY, EVENT, Extent, Need, lists_of
from vitrina.parts import Parts
from vitrina.strategy import Allow, Candidates, Query, Whys

FADES = ("none", "linear", "reciprocal", "quadratic", "exponential")


@dataclass(frozen=True)
class Strategy:
    """`neighbours`: kept of each antecedent. `visits`, `customers`: what a transition within a visit, and
    one from a customer's visit to a later one, counts; 0 for none.

    `gap`: longest transition, in moments of a visit; `visit_gap`: in visits of a customer. `fade`: by
    which a longer one counts less: "none", "linear", "reciprocal", "quadratic" or "exponential".
    `together`: what a pair of one moment counts of one of the next. `event_weights`: what an event counts
    as the one that follows, and as a seed; others count nothing. `half_life_days`: by which events count
    half, 0 for never. `confidence`: power of the antecedent's count that its list is divided by;
    `discount`: power of an item's share of events that its scores are divided by (1: lift).
    `order`: 1, or 2 for pairs that occur `support` times; `backoff`: occurrences of a pair at which it
    weighs as much as its last item alone.
    At request time: the latest `seeds` items of the asker, fading by `seed_fade`.
    """

    personal: ClassVar[bool] = True

    neighbours: int = 100
    visits: float = 1.0
    customers: float = 0.0
    gap: int = 10
    visit_gap: int = 3
    fade: str = "quadratic"
    together: float = 1.0
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 1.0, "view": 1.0}
    )
    half_life_days: float = 0.0
    confidence: float = 1.0
    discount: float = 0.1
    order: int = 1
    support: int = 3
    backoff: float = 5.0
    seeds: int = 10
    seed_fade: str = "quadratic"

    def __post_init__(self) -> None:
        for name in ("fade", "seed_fade"):
            if getattr(self, name) not in FADES:
                raise ValueError(f"{name} '{getattr(self, name)}' is unknown; known: {', '.join(FADES)}")
        if min(self.neighbours, self.gap, self.visit_gap, self.support, self.seeds) < 1:
            raise ValueError("neighbours, gap, visit_gap, support and seeds must be at least 1")
        if min(self.visits, self.customers, self.together, self.backoff) < 0:
            raise ValueError("visits, customers, together and backoff must not be negative")
        if self.order not in (1, 2):
            raise ValueError("order must be 1 or 2")

    def need(self, extent: Extent) -> Need:
        """Steps within and across visits, and lists of products and of pairs of them."""
        return lists_of(extent, self.neighbours, per_event=3 * EVENT, copies=2, tables=2 * ENTRY)

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: lists `indptr`, `indices`, `scores`, best first, one for each item and then one for each of
        `pairs` (int64, row before x items + last row); `rest`, what a pair leaves to its last row;
        `type_weights` of seeds."""
        dataset = dataset.settled()
        n_items, weights = len(dataset.items), dataset.weights(self.event_weights, self.half_life_days)
        within, across = self._within(dataset, weights), self._across(dataset, weights)
        counts = np.bincount(dataset.events.item, weights, n_items).astype(np.float64)
        favour = _power(counts / max(counts.sum(), 1e-300), -self.discount)
        pairs, places, times = self._pairs(within, n_items)
        smoothed = (times + self.backoff) / _power(counts, 1 - self.confidence)[pairs % max(n_items, 1)]
        steps, fading = joined(within, across), fade(self.fade, max(self.gap, self.visit_gap))
        lists = [
            successors(steps, antecedents, (fading, divisor, favour), self.neighbours)
            for antecedents, divisor in (
                (group(steps.item, n_items), _power(counts, self.confidence)),
                (places, smoothed),
            )
        ]
        return {
            "indptr": np.concatenate([lists[0][0], lists[0][0][-1] + lists[1][0][1:]]),
            "indices": np.concatenate([one[1] for one in lists]),
            "scores": np.concatenate([one[2] for one in lists]),
            "pairs": pairs,
            "rest": (self.backoff / (times + self.backoff)).astype(np.float32),
            "type_weights": dataset.type_weights(self.event_weights),
        }

    def open(self, parts: Parts) -> Successors:
        """A source over the lists."""
        return Successors(parts, fade(self.seed_fade, self.seeds).astype(np.float32))

    def _within(self, dataset: Dataset, weights: NDArray[np.float32]) -> Steps:
        """Transitions within a visit, from one time to the next."""
        events, visit = dataset.events, _visits(dataset)
        held = np.flatnonzero((weights > 0) & (visit >= 0) & (self.visits > 0))
        at = held[np.argsort(visit[held], kind="stable")]
        worth = self.visits * weights[at].astype(np.float64)
        return steps_of(events.item[at], worth, visit[at], dataset.moments[at], self.gap, self.together)

    def _across(self, dataset: Dataset, weights: NDArray[np.float32]) -> Steps:
        """Transitions from one visit of a customer to the next; visits in the order of their beginnings."""
        events, visit = dataset.events, _visits(dataset)
        began = np.zeros(visit.max(initial=-1) + 1, np.int64)
        began[visit[visit >= 0][::-1]] = np.flatnonzero(visit >= 0)[::-1]
        held = np.flatnonzero((weights > 0) & (events.user >= 0) & (self.customers > 0))
        at = held[np.lexsort((held, began[visit[held]], events.user[held]))]
        worth = self.customers * weights[at].astype(np.float64)
        return steps_of(events.item[at], worth, events.user[at], began[visit[at]], self.visit_gap, 0.0)

    def _pairs(self, steps: Steps, n_items: int) -> tuple[NDArray[np.int64], Any, NDArray[np.float64]]:
        """(pairs, (indptr, places), weighted times) of two moments of one event each, one after the other."""
        alone = np.bincount(steps.moment)[steps.moment] == 1
        place = np.flatnonzero(alone[1:] & alone[:-1] & (steps.end[:-1] > np.arange(1, len(alone)))) + 1
        keys = steps.item[place - 1].astype(np.int64) * n_items + steps.item[place]
        pairs, pair, times = np.unique(keys, return_inverse=True, return_counts=True)
        known = (times >= self.support) & (self.order > 1)
        kept = known[pair]
        number = (np.cumsum(known) - 1)[pair[kept]].astype(np.int32)
        indptr, order = group(number, int(known.sum()))
        worth = np.bincount(number, steps.weight[place[kept]], len(indptr) - 1) / max(self.visits, 1e-300)
        return pairs[known], (indptr, place[kept][order]), worth


def _visits(dataset: Dataset) -> Rows:
    events = dataset.events
    return visit_keys(events.visit, events.user, events.time // DAY if dataset.timed else events.time * 0)


def _power(values: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """values ** power, and 1 where the value is 0."""
    return np.where(values > 0, np.maximum(values, 1e-300) ** power, 1.0)


class Successors:
    """Answers by what follows the asker's latest items."""

    def __init__(self, parts: Parts, fading: NDArray[np.float32]) -> None:
        names = ("pairs", "rest", "indptr", "indices", "scores")
        self._learned = (
            np.asarray(parts["type_weights"]),
            fading,
            *(np.asarray(parts[one]) for one in names),
        )
        self._scratch = Scratch(len(parts["indptr"]) - 1 - len(parts["pairs"]))

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """The k best allowed rows of each asker, by the lists of its seeds and of its last pair."""
        seeds = (query.seeds.indptr, query.seeds.rows, query.seeds.types)
        allowed = (allow.mask, allow.indptr, allow.rows)

        def answer(low: int, high: int) -> Ragged:
            found: Ragged = advance(low, high, *seeds, *self._learned, *allowed, k, self._scratch.sums)
            return found

        return Candidates(*in_chunks(len(query), answer))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """The one or two seeds whose lists gave each row most; a pair's list is its last item's."""
        return Whys.of_each(query, ends, rows, self._grounds)

    def _grounds(self, query: Query, rows: Rows) -> Rows:
        found: Rows = grounds(query.seeds.rows, query.seeds.types, *self._learned, rows, self._scratch.sums)
        return found
