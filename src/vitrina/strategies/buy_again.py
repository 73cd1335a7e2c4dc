"""What a customer buys again: their own purchases, the frequent and the recent ones first.

A frequency list is the floor that next-basket models have to beat, and few do (Li et al., TOIS
2023). It learns one thing from others: which items people come back for at all, so that last
week's kettle stands below last month's coffee.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, PURCHASE, Dataset
from vitrina.ids import Rows
from vitrina.kernels.lists import best
from vitrina.kernels.repeats import among, purchases
from vitrina.kernels.sparse import counting_order
from vitrina.strategy import Allow, Candidates, Parts, Query, Why


@dataclass(frozen=True)
class Strategy:
    """An asker's purchases, by days bought, faded, times how many of an item's buyers come back.

    The defaults led on Complete Journey, lists of 10 against the next four weeks, chosen on the
    four weeks before the last (`python benchmarks/buy_again.py`, results/buy_again.json).
    """

    personal: ClassVar[bool] = False
    """Lists follow from the asker's seeds, but bring nothing that is not among them."""

    half_life_days: float = 90.0
    """0 for no decay; without times nothing decays."""
    min_count: int = 1
    """Days that an item must have been bought on."""
    repeat_power: float = 0.5
    """Weight of the share of an item's buyers who bought it again, as its power; 0 ignores it."""
    repeat_prior: float = 20.0
    """Buyers with the overall share, added to each item's own."""

    def __post_init__(self) -> None:
        for name in ("half_life_days", "min_count", "repeat_power", "repeat_prior"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more")

    def fit(self, dataset: Dataset) -> Parts:
        """Learn how many of each item's buyers come back for it."""
        share = _repeat_share(dataset.settled(), self.repeat_prior)
        return {
            "weights": (share**self.repeat_power).astype(np.float32),
            "timed": np.array([dataset.timed]),
        }

    def open(self, parts: Parts) -> BuyAgain:
        """Weights by row."""
        weights: Any = np.asarray(parts["weights"])
        half_life = self.half_life_days if np.asarray(parts["timed"])[0] else -1.0
        return BuyAgain(weights, half_life, self.min_count)


@dataclass(frozen=True)
class BuyAgain:
    """`weights`: float32 per row; `half_life`: days, 0 for no decay, negative for no times."""

    weights: NDArray[np.float32]
    half_life: float
    min_count: int

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """Purchases among the seeds of each asker; nothing else."""
        seeds = query.seeds
        events = (seeds.indptr, seeds.rows, seeds.types, seeds.times)
        indptr, rows, days = purchases(*events, PURCHASE, self.half_life, self.min_count)
        scores = days * self.weights[rows]
        return Candidates(*best(indptr, rows, scores, allow.mask, allow.indptr, allow.rows, k))

    def why(self, query: Query, rows: Rows) -> Sequence[Why]:
        """Each row's reason is that it was bought before."""
        bought = among(query.seeds.rows, query.seeds.types, PURCHASE, rows)
        return [
            Why((row,)) if own else Why() for row, own in zip(rows.tolist(), bought.tolist(), strict=True)
        ]


def _repeat_share(shop: Dataset, prior: float) -> NDArray[np.float64]:
    """float64 per item: the share of its known buyers who bought it on a second day, smoothed.

    Without times each order is a day, or each purchase. 1 for all where nobody came back for anything.
    """
    events = shop.events
    order = np.flatnonzero((events.type == PURCHASE) & (events.user >= 0))
    order = order[counting_order(events.user[order], len(shop.users))]
    order = order[counting_order(events.item[order], len(shop.items))]
    item, user = events.item[order], events.user[order]
    alone = np.where(events.visit >= 0, events.visit, -1 - np.arange(len(events)))
    day = (events.time // DAY if shop.timed else alone)[order]
    pair = np.ones(len(order), np.bool_)
    pair[1:] = (item[1:] != item[:-1]) | (user[1:] != user[:-1])
    fresh = pair.copy()
    fresh[1:] |= day[1:] != day[:-1]
    starts = np.flatnonzero(pair)
    days = np.add.reduceat(fresh, starts, dtype=np.int64) if len(starts) else starts
    buyers = np.bincount(item[starts], minlength=len(shop.items))
    again = np.bincount(item[starts], days > 1, len(shop.items))
    if not again.any():
        return np.ones(len(shop.items))
    overall: float = again.sum() / buyers.sum()
    share: NDArray[np.float64] = (again + prior * overall) / np.maximum(buyers + prior, 1e-9)
    return share
