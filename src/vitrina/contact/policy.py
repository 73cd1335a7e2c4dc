"""The contact policy: TOML in, frozen words out.

    version = "contact-1"
    zone = "Europe/Warsaw"              # of people whose own is not known
    cool_down_days = 3                  # silence after a purchase
    repeat_days = 14                    # an offer that was made on one channel is not made on another
    sticky_hours = 72                   # how long the site greets with a letter's products
    [channels.email]                    # channels in the order of the file: the cheapest first
    caps = [{ times = 1, days = 1 }, { times = 3, days = 7 }]
    quiet = ["21:00", "09:00"]          # by the person's own clock
    [channels.retargeting]
    paid = true                         # shows nothing of a letter that was opened
    caps = [{ times = 5, days = 7 }]

A channel that is not named is never used. An unknown key is refused by name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vitrina.errors import PolicyError

NAMES = ("site", "app", "email", "push", "retargeting")
"""Channels there are."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
MINUTES = 24 * 60


@dataclass(frozen=True)
class Cap:
    """At most `times` contacts within any `days`."""

    times: int
    days: float


@dataclass(frozen=True)
class Channel:
    """A way to reach people. `quiet`: from and until which minute of the day nothing is sent, equal for
    never; `paid`: each showing costs, so it takes up nothing that a letter already said."""

    name: str
    caps: tuple[Cap, ...] = ()
    quiet: tuple[int, int] = (0, 0)
    paid: bool = False

    def silent(self, minute: int) -> bool:
        """Whether a minute of the day is a quiet one."""
        start, end = self.quiet
        return start <= minute < end if start <= end else minute >= start or minute < end


@dataclass(frozen=True)
class Policy:
    """What a shop allows. Channels stand cheapest first; days and hours are of 24 and 1."""

    version: str = "contact-1"
    zone: str = "UTC"
    cool_down_days: float = 0.0
    repeat_days: float = 14.0
    sticky_hours: float = 72.0
    channels: tuple[Channel, ...] = ()

    def clock(self, zone: str = "") -> ZoneInfo:
        """A person's clock; the policy's where theirs is not known or is no zone."""
        return (zone and _zone(zone)) or _zone(self.zone) or ZoneInfo("UTC")


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def read_policy(file: Path) -> Policy:
    """Read a policy file. Raises PolicyError naming file and key."""
    try:
        return parse_policy(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise PolicyError(f"cannot read the policy {file}: {reason}") from reason
    except (TypeError, ValueError) as reason:
        raise PolicyError(f"{file}: {reason}") from reason


def parse_policy(table: Mapping[str, Any]) -> Policy:
    """A policy of a TOML table. Raises ValueError and TypeError naming the key."""
    given = _known(table, Policy, "")
    channels = tuple(
        _channel(name, one) for name, one in _table(given.pop("channels", {}), "channels").items()
    )
    for name in ("cool_down_days", "repeat_days", "sticky_hours"):
        if name in given:
            given[name] = _number(given[name], name)
    policy = Policy(**given, channels=channels)
    if _zone(policy.zone) is None:
        raise ValueError(f"zone {policy.zone!r} is no time zone; write it as 'Europe/Warsaw'")
    if not policy.channels:
        raise ValueError("no channel is named; add a table such as [channels.email]")
    return policy


def standard() -> Policy:
    """The policy of a shop that has written none: what most people bear."""
    week = [{"times": 1, "days": 1}, {"times": 3, "days": 7}]
    night = ["21:00", "08:00"]
    channels = {
        "email": {"caps": week, "quiet": night},
        "push": {"caps": [{"times": 1, "days": 2}], "quiet": night},
        "retargeting": {"paid": True, "caps": [{"times": 5, "days": 7}]},
    }
    return parse_policy({"version": "standard", "cool_down_days": 3, "channels": channels})


def _channel(name: str, table: Any) -> Channel:
    where = f"channels.{name}"
    if name not in NAMES:
        raise ValueError(f"unknown channel '{where}'; known: {', '.join(NAMES)}")
    given = _known(_table(table, where), Channel, f"{where}.")
    given.pop("name", None)
    caps = tuple(_cap(one, f"{where}.caps[{at}]") for at, one in enumerate(given.pop("caps", ())))
    quiet = given.pop("quiet", None)
    if not isinstance(given.get("paid", False), bool):
        raise TypeError(f"{where}.paid must be true or false")
    return Channel(name, caps, _quiet(quiet, f"{where}.quiet") if quiet else (0, 0), **given)


def _cap(table: Any, where: str) -> Cap:
    given = _known(_table(table, where), Cap, f"{where}.")
    times, days = given.get("times"), given.get("days")
    if not isinstance(times, int) or isinstance(times, bool) or times < 0:
        raise ValueError(f"{where}.times must be a whole number, 0 or more")
    return Cap(times, _number(days, f"{where}.days"))


def _quiet(value: Any, where: str) -> tuple[int, int]:
    found = [_CLOCK.fullmatch(str(one)) for one in value] if isinstance(value, list) else []
    if len(found) != 2 or not all(found):
        raise ValueError(f"{where} must be two times of the day, as in ['21:00', '09:00']")
    first, last = (60 * int(one[1]) + int(one[2]) for one in found if one)
    return first, last


def _number(value: Any, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 10_000:
        raise ValueError(f"{where} must be a number from 0 to 10,000")
    return float(value)


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"'{where}' must be a table")
    return value


def _known(table: Mapping[str, Any], kind: type, where: str) -> dict[str, Any]:
    known = {one.name for one in fields(kind)}
    for key in table:
        if key not in known:
            raise ValueError(f"unknown key '{where}{key}'; known: {', '.join(sorted(known - {'name'}))}")
    return dict(table)
