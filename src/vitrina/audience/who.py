"""Conditions on a person: what they did, how often, how long ago. All that are given must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from vitrina.dataset import DAY, PURCHASE, VIEW
from vitrina.facets import Facets
from vitrina.history import Doings


@dataclass(frozen=True)
class Who:
    """`min_orders`, `max_orders`: days on which something was bought. `bought_within_days` and its kin: how
    long ago anything was. `bought_category`, `viewed_category`: paths 'a > b' with all below them, any of
    which. `bought_brand`: any of these. `regions`: any of these; who has none fails."""

    min_orders: int = 0
    max_orders: int | None = None
    bought_within_days: float | None = None
    not_bought_within_days: float | None = None
    seen_within_days: float | None = None
    bought_category: tuple[str, ...] = ()
    viewed_category: tuple[str, ...] = ()
    bought_brand: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    def fits(self, doings: Doings, region: str, facets: Facets, now: int) -> bool:
        """Whether a person who did this, and lives there, is meant."""
        bought = doings.types == PURCHASE
        times = doings.times[bought]
        orders = len(np.unique(times // DAY))
        if orders < self.min_orders or (self.max_orders is not None and orders > self.max_orders):
            return False
        if self.regions and region not in self.regions:
            return False
        if not self._in_time(int(times.max()) if len(times) else None, doings, now):
            return False
        viewed = doings.rows[doings.types == VIEW]
        return (
            _touches(doings.rows[bought], self.bought_category, facets)
            and _touches(viewed, self.viewed_category, facets)
            and _of_brand(doings.rows[bought], self.bought_brand, facets)
        )

    def _in_time(self, bought: int | None, doings: Doings, now: int) -> bool:
        seen = int(doings.times.max()) if len(doings.times) else None
        within, without = self.bought_within_days, self.not_bought_within_days
        if within is not None and (bought is None or now - bought > within * DAY):
            return False
        if without is not None and bought is not None and now - bought <= without * DAY:
            return False
        return self.seen_within_days is None or (
            seen is not None and now - seen <= self.seen_within_days * DAY
        )


ANYBODY = Who()


def parse_who(table: Any, where: str) -> Who:
    """Conditions of a TOML table. Raises ValueError and TypeError naming the key."""
    if not isinstance(table, Mapping):
        raise TypeError(f"'{where}' must be a table")
    known = {one.name: str(one.type) for one in fields(Who)}
    given: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"unknown key '{where}.{key}'; known: {', '.join(sorted(known))}")
        texts = known[key].startswith("tuple")
        values = [value] if isinstance(value, str) else value
        if texts and not (isinstance(values, list) and all(isinstance(one, str) for one in values)):
            raise TypeError(f"'{where}.{key}' must be a text or a list of texts")
        if not texts and (not isinstance(value, int | float) or isinstance(value, bool) or value < 0):
            raise TypeError(f"'{where}.{key}' must be a number, 0 or more")
        given[key] = tuple(values) if texts else value
    return Who(**given)


def _touches(rows: Any, paths: tuple[str, ...], facets: Facets) -> bool:
    return not paths or any(bool(facets.below(path)[rows].any()) for path in paths)


def _of_brand(rows: Any, brands: tuple[str, ...], facets: Facets) -> bool:
    if not brands:
        return True
    brand = facets.catalog.attributes.get("brand")
    if brand is None:
        return False
    wanted = brand.values.rows(brands)
    return bool(np.isin(brand.codes[rows], wanted[wanted >= 0]).any())
