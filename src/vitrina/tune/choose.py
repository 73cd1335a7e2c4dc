"""From what was tried to a recipe: each family's setting in each placement, then the blend.

A setting changes where what the search picks is better by more than one standard error of the difference,
asker by asker, for askers it was not picked for, and a blend where another is by half of one, for askers it
was not weighed for and less what its settings flatter; else what the recipe had before stays, and a setting
already used elsewhere is used again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from vitrina.clusters import gain
from vitrina.metrics import Values
from vitrina.placements import Placement
from vitrina.recipe import Plan
from vitrina.strategy import Candidates
from vitrina.tune.families import Family
from vitrina.tune.prove import LIKELY, better, crossed
from vitrina.tune.search import Search
from vitrina.weights import LEVELS, Found, best

SOURCES = 8
"""Families of a placement that weights are searched for beside its own, the best alone."""
USELESS = 0.02
"""A family below this share of the placement's best is not weighed at all."""
LEAST = 10.0
"""Seconds that prove a placement's weights where none are left: else the best settings are lost."""
UNTRIED = "its own sources were not all tried in this time, so it stays as it is; give a longer budget"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One source of a placement: its family, with which settings, how it weighs. `flatters`: what NDCG@10 the
    setting owes to having been picked for these very askers."""

    family: Family
    plan: Plan
    weight: float
    seeds: str
    flatters: float = 0.0


@dataclass(frozen=True)
class Chosen:
    """A placement's blend. `before`, `after`: NDCG@10 of the recipe given and of this one, over `askers`
    whom neither was weighed for; `error`: the standard error of the gain; `flatters`: what NDCG@10 on these
    days owes to the weights having been searched on them; `every`: what was weighed, in its order, with what
    was found to weigh nothing."""

    parts: tuple[Part, ...]
    blend: str
    before: float
    after: float
    error: float
    askers: int
    flatters: float = 0.0
    every: tuple[Part, ...] = ()

    @property
    def whole(self) -> Chosen:
        """With what weighs nothing too, as little as may be: more customers may give it a weight. In their
        order, on which it hangs a little which weights are found."""
        return replace(self, parts=tuple(replace(one, weight=one.weight or LEVELS[1]) for one in self.every))

    @property
    def sure(self) -> bool:
        """Whether the gain is above chance: by two standard errors, though these days chose the settings."""
        return self.after - self.before > 2 * self.error


def choose(found: Search, *, weigh: bool, until: float, say: Say, least: float = LEAST) -> dict[str, Chosen]:
    """The best blend of each placement, of sources that were tried; a placement some of whose own
    sources were not is left out. `weigh`: whether the recipe's own weights are searched too, as in training;
    `least`: seconds that each half of a placement has where none are left. After Ctrl-C what is not done yet
    is weighed in short; after one more it is left out.
    """
    chosen: dict[str, Chosen] = {}
    try:
        _choose(found, chosen, weigh=weigh, until=until, say=say, least=least)
    except KeyboardInterrupt:
        again = found.interrupted
        found.interrupted = True
        if not again:
            say("interrupted: weighing in short what is not weighed yet")
            with suppress(KeyboardInterrupt):
                _choose(found, chosen, weigh=weigh, until=found.clock() + LEAST, say=say, least=0.0)
        left = found.bench.placements.keys() - chosen.keys()
        if left:
            say(f"interrupted: {', '.join(sorted(left))} stay as they are")
    return chosen


def _choose(
    found: Search, chosen: dict[str, Chosen], *, weigh: bool, until: float, say: Say, least: float
) -> None:
    """Each placement that is not there yet in turn, the most asked first, into `chosen`."""
    used: dict[str, list[Plan]] = {}
    for part in (part for one in chosen.values() for part in one.parts):
        used.setdefault(part.family.name, []).append(part.plan)
    left = [one for one in found.bench.placements if one not in chosen]
    names = sorted(left, key=lambda one: -len(found.bench.truths[one]))
    for number, name in enumerate(names):
        placement = found.bench.placements[name]
        own = _own(found, placement, say)
        if own is None:
            say(f"{name}: {UNTRIED}")
            continue
        parts = _tuned(found, name, used)
        now = found.clock()
        half = max((until - now) / (2 * (len(names) - number)), least)
        chosen[name] = _blended(found, placement, own, parts, weigh=weigh, half=half)
        for part in chosen[name].parts:
            used.setdefault(part.family.name, []).append(part.plan)
        say(f"{name}: NDCG@10 {chosen[name].before:.4f} -> {chosen[name].after:.4f}, {_words(chosen[name])}")


def _own(found: Search, placement: Placement, say: Say) -> list[Part] | None:
    """The placement's own sources, as the recipe has them, less those that cannot be learned so; None where
    one was not tried."""
    parts = []
    for mix in placement.sources:
        family = next((one for one in found.families.values() if mix.strategy in one.starts), None)
        if family is None or not family.named:  # the recipe does not fit it
            continue
        plan = family.starts[mix.strategy]
        if not found.measured(family, plan):
            return None
        if not found.judged(family, plan):
            say(f"{placement.name}: {mix.strategy} cannot be learned as the recipe has it, and is left out")
            continue
        parts.append(Part(family, plan, mix.weight, mix.seeds))
    return parts


def _tuned(found: Search, placement: str, used: Mapping[str, Sequence[Plan]]) -> list[Part]:
    """Each family's setting for a placement: of the families that are best alone, and of those that it mixes,
    which may know what the best do not (habits, in a cart). Of those that are worth the very same to
    everybody only the first: their lists are the same."""
    ranked = found.ranked(placement)
    mixed = {one.strategy for one in found.bench.placements[placement].sources}
    parts: list[Part] = []
    seen: list[Values] = []
    for name, score in ranked:
        family = found.families[name]
        wanted = len(parts) < SOURCES or not mixed.isdisjoint(family.starts)
        if not wanted or score <= USELESS * ranked[0][1]:
            continue
        plan, flatters = _setting(found, family, placement, used.get(name, ()))
        worth = found.alone(family, plan, placement)
        if not any(np.array_equal(worth, one, equal_nan=True) for one in seen):
            parts.append(Part(family, plan, 1.0, family.seeds[placement], flatters))
            seen.append(worth)
    return parts


def _setting(found: Search, family: Family, placement: str, used: Sequence[Plan]) -> tuple[Plan, float]:
    """The best setting found, where picking it is clearly better than what there is; and what it flatters."""
    tried = Plan(family.strategy, found.best[family.name, placement].params)
    whole = found.alone(family, tried, placement)
    flatters = max(float(np.nanmean(whole)) - found.fairly(family, placement), 0.0)
    there = [plan for plan in (*family.starts.values(), *used) if found.judged(family, plan)]
    if not there:
        return tried, flatters
    values = [found.alone(family, plan, placement) for plan in there]
    place = int(np.argmax([np.nanmean(one) for one in values]))
    more, error = gain(whole, values[place], found.bench.clusters[placement])
    return (tried, flatters) if more - flatters > error else (there[place], 0.0)


@dataclass(frozen=True)
class _Blend:
    """Sources of a placement, as they are to be weighed, what that is worth to each asker, and how much more
    it seems to be where the weights are judged by those they were searched for."""

    parts: list[Part]
    found: Found
    values: Values
    flatters: float = 0.0


def _blended(
    found: Search, placement: Placement, own: list[Part], tuned: list[Part], *, weigh: bool, half: float
) -> Chosen:
    """The better of both blends: the recipe's own sources, and the tuned ones."""
    name, clusters = placement.name, found.bench.clusters[placement.name]
    written = Found(tuple(one.weight for one in own), placement.blend, 0.0)
    kept = before = _Blend(own, written, np.zeros(len(clusters)))
    if own:
        kept = before = _weighed(found, name, own, half, None if weigh else written)
    if tuned:
        other = _weighed(found, name, tuned, half)
        kept = other if better(other.values, before.values, clusters, LIKELY) else before
    weighed = zip(kept.parts, kept.found.weights, strict=True)
    every = tuple(Part(one.family, one.plan, weight, one.seeds) for one, weight in weighed)
    mixed = tuple(one for one in every if one.weight > 0)
    both = ~np.isnan(before.values + kept.values)
    means = float(before.values[both].mean()), float(kept.values[both].mean())
    error = gain(kept.values, before.values, clusters)[1]
    return Chosen(mixed, kept.found.blend, *means, error, int(both.sum()), kept.flatters, every)


