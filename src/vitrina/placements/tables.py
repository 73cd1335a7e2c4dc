"""Placement tables to placements: every key is checked, and every fault named.

A key of a placement is a field of `Placement`. What its value must be is said in KEYS, one function a
key: it makes the field's value from the table's, and raises ValueError with the reason. A key whose
value is a table of its own (`[home.filter]`) is no different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

from vitrina import filters
from vitrina.errors import PlacementsError
from vitrina.filters import Filter
from vitrina.placements import arms, merchandising, values, variety
from vitrina.placements.placement import (
    BOUGHT,
    MAX_LIMIT,
    MY_SIZE,
    NEEDS,
    QUESTIONS,
    SEEDS,
    SHORT,
    THEMSELVES,
    Mix,
    Placement,
    Placements,
    Rebuy,
    Soft,
)

SOFT = {
    "same_department": Filter(same_as_seed=("department",)),
    "same_category": Filter(same_as_seed=("category",)),
    "not_viewed": Filter(untouched=("view",)),
}
"""Soft rules that have a name."""
CHANNELS = ("site", "app", "email", "push", "retargeting")


@dataclass(frozen=True)
class Fault:
    """Something wrong: in which placement and key, both empty where it is the file's own, and why."""

    placement: str
    key: str
    reason: str


def parse_placements(tables: Mapping[str, Any], origin: str = "placements") -> Placements:
    """Check merged placement tables, as a manifest keeps them. Raises PlacementsError naming every fault."""
    by_name, wrong = _parsed(tables)
    if wrong:
        lines = [f"{origin}: {f'[{one.placement}] ' if one.placement else ''}{one.reason}" for one in wrong]
        raise PlacementsError("\n".join(lines))
    return Placements(str(tables.get("version", "unversioned")), by_name, tables)


def faults(tables: Mapping[str, Any]) -> list[Fault]:
    """All that is wrong in merged placement tables; nothing where they can be used."""
    return _parsed(tables)[1]


def strangers(placements: Placements, known: Sequence[str]) -> tuple[list[Fault], list[Fault]]:
    """Sources that are not among the known: those misspelt, and those that are merely not fitted."""
    misspelt, absent = [], []
    for name, one in placements.by_name.items():
        own = {"sources": (mix.strategy for mix in one.sources), "fallback": one.fallback}
        for key, words in own.items():
            for word in dict.fromkeys(words):
                if word in known or word == THEMSELVES:
                    continue
                near = get_close_matches(word, known, 1, 0.8)
                if near:
                    reason = f"{key}: unknown strategy '{word}'; did you mean '{near[0]}'?"
                    misspelt.append(Fault(name, key, reason))
                else:
                    absent.append(Fault(name, key, f"{key}: without '{word}', which is not fitted"))
    return misspelt, absent


def _parsed(tables: Mapping[str, Any]) -> tuple[dict[str, Placement], list[Fault]]:
    by_name: dict[str, Placement] = {}
    wrong: list[Fault] = []
    for name, table in tables.items():
        if name == "version":
            continue
        if not isinstance(table, Mapping):
            wrong.append(Fault("", name, f"'{name}' must be a table: [{name}]"))
            continue
        given: dict[str, Any] = {}
        own = list(_faults_of(name, table, given))
        wrong += own
        if not own:
            wrong += _plan_arms(name, table, given)
            by_name[name] = Placement(name=name, **given)
    if not by_name and not wrong:
        wrong.append(Fault("", "", "has no placement; add a table such as [home]"))
    return by_name, wrong


def _faults_of(name: str, table: Mapping[str, Any], given: dict[str, Any]) -> Iterator[Fault]:
    """Make the fields of one placement into `given`, and say what is wrong on the way."""
    for key, value in table.items():
        if key not in KEYS:
            yield Fault(name, key, f"unknown key '{key}'{values.suggestion(key, sorted(KEYS))}")
            continue
        try:
            made = KEYS[key](value, key)
        except ValueError as reason:
            yield Fault(name, key, str(reason))
            continue
        if key != "example":
            given[key] = made
    limit, most = given.get("limit", 20), given.get("max_limit", MAX_LIMIT)
    if not 1 <= limit <= most <= MAX_LIMIT:
        yield Fault(name, "limit", f"needs 1 <= limit ({limit}) <= max_limit ({most}) <= {MAX_LIMIT}")
    if given.get("minimum", 0) > most:
        yield Fault(name, "minimum", f"minimum {given['minimum']} is above max_limit {most}")


