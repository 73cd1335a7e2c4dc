"""The catalogue as it is now: what a bundle says of items, and what the shop said since. Frozen; a change
makes another one, in which only the columns that it touches are copied.

Items that came since training follow the trained ones, in rows of their own. One whose title and category
nobody has said yet is no product: what was said of it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Attribute, Catalog, Labels, path_of
from vitrina.ids import UNKNOWN, GrownIds, Ids, Rows, Texts
from vitrina.splicing import MOMENTS, NUMBERS, TEXTS, grown, recoded, relabelled, spliced
from vitrina.updates import ATTRIBUTE, STOCK, Fields, Value

_PASSING = ("price", "old_price", "margin", "in_stock", "removed", "regions")
"""What says nothing of what an item is."""
Said = Mapping[str, Fields]
"""By item id, all that was said of it since training; of each field the latest value."""


@dataclass(frozen=True)
class CatalogView:
    """`catalog` of `items`, of which the first came with the bundle as `base`; `said` is in it.

    `content` counts how often more was said of what items that came since are, beyond prices and stock.
    """

    items: Ids
    catalog: Catalog
    base: Catalog
    said: Said = field(default_factory=dict)
    content: int = 0

    @classmethod
    def of(cls, items: Ids, catalog: Catalog) -> CatalogView:
        """What a bundle says."""
        return cls(items, catalog, catalog)

    @property
    def trained(self) -> int:
        """How many items came with the bundle."""
        return len(self.base)

    def told(self, said: Said) -> CatalogView:
        """The view after more was said: of each item named, all that was said of it so far."""
        news = {one: fields for one, fields in said.items() if self.said.get(one) != fields}
        known = self.items.rows(list(news)) >= 0
        wanted = {
            one: fields
            for (one, fields), old in zip(news.items(), known, strict=True)
            if old or _shown(fields)
        }
        if not wanted:
            return replace(self, said={**self.said, **news}) if news else self
        fresh = [one for one, old in zip(news, known, strict=True) if not old and one in wanted]
        items = GrownIds.after(self.items, fresh) if fresh else self.items
        base = grown(self.catalog, len(items) - len(self.items)) if fresh else self.catalog
        rows = items.rows(list(wanted))
        order = np.argsort(rows, kind="stable")
        fields = list(wanted.values())
        names = frozenset(name for one in wanted for name in (*wanted[one], *self.said.get(one, ())))
        change = _Change(self.base, base, rows[order], [fields[one] for one in order.tolist()], names)
        said = {**self.said, **news}
        content = self.content + self._grew(wanted, items)
        return replace(
            self, items=items, catalog=change.done(lambda: _products(items, said)), said=said, content=content
        )

    def _grew(self, said: Said, items: Ids) -> bool:
        """Whether this says what items that came since are."""
        rows = items.rows(list(said)).tolist()
        later = [one for row, one in zip(rows, said, strict=True) if row >= self.trained]
        return any(_content(said[one]) != _content(self.said.get(one, {})) for one in later)


def _content(fields: Fields) -> dict[str, Value]:
    return {
        name: value for name, value in fields.items() if name not in _PASSING and not name.startswith(STOCK)
    }


def _shown(fields: Fields) -> bool:
    return bool(fields.get("title") or fields.get("category")) and fields.get("removed") is not True


@dataclass(frozen=True)
class _Change:
    """Rows, ascending, of `now` to renew: of each, what was said is in `fields`, the rest is as in `base`.

    `names`: of the fields that were said of any of them, now or before.
    """

    base: Catalog
    now: Catalog
    rows: Rows
    fields: Sequence[Fields]
    names: frozenset[str]

    def done(self, products: Callable[[], Mapping[str, int]]) -> Catalog:
        names = self.names
        columns: dict[str, Any] = {one: self._numbers(one) for one in (*NUMBERS, *MOMENTS) if one in names}
        columns |= {one: self._texts(one) for one in TEXTS if one in names}
        if "category" in names:
            columns["category"] = self._coded("category", self.now.category, self._base_category)
        if "product_id" in names:
            columns["product"] = self._product(products())
        if "tags" in names:
            columns["tags"] = relabelled(
                self.now.tags, self.rows, [self._words(n, "tags") for n in self._each()]
            )
        if names & {"in_stock", "removed", "regions"} or any(one.startswith(STOCK) for one in names):
            columns |= self._stock()
        told = {one.removeprefix(ATTRIBUTE) for one in names if one.startswith(ATTRIBUTE)}
        if told:
            columns["attributes"] = {**self.now.attributes, **{one: self._attribute(one) for one in told}}
        return replace(self.now, **columns)

    def _each(self) -> range:
        return range(len(self.rows))

    def _trained(self, n: int) -> int:
        """The row of the n-th item in the bundle; UNKNOWN for one that came since."""
        row = int(self.rows[n])
        return row if row < len(self.base) else UNKNOWN

    def _numbers(self, name: str) -> NDArray[Any]:
        column = np.array(getattr(self.now, name))
        unknown = getattr(Catalog.bare(1), name)[0]
        for n, (row, one) in enumerate(zip(self.rows.tolist(), self.fields, strict=True)):
            old = self._trained(n)
            value = one.get(name, getattr(self.base, name)[old] if old >= 0 else None)
            column[row] = unknown if value is None else value
        return column

    def _texts(self, name: str) -> Texts:
        old, base = getattr(self.now, name), getattr(self.base, name)
        texts = [
            str(one.get(name, base[self._trained(n)] if self._trained(n) >= 0 else ""))
            for n, one in enumerate(self.fields)
        ]
        fresh = Texts.of(texts)
        return Texts(*spliced(old.offsets, old.blob, self.rows, fresh.offsets, fresh.blob))

    def _base_category(self, row: int) -> str:
        return self.base.category.text(row)

    def _coded(self, name: str, old: Attribute, base: Callable[[int], str]) -> Attribute:
        texts = []
        for n, one in enumerate(self.fields):
            row = self._trained(n)
            value = one.get(name)
            texts.append(_path(value) if name == "category" and value is not None else str(value or ""))
            if name not in one:
                texts[-1] = base(row) if row >= 0 else ""
        return recoded(old, self.rows, texts)

    def _attribute(self, name: str) -> Attribute:
        old = self.now.attributes.get(name)
        if old is None:
            old = Attribute(np.full(len(self.now), UNKNOWN, np.int32), Ids.of([]))
        base = self.base.attributes.get(name)
        return self._coded(ATTRIBUTE + name, old, lambda row: base.text(row) if base else "")

    def _words(self, n: int, name: str) -> tuple[str, ...]:
        row = self._trained(n)
        told = self.fields[n].get(name)
        if isinstance(told, tuple):
            return told
        base: Labels = getattr(self.base, name)
        return base.texts(row) if row >= 0 else ()

    def _product(self, products: Mapping[str, int]) -> Rows:
        column = np.array(self.now.product)
        for row, one in zip(self.rows.tolist(), self.fields, strict=True):
            if one.get("product_id"):
                column[row] = column[products[str(one["product_id"])]]
        return column

    def _stock(self) -> dict[str, Any]:
        everywhere = self._regions()
        in_stock, words = np.array(self.now.in_stock), []
        for n, (row, one) in enumerate(zip(self.rows.tolist(), self.fields, strict=True)):
            old = self._trained(n)
            had = bool(self.base.in_stock[old]) if old >= 0 else True
            here, where = stock(one, had, self._words(n, "regions"), everywhere)
            in_stock[row] = here
            words.append(where)
        regions = self.now.regions
        if any(words) or len(regions.words):
            regions = relabelled(regions, self.rows, words)
        return {"in_stock": in_stock, "regions": regions}

    def _regions(self) -> frozenset[str]:
        known = self.base.regions.values
        told = {name.removeprefix(STOCK) for one in self.fields for name in one if name.startswith(STOCK)}
        return frozenset(known.names(np.arange(len(known), dtype=np.int32))) | told


def stock(
    fields: Fields, had: bool, regions: Sequence[str], everywhere: frozenset[str]
) -> tuple[bool, tuple[str, ...]]:
    """Whether an item is in stock at all, and in which regions; none for wherever it is in stock.

    `had`, `regions`: as the bundle has it, or `regions` as they were said last; `everywhere`: all there are.
    """
    if fields.get("removed") is True or fields.get("in_stock") is False:
        return False, tuple(regions)
    told = {
        name.removeprefix(STOCK): bool(is_there)
        for name, is_there in fields.items()
        if name.startswith(STOCK)
    }
    if not told:
        return bool(fields.get("in_stock", had)), tuple(regions)
    had = bool(fields.get("in_stock", had))
    having = set(regions or everywhere) if had else set()
    having = (having | {one for one, yes in told.items() if yes}) - {
        one for one, yes in told.items() if not yes
    }
    return bool(having), tuple(sorted(having))


def _path(value: Value) -> str:
    return path_of(str(value or ""))


def _products(items: Ids, said: Said) -> dict[str, int]:
    """Of each product id that was said, the first row of which it was."""
    told = [(str(fields["product_id"]), one) for one, fields in said.items() if fields.get("product_id")]
    rows = items.rows([one for _, one in told]).tolist()
    first: dict[str, int] = {}
    for (product, _), row in zip(told, rows, strict=True):
        if row >= 0:
            first[product] = min(row, first.get(product, row))
    return first
