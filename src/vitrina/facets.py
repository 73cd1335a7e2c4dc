"""What filters look at: columns of a catalogue, and what is derived from them once, when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Attribute, Catalog
from vitrina.ids import UNKNOWN, Ids, Rows
from vitrina.remembered import remembered

Mask = NDArray[np.bool_]
Where = slice | Rows
EVERYWHERE = slice(None)


class Facets:
    """Columns of one catalogue as filters ask for them. Give a changed catalogue facets of its own."""

    def __init__(self, catalog: Catalog, items: Ids) -> None:
        self.catalog, self._items = catalog, items
        self.number = remembered(self._number, 64)
        self.moment = remembered(self._moment, 64)

    def __len__(self) -> int:
        return len(self.catalog)

    def below(self, path: str, where: Where = EVERYWHERE) -> Mask:
        """bool: whether each row's category is `path` ('a > b') or below it."""
        low, high = self.catalog.subtree(path)
        codes = self.catalog.category.codes[where]
        return (codes >= low) & (codes < high)

    def codes(self, name: str) -> Rows:
        """int32 per row: of an attribute, or of 'category', 'department' or 'product'; UNKNOWN if none."""
        if name == "product":
            return self.catalog.product
        found = self._department if name == "department" else self.named(name)
        return found.codes if found else self._unknown

    def named(self, name: str) -> Attribute | None:
        """What a customer's own value of this name is compared with, if items have it: an attribute, or their
        category; their department where the shop has no attribute of that name."""
        if name == "category":
            return self.catalog.category
        if name == "department" and name not in self.catalog.attributes:
            return self._department
        return self.catalog.attributes.get(name)

    @cached_property
    def _unknown(self) -> Rows:
        return np.full(len(self), UNKNOWN, np.int32)

    @cached_property
    def _department(self) -> Attribute:
        return self.catalog.department()

    @cached_property
    def levels(self) -> NDArray[np.float32]:
        """float32 per row: where its price stands in its category, 0 cheapest to 1 dearest; NaN unknown."""
        price, codes = self.catalog.price, self.catalog.category.codes
        known = np.flatnonzero(~np.isnan(price))
        order = known[np.lexsort((price[known], codes[known]))]
        starts = np.flatnonzero(np.diff(codes[order], prepend=-2))
        sizes = np.diff(np.append(starts, len(order)))
        place = np.arange(len(order)) - np.repeat(starts, sizes)
        levels = np.full(len(price), np.nan, np.float32)
        levels[order] = (place + 0.5) / np.repeat(sizes, sizes)
        return levels

    def rows(self, ids: Sequence[str]) -> Rows:
        """int32: the rows of those ids that are known."""
        found = self._items.rows(ids)
        return found[found >= 0]

    def _number(self, name: str) -> NDArray[np.float64]:
        return self._parsed(name, float)

    def _moment(self, name: str) -> NDArray[np.float64]:
        if name in ("available_from", "available_until"):
            bounds = np.iinfo(np.int64)
            told = getattr(self.catalog, name)
            return np.where((told == bounds.min) | (told == bounds.max), np.nan, told)
        return self._parsed(name, _seconds)

    def _parsed(self, name: str, read: Callable[[str], float]) -> NDArray[np.float64]:
        """float64 per row: an attribute's value as `read` reads it, NaN where it does not."""
        found: Attribute | None = self.catalog.attributes.get(name)
        if found is None:
            return np.full(len(self), np.nan)
        values = found.values.names(np.arange(len(found.values), dtype=np.int32))
        table = np.array([*(_read(read, one) for one in values), np.nan])
        return table[found.codes]


def _read(read: Callable[[str], float], text: str) -> float:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return float("nan")


def _seconds(text: str) -> float:
    if text.lstrip("-").isdigit() and len(text) > 8:
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
