"""What merchandisers say of a placement: pins, boosts, quotas and their like, always or for a campaign.

[home.merchandising]
pin = [{ item_id = "sku-1", position = 1 }]
boost = [{ brands = ["House"], by = 1.5 }]          # a filter, and what scores are multiplied by
bury = [{ tags = ["clearance"], by = 0.3 }]
include = [{ item_ids = ["sku-7"], weight = 0.5 }]  # candidates though no source proposes them
quotas = [{ per = "brand", most = 2 }, { tags = ["private label"], least = 3 }]
weigh = [{ by = "margin", strength = 0.3 }]
interleave = "category"

[[home.campaigns]]                                  # the same keys, and when they are in force
name = "spring"
from = "2026-03-01"
until = "2026-04-01"
priority = 10
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from math import inf
from typing import Any

from vitrina import filters
from vitrina.filters import RELATIVE, Filter
from vitrina.placements import values

LEAST, MOST = -(1 << 62), 1 << 62
"""Moments before and after all others: a campaign without dates."""
MAX_POSITION = 200


@dataclass(frozen=True)
class Pin:
    """A product, or one of its variants, at a position, from 1."""

    item_id: str
    position: int


@dataclass(frozen=True)
class Lift:
    """Products whose scores are multiplied: by more than 1 (boost) or less (bury)."""

    filter: Filter
    by: float


@dataclass(frozen=True)
class Include:
    """Products that are candidates though no source proposes them, ranked as by a source of this weight."""

    filter: Filter
    weight: float


@dataclass(frozen=True)
class Quota:
    """At most, or at least, so many of a list.

    `per`: an attribute, 'category' or 'department', each value of which has its own `most`; or else of the
    products that `filter` admits. Below 1 (and above 0) it is a share of the list's length.
    """

    filter: Filter = filters.EVERYTHING
    per: str = ""
    most: float | None = None
    least: float | None = None

    @property
    def name(self) -> str:
        """How it is reported: 'at most 2 per brand'."""
        much = f"at most {self.most:g}" if self.most is not None else f"at least {self.least:g}"
        return f"{much} per {self.per}" if self.per else f"{much} of {brief(self.filter)}"


@dataclass(frozen=True)
class Lean:
    """Scores lean towards what has more of something: 'margin', 'price', 'discount' or a numeric attribute
    such as stock. The product with most of it gains `strength` of its score, that with least loses it."""

    by: str
    strength: float


@dataclass(frozen=True)
class Campaign:
    """Merchandising in force from `start` until before `until`, in seconds since 1970 UTC.

    Of campaigns that lift the same product, those of the highest priority do; of those that pin at one
    position or pin one product, the first of the highest priority. Quotas and candidates of all add up.
    """

    name: str = ""
    start: int = LEAST
    until: int = MOST
    priority: int = 0
    pins: tuple[Pin, ...] = ()
    lifts: tuple[Lift, ...] = ()
    includes: tuple[Include, ...] = ()
    quotas: tuple[Quota, ...] = ()
    leans: tuple[Lean, ...] = ()
    interleave: str = ""


def brief(wanted: Filter) -> str:
    """A filter in a few words: 'brands House, Acme; tags new'."""
    told = []
    for name in _NAMES:
        value = getattr(wanted, name)
        if value:
            inner = value if isinstance(value, tuple) else (value,)
            words = (_word(one) for one in inner)
            told.append(f"{name} {', '.join(words)}")
    return "; ".join(told)


def _word(one: Any) -> str:
    if isinstance(one, str):
        return one
    if isinstance(one, Filter):
        return f"({brief(one)})"
    told = {field.name: getattr(one, field.name) for field in fields(one)}
    return " ".join(
        f"{name} {_word(value[0]) if isinstance(value, tuple) else value}" if name != "name" else str(value)
        for name, value in told.items()
        if value not in (None, ())
    )


def merchandising(value: Any, key: str) -> Campaign:
    """What is always in force, from its table. Raises ValueError naming the key."""
    given = values.table(value, key, tuple(_KEYS))
    made: dict[str, Any] = {}
    for word, inner in given.items():
        field, read = _KEYS[word]
        found = read(inner, f"{key}.{word}")
        made[field] = (*made.get(field, ()), *found) if isinstance(found, tuple) else found
    return Campaign(**made)


def campaigns(value: Any, key: str) -> tuple[Campaign, ...]:
    """Campaigns from a list of tables, each with a name of its own. Raises ValueError naming the key."""
    found = [_campaign(one, f"{key}[{at}]") for at, one in enumerate(values.entries(value, key))]
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{key} has two campaigns named '{name}'")
    return tuple(found)


def _campaign(value: Any, key: str) -> Campaign:
    given = values.table(value, key, ("name", "from", "until", "priority", *_KEYS))
    name = values.text(given.get("name", ""), f"{key}.name")
    if not name:
        raise ValueError(f"{key} needs a name, by which it is reported")
    start = values.moment(given["from"], f"{key}.from") if "from" in given else LEAST
    until = values.moment(given["until"], f"{key}.until") if "until" in given else MOST
    if not start < until:
        raise ValueError(f"{key}.until is not after its start")
    always = merchandising({word: one for word, one in given.items() if word in _KEYS}, key)
    priority = values.count(given.get("priority", 0), f"{key}.priority")
    return Campaign(**{**vars(always), "name": name, "start": start, "until": until, "priority": priority})


def _pins(value: Any, key: str) -> tuple[Pin, ...]:
    return tuple(_pin(one, f"{key}[{at}]") for at, one in enumerate(values.entries(value, key)))


def _pin(value: Any, key: str) -> Pin:
    given = values.table(value, key, ("item_id", "position"))
    item_id = values.text(given.get("item_id"), f"{key}.item_id")
    position = values.count(given.get("position"), f"{key}.position")
    if not 1 <= position <= MAX_POSITION:
        raise ValueError(f"{key}.position {position} must be from 1 to {MAX_POSITION}")
    return Pin(item_id, position)


def _lifts(low: float, high: float, value: Any, key: str) -> tuple[Lift, ...]:
    return tuple(_lift(low, high, one, f"{key}[{at}]") for at, one in enumerate(values.entries(value, key)))


def _lift(low: float, high: float, value: Any, key: str) -> Lift:
    chosen, rest = _split(value, key, ("by",))
    return Lift(chosen, values.number(rest.get("by"), f"{key}.by", low, high))


def _includes(value: Any, key: str) -> tuple[Include, ...]:
    return tuple(_include(one, f"{key}[{at}]") for at, one in enumerate(values.entries(value, key)))


def _include(value: Any, key: str) -> Include:
    chosen, rest = _split(value, key, ("weight",))
    weight = values.number(rest.get("weight", 1.0), f"{key}.weight", 0, inf)
    if not weight > 0:
        raise ValueError(f"{key}.weight must be above 0")
    return Include(chosen, weight)


def _quotas(value: Any, key: str) -> tuple[Quota, ...]:
    return tuple(_quota(one, f"{key}[{at}]") for at, one in enumerate(values.entries(value, key)))


def _quota(value: Any, key: str) -> Quota:
    chosen, rest = _split(value, key, ("per", "most", "least"), empty="per" in value)
    if ("most" in rest) == ("least" in rest):
        raise ValueError(f"{key} needs either most or least")
    word = "most" if "most" in rest else "least"
    much = values.number(rest[word], f"{key}.{word}", 0, inf)
    if much >= 1 and much != int(much):
        raise ValueError(f"{key}.{word} {much:g} must be a whole number, or below 1 a share of the list")
    if "per" in rest and word == "least":
        raise ValueError(f"{key}: least goes with a filter, not with per")
    return Quota(chosen, values.text(rest.get("per", ""), f"{key}.per"), **{word: much})


def _leans(value: Any, key: str) -> tuple[Lean, ...]:
    return tuple(_lean(one, f"{key}[{at}]") for at, one in enumerate(values.entries(value, key)))


def _lean(value: Any, key: str) -> Lean:
    given = values.table(value, key, ("by", "strength"))
    return Lean(
        values.text(given.get("by"), f"{key}.by"),
        values.number(given.get("strength"), f"{key}.strength", -0.99, 0.99),
    )


def _split(
    value: Any, key: str, own: tuple[str, ...], *, empty: bool = False
) -> tuple[Filter, Mapping[str, Any]]:
    """A table that is a filter and some keys of its own."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must be a table: conditions of a filter and {', '.join(own)}, not {value!r}")
    chosen = filters.parse({word: one for word, one in value.items() if word not in own}, key)
    if chosen == filters.EVERYTHING and not empty:
        raise ValueError(f'{key} needs a filter, such as brands = ["House"]')
    if chosen.says(RELATIVE):
        raise ValueError(f"{key} must be about products alone: none of {', '.join(RELATIVE)}")
    return chosen, {word: one for word, one in value.items() if word in own}


_NAMES = tuple(one.name for one in fields(Filter))
_KEYS: Mapping[str, tuple[str, Any]] = {
    "pin": ("pins", _pins),
    "boost": ("lifts", partial(_lifts, 1.0, 1000.0)),
    "bury": ("lifts", partial(_lifts, 0.0, 1.0)),
    "include": ("includes", _includes),
    "quotas": ("quotas", _quotas),
    "weigh": ("leans", _leans),
    "interleave": ("interleave", values.text),
}
"""Key of a table: the field of `Campaign` that it fills, and how it is read."""
