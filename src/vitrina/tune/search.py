"""Searching each family's settings: TPE (Bergstra et al., 2011; Optuna's), halving what leads nowhere.

A family has one study a placement. A trial is fitted
once and judged in every placement, so that all of a family's studies learn from it; where fitting is dear,
settings that need no other fit are tried with it. The next trial goes to the pair of family and placement
that had least time, among those that still lead somewhere: at first all, then the best few of each placement.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.errors import VitrinaError
from vitrina.metrics import Values
from vitrina.recipe import Plan
from vitrina.tune.bench import Bench, Lists, key_of
from vitrina.tune.families import Family
from vitrina.tune.journal import Journal, Trial
from vitrina.tune.limit import Clock, TooLong, until_then
from vitrina.tune.prove import by_fold, fairly, folds

KEPT = (99, 6, 3)
"""Families of a placement that are searched on in each third of the time."""
OTHERS = 0.4
"""Share of the time after which no strategy is tried that the recipe does not name: one may be slow."""
STARTING = 0.5
"""Share of the time after which settings that won elsewhere are tried no more, but for a family that is as
NEAR the best of a placement as this: it has until LATEST. What takes longest comes last, and on large shops
the quickest setting of a slow family may be the best there is."""
NEAR, LATEST = 0.8, 0.75
HOPELESS = 0.3
"""After a few trials a family below this share of the placement's best is searched no more."""
FEW = 5
AGAIN, CHEAP, DEAR = 3, 0.4, 0.5
"""Settings tried with a fit that is there already, while each takes at most this share of the time of a fit,
which took some seconds."""
LONGEST, AT_LEAST, LEFT = 0.2, 40.0, 0.5
"""Share of the time, and seconds at least that are no more than this share of what is left, after which a
setting is given up whose family no recipe names."""
LONGER = 2.0
"""What was given up is tried anew where it may take so many times as long."""
Pair = tuple[str, str]
_USUAL: Mapping[str, str] = {}


