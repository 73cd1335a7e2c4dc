"""What is true of one asker, as far as rules and filters ask; equal for askers who may share a mask."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from vitrina.askers import Asker
from vitrina.dataset import DAY, PURCHASE, VIEW, as_known
from vitrina.facets import Facets
from vitrina.filters import EVERYTHING, RELATIVE, Filter
from vitrina.history import Doings
from vitrina.ids import UNKNOWN
from vitrina.masks import NOBODY, Facts
from vitrina.placements import Placement
from vitrina.shop import Shop
from vitrina.sizes import Fit, Sizes

RECENT = 50
"""Latest purchases that say where a customer's prices stand."""


class Scope(NamedTuple):
    """What hard rules make of one asker: the code of the `place` whose stock counts (UNKNOWN for any), the
    sizes that `fit`, and what a filter asks about."""

    place: int = UNKNOWN
    fit: Fit = ()
    facts: Facts = NOBODY


EVERYBODY = Scope()


class Scopes:
    """What a shop and its catalogue say of askers."""

    def __init__(self, facets: Facets, shop: Shop) -> None:
        self._facets, self.shop = facets, shop
        self.sizes = Sizes(facets)

    def of(self, asker: Asker, placement: Placement, wanted: Filter, now: int) -> Scope:
        """What hard rules make of one asker in one block."""
        place = UNKNOWN
        if asker.place and len(self._facets.catalog.regions.values):
            place = self._facets.catalog.regions.values.row(asker.place)
        fit = self._fit(asker, placement) if self.sizes.size is not None else ()
        facts = self.facts(asker, (placement.filter, wanted), now)
        return Scope(place, fit, facts) if place >= 0 or fit or facts is not NOBODY else EVERYBODY

    def alike(self, placement: Placement, wanted: Filter) -> bool:
        """Whether hard rules make the same of whoever asks."""
        sized = self.sizes.size is not None and placement.my_size != "off"
        asked = any(_asked(one) for one in (placement.filter, wanted) if one is not EVERYTHING)
        return not (sized or asked or len(self._facets.catalog.regions.values))

    def facts(self, asker: Asker, wanted: Sequence[Filter], now: int) -> Facts:
        """What is true of an asker, as far as these filters ask."""
        asked = [one for one in wanted if one is not EVERYTHING]
        named = {name for one in asked for name in _asked(one)}
        if not named:
            return NOBODY
        key = (now, *asked)
        if key not in asker.facts:
            asker.facts[key] = self._facts(asker, asked, named, now)
        found: Facts = asker.facts[key]
        return found

    def _facts(self, asker: Asker, asked: Sequence[Filter], named: set[str], now: int) -> Facts:
        return Facts(
            seeds=tuple(asker.context.tolist()) if named & _SEED else (),
            own=self._own(asker.user) if named & _CUSTOMER else (),
            level=self._level(asker.doings) if "price_level" in named else NOBODY.level,
            touched=self._touched(asker, asked) if "untouched" in named else (),
            today=(now // DAY + 1) * DAY if "dates" in named else 0,
        )

    def _fit(self, asker: Asker, placement: Placement) -> Fit:
        if placement.my_size == "off":
            return ()
        told = self.shop.people.get("sizes")
        text = told.text(asker.user) if told is not None and asker.user >= 0 else ""
        return self.sizes.fit(text, asker.doings if placement.my_size == "learned" else None)

    def _own(self, user: int) -> tuple[tuple[str, str], ...]:
        if user < 0:
            return ()
        return tuple((name, text) for name, one in self.shop.people.items() if (text := one.text(user)))

    def _level(self, doings: Doings) -> float:
        levels = self._facets.levels  # found before it is known whether anything was bought: by warming
        paid = levels[doings.rows[doings.types == PURCHASE][-RECENT:]]
        return NOBODY.level if np.isnan(paid).all() else round(float(np.nanmean(paid)), 4)

    def _touched(self, asker: Asker, asked: Sequence[Filter]) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """What happened, of the event types that are asked about; what stands on the page is being viewed."""
        doings, types = asker.doings, self.shop.types
        found = []
        for name in sorted({name for one in asked for name in _watched(one)}):
            if (known := as_known(name, types, self.shop.words)) not in types:
                continue
            rows = doings.rows[doings.types == types.index(known)]
            seen = np.concatenate([rows, asker.context]) if known == types[VIEW] else rows
            found.append((name, tuple(seen.tolist())))
        return tuple(found)


_SEED = {"price_to_seed", "same_as_seed", "unlike_seed"}
_CUSTOMER = {"same_as_customer", "unlike_customer"}


@lru_cache(maxsize=1024)
def _asked(wanted: Filter) -> frozenset[str]:
    """The conditions of a filter that ask about the asker, or about the day."""
    return frozenset(
        name for one in wanted.walk() for name in (*RELATIVE, "dates") if getattr(one, name) not in ((), None)
    )


@lru_cache(maxsize=1024)
def _watched(wanted: Filter) -> frozenset[str]:
    """The event types that a filter asks about."""
    return frozenset(name for one in wanted.walk() for name in one.untouched)
