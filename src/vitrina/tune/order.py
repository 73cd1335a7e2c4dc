"""Whether learned trees put a placement's lists into a better order than its blend does, and which trees.

They are learned from windows before the latest one of the bench, and judged on that against the same
lists without them, asker by asker. The blend's weights were searched on that very window, which trees never
saw, so what they owe to that (`Chosen.flatters`) is taken off. Trees must be ahead by more standard errors
than a setting must: they cost every request. Where the recipe has trees they stay unless they lose.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vitrina.clusters import gain, witnesses
from vitrina.draft import Draft, Opened
from vitrina.engine import Engine
from vitrina.fit import fit
from vitrina.ids import Rows
from vitrina.metrics import Values, accuracy
from vitrina.placements import Placements
from vitrina.questions import Questions, proposed, to_ask
from vitrina.ranker import Forest, Ranker, Shelf
from vitrina.ranking import MIN_ASKERS, Lessons, grow, taught
from vitrina.recipe import RankerPlan, Recipe
from vitrina.sold import shelf_of
from vitrina.splits import Split
from vitrina.stages import onward
from vitrina.tune.bench import MOST
from vitrina.tune.limit import Clock
from vitrina.weights import LINES

SURE = 1.5
"""Standard errors that trees must be ahead by."""
JUDGES = 10_000
"""Askers of a placement at most; each step of a visit asks."""
TEACHING = 0.5
"""Share of the time that windows are learned from, one at least; in training all of them teach."""
SHAPES = (
    RankerPlan(trees=80, leaves=6, least=200),
    RankerPlan(),
    RankerPlan(objective="binary", least=200),
    RankerPlan(trees=300, leaves=24, rate=0.02),
)
"""What is tried beside the recipe's own trees: stubby ones, which are grown soonest and so before all that
is not there yet; as they come; grown for chances; slow ones."""
Say = Callable[[str], None]
Taught = Mapping[str, tuple[Lessons, tuple[str, ...], tuple[str, ...]]]


@dataclass(frozen=True)
class Order:
    """`plan`: what the recipe's [ranker] is to be; `gains`: by placement ranked so, the NDCG@10 it adds and
    the standard error of that."""

    plan: RankerPlan
    gains: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def orders(
    cut: Split,
    recipe: Recipe,
    placements: Placements,
    flatters: Mapping[str, float],
    fit_seconds: float,
    until: float,
    say: Say,
    clock: Clock = time.perf_counter,
) -> Iterator[Order]:
    """The best trees so far, none where nothing is better for them, after each shape that was judged: what
    ends the search, Ctrl-C or a limit on its time, takes nothing from those before it.

    `recipe`, `placements`: as they were tuned; `flatters`: by placement, what NDCG@10 on the window owes to
    weights that were searched on it; `fit_seconds`: what fitting and asking them once takes. Nothing is
    judged where there is no time, or nothing that teaches trees.
    """
    own, start = recipe.ranker, clock()
    if cut.of_one_moment:
        say("trees are not tried: all that is known is of one moment")
        return
    if until - start < 2 * fit_seconds:
        say("trees are not tried: there is no time left to learn them")
        return

    def more(learned: int) -> bool:
        return (clock() - start) * (learned + 1) / learned < TEACHING * (until - start)

    wanted = replace(recipe, ranker=replace(own, placements=tuple(sorted(placements.by_name))))
    lessons = taught(cut.train, wanted, placements, lambda line: None, more)
    lessons = {name: one for name, one in lessons.items() if len(one[0].sizes) >= MIN_ASKERS}
    if not lessons:
        say("trees are not tried: nothing before these days teaches them")
        return
    judge = Judge.of(cut, wanted, placements, lessons)
    left = tuple(name for name in own.placements if name not in judge.asked)  # nobody judges those
    for best in _better(judge, own, lessons, flatters, lambda: clock() < until):
        yield replace(best, plan=replace(best.plan, placements=(*best.plan.placements, *left)))


def _better(
    judge: Judge,
    own: RankerPlan,
    lessons: Taught,
    flatters: Mapping[str, float],
    more: Callable[[], bool],
) -> Iterator[Order]:
    """Of the shapes so far, one by one as long as there is time, the one that gains most in sum; each only
    where it is surely ahead, the recipe's own where it has them unless they lose."""
    there, own = own.placements, replace(own, placements=())
    found = Order(own)
    before = judge.of_forests({})
    first, *others = (replace(one, windows=own.windows) for one in SHAPES)
    begins = (own, first) if there else (first, own)
    for plan in dict.fromkeys((*begins, *others)):
        if plan != begins[0] and not more():
            return
        after = judge.of_forests({name: grow(*one, plan, judge.seed) for name, one in lessons.items()})
        gains = {name: _gain(after[name], one, flatters[name]) for name, one in before.items()}
        stay = there if plan == own else ()
        least = {name: 0.0 if name in stay else SURE * one[1] for name, one in gains.items()}
        gains = {name: one for name, one in gains.items() if one[0] > least[name]}
        if _sum(gains) > _sum(found.gains):
            found = Order(replace(plan, placements=tuple(gains)), gains)
        yield found


@dataclass(frozen=True)
class _Judged:
    """NDCG@10 of each asker of a placement, float64[n], and whose it is: steps of one visit hang together."""

    ndcg: Values
    clusters: NDArray[np.int64]


@dataclass(frozen=True)
class Judge:
    """A window whose askers' candidates are there already, by placement: sources answer once for all trees,
    under those rules that are alike for all askers, as they do where settings are tried.

    `product`: int32 by row, behind all rows that of none.
    """

    opened: Opened
    shelf: Shelf
    product: Rows
    seed: int
    asked: Mapping[str, tuple[list[Draft], Questions]]

    @classmethod
    def of(cls, cut: Split, recipe: Recipe, placements: Placements, names: Collection[str]) -> Judge:
        """Ask the sources of these placements what they propose on the window."""
        engine, seed = Engine.of(fit(cut.train, recipe, placements), placements), recipe.evaluation.seed
        some = [one.drawn(JUDGES, seed) for one in to_ask(engine.placements, cut, MOST, seed, LINES)]
        mine = [one for one in some if one.placement in names]
        asked = {one.placement: (proposed(engine, one, cut.now), one) for one in mine}
        product = np.append(cut.train.catalog.product, np.int32(-1))
        return cls(engine.opened, shelf_of(cut.train), product, seed, asked)

    def of_forests(self, forests: Mapping[str, Forest]) -> dict[str, _Judged]:
        """By placement, the figures of its lists in the order of its trees, or of the blend without any."""
        opened = replace(self.opened, ranker=Ranker(self.shelf, forests) if forests else None)
        found = {}
        for name, (drafts, asked) in self.asked.items():
            lists = [onward(opened, draft).shown[:, :10] for draft in drafts]
            rows = np.concatenate([_padded(one) for one in lists])
            found[name] = _Judged(accuracy(self.product[rows], asked.truth)["ndcg"], witnesses(asked))
        return found


def _padded(rows: Rows) -> Rows:
    """int32[n, 10]: the lists, -1 behind their ends."""
    return np.pad(rows, ((0, 0), (0, 10 - rows.shape[1])), constant_values=-1)


def _gain(after: _Judged, before: _Judged, flatters: float) -> tuple[float, float]:
    """The mean over what was searched for those who judge, and its standard error over clusters; nothing
    where all lists are worth the same."""
    mean, error = gain(after.ndcg, before.ndcg, before.clusters)
    return (mean + flatters if error else mean), error


def _sum(gains: Mapping[str, tuple[float, float]]) -> float:
    return sum(gain for gain, _ in gains.values())
