"""Business rules: what may appear at all (hard), and what is preferred while it lasts (soft).

Hard rules become `Allow` before any source is asked, so nothing they exclude can leave, whatever
the sources say. Soft rules are numbered levels on the blended list; see `kernels.fusion.settle`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Catalog
from vitrina.dataset import DAY, PURCHASE, VIEW
from vitrina.ids import Ids, Rows
from vitrina.kernels.sparse import group
from vitrina.placements import Placement
from vitrina.request import Filter

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Doings:
    """What one asker did, oldest first: item `rows` int32, `types` uint8, `times` int64 seconds."""

    rows: Rows
    types: NDArray[np.uint8]
    times: NDArray[np.int64]


class Rules:
    """The rules of one catalogue. Masks are kept for the last filters asked for.

    `due_days`: float32 per item, the usual days between two purchases of it by one customer.
    `timed`: whether event times are times; where not, everything bought counts as bought just now.
    """

    def __init__(self, catalog: Catalog, items: Ids, due_days: NDArray[np.float32], *, timed: bool) -> None:
        self.product = np.asarray(catalog.product)
        self._kind = {"same_category": catalog.category.codes, "same_department": catalog.departments()[0]}
        self._due_seconds = due_days.astype(np.float64) * DAY
        self._timed = timed
        self._variants = _variants(self.product)
        edges = np.concatenate([catalog.available_from, catalog.available_until])
        self._edges = np.unique(edges)
        self._mask = lru_cache(maxsize=256)(partial(_mask, catalog, items))

    def mask(self, now: int, placement: Placement, wanted: Filter) -> Mask:
        """bool[n_items], read-only: in stock, available at `now`, not denied, inside the filter."""
        # Availability changes at the catalogue's own edges only, so `now` is its latest edge passed.
        place = int(np.searchsorted(self._edges, now, side="right"))
        moment = int(self._edges[place - 1]) if place else np.iinfo(np.int64).min
        return self._mask(moment, placement.deny_categories, placement.deny_items, wanted)

    def with_variants(self, rows: Rows) -> Rows:
        """These rows and every other variant of their products."""
        if self._variants is None or not len(rows):
            return rows
        indptr, members = self._variants
        products = np.unique(self.product[rows])
        return np.concatenate([members[indptr[one] : indptr[one + 1]] for one in products])

    def unwanted(self, doings: Doings, placement: Placement, now: int) -> Rows:
        """The rows that a placement's rebuy and viewed policies keep from this asker; may repeat."""
        out = []
        if placement.rebuy != "always":
            out.append(self._bought(doings, placement, now))
        if not placement.viewed:
            out.append(doings.rows[doings.types == VIEW])
        return np.concatenate(out) if out else np.zeros(0, np.int32)

    def _bought(self, doings: Doings, placement: Placement, now: int) -> Rows:
        bought = doings.types == PURCHASE
        rows: Rows = doings.rows[bought]
        age = now - doings.times[bought]
        if placement.rebuy == "never" or not self._timed:
            return rows
        wait = placement.after_days * DAY if placement.rebuy == "after_days" else self._due_seconds[rows]
        recent: Rows = rows[age < wait]
        return recent

    def levels(self, rows: Rows, placement: Placement, context: Rows, viewed: Rows) -> NDArray[np.int8]:
        """int8 like `rows`: how many soft rules, dropped from the last, let each row in."""
        level = np.zeros(rows.shape, np.int8)
        for place, rule in enumerate(placement.soft):
            kept = self._alike(rule, rows, context) if rule in self._kind else ~np.isin(rows, viewed)
            level = np.maximum(level, np.where(kept, 0, len(placement.soft) - place)).astype(np.int8)
        return level

    def _alike(self, rule: str, rows: Rows, context: Rows) -> Mask:
        """Whether each row shares its category, or the top of its path, with the page's items."""
        if not len(context):
            return np.ones(rows.shape, np.bool_)
        kind = self._kind[rule]
        return np.isin(kind[np.maximum(rows, 0)], kind[context])


def _variants(product: Rows) -> tuple[NDArray[np.int64], Rows] | None:
    counts = np.bincount(product) if len(product) else np.zeros(0, np.int64)
    if counts.max(initial=0) <= 1:
        return None
    indptr, members = group(product, len(counts))
    return indptr, members.astype(np.int32)


def _mask(
    catalog: Catalog,
    items: Ids,
    moment: int,
    deny_categories: tuple[str, ...],
    deny_items: tuple[str, ...],
    wanted: Filter,
) -> Mask:
    mask = catalog.in_stock & (catalog.available_from <= moment) & (moment < catalog.available_until)
    for path in deny_categories:
        mask &= ~_below(catalog, path)
    denied = items.rows(deny_items)
    mask[denied[denied >= 0]] = False
    if wanted.categories:
        mask &= np.logical_or.reduce([_below(catalog, path) for path in wanted.categories])
    if wanted.brands:
        brand = catalog.attributes.get("brand")
        mask &= (
            np.isin(brand.codes, [one for one in brand.values.rows(wanted.brands) if one >= 0])
            if brand
            else False
        )
    if wanted.min_price > 0:
        mask &= catalog.price >= wanted.min_price
    if wanted.max_price > 0:
        mask &= catalog.price <= wanted.max_price
    mask.flags.writeable = False
    return mask


def _below(catalog: Catalog, path: str) -> Mask:
    low, high = catalog.subtree(path)
    return (catalog.category.codes >= low) & (catalog.category.codes < high)
