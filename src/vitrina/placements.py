"""Placements: where lists stand, and how each is mixed and ruled. TOML in, frozen words out.

    version = "grocery-1"
    extends = "standard.toml"              # beside this file; its placements, unless named again
    [home]
    sources = [{ strategy = "item_knn", weight = 1.0, seeds = "history" }]
    fallback = ["trending", "popular"]     # in this order, while a list is short
    rebuy = "always"                       # or "never", "when_due", { after_days = 30 }

A placement that is named again overrides the keys it gives, and keeps the others. Knows nothing of
recipes: a source that the bundle did not fit is left out when the engine opens.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from vitrina.errors import PlacementsError, UnknownPlacement

SEEDS = ("history", "session", "context", "last_order", "none")
REBUY = ("always", "never", "after_days", "when_due", "as_shop")
SOFT = ("same_department", "same_category", "not_viewed")
MAX_LIMIT = 200


@dataclass(frozen=True)
class Mix:
    """One source of a placement. `strategy`: its name in the recipe; `seeds`: what it starts from.

    history: all the customer did, and the session; session: the session and the page's item;
    context: the page's items or the cart; last_order: what was bought last; none: nothing.
    """

    strategy: str
    weight: float = 1.0
    seeds: str = "history"


@dataclass(frozen=True)
class Placement:
    """Where a list stands.

    `rebuy`: whether bought products may come back: always, never, after `after_days` days, when_due
    (the product's usual interval has passed), or as_shop (always where the bundle's customers do
    buy again, never where they do not). `viewed`: whether viewed ones may. `blend`: by
    rank in each source's list, or by score as a share of the list's best. `soft`: rules
    dropped one by one, last first, while the list is shorter than its limit. `deny_categories`
    (with all below) and `deny_items` never leave. `fallback`: sources that fill what is short.
    """

    name: str
    about: str = ""
    sources: tuple[Mix, ...] = ()
    fallback: tuple[str, ...] = ("popular",)
    limit: int = 20
    max_limit: int = MAX_LIMIT
    rebuy: str = "always"
    after_days: float = 0.0
    viewed: bool = True
    blend: str = "rank"
    soft: tuple[str, ...] = ()
    deny_categories: tuple[str, ...] = ()
    deny_items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placements:
    """All placements of a shop, by name. `tables` is what they were read from, for the manifest."""

    version: str
    by_name: Mapping[str, Placement]
    tables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Every placement's name, in order."""
        return sorted(self.by_name)

    def named(self, name: str) -> Placement:
        """The placement of that name. Raises UnknownPlacement, naming those there are."""
        if name not in self.by_name:
            raise UnknownPlacement(f"unknown placement {name!r}; known: {', '.join(self.names)}")
        return self.by_name[name]


def read_placements(file: Path) -> Placements:
    """Read a placements file and what it extends. Raises PlacementsError naming file and key."""
    return parse_placements(_load(file, ()), str(file))


def parse_placements(tables: Mapping[str, Any], origin: str = "placements") -> Placements:
    """Check merged placement tables, as a manifest keeps them. Raises PlacementsError."""
    by_name = {}
    for name, table in tables.items():
        if name == "version":
            continue
        if not isinstance(table, dict):
            raise PlacementsError(f"{origin}: '{name}' must be a table: [{name}]")
        try:
            by_name[name] = _placement(name, table)
        except (TypeError, ValueError) as reason:
            raise PlacementsError(f"{origin}: [{name}] {reason}") from reason
    if not by_name:
        raise PlacementsError(f"{origin} has no placement; add a table such as [home]")
    return Placements(str(tables.get("version", "unversioned")), by_name, tables)


def _load(file: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if file in seen:
        raise PlacementsError(f"{file} extends itself")
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise PlacementsError(f"cannot read the placements {file}: {reason}") from reason
    extended = table.pop("extends", None)
    if extended is None:
        return table
    below = _load(file.parent / str(extended), (*seen, file))
    for name, one in table.items():
        both = isinstance(one, dict) and isinstance(below.get(name), dict)
        below[name] = {**below[name], **one} if both else one
    return below


def _placement(name: str, table: dict[str, Any]) -> Placement:
    known = {one.name for one in fields(Placement)} - {"name"}
    for key in table:
        if key not in known:
            raise ValueError(f"unknown key '{key}'; known: {', '.join(sorted(known))}")
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    if isinstance(given.get("rebuy"), dict):
        given |= {"rebuy": "after_days", "after_days": float(given["rebuy"]["after_days"])}
    given["sources"] = tuple(Mix(**one) for one in given.get("sources", ()))
    placement = Placement(name=name, **given)
    _check(placement)
    return placement


def _check(placement: Placement) -> None:
    for mix in placement.sources:
        if mix.seeds not in SEEDS:
            raise ValueError(f"source {mix.strategy}: unknown seeds '{mix.seeds}'; known: {', '.join(SEEDS)}")
        if not mix.weight > 0:
            raise ValueError(f"source {mix.strategy}: weight {mix.weight} must be above 0")
    if placement.rebuy not in REBUY:
        raise ValueError(f"unknown rebuy '{placement.rebuy}'; known: {', '.join(REBUY)}")
    if placement.blend not in ("rank", "score"):
        raise ValueError(f"unknown blend '{placement.blend}'; known: rank, score")
    for rule in placement.soft:
        if rule not in SOFT:
            raise ValueError(f"unknown soft rule '{rule}'; known: {', '.join(SOFT)}")
    if not 1 <= placement.limit <= placement.max_limit <= MAX_LIMIT:
        raise ValueError(
            f"needs 1 <= limit ({placement.limit}) <= max_limit ({placement.max_limit}) <= {MAX_LIMIT}"
        )
