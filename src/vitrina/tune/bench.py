"""Where settings are tried: a shop's last days, the questions asked on them, and each source alone.

A source learns what it would in training, and is asked under a placement's own rules, as the engine
asks it. Where few ask, the days before are held out in turn as well, and the figure is the mean over all who
asked. What was fitted last is kept: settings that matter when a source is asked alone need no other fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vitrina import strategies
from vitrina.clusters import together, whose
from vitrina.dataset import DAY, Dataset
from vitrina.draft import Draft
from vitrina.engine import Engine
from vitrina.errors import DataError
from vitrina.fit import fit
from vitrina.ids import Rows
from vitrina.kernels.distinct import distinct
from vitrina.metrics import Truth, Values
from vitrina.parts import Part, Parts
from vitrina.placements import Placement, Placements
from vitrina.profiles import set_aside
from vitrina.purpose import unasked_words
from vitrina.questions import proposed, to_ask
from vitrina.recipe import Plan, Recipe
from vitrina.seeds import query
from vitrina.splits import Split, another, split
from vitrina.strategy import Candidates, Query, Strategy
from vitrina.tune.sample import in_words, scaled
from vitrina.tune.spaces import ASKED
from vitrina.weights import LINES, MIN_ASKERS, MIN_VISITS, QUICK, Table, enough, joined, pooled

Lists = Mapping[str, Candidates]
"""By placement, one source's lists for everybody who was asked."""
MOST = 3000
"""Askers of a placement, over all windows."""
ENOUGH = 600
"""Where a placement has fewer askers, another window is held out: the latest is most like the days to come,
and those before it were of another shop. One lot is like another, so there `MOST` are asked."""
WINDOWS = 6
_DEPTH = 100
"""Rows of a source, as many as `stages.retrieve` asks for."""
Clusters = NDArray[np.int64]
"""Per asker, equal for what hangs together: steps of one visit, what a customer did in several windows."""


class TooLittle(DataError):
    """No placement is asked often enough to choose anything by."""


def key_of(plan: Plan) -> str:
    """The same for the same settings."""
    return json.dumps([plan.strategy, dict(plan.params)], sort_keys=True, default=list)


@dataclass(frozen=True)
class Window:
    """One cut of the past, what strategies learn there, and by placement what is asked of every source, in
    batches, the truth, and who hangs together."""

    cut: Split
    learned: Dataset
    drafts: Mapping[str, tuple[Draft, ...]]
    truths: Mapping[str, Truth]
    clusters: Mapping[str, Clusters]

    @classmethod
    def of(
        cls, cut: Split, recipe: Recipe, placements: Placements, seed: int, asked: dict[str, int]
    ) -> Window:
        """The cut's questions, so many that with those `asked` before there are `MOST` of a placement."""
        engine = Engine.of(fit(cut.train, replace(recipe, strategies={}), placements))
        drafts, truths, clusters = {}, {}, {}
        for one in to_ask(placements, cut, MOST, seed, LINES):
            room = MOST - asked.get(one.placement, 0)
            if room > 0:
                sample = one.drawn(room, seed)
                drafts[one.placement] = tuple(proposed(engine, sample, cut.now))
                truths[one.placement] = sample.truth
                clusters[one.placement] = whose(sample, cut.train.users)
        settled = cut.train.settled()
        learned = set_aside(settled, one_offs=recipe.profile.one_offs).impersonal(settled)
        return cls(cut, learned, drafts, truths, clusters)