@dataclass
class Search:
    """The state of a search. `best`: by (family, placement) its best trial alone."""

    bench: Bench
    families: Mapping[str, Family]
    journal: Journal
    seed: int
    clock: Clock = time.perf_counter
    began: float = 0.0
    until: float = np.inf
    interrupted: bool = False
    trials: list[Trial] = field(default_factory=list)
    best: dict[Pair, Trial] = field(default_factory=dict)
    spent: dict[Pair, float] = field(default_factory=dict)
    _took: dict[str, list[float]] = field(default_factory=dict)
    _studies: dict[Pair, Any] = field(default_factory=dict)
    _lists: dict[str, Lists] = field(default_factory=dict)

    @cached_property
    def _random(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, len(self.journal.trials)])

    def run(self, until: float, watch: Callable[[Search, float], None]) -> None:
        """Try the recipe's own settings, what the journal holds, and then others, `until` that second.

        `watch` is told after each trial, with the share of the time that is gone. Ctrl-C ends it early.
        """
        self.began, self.until = self.clock(), until
        self._remember(self.journal.trials)
        for family, plan in self._unmeasured():
            if self.clock() >= until:
                return
            if not family.named and self._share() > OTHERS:
                break
            first = not self._own.isdisjoint(family.starts)
            (self._judge if first else self._try)(family, plan, None)
            watch(self, self._share())
        for family, plan in self._starting():
            share = self._share()
            leads = self._leads(family.name, HOPELESS if share <= STARTING else NEAR)
            if share <= LATEST and leads and self.seconds(family.name) < until - self.clock():
                self._try(family, plan)
                watch(self, share)
        while pair := self._next(self._share(), until - self.clock()):
            family, study = self.families[pair[0]], self._study(pair)
            asked = study.ask(family.space.distributions())
            trial = self._try(family, family.plan(asked.params), pair)
            study.tell(asked, trial.scores[pair[1]])
            watch(self, self._share())

    def lists(self, family: Family, plan: Plan, seeds: Mapping[str, str] = _USUAL) -> Lists:
        """A plan's lists, made again where they were not kept; `seeds`, by placement, where they are other
        than the family's. Raises VitrinaError."""
        key = key_of(plan)
        if any(family.seeds[name] != one for name, one in seeds.items()):
            return self.bench.lists(plan, {**family.seeds, **seeds})
        if key not in self._lists:
            self._lists[key] = self.bench.lists(plan, family.seeds)
        return self._lists[key]

    def alone(self, family: Family, plan: Plan, placement: str) -> Values:
        """float64[n]: NDCG@10 of each asker for a plan alone."""
        return self.bench.alone(placement, self.lists(family, plan)[placement])

    def fairly(self, family: Family, placement: str) -> float:
        """The NDCG@10 of a family's best in a placement for askers who had no part in picking it."""
        tried = [one.folds[placement] for one in self.trials if one.family == family.name and one.folds]
        return fairly(np.array(tried))

    def measured(self, family: Family, plan: Plan) -> bool:
        """Whether a plan was tried."""
        return any(_same(one, family, plan) for one in self.trials)

    def judged(self, family: Family, plan: Plan) -> bool:
        """Whether it could be: some settings cannot be learned, others take too long."""
        return any(one.folds and _same(one, family, plan) for one in self.trials)

    @cached_property
    def _folds(self) -> Mapping[str, NDArray[np.int64]]:
        return {name: folds(one, self.seed) for name, one in self.bench.clusters.items()}

    @cached_property
    def _own(self) -> frozenset[str]:
        """What the placements that are asked mix."""
        mixes = (mix for one in self.bench.placements.values() for mix in one.sources)
        return frozenset(mix.strategy for mix in mixes)

    def _unmeasured(self) -> list[tuple[Family, Plan]]:
        """What comes with the recipe, first what placements mix: until all of a placement's was tried nothing
        can be weighed there."""
        families = sorted(self.families.values(), key=lambda one: self._own.isdisjoint(one.starts))
        starts = [(one, plan) for one in families for plan in one.starts.values()]
        return [(family, plan) for family, plan in starts if not self.measured(family, plan)]

    def _starting(self) -> list[tuple[Family, Plan]]:
        """Settings that won elsewhere, of the families that were tried, the quickest first."""
        tried = sorted(self._took, key=lambda one: (self.seconds(one), one))
        found = [
            (self.families[name], self.families[name].plan(point))
            for name in tried
            for point in self.families[name].space.starts(self.families[name].strategy)
        ]
        return [(family, plan) for family, plan in found if not self.measured(family, plan)]

    def _share(self) -> float:
        return min((self.clock() - self.began) / max(self.until - self.began, 1e-9), 1.0)

    def _leads(self, name: str, near: float = HOPELESS) -> bool:
        """Whether a family is so near the best of a placement, or was judged and found nothing yet in any."""
        best = {one: self.best[name, one] for one in self.bench.placements}
        leads = (one.scores[own] >= near * self.ranked(own)[0][1] > 0 for own, one in best.items())
        found = (one.given_up or one.scores[own] for own, one in best.items())
        return any(leads) or (near <= HOPELESS and not any(found))

    def _remember(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            known = trial.family in self.families and trial.scores.keys() == self.bench.placements.keys()
            whole = trial.folds or not any(trial.scores.values())  # else of an older version
            if known and whole and not self._again(trial):
                self._note(trial, None)

    def _again(self, trial: Trial) -> bool:
        """Whether a trial was given up that now may take much longer."""
        return 0.0 < trial.given_up <= self._longest(self.families[trial.family]) / LONGER

    def _try(self, family: Family, plan: Plan, asked: Pair | None = None) -> Trial:
        """Fit and judge a plan, and others that its fit serves while that is cheaper than another fit."""
        trial = last = self._judge(family, plan, asked)
        for _ in range(AGAIN * (trial.seconds > DEAR)):
            other = Plan(plan.strategy, {**plan.params, **family.space.asked_anew(self._random)})
            cheap = last is trial or last.seconds < CHEAP * trial.seconds
            late = self.clock() >= self.until
            if late or not cheap or not self.bench.fits(other) or self.measured(family, other):
                break
            last = self._judge(family, other, None)
        return trial

    def _judge(self, family: Family, plan: Plan, asked: Pair | None) -> Trial:
        """Try a plan."""
        started, given_up, longest = self.clock(), 0.0, self._longest(family)
        try:
            with until_then(started + longest, self.clock):
                lists = self.bench.lists(plan, family.seeds)
            values = {name: self.bench.alone(name, one) for name, one in lists.items()}
            scores = {name: float(np.nanmean(one)) for name, one in values.items()}
            parts = {name: by_fold(one, self._folds[name]).tolist() for name, one in values.items()}
        except (VitrinaError, TooLong) as fault:  # such as a matrix that this setting leaves singular
            lists, parts, scores = {}, {}, dict.fromkeys(self.bench.placements, 0.0)
            given_up = longest if isinstance(fault, TooLong) else 0.0
        trial = Trial(family.name, plan.params, scores, round(self.clock() - started, 3), given_up, parts)
        self.journal.add(trial)
        self._note(trial, asked)
        if lists:
            self._lists[key_of(plan)] = lists
        self._forget()
        return trial

    def _longest(self, family: Family) -> float:
        """Seconds that a setting may take: no end of them where the recipe names the family."""
        left, budget = self.until - self.clock(), self.until - self.began
        return 1e6 if family.named else max(LONGEST * budget, min(AT_LEAST, LEFT * left))

    def _note(self, trial: Trial, asked: Pair | None) -> None:
        from optuna.trial import create_trial

        self.trials.append(trial)
        self._took.setdefault(trial.family, []).append(trial.seconds)
        family = self.families[trial.family]
        for name, score in trial.scores.items():
            pair = (trial.family, name)
            share = trial.seconds / len(trial.scores) if asked is None else trial.seconds * (asked == pair)
            self.spent[pair] = self.spent.get(pair, 0.0) + share
            if pair not in self.best or score > self.best[pair].scores[name]:
                self.best[pair] = trial
            if pair != asked and family.space.dimensions:
                point, shape = family.space.point(trial.params), family.space.distributions()
                self._study(pair).add_trial(create_trial(params=point, distributions=shape, value=score))

    def _study(self, pair: Pair) -> Any:
        import optuna

        if pair not in self._studies:
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            seed = self.seed + zlib.crc32("/".join(pair).encode()) + len(self.journal.trials)
            sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=FEW)
            self._studies[pair] = optuna.create_study(direction="maximize", sampler=sampler)
        return self._studies[pair]

    def _next(self, share: float, left: float) -> Pair | None:
        """The pair that had least time for how good it is, of those that lead somewhere and fit into
        what is left."""
        kept = KEPT[min(int(share * len(KEPT)), len(KEPT) - 1)]
        due: dict[Pair, float] = {}
        for placement in self.bench.placements:
            ranked = self.ranked(placement)
            for name, score in ranked[:kept]:
                if self._hopeful(name, score, ranked[0][1]) and self.seconds(name) < left:
                    due[name, placement] = self.spent[name, placement] * (ranked[0][1] / score) ** 2
        return min(due, key=lambda one: due[one], default=None)

    def ranked(self, placement: str) -> list[tuple[str, float]]:
        """Each family tried, and its best alone in a placement; best first."""
        found = [
            (family, one.scores[placement]) for (family, name), one in self.best.items() if name == placement
        ]
        return sorted(found, key=lambda one: -one[1])

    def _hopeful(self, name: str, score: float, leader: float) -> bool:
        tried = len(self._took[name])
        return bool(
            self.families[name].space.dimensions and score > 0 and (tried < FEW or score >= HOPELESS * leader)
        )

    def seconds(self, name: str) -> float:
        """What another trial of a family may take: some need no fit, so the longest of the latest."""
        return max(self._took[name][-9:])

    def _forget(self) -> None:
        """Keep the lists of the recipe's own plans and of the best ones alone."""
        kept = {key_of(plan) for one in self.families.values() for plan in one.starts.values()}
        for (name, _), trial in self.best.items():
            kept.add(key_of(Plan(self.families[name].strategy, trial.params)))
        self._lists = {key: lists for key, lists in self._lists.items() if key in kept}


def _same(trial: Trial, family: Family, plan: Plan) -> bool:
    return trial.family == family.name and key_of(Plan(plan.strategy, trial.params)) == key_of(plan)
