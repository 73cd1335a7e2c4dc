"""How the time of a tuner is shared: settings first, then weights, and at the end trees."""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.ranking import MAX_ASKERS, windows
from vitrina.recipe import Recipe
from vitrina.tune.bench import MOST, Bench
from vitrina.tune.choose import LEAST

WEIGHING, ORDERING = 0.2, 0.3
"""Shares of the budget that weights have, and trees at most; settings have the rest."""
WINDOWS = 0.1
"""Share of the budget that is kept to fit and ask what trees learn from, where little is to be grown."""
LIST = 0.01
"""Seconds in which all shapes of trees are grown from a list, about twice what they take: of the first,
benchmarks/ranker.py has 0.0015, and the slow one has twice its trees, and larger ones."""
SHORT = 0.05
"""Share of the budget that proves a placement's weights, `LEAST` at most, where the search left none."""
LATE = 1.5
"""How many times their share trees are grown for before they are given up: what was begun is mostly ended."""


@dataclass(frozen=True)
class Shares:
    """Moments of a clock. `started`: when the search began; `budget`: its seconds; `ordering`: those of it
    that are kept for trees."""

    started: float
    budget: float
    ordering: float

    @classmethod
    def of(cls, bench: Bench, recipe: Recipe, started: float, budget: float) -> Shares:
        """Trees are kept no more time for than they can use, and none where nothing teaches them."""
        teach = next(windows(bench.windows[0].cut.train, recipe, lambda line: None), None)
        askers = sum(MAX_ASKERS if len(one) >= MOST else len(one) for one in bench.truths.values())
        useful = WINDOWS * budget + LIST * askers * recipe.ranker.windows
        return cls(started, budget, min(ORDERING * budget, useful) if teach else 0.0)

    @property
    def settings(self) -> float:
        """Until when settings are searched."""
        return self.started + self.budget * (1 - WEIGHING) - self.ordering

    @property
    def weights(self) -> float:
        """Until when weights are searched; what was begun is searched to its end."""
        return self.started + self.budget - self.ordering

    @property
    def least(self) -> float:
        """Seconds of weights where none are left."""
        return min(LEAST, SHORT * self.budget)

    def trees(self, now: float) -> float:
        """Until when trees are tried: they have their share though weights overran."""
        return max(self.started + self.budget, now + self.ordering)

    @staticmethod
    def given_up(now: float, until: float) -> float:
        """When trees that are not done by then are given up."""
        return now + max(LATE * (until - now), LEAST)