@dataclass(frozen=True)
class Bench:
    """`windows`, latest first; `placements`: those asked often enough; `truths`, `clusters`: over all
    windows; `share`: of the shop's customers, whose events these are."""

    windows: tuple[Window, ...]
    placements: Mapping[str, Placement]
    truths: Mapping[str, Truth]
    clusters: Mapping[str, Clusters]
    product: Rows
    share: float = 1.0
    _queries: dict[tuple[int, str], Query] = field(default_factory=dict, repr=False)
    _fits: dict[str, list[Parts]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, dataset: Dataset, recipe: Recipe, placements: Placements, seed: int, share: float = 1.0
    ) -> Bench:
        """Hold out the last days, and those before them where few ask. Raises TooLittle where too few do."""
        windows = _windows(dataset, recipe, placements, seed)
        clusters = _clusters(windows)
        askers = _askers(windows).items()
        asked = [name for name, many in askers if enough(many, len(distinct(clusters[name])))]
        if not asked:
            raise TooLittle(
                f"too little to tune on: no placement is asked {MIN_ASKERS} times, by {MIN_VISITS} customers "
                f"or visits at least, in the days held out ({windows[0].cut.rule}); "
                f"{unasked_words(placements, _askers(windows))}"
            )
        by_name = {name: [one for one in windows if name in one.truths] for name in asked}
        truths = {name: pooled([one.truths[name] for one in some]) for name, some in by_name.items()}
        theirs = {name: clusters[name] for name in asked}
        ruled = {name: placements.by_name[name] for name in asked}
        return cls(tuple(windows), ruled, truths, theirs, dataset.catalog.product, share)

    @property
    def rule(self) -> str:
        """What is held out, in words, and of whom."""
        more = len(self.windows) - 1
        before = f", and {more} such window{'s' * (more > 1)} before" if more else ""
        return f"{self.windows[0].cut.rule}{before}{f', of {in_words(self.share)}' * (self.share < 1)}"

    def lists(self, plan: Plan, seeds: Mapping[str, str]) -> Lists:
        """Fit a strategy on each window, and ask it in every placement, starting from the seeds named
        for that. Raises VitrinaError."""
        strategy = strategies.make(plan.strategy, scaled(plan, self.share).params)
        found: dict[str, list[Candidates]] = {name: [] for name in self.placements}
        for window, parts in zip(self.windows, self._fitted(plan, strategy), strict=True):
            source = strategy.open(parts)
            for name, answers in found.items():
                for draft in window.drafts.get(name, ()):
                    answers.append(source.top(self._query(draft, seeds[name]), _DEPTH, draft.allow))
        return {name: joined(one) for name, one in found.items()}

    def fits(self, plan: Plan) -> bool:
        """Whether a plan's fit is the one that is kept."""
        return _learned_alike(plan) in self._fits

    def _fitted(self, plan: Plan, strategy: Strategy) -> list[Parts]:
        """What a strategy learns on each window; seeds fade as its plan says."""
        key = _learned_alike(plan)
        if key not in self._fits:
            self._fits.clear()
            self._fits[key] = [strategy.fit(window.learned) for window in self.windows]
        return [
            {**parts, **_asked_alike(strategy, timed=window.learned.timed)}
            for parts, window in zip(self._fits[key], self.windows, strict=True)
        ]

    def _query(self, draft: Draft, seeds: str) -> Query:
        key = id(draft), seeds
        if key not in self._queries:
            self._queries[key] = query(draft.askers, seeds, draft.now)
        # A fresh one: what a trial's source makes of it goes with the trial.
        return replace(self._queries[key])

    def table(self, placement: str, lists: Sequence[Candidates]) -> Table:
        """Sources' lists in a placement, to be judged under weights."""
        return Table.of(lists, self.truths[placement], self.product)

    def alone(self, placement: str, lists: Candidates) -> Values:
        """float64[n]: NDCG@10 of each asker of a placement for one source alone."""
        return self.table(placement, [lists]).ndcg((1.0,), "score")


def _asked_alike(strategy: Strategy, *, timed: bool) -> Parts:
    """Parts that say how seeds count, as this strategy has it whatever was fitted."""
    days, power = (getattr(strategy, one, None) for one in ("seed_half_life_days", "seed_power"))
    found: dict[str, Part] = {} if days is None else {"half_life": np.array([days * DAY * timed])}
    return found if power is None else {**found, "seed_power": np.array([power])}


def _learned_alike(plan: Plan) -> str:
    """The same for plans that one fit serves."""
    return key_of(Plan(plan.strategy, {name: one for name, one in plan.params.items() if name not in ASKED}))


def _windows(dataset: Dataset, recipe: Recipe, placements: Placements, seed: int) -> list[Window]:
    days, windows = recipe.evaluation.test_days, list[Window]()
    while len(windows) < WINDOWS:
        try:
            cut = another(dataset, windows[-1].cut, days) if windows else split(dataset, days, tenth=True)
        except DataError:
            if not windows:
                raise
            break
        windows.append(Window.of(cut, recipe, placements, seed, _askers(windows)))
        asked = _askers(windows)
        enough = ENOUGH if cut.lot < 0 else MOST
        if len(dataset.events) > QUICK or not asked or min(asked.values()) >= enough:
            break
    return windows


def _askers(windows: Sequence[Window]) -> dict[str, int]:
    """By placement, how many ask in all windows."""
    many: dict[str, int] = {}
    for window in windows:
        for name, truth in window.truths.items():
            many[name] = many.get(name, 0) + len(truth)
    return many


def _clusters(windows: Sequence[Window]) -> dict[str, Clusters]:
    """By placement, which customer, basket or visit each of those is."""
    names = {name for window in windows for name in window.clusters}
    return {name: together([one.clusters[name] for one in windows if name in one.clusters]) for name in names}
