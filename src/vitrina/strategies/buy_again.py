"""What a customer buys again: their own purchases, the frequent and the recent ones first.

A frequency list is the floor that next-basket models have to beat, and few do (Li et al., TOIS
2023). It learns two things from others: which items people come back for at all, so that last
week's kettle stands below last month's coffee; and how long each lasts, so that coffee for four
weeks returns in week four, not on day two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import PURCHASE, Dataset
from vitrina.ids import Rows
from vitrina.intervals import half_life, repeat_share, rhythm
from vitrina.kernels.lists import best
from vitrina.kernels.repeats import NEVER, among, habits, purchases
from vitrina.strategy import Allow, Candidates, Parts, Query, Whys

HABITS = ("usual", "regular", "share")
"""Parts that tell when a row is due."""


@dataclass(frozen=True)
class Strategy:
    """An asker's purchases, by days bought, faded, times how many of an item's buyers come back, times
    the chance that the asker's own next purchase of it falls in the days ahead.

    The defaults are within 0.001 NDCG@10 of the best on Complete Journey, lists of 10 against the next
    four weeks, chosen on the four weeks before the last (`python benchmarks/buy_again.py`).
    """

    personal: ClassVar[bool] = False
    """Lists follow from the asker's seeds, but bring nothing that is not among them."""

    half_life_days: float = 90.0
    """0 for no decay."""
    half_life_purchases: float = 300.0
    """Without times: after how many more purchases of the asker one counts half; 0 for never."""
    min_count: int = 1
    """Days that an item must have been bought on."""
    repeat_power: float = 0.5
    """Weight of the share of an item's buyers who bought it again, as its power; 0 ignores it."""
    repeat_prior: float = 20.0
    """Buyers with the overall share, added to each item's own."""
    timing: float = 0.5
    """Power of the chance that it is bought again in the days ahead; 0 ignores it. See `habits`."""
    ahead_days: float = 14.0
    """The days ahead."""

    def __post_init__(self) -> None:
        fading = "half_life_days", "half_life_purchases"
        for name in (*fading, "min_count", "repeat_power", "repeat_prior", "timing"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more")
        if not self.ahead_days > 0:
            raise ValueError("ahead_days must be above 0")

    def fit(self, dataset: Dataset) -> Parts:
        """Learn how many of each item's buyers come back for it, and after how long."""
        settled = dataset.settled()
        share = repeat_share(settled, self.repeat_prior)
        usual, regular = rhythm(settled)
        return {
            "weights": (share**self.repeat_power).astype(np.float32),
            "timed": np.array([dataset.timed]),
            "share": share.astype(np.float32)[: len(usual)],
            "usual": usual,
            "regular": regular,
        }

    def open(self, parts: Parts) -> BuyAgain:
        """Weights by row. A bundle from before there was timing has none."""
        array = {name: np.asarray(part) for name, part in parts.items()}
        fading = half_life(self.half_life_days, self.half_life_purchases, timed=bool(array["timed"][0]))
        known = array["timed"][0] and all(len(array.get(name, ())) for name in HABITS)
        due = known and self.timing > 0
        parts_due = tuple(array[name] if due else NEVER for name in HABITS)
        return BuyAgain(array["weights"], fading, self.min_count, parts_due, self.timing, self.ahead_days)


@dataclass(frozen=True, eq=False)
class BuyAgain:
    """`weights`: float32 per row; `half_life`: as of `purchases`. `habits`: float32 per row, the parts
    HABITS; each empty for no timing."""

    weights: NDArray[np.float32]
    half_life: float
    min_count: int
    habits: tuple[NDArray[np.float32], ...] = (NEVER, NEVER, NEVER)
    timing: float = 0.0
    ahead: float = 14.0

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """Purchases among the seeds of each asker; nothing else."""
        if self not in query.found:
            query.found[self] = self._habitual(query)
        return Candidates(*best(*query.found[self], allow.mask, allow.indptr, allow.rows, k))

    def _habitual(self, query: Query) -> tuple[NDArray[np.int64], Rows, NDArray[np.float32]]:
        """What each asker bought and how much of a habit it is, ragged."""
        seeds = query.seeds
        events = (seeds.indptr, seeds.rows, seeds.types, seeds.times)
        found = purchases(*events, PURCHASE, self.half_life, self.min_count)
        timing = (self.ahead, *self.habits, np.float32(self.timing), False)
        return *found[:2], habits(*found, self.weights, query.now, *timing)

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """Each row's reason is that it was bought before."""
        seeds = query.seeds
        return Whys(among(seeds.indptr, seeds.rows, seeds.types, PURCHASE, ends, rows))