def _weighed(
    found: Search, placement: str, parts: list[Part], seconds: float, written: Found | None = None
) -> _Blend:
    """The best weights, unless they are `written`, and what they are worth to askers they were not searched
    for; after Ctrl-C the best of so many seconds.

    They are searched to the end, as in training: cut short, a blend would be worse than the one that training
    finds unaided. The seconds bound by how many askers it is proved, a fold of them at least.
    """
    lists, bench = _lists(found, placement, parts), found.bench
    table = bench.table(placement, lists)
    if written:
        return _Blend(parts, written, table.ndcg(written.weights, written.blend))
    start = found.clock()

    def within(share: float) -> bool:
        return found.clock() < start + share * seconds

    clusters = bench.clusters[placement]
    weighed = best(table, len(parts), clusters, lambda: not found.interrupted or within(0.5))
    if len(parts) == 1:  # there is nothing to weigh
        return _Blend(parts, weighed, table.ndcg(weighed.weights, weighed.blend) - parts[0].flatters)
    asked = bench.truths[placement], bench.product, clusters, found.seed
    flatters = np.average([one.flatters for one in parts], weights=np.maximum(weighed.weights, 1e-9))
    proved = crossed(lists, *asked, lambda: not within(1.0), lambda: not found.interrupted or within(1.0))
    searched = table.ndcg(weighed.weights, weighed.blend) - proved
    return _Blend(parts, weighed, proved - flatters, max(float(np.nanmean(searched)), 0.0))


def _lists(found: Search, placement: str, parts: list[Part]) -> list[Candidates]:
    return [found.lists(one.family, one.plan, {placement: one.seeds})[placement] for one in parts]


def _words(chosen: Chosen) -> str:
    return ", ".join([f"by {chosen.blend}", *(f"{one.family.name} {one.weight:g}" for one in chosen.parts)])