def _plan_arms(name: str, table: Mapping[str, Any], given: dict[str, Any]) -> Iterator[Fault]:
    """Make the placement of each arm of an experiment, and say what is wrong with any."""
    planned: arms.Plan | None = given.get("experiment")
    if planned is None:
        return
    made = []
    for arm in planned.arms:
        fields: dict[str, Any] = {}
        written = {key: one for key, one in table.items() if key != "experiment"}
        for fault in _faults_of(name, {**written, **arm.overrides}, fields):
            yield Fault(name, "experiment", f"experiment.arms.{arm.name}: {fault.reason}")
        made.append(arms.Arm(arm.name, arm.share, Placement(name=name, **fields)))
    rest = [arms.Arm(arms.AS_WRITTEN, planned.rest)] if planned.rest > 1e-9 else []
    given["experiment"] = arms.Experiment(planned.name, (*made, *rest))


def _sources(value: Any, key: str) -> tuple[Mix, ...]:
    if not isinstance(value, Sequence):
        raise ValueError(f'{key} must be a list such as [{{ strategy = "popular" }}], not {value!r}')
    return tuple(_mix(one, f"{key}[{at}]") for at, one in enumerate(value))


def _mix(table: Any, key: str) -> Mix:
    if not isinstance(table, Mapping) or not isinstance(table.get("strategy"), str):
        raise ValueError(f'{key} must name a strategy: {{ strategy = "popular" }}, not {table!r}')
    known = ("strategy", "weight", "seeds")
    for word in table:
        if word not in known:
            raise ValueError(f"{key} has an unknown key '{word}'{values.suggestion(word, known)}")
    mix = Mix(**table)
    if mix.seeds not in SEEDS:
        raise ValueError(
            f"{key} {mix.strategy}: unknown seeds '{mix.seeds}'{values.suggestion(mix.seeds, SEEDS)}"
        )
    if isinstance(mix.weight, bool) or not isinstance(mix.weight, int | float) or not mix.weight > 0:
        raise ValueError(f"{key} {mix.strategy}: weight {mix.weight} must be above 0")
    return mix


def _rebuy(value: Any, key: str) -> Rebuy:
    if isinstance(value, Mapping):
        days = value.get("after_days")
        if list(value) != ["after_days"] or isinstance(days, bool) or not isinstance(days, int | float):
            raise ValueError(f"{key} as a table must be {{ after_days = 30 }}, not {value!r}")
        if not days >= 0:
            raise ValueError(f"{key}.after_days {days} must be 0 or more")
        return Rebuy("after_days", float(days))
    if value == "after_days":
        raise ValueError(f"{key} needs the days: {{ after_days = 30 }}")
    return Rebuy(values.one_of(BOUGHT, value, key))


def _rebuy_in(value: Any, key: str) -> tuple[tuple[str, Rebuy], ...]:
    if not isinstance(value, Mapping):
        raise ValueError(f'{key} must be a table of categories: "Food > Coffee" = "when_due"')
    return tuple((path, _rebuy(one, f"{key}.'{path}'")) for path, one in value.items())


def _softs(value: Any, key: str) -> tuple[Soft, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"{key} must be a list of soft rules, not {value!r}")
    return tuple(_soft(one, f"{key}[{at}]") for at, one in enumerate(value))


def _soft(value: Any, key: str) -> Soft:
    if isinstance(value, Mapping):
        name = value.get("name")
        if not isinstance(name, str) or not name:
            raise ValueError(f"{key} needs a name, by which its relaxation is reported")
        rest = {one: inner for one, inner in value.items() if one != "name"}
        return Soft(name, filters.parse(rest, key))
    if value not in SOFT:
        raise ValueError(f"{key} is an unknown soft rule '{value}'{values.suggestion(value, sorted(SOFT))}")
    return Soft(str(value), SOFT[value])


def _example(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must be a table: the fields of a request")
    return value


KEYS: Mapping[str, Callable[[Any, str], Any]] = {
    "about": values.text,
    "sources": _sources,
    "fallback": values.texts,
    "limit": values.count,
    "max_limit": values.count,
    "minimum": values.count,
    "short": partial(values.one_of, SHORT),
    "needs": partial(values.some_of, NEEDS),
    "channels": partial(values.some_of, CHANNELS),
    "blend": partial(values.one_of, ("rank", "score")),
    "filter": filters.parse,
    "rebuy": _rebuy,
    "rebuy_in": _rebuy_in,
    "viewed": values.flag,
    "show_context": values.flag,
    "my_size": partial(values.one_of, MY_SIZE),
    "soft": _softs,
    "by_tree": values.flag,
    "deny_categories": values.texts,
    "deny_items": values.texts,
    "sensitive": values.texts,
    "merchandising": merchandising.merchandising,
    "campaigns": merchandising.campaigns,
    "diversity": variety.diversity,
    "rotation": variety.rotation,
    "damping": variety.damping,
    "exploration": variety.exploration,
    "experiment": arms.plan,
    "question": partial(values.one_of, (*QUESTIONS, "none")),
    "example": _example,
}
"""What each key of a placement must be. `example`, a request that shows it, is for people and tests."""
