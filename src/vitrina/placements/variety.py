"""What keeps lists from being the same: among themselves, day after day, and for everybody.

diversity = "medium"                      # off, low, medium, high; or a number from 0 to 1
diversity = { level = 0.3, over = ["category", "brand", "embedding"] }
rotation = { rate = 0.3, hours = 24 }     # what was shown and not taken up sinks, for a while
damping = 0.2                             # what everybody buys counts less
exploration = { share = 0.1, days = 30 }  # this share of a list goes to new products, by chance
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vitrina.placements import values

LEVELS = {"off": 0.0, "low": 0.1, "medium": 0.25, "high": 0.5}
"""Named strengths of diversity; what each costs and brings is in benchmarks/results/diversity.json."""
EMBEDDING = "embedding"


@dataclass(frozen=True)
class Diversity:
    """How much unlikeness weighs against relevance, 0 to 1, and `over` what: 'category' (all steps of its
    path), 'embedding' (photo vectors), or names of attributes; each counts alike."""

    strength: float
    over: tuple[str, ...] = ("category", "brand", EMBEDDING)


@dataclass(frozen=True)
class Rotation:
    """Each showing that led to nothing takes `rate` of a product's score, less the longer ago it was, and
    nothing after `hours`."""

    rate: float
    hours: float


@dataclass(frozen=True)
class Exploration:
    """`share` of a list's places go to products that are `days` old at most, drawn by chance."""

    share: float
    days: float


def diversity(value: Any, key: str) -> Diversity:
    """From a level's name, a number, or a table of level and over."""
    if isinstance(value, Mapping):
        given = values.table(value, key, ("level", "over"))
        strength = _level(given.get("level", "medium"), f"{key}.level")
        over = values.texts(given["over"], f"{key}.over") if "over" in given else Diversity.over
        if not over:
            raise ValueError(f"{key}.over names nothing to tell products apart by")
        return Diversity(strength, over)
    return Diversity(_level(value, key))


def _level(value: Any, key: str) -> float:
    if isinstance(value, str):
        return LEVELS[values.one_of(tuple(LEVELS), value, key)]
    return values.number(value, key, 0, 1)


def rotation(value: Any, key: str) -> Rotation:
    """From a table of rate and hours."""
    given = values.table(value, key, ("rate", "hours"))
    hours = values.number(given.get("hours", 24.0), f"{key}.hours", 0, 24 * 365)
    if not hours > 0:
        raise ValueError(f"{key}.hours must be above 0")
    return Rotation(values.number(given.get("rate", 0.3), f"{key}.rate", 0, 1), hours)


def damping(value: Any, key: str) -> float:
    """A number from 0 to 1."""
    return values.number(value, key, 0, 1)


def exploration(value: Any, key: str) -> Exploration:
    """From a table of share and days."""
    given = values.table(value, key, ("share", "days"))
    share = values.number(given.get("share"), f"{key}.share", 0, 0.5)
    return Exploration(share, values.number(given.get("days", 30.0), f"{key}.days", 0, 3650))
