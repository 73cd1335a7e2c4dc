"""Families: each strategy with what a recipe fixes of it, and where in a placement it starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vitrina import strategies
from vitrina.dataset import Dataset
from vitrina.placements import Placement
from vitrina.purpose import purpose
from vitrina.recipe import Plan, Recipe
from vitrina.tune.bench import key_of
from vitrina.tune.spaces import EVENT, SPACES, Space


@dataclass(frozen=True)
class Family:
    """`starts`: by instance of the recipe, its plan; the first lends its name. `seeds`: by placement.
    `named`: whether the recipe has it."""

    name: str
    strategy: str
    fixed: Mapping[str, Any]
    starts: Mapping[str, Plan]
    seeds: Mapping[str, str]
    space: Space
    named: bool

    def plan(self, point: Mapping[str, Any]) -> Plan:
        """The plan of a point of the space."""
        return Plan(self.strategy, self.space.params(point, self.fixed))


def families(recipe: Recipe, asked: Mapping[str, Placement], dataset: Dataset) -> list[Family]:
    """What can be searched: the recipe's instances, and every strategy that it does not name."""
    groups: dict[str, dict[str, Plan]] = {}
    order = {name: place for place, name in enumerate(SPACES)}
    names = sorted(strategies.names(), key=lambda one: order.get(one, len(order)))
    named = {plan.strategy for plan in recipe.strategies.values()}
    others = {_free(name, recipe.strategies): Plan(name, {}) for name in names if name not in named}
    for name, plan in {**recipe.strategies, **others}.items():
        space = Space.of(plan.strategy, strategies.make(plan.strategy, {}), dataset)
        groups.setdefault(key_of(Plan(plan.strategy, _fixed(plan, space))), {})[name] = plan
    found = []
    for starts in groups.values():
        name, plan = next(iter(starts.items()))
        space = Space.of(plan.strategy, strategies.make(plan.strategy, {}), dataset)
        seeds = {one: _seeds(placement, starts) for one, placement in asked.items()}
        found.append(
            Family(name, plan.strategy, _fixed(plan, space), starts, seeds, space, name in recipe.strategies)
        )
    return found


def _free(name: str, taken: Iterable[str]) -> str:
    """A strategy's name, or where an instance of another bears it, one like it."""
    while name in taken:
        name += "_2"
    return name


def _fixed(plan: Plan, space: Space) -> dict[str, Any]:
    """What a recipe gives beyond the space."""
    fixed = {name: value for name, value in plan.params.items() if name not in space.dimensions}
    if "event_weights" in fixed:
        weights = fixed["event_weights"].items()
        fixed["event_weights"] = {one: value for one, value in weights if EVENT + one not in space.dimensions}
    return fixed


def _seeds(placement: Placement, instances: Iterable[str]) -> str:
    """What the family starts from in a placement: as that says of one of its instances, or as usual."""
    named = [one.seeds for one in placement.sources if one.strategy in instances]
    return named[0] if named else purpose(placement).seeds
