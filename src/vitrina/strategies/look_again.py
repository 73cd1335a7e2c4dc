"""What an asker looks at again: what they viewed or laid into the cart and have not bought since.

Of all that somebody may take next, the product that they were just looking at is the likeliest, and the one
before it the next. How fast that falls with each other product looked at since, what a cart says beside a
view, and which products are come back to at all is learned: recency and quality, as in Anderson, Kumar,
Tomkins and Vassilvitskii, "The dynamics of repeat consumption" (WWW 2014).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Catalog
from vitrina.dataset import PURCHASE, REMOVE, TYPES, Dataset
from vitrina.errors import DataError
from vitrina.ids import UNKNOWN, Rows
from vitrina.kernels.lists import best
from vitrina.kernels.repeats import among
from vitrina.kernels.sparse import dealt, ends_of
from vitrina.kernels.viewed import DROP, LOOK, OTHER, TAKE, comebacks, looks, returns
from vitrina.parts import Parts
from vitrina.strategy import Allow, Candidates, Query, Whys

DEPTH = 64
"""Products looked at since from which on it is all the same."""
PRIOR = 20.0
"""Chances, or returns, that count for what is known of all."""


@dataclass(frozen=True)
class Strategy:
    """An asker's looks, by how many others they looked at since, times what a look of its type is worth,
    times the looks as the power `often`, times how likely a product is come back to, as `return_power`.

    `half_life_days`: a look counts half so many days ago; 0 for no decay, as where there are no times.
    `return_prior`: askers with the overall share, added to each product's own. `event_weights`: what a look
    counts by type, beside what is learned of it; others are no looks, in training as well, but for purchases
    where sessions hold nothing else.
    """

    personal: ClassVar[bool] = False
    """Lists follow from the asker's seeds, but bring nothing that is not among them."""

    often: float = 0.5
    half_life_days: float = 30.0
    return_power: float = 0.5
    return_prior: float = 20.0
    event_weights: Mapping[str, float] = field(default_factory=lambda: {"cart": 1.0, "view": 1.0})

    def __post_init__(self) -> None:
        for name in ("often", "half_life_days", "return_power", "return_prior"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more")

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: `acts`, what each event type is; `curve`, the chance that the next step goes back to the
        latest look, to the one before it, and so on; `factors` of types and `weights` of items by which that
        is more or less."""
        dataset = dataset.settled()
        weights = self.event_weights if has_looks(dataset) else {**self.event_weights, TYPES[PURCHASE]: 1.0}
        acts, actors = acts_of(dataset.types, weights), dataset.actors
        ends = ends_of(actors, int(max(len(dataset.users), actors.max(initial=UNKNOWN) + 1)))
        rows, types = dealt(actors, ends, dataset.events.item, dataset.events.type)
        hits, chances = returns(ends, rows, types, acts, DEPTH)
        curve = _curve(hits.sum(axis=0), chances.sum(axis=0))
        factors = (hits.sum(axis=1) + PRIOR) / (chances @ curve + PRIOR)
        lookers, again = comebacks(ends, rows, types, acts, len(dataset.items))
        share = _share(lookers, again, self.return_prior)
        return {
            "acts": acts,
            "curve": curve.astype(np.float32),
            "factors": factors.astype(np.float32) * dataset.type_weights(weights),
            "weights": (share**self.return_power).astype(np.float32),
            "timed": np.array([dataset.timed]),
        }

    def open(self, parts: Parts) -> LookAgain:
        """Weights by row."""
        array = {name: np.asarray(part) for name, part in parts.items()}
        fading = self.half_life_days if array["timed"][0] else 0.0
        acts, curve, factors = (array[name] for name in ("acts", "curve", "factors"))
        if not len(curve):
            raise ValueError("curve is empty: nothing says what a look is worth")
        return LookAgain(acts, curve, factors, array["weights"], self.often, fading)


@dataclass(frozen=True, eq=False)
class LookAgain:
    """`acts`: uint8 per event type; `curve`: float32 by place; `factors`: float32 per event type; `weights`:
    float32 per row."""

    acts: NDArray[np.uint8]
    curve: NDArray[np.float32]
    factors: NDArray[np.float32]
    weights: NDArray[np.float32]
    often: float
    half_life: float

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """Looks among the seeds of each asker that no purchase followed; nothing else."""
        if self not in query.found:
            query.found[self] = self._looked(query)
        return Candidates(*best(*query.found[self], allow.mask, allow.indptr, allow.rows, k))

    def _looked(self, query: Query) -> tuple[NDArray[np.int64], Rows, NDArray[np.float32]]:
        """What each asker looked at and how likely it is come back to, ragged."""
        seeds = query.seeds
        learned = self.acts, self.curve, self.factors
        ends, rows, worth = looks(
            *(seeds.indptr, seeds.rows, seeds.types, seeds.times),
            *(*learned, self.often, self.half_life, query.now),
        )
        return ends, rows, worth * self.weights[rows]

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """Each row's reason is that it was looked at."""
        seeds = query.seeds
        return Whys(among(seeds.indptr, seeds.rows, self.acts[seeds.types], LOOK, ends, rows))

    def extended(self, catalog: Catalog, vectors: NDArray[np.float32] | None) -> LookAgain:
        """The same source for items added since training: come back to as all are on average.

        Raises DataError where the catalogue is shorter than what was trained."""
        if len(catalog) < len(self.weights):
            trained = f"{len(self.weights)} were trained: give these first"
            raise DataError(f"the catalogue has {len(catalog)} items, {trained}")
        weights = np.ones(len(catalog), np.float32)
        weights[: len(self.weights)] = self.weights
        return LookAgain(self.acts, self.curve, self.factors, weights, self.often, self.half_life)


def has_looks(dataset: Dataset) -> bool:
    """Whether looks are told from purchases. Sessions that hold purchases alone, as those do whose rows have
    no type, are of what was looked at."""
    return not dataset.sessions or bool((dataset.events.type != PURCHASE).any())


def acts_of(types: Sequence[str], weights: Mapping[str, float]) -> NDArray[np.uint8]:
    """uint8 per event type: LOOK for what weighs anything, TAKE for a purchase that does not, DROP for what
    leaves the cart, OTHER for the rest."""
    acts = {TYPES[PURCHASE]: TAKE} | {name: LOOK for name, weight in weights.items() if weight > 0}
    acts |= {TYPES[REMOVE]: DROP}
    return np.array([acts.get(name, OTHER) for name in types], np.uint8)


def _curve(hits: NDArray[np.int64], chances: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64 like `hits`: the share of chances that were hits, by place; where there were few the one before
    it, falling with the place, says more. A shop that has sent no looks may send some to be answered."""
    curve = np.zeros(len(hits))
    before = (hits.sum() + 1) / (chances.sum() + 4)
    for at in range(len(hits)):
        curve[at] = before = (hits[at] + PRIOR * before * max(at, 1) / (at + 1)) / (chances[at] + PRIOR)
    return curve


def _share(lookers: NDArray[np.int64], again: NDArray[np.int64], prior: float) -> NDArray[np.float64]:
    """float64 per item: the share of those who looked at it and then looked again or took it, smoothed, as a
    part of all items' share. 1 where nobody came back to anything."""
    if not again.any():
        return np.ones(len(again))
    overall: float = again.sum() / lookers.sum()
    share: NDArray[np.float64] = (again + prior * overall) / np.maximum(lookers + prior, 1e-9) / overall
    return share
