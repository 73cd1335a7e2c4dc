"""Hard business rules: what may appear at all.

Hard rules become `Allow` before any source is asked, so nothing they exclude can leave, whatever
the sources say. Soft rules (`softness`) are numbered levels on the blended list; see
`kernels.fusion.settle`.

Most rules are alike for all who ask; those that are not come in as a `Scope`, and askers of one scope
share one mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Catalog
from vitrina.dataset import DAY, PURCHASE, VIEW
from vitrina.facets import Facets, Mask
from vitrina.filters import EVERYTHING, RELATIVE, Filter
from vitrina.history import Doings
from vitrina.ids import Ids, Rows
from vitrina.kernels.sparse import group
from vitrina.kernels.variants import all_variants, stand_ins
from vitrina.masks import Facts, holds
from vitrina.placements import Placement, Rebuy
from vitrina.remembered import remembered
from vitrina.scopes import Scope, Scopes
from vitrina.shop import Shop
from vitrina.softness import Softness

FEW, SELECTIVE = 2000, 50
"""So many rows, where they are one of so many, are few: sources look at each of them."""
Ends = NDArray[np.int64]
CACHE_BYTES = 32 << 20
"""Of masks that are kept; each has a byte an item, or two where products have variants."""


@dataclass(frozen=True)
class Admitted:
    """What may be shown, bool[n_items] `mask`, read-only. `wide`: every variant of products of which any may
    be: what sources may propose, the right variant taking its place."""

    mask: Mask
    wide: Mask

    @cached_property
    def few(self) -> Rows | None:
        """int32: the rows that sources may propose, where they are few; else None."""
        if np.count_nonzero(self.wide) > min(FEW, len(self.wide) // SELECTIVE):
            return None
        return np.flatnonzero(self.wide).astype(np.int32)


class Rules:
    """The rules of one catalogue. Masks are kept for the last filters asked for.

    `due_days`: float32 per item, the usual days between two purchases of it by one customer.
    """

    def __init__(self, catalog: Catalog, items: Ids, due_days: NDArray[np.float32], shop: Shop) -> None:
        self.catalog, self.product = catalog, np.asarray(catalog.product)
        self.facets = Facets(catalog, items)
        self.scopes = Scopes(self.facets, shop)
        self.soft = Softness(self.facets, self.scopes)
        self._due_seconds = due_days.astype(np.float64) * DAY
        self._variants = _variants(self.product)
        self._edges = np.unique(np.concatenate([catalog.available_from, catalog.available_until]))
        kept = CACHE_BYTES // max(1, len(catalog) * (1 if self._variants is None else 2))
        self.below = remembered(self._below, 64)
        self._alike = remembered(self._common, min(256, max(8, kept)))

    def admitted(self, now: int, placement: Placement, wanted: Filter, scope: Scope) -> Admitted:
        """What may be shown to askers of one scope: in stock, available, not denied, inside the filters."""
        # Availability changes at the catalogue's own edges only, so `now` is its latest edge passed.
        at = int(np.searchsorted(self._edges, now, side="right"))
        moment = int(self._edges[at - 1]) if at else np.iinfo(np.int64).min
        filters = (placement.filter, wanted)
        own = tuple(one for one in filters if one is not EVERYTHING and one.says(RELATIVE))
        alike = tuple(one for one in filters if one is not EVERYTHING and one not in own)
        today = scope.facts.today
        found = self._alike(
            moment, scope.place, today, placement.deny_categories, placement.deny_items, alike
        )
        if not own and not scope.fit:
            return found
        mask = found.mask.copy()
        self.scopes.sizes.narrow(mask, scope.fit)
        for one in own:
            self._narrow(mask, one, scope.facts)
        return self._widened(mask)

    def _common(
        self,
        moment: int,
        place: int,
        today: int,
        deny_categories: tuple[str, ...],
        deny_items: tuple[str, ...],
        filters: tuple[Filter, ...],
    ) -> Admitted:
        catalog = self.catalog
        mask = catalog.in_stock & (catalog.available_from <= moment) & (moment < catalog.available_until)
        if place >= 0:
            here = catalog.regions.having([catalog.regions.values.name(place)])
            mask &= here | ~catalog.regions.given()
        for path in deny_categories:
            mask &= ~self.facets.below(path)
        mask[self.facets.rows(deny_items)] = False
        for one in filters:
            self._narrow(mask, one, Facts(today=today))
        return self._widened(mask)

    def _below(self, paths: tuple[str, ...]) -> Mask:
        """bool[n_items]: whether a product is in one of some categories, or below it."""
        mask = np.zeros(len(self.catalog), np.bool_)
        for path in paths:
            mask |= self.facets.below(path)
        mask.flags.writeable = False
        return mask

    def _narrow(self, mask: Mask, wanted: Filter, facts: Facts) -> None:
        """Take out of a mask what a filter does not admit, looking at as few rows as will do."""
        rows = np.flatnonzero(mask).astype(np.int32)
        if len(rows) > len(mask) // 4:
            mask &= holds(self.facets, wanted, facts)
        else:
            mask[rows] = holds(self.facets, wanted, facts, rows)

    def _widened(self, mask: Mask) -> Admitted:
        wide = mask
        if self._variants is not None:
            some = np.zeros(len(self._variants[0]) - 1, np.bool_)
            some[self.product[mask]] = True
            wide = some[self.product]
            wide.flags.writeable = False
        mask.flags.writeable = False
        return Admitted(mask, wide)

    def fitting(self, rows: Rows, admitted: Admitted) -> Rows:
        """int32 like `rows`: each admitted row itself, for others a variant of it that is admitted.

        One of the same colour where there is one. -1 pads stay.
        """
        if admitted.wide is admitted.mask or self._variants is None:
            return rows
        indptr, members = self._variants
        mask, color = admitted.mask, self.facets.codes("color")
        shown: Rows = stand_ins(np.ascontiguousarray(rows), mask, self.product, indptr, members, color)
        return shown

    def with_variants(self, rows: Rows) -> Rows:
        """These rows and every other variant of their products."""
        return self.with_variants_of_each(np.array([0, len(rows)], np.int64), rows)[1]

    def with_variants_of_each(self, ends: Ends, rows: Rows) -> tuple[Ends, Rows]:
        """The same of each asker's `rows[ends[i]:ends[i + 1]]`: ends and rows."""
        if self._variants is None or not len(rows):
            return ends, rows
        found: tuple[Ends, Rows] = all_variants(ends, rows, self.product, *self._variants)
        return found

    def unwanted(self, doings: Doings, placement: Placement, now: int) -> Mask:
        """bool per event, of whomever: whether a placement's rebuy and viewed policies keep its item away."""
        away = np.zeros(len(doings.rows), np.bool_)
        if placement.rebuy_in or placement.rebuy.policy != "always":
            self._bought(away, doings, placement, now)
        if not placement.viewed:
            away |= doings.types == VIEW
        return away

    def _bought(self, away: Mask, doings: Doings, placement: Placement, now: int) -> None:
        """Mark what was bought and is not due again."""
        bought = np.flatnonzero(doings.types == PURCHASE)
        rows: Rows = doings.rows[bought]
        wait = self.waits(rows, placement.rebuy)
        # Deeper categories stand later, so that the deepest that fits has the last word.
        for path, rebuy in sorted(placement.rebuy_in, key=lambda one: one[0].count(">")):
            inside = self.facets.below(path, rows)
            wait[inside] = self.waits(rows[inside], rebuy)
        away[bought] = now - doings.times[bought] < wait if self.scopes.shop.timed else wait > 0

    def waits(self, rows: Rows, rebuy: Rebuy) -> NDArray[np.float64]:
        """float64 per row: the seconds after a purchase for which it stays away."""
        if rebuy.policy == "when_due":
            return self._due_seconds[rows]
        seconds = {"never": np.inf, "after_days": rebuy.after_days * DAY}.get(rebuy.policy, 0.0)
        return np.full(len(rows), seconds)


def _variants(product: Rows) -> tuple[NDArray[np.int64], Rows] | None:
    counts = np.bincount(product) if len(product) else np.zeros(0, np.int64)
    if counts.max(initial=0) <= 1:
        return None
    indptr, members = group(product, len(counts))
    return indptr, members.astype(np.int32)
