"""What the shop wants to hear of: TOML in, frozen words out.

    version = "audience-1"
    [abandoned_cart]                # a trigger of that name; or any name, with is = "abandoned_cart"
    after_hours = 1                 # fires from then
    until_days = 3                  # until then
    show = "both"                   # same: what it is about; similar: what goes with it; both
    placement = "email_digest"      # where the similar ones come from
    k = 6
    channels = ["email", "push"]    # by default any that the contact policy has
    who = { min_orders = 1 }        # see who.py

A person with several triggers is told of the first in the order of the file that a channel is free for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vitrina.audience.triggers import TRIGGERS, Window
from vitrina.audience.who import ANYBODY, Who, parse_who
from vitrina.dataset import DAY
from vitrina.errors import PolicyError

SHOW = ("same", "similar", "both")
_HOUR = 3600
_NUMBERS = ("after_hours", "after_days", "until_hours", "until_days", "back_days")
DEFAULTS: Mapping[str, tuple[float, float]] = {
    "abandoned_cart": (_HOUR, 3 * DAY),
    "abandoned_view": (_HOUR, 3 * DAY),
    "price_drop": (0.0, 3 * DAY),
    "back_in_stock": (0.0, 3 * DAY),
    "replenishment": (0.0, 5 * DAY),
    "post_purchase": (DAY, 4 * DAY),
    "welcome": (0.0, 2 * DAY),
    "win_back": (60 * DAY, 365 * DAY),
}
"""Seconds from which and until which each kind fires, where the file does not say."""

_BOUGHT = ("post_purchase", "win_back")
"""Kinds that are about what was bought: unless the file says otherwise, only similar products are shown."""


@dataclass(frozen=True)
class Watch:
    """One trigger that is looked for. `name`: the shop's; `kind`: a key of TRIGGERS."""

    name: str
    kind: str
    window: Window
    show: str = "both"
    placement: str = "email_digest"
    k: int = 6
    channels: tuple[str, ...] = ()
    who: Who = ANYBODY


@dataclass(frozen=True)
class Plan:
    """All that is looked for, most important first."""

    version: str
    watches: tuple[Watch, ...]

    def only(self, names: tuple[str, ...]) -> Plan:
        """The plan with these watches alone. Raises PolicyError for one that is not there."""
        known = {one.name: one for one in self.watches}
        for name in names:
            if name not in known:
                raise PolicyError(f"no trigger {name!r} in the plan; it has: {', '.join(known)}")
        return Plan(self.version, tuple(known[name] for name in names)) if names else self


def read_plan(file: Path) -> Plan:
    """Read a plan file. Raises PolicyError naming file and key."""
    try:
        return parse_plan(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise PolicyError(f"cannot read the plan {file}: {reason}") from reason
    except (TypeError, ValueError) as reason:
        raise PolicyError(f"{file}: {reason}") from reason


def parse_plan(table: Mapping[str, Any]) -> Plan:
    """A plan of TOML tables. Raises ValueError and TypeError naming the key."""
    given = dict(table)
    version = str(given.pop("version", "unversioned"))
    watches = tuple(_watch(name, one) for name, one in given.items())
    if not watches:
        raise ValueError("no trigger is named; add a table such as [abandoned_cart]")
    return Plan(version, watches)


def standard() -> Plan:
    """Every trigger as it is by default."""
    return parse_plan({"version": "standard", **{name: {} for name in TRIGGERS}})


def _watch(name: str, table: Any) -> Watch:
    if not isinstance(table, Mapping):
        raise TypeError(f"'{name}' must be a table: [{name}]")
    given = dict(table)
    kind = given.pop("is", name)
    if kind not in TRIGGERS:
        raise ValueError(f"[{name}] is = {kind!r} is no trigger; known: {', '.join(TRIGGERS)}")
    window = _window(kind, {key: given.pop(key) for key in _NUMBERS if key in given}, name)
    if "who" in given:
        given["who"] = parse_who(given["who"], f"{name}.who")
    known = {one.name for one in fields(Watch)} - {"name", "kind", "window"}
    for key, value in given.items():
        if key not in known:
            hint = ", ".join(sorted({*known, *_NUMBERS, "is"}))
            raise ValueError(f"[{name}] unknown key '{key}'; known: {hint}")
        given[key] = _checked(name, key, value)
    return Watch(name, kind, window, **{"show": "similar" if kind in _BOUGHT else "both", **given})


def _checked(name: str, key: str, value: Any) -> Any:
    if key == "show" and value not in SHOW:
        raise ValueError(f"[{name}] show = {value!r}; known: {', '.join(SHOW)}")
    if key == "k" and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100):
        raise ValueError(f"[{name}] k must be a whole number from 1 to 100")
    if key == "placement" and not isinstance(value, str):
        raise TypeError(f"[{name}] placement must be a text")
    if key == "channels":
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise TypeError(f"[{name}] channels must be a list of texts")
        return tuple(value)
    return value


def _window(kind: str, given: Mapping[str, Any], name: str) -> Window:
    for key, value in given.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise TypeError(f"[{name}] {key} must be a number, 0 or more")
    after, until = DEFAULTS[kind]
    if "after_hours" in given or "after_days" in given:
        after = given.get("after_hours", 0) * _HOUR + given.get("after_days", 0) * DAY
    if "until_hours" in given or "until_days" in given:
        until = given.get("until_hours", 0) * _HOUR + given.get("until_days", 0) * DAY
    if not after < until:
        raise ValueError(f"[{name}] it ends after {until:g} seconds, before it begins after {after:g}")
    return Window(after, until, given.get("back_days", 30) * DAY)
