"""Whether learned trees put a placement's lists into a better order than its blend does, and which trees.

They are learned from windows before the latest one of the bench, and judged on that against the same
lists without them, asker by asker. Trees must be ahead by more standard errors than a setting must:
they have more freedom to fit those days, and cost every request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vitrina.bundle import Bundle
from vitrina.engine import Engine
from vitrina.evaluate import ask
from vitrina.fit import fit
from vitrina.metrics import Values, accuracy
from vitrina.placements import Placements
from vitrina.questions import to_ask
from vitrina.ranking import MIN_ASKERS, Lessons, grow, taught, with_ranker
from vitrina.recipe import RankerPlan, Recipe
from vitrina.splits import Split
from vitrina.tune.bench import MOST
from vitrina.tune.limit import Clock, TooLong, came_of

SURE = 2.0
"""Standard errors that trees must be ahead by."""
JUDGES = 20_000
"""Askers of a placement at most; each step of a visit asks."""
TEACHING = 0.5
"""Share of the time that windows are learned from, one at least; in training all of them teach."""
SHAPES = (
    RankerPlan(),
    RankerPlan(objective="binary", least=200),
    RankerPlan(trees=80, leaves=6, least=200),
    RankerPlan(trees=300, leaves=24, rate=0.02),
)
"""What is tried beside the recipe's own trees: as they come, grown for chances, stubby ones, slow ones."""
Say = Callable[[str], None]
Taught = Mapping[str, tuple[Lessons, tuple[str, ...], tuple[str, ...]]]


@dataclass(frozen=True)
class Order:
    """`plan`: what the recipe's [ranker] is to be; `gains`: by placement ranked so, the NDCG@10 it adds and
    the standard error of that."""

    plan: RankerPlan
    gains: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def ordered(
    cut: Split,
    recipe: Recipe,
    placements: Placements,
    fit_seconds: float,
    until: float,
    say: Say,
    clock: Clock = time.perf_counter,
) -> Order:
    """The trees that order lists best on a window, or none; what the recipe has where there is no time.

    `recipe`, `placements`: as they were tuned; `fit_seconds`: what fitting and asking them once takes. Raises
    what ends it, Ctrl-C or a limit on its time, before any trees were found.
    """
    own, start = recipe.ranker, clock()
    if not cut.train.timed:
        say("trees are not tried: without times nothing comes after anything")
        return Order(own)
    if until - start < 2 * fit_seconds:
        say("trees are not tried: there is no time left to learn them")
        return Order(own)

    def more(learned: int) -> bool:
        return (clock() - start) * (learned + 1) / learned < TEACHING * (until - start)

    wanted = replace(recipe, ranker=replace(own, placements=tuple(sorted(placements.by_name))))
    lessons = taught(cut.train, wanted, placements, lambda line: None, more)
    lessons = {name: one for name, one in lessons.items() if len(one[0].sizes) >= MIN_ASKERS}
    if not lessons:
        say("trees are not tried: nothing before these days teaches them")
        return Order(own)
    best = _best(cut, wanted, placements, lessons, lambda: clock() < until)
    left = tuple(name for name in own.placements if name not in lessons)  # nobody judged those
    best = replace(best, plan=replace(best.plan, placements=(*best.plan.placements, *left)))
    for name, (gain, error) in best.gains.items():
        say(f"{name}: learned trees add {gain:+.4f} +- {error:.4f}")
    if not best.gains:
        say("learned trees order no placement surely better than its blend")
    return best


def _best(
    cut: Split, recipe: Recipe, placements: Placements, lessons: Taught, more: Callable[[], bool]
) -> Order:
    """Of all shapes the one that gains most in sum, of those that there is time for, before Ctrl-C; each only
    where it is surely ahead. Raises what ended it where none was found."""
    bundle, seed = fit(cut.train, recipe, placements), recipe.evaluation.seed
    before = _judged(bundle, cut, placements, tuple(lessons), seed)
    own = replace(recipe.ranker, placements=())
    found = Order(own)
    try:
        for plan in dict.fromkeys((own, *(replace(one, windows=own.windows) for one in SHAPES))):
            if plan != own and not more():
                break
            forests = {name: grow(*one, plan, seed) for name, one in lessons.items()}
            after = _judged(with_ranker(bundle, cut.train, forests), cut, placements, tuple(lessons), seed)
            gains = {name: _gain(after[name].less(one)) for name, one in before.items()}
            gains = {name: one for name, one in gains.items() if one[0] > SURE * one[1]}
            if _sum(gains) > _sum(found.gains):
                found = Order(replace(plan, placements=tuple(gains)), gains)
    except (KeyboardInterrupt, Exception) as fault:  # who was called then may have made something else of it
        if not found.gains or (more() and not came_of(fault, TooLong, KeyboardInterrupt)):
            raise
    return found


@dataclass(frozen=True)
class _Judged:
    """NDCG@10 of each asker of a placement, float64[n], and whose it is: steps of one visit hang together."""

    ndcg: Values
    clusters: NDArray[np.int64]

    def less(self, other: _Judged) -> _Judged:
        """What each has more than before, of those who took anything."""
        more = self.ndcg - other.ndcg
        known = ~np.isnan(more)
        return _Judged(more[known], self.clusters[known])


def _judged(
    bundle: Bundle, cut: Split, placements: Placements, names: tuple[str, ...], seed: int
) -> dict[str, _Judged]:
    """By placement, the figures of the window."""
    engine = Engine.of(bundle, placements)
    product = np.append(cut.train.catalog.product, np.int32(-1))
    found = {}
    for asked in to_ask(engine.placements, cut, MOST, seed):
        if asked.placement in names:
            asked = asked.drawn(JUDGES, seed)
            rows, _ = ask(engine, asked, engine.placements.named(asked.placement), cut.now)
            ndcg = accuracy(product[rows[:, :10]], asked.truth)["ndcg"]
            found[asked.placement] = _Judged(ndcg, asked.clusters)
    return found


def _gain(more: _Judged) -> tuple[float, float]:
    """The mean, and its standard error over clusters."""
    n, mean = len(more.ndcg), float(more.ndcg.mean())
    _, cluster = np.unique(more.clusters, return_inverse=True)
    return mean, float(np.linalg.norm(np.bincount(cluster, more.ndcg - mean)) / n)


def _sum(gains: Mapping[str, tuple[float, float]]) -> float:
    return sum(gain for gain, _ in gains.values())
