"""A tuned recipe as one TOML file: instances, placements, and at its head where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from math import isfinite
from typing import Any

from vitrina import __version__
from vitrina.placements import Mix, Placement, Placements
from vitrina.purpose import purpose
from vitrina.recipe import Holdout, Limits, Plan, Profile, RankerPlan, Recipe
from vitrina.tune.bench import key_of
from vitrina.tune.choose import Chosen
from vitrina.tune.families import Family
from vitrina.tune.order import Order
from vitrina.tune.search import Search

ALIKE = {
    "history": ("discover", "home"),
    "none": ("home", "discover"),
    "session": ("session_next", "cart"),
    "context": ("cart", "session_next"),
    "last_order": ("cart", "discover"),
    "viewed": ("session_next", "discover"),
    "carted": ("cart", "session_next"),
}
"""By the seeds that a source starts from, the questions whose settings suit it where nothing is asked."""


class Instances:
    """Plans by the names they get: a family's first plan has its name, others their placement's too."""

    def __init__(self, taken: Sequence[str]) -> None:
        self.plans: dict[str, Plan] = {}
        self._names: dict[str, str] = {}
        self._taken = set(taken)

    def name(self, family: str, plan: Plan, placement: str) -> str:
        """The instance of a plan; a new one where there is none yet."""
        key = family + key_of(plan)
        if key not in self._names:
            name = family if family not in self.plans else f"{family}_{placement}"
            while name in self.plans or (name != family and name in self._taken):
                name += "_2"
            self._names[key], self.plans[name] = name, plan
        return self._names[key]


def head(found: Search, chosen: Mapping[str, Chosen], order: Order, seconds: float, data: str) -> list[str]:
    """Where the recipe comes from, line by line. `data`: the fingerprint of what it was tuned on."""
    lines = [
        f"Written by vitrina tune {__version__}: seed {found.seed}, {len(found.trials)} trials, "
        f"{seconds:.0f} s.",
        f"Data {data}; {found.bench.rule}.",
        "NDCG@10 there, of the recipe it started from and of this one, +- one standard error of the gain.",
        "These days chose the settings, so the gain flatters; days after the data's end do not.",
    ]
    for name, one in chosen.items():
        gain = one.after - one.before
        share = f" ({gain / one.before:+.1%})" if one.before > 0 else ""
        lines.append(
            f"  {name}: {one.before:.4f} -> {one.after:.4f}, {gain:+.4f} +- {one.error:.4f}{share}, "
            f"{one.askers:,} askers{'' if one.sure or not gain else ': may be chance'}"
        )
    if found.bench.share < 1:
        lines.append("Where `weigh` is true, training weighs sources anew, on all customers.")
    lines += [
        f"  {name}, ordered by learned trees: {gain:+.4f} +- {error:.4f} more, on the latest of these days"
        for name, (gain, error) in order.gains.items()
    ]
    return lines


def tuned(
    found: Search, chosen: Mapping[str, Chosen], recipe: Recipe, placements: Placements
) -> tuple[dict[str, Plan], dict[str, Any]]:
    """The instances to fit, and the placements' tables over them."""
    instances = Instances(tuple(found.families))
    tables: dict[str, Any] = {"version": f"{placements.version}+tuned"}
    for name, one in chosen.items():
        sources = [
            {
                "strategy": instances.name(part.family.name, part.plan, name),
                "weight": part.weight,
                "seeds": part.seeds,
            }
            for part in one.parts
        ]
        tables[name] = {**placements.tables[name], "sources": sources, "blend": one.blend}
    for name, placement in placements.by_name.items():
        table = dict(tables.get(name, placements.tables[name]))
        if name not in chosen:
            table["sources"] = [
                _renamed(mix, name, found, chosen, recipe, instances) for mix in placement.sources
            ]
        fallback = [Mix(one, seeds="none") for one in placement.fallback]
        table["fallback"] = [
            _renamed(mix, name, found, chosen, recipe, instances)["strategy"] for mix in fallback
        ]
        tables[name] = table
    return instances.plans, tables


def _renamed(
    mix: Mix,
    placement: str,
    found: Search,
    chosen: Mapping[str, Chosen],
    recipe: Recipe,
    instances: Instances,
) -> dict[str, Any]:
    """A source of a placement that nobody asked: the family's setting where it starts from the like, unless
    the recipe has another instance of it there, which is not by chance."""
    name = mix.strategy
    family = next((one for one in found.families.values() if name in one.starts), None)
    if family is not None and name in recipe.strategies:
        plans = [
            part.plan
            for like in _alike(mix.seeds, found, chosen)
            if _has(found.bench.placements[like], family, name)
            for part in chosen[like].parts
            if part.family is family
        ]
        name = instances.name(family.name, plans[0] if plans else family.starts[name], placement)
    return {"strategy": name, "weight": mix.weight, "seeds": mix.seeds}


def _alike(seeds: str, found: Search, chosen: Mapping[str, Chosen]) -> list[str]:
    """Placements that were chosen for, whose question suits a source that starts from such seeds, the most
    alike first."""
    asked = {name: purpose(placement).question for name, placement in found.bench.placements.items()}
    return [name for like in ALIKE[seeds] for name in chosen if asked[name] == like]


def _has(placement: Placement, family: Family, instance: str) -> bool:
    """Whether a placement mixes that very instance of a family, or none of it."""
    mixed = {mix.strategy for mix in placement.sources} & family.starts.keys()
    return not mixed or instance in mixed


def text(head: Sequence[str], recipe: Recipe, tables: Mapping[str, Any]) -> str:
    """The whole file, of a recipe of what was chosen and of placements' tables over it."""
    lines = [f"# {line}".rstrip() for line in head]
    lines += ["", f"about = {_value(recipe.about)}", ""]
    for name, plan in sorted(recipe.strategies.items()):
        params = {"is": plan.strategy} if plan.strategy != name else {}
        lines += _table(f"strategies.{_key(name)}", {**params, **plan.params})
    for name, columns in recipe.columns.items():
        lines += _table(f"columns.{_key(name)}", columns)
    held = {one.name: getattr(recipe.evaluation, one.name) for one in fields(Holdout)}
    lines += _table("evaluation", held)
    if recipe.ranker != RankerPlan():
        lines += _table("ranker", vars(recipe.ranker))
    if recipe.profile != Profile():
        lines += _table("profile", vars(recipe.profile))
    if recipe.limits != Limits():
        lines += _table("limits", vars(recipe.limits))
    lines += _table("placements", {"version": tables["version"]})
    for name, table in tables.items():
        if isinstance(table, Mapping):
            lines += _table(f"placements.{_key(name)}", table)
    return "\n".join(lines).rstrip() + "\n"


def _table(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{name}]"
    for key, value in values.items():
        yield f"{_key(key)} = {_value(value)}"
    yield ""


def _value(value: Any) -> str:
    """A TOML value; tables stand in one line, lists of tables one a line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if isfinite(value) else str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if value and isinstance(value[0], Mapping):
        return "[\n" + "".join(f"  {_value(one)},\n" for one in value) + "]"
    return "[" + ", ".join(_value(one) for one in value) + "]"


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "a").replace("-", "a").isalnum()
    return name if plain else _value(name)
