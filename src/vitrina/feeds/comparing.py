"""A feed beside what is known: what is new, changed, gone, and when that is too much to believe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from vitrina.catalog import PATH, Catalog
from vitrina.errors import DataError
from vitrina.feeds.offers import Offer, Reject
from vitrina.ids import Ids
from vitrina.updates import ATTRIBUTE, Fields, ItemUpdate, Value, refusal

MOST_LOST = 0.2
"""Share of the items known that one feed may take away or out of stock."""
EXAMPLES = 5
_TEXTS = ("title", "image", "url")
_NUMBERS = ("price", "old_price", "margin")
_BOUNDS = {"available_from": np.iinfo(np.int64).min, "available_until": np.iinfo(np.int64).max}


@dataclass
class Summary:
    """What a feed would change, of `known` items. `fields`: how many items say it anew; `rejects`: counts by
    reason; `examples`: the first of each reason, with the line and the id. `as_of`: when the feed was made, 0
    for now; `superseded`: changes that give way to what was said later."""

    known: int
    offers: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    sold_out: int = 0
    back: int = 0
    worthless: int = 0
    superseded: int = 0
    as_of: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def lost(self) -> float:
        """Share of the items known that would be gone, out of stock, or without a price."""
        return (self.gone + self.sold_out + self.worthless) / self.known if self.known else 0.0

    @property
    def loses_too_much(self) -> bool:
        """Whether more is lost than a feed may take."""
        return self.lost > MOST_LOST

    def stop_if_lost(self, name: str) -> None:
        """Raise DataError where more is lost than a feed may take."""
        if self.loses_too_much:
            raise DataError(
                f"{name} would lose {self.lost:.0%} of the {self.known:,} items known ({self.gone:,} gone, "
                f"{self.sold_out:,} out of stock, {self.worthless:,} without a price), more than "
                f"{MOST_LOST:.0%}: an export that broke looks like that. Mend it, or say --force"
            )

    def as_dict(self) -> dict[str, Any]:
        """The summary as JSON would have it."""
        counts = ("known", "offers", "new", "changed", "unchanged", "gone", "sold_out", "back")
        return {
            **{name: getattr(self, name) for name in counts},
            "lost_share": round(self.lost, 4),
            "as_of": self.as_of or None,
            "superseded": self.superseded,
            "fields": dict(self.fields.most_common()),
            "rejected": sum(self.rejects.values()),
            "rejects": [
                {"reason": reason, "items": n, "first": self.examples[reason]}
                for reason, n in self.rejects.most_common()
            ],
        }


class Known:
    """What is known of items: a catalogue by row. `gone`: bool per row, items that were taken away."""

    def __init__(self, items: Ids, catalog: Catalog, gone: Iterable[int] = ()) -> None:
        self.items, self.catalog = items, catalog
        self.gone = np.zeros(len(catalog), np.bool_)
        self.gone[list(gone)] = True

    def __len__(self) -> int:
        return len(self.gone) - int(self.gone.sum())

    def fields(self, row: int) -> Callable[[str], Value]:
        """What is known of a row, by the name of a field."""
        catalog = self.catalog

        def told(name: str) -> Value:
            if name.startswith(ATTRIBUTE):
                found = catalog.attributes.get(name.removeprefix(ATTRIBUTE))
                return found.text(row) if found else ""
            if name in _TEXTS:
                return str(getattr(catalog, name)[row])
            if name in _NUMBERS:
                number = getattr(catalog, name)[row]
                return None if np.isnan(number) else float(number)
            if name in _BOUNDS:
                bound = int(getattr(catalog, name)[row])
                return None if bound == _BOUNDS[name] else bound
            return self._other(row, name)

        return told

    def _other(self, row: int, name: str) -> Value:
        catalog = self.catalog
        if name == "category":
            return catalog.category.text(row).replace(PATH, " > ")
        if name == "removed":
            return bool(self.gone[row])
        if name in ("regions", "tags"):
            return tuple(sorted(getattr(catalog, name).texts(row)))
        return bool(catalog.in_stock[row]) if name == "in_stock" else None


class _Variants:
    """Which items of a feed are variants of one product: its id is only said where that is news."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._first: dict[str, int] = {}
        self._joined: set[str] = set()

    def news(self, row: int, product_id: Value) -> bool:
        """Whether an item's product is not what is known; `row` below 0 for an item that is new."""
        if not isinstance(product_id, str):
            return False
        first = self._first.setdefault(product_id, row) if row >= 0 else row
        product = self._known.catalog.product
        apart = row < 0 or bool(product[row] != product[first])
        if apart:
            self._joined.add(product_id)
        return apart

    def firsts(self) -> Iterator[tuple[int, str]]:
        """Rows whose product has new variants, and its id: they say it too, so that both are one."""
        yield from ((self._first[one], one) for one in sorted(self._joined) if one in self._first)


def compared(
    feed: Iterable[Offer | Reject],
    known: Known,
    summary: Summary,
    now: int,
    since: Mapping[str, int] = MappingProxyType({}),
) -> Iterator[ItemUpdate]:
    """The updates that make what is known say what a feed says; counts into `summary`.

    An item that the feed does not name is gone, unless something was said of it later than the feed was made.
    `now`: that moment, in seconds since 1970 UTC; `since`: when something was said of an item last.
    """
    named = np.zeros(len(known.items), np.bool_)
    seen: set[str] = set()
    variants = _Variants(known)
    for one in feed:
        row = known.items.row(one.item_id) if one.item_id else -1
        if row >= 0:
            named[row] = True
        update = _judged(one, seen, now)
        if isinstance(update, Reject):
            _count_reject(update, summary, known=row >= 0)
            continue
        summary.offers += 1
        variant = variants.news(row, update.fields.get("product_id"))
        fields = update.fields if row < 0 else _changed(update.fields, known, row, variant=variant)
        _count(fields, known, row, summary)
        if fields:
            yield ItemUpdate(one.item_id, now, fields)
    for row, product_id in variants.firsts():
        yield ItemUpdate(known.items.name(row), now, {"product_id": product_id})
    for row in np.flatnonzero(~named & ~known.gone).tolist():
        name = known.items.name(row)
        if since.get(name, now) > now:
            summary.superseded += 1
            continue
        summary.gone += 1
        yield ItemUpdate(name, now, {"removed": True})


def _judged(one: Offer | Reject, seen: set[str], now: int) -> ItemUpdate | Reject:
    if isinstance(one, Reject):
        return one
    update = ItemUpdate(one.item_id, now, one.fields)
    reason = "the id stands in the feed twice; the first counts" if one.item_id in seen else refusal(update)
    seen.add(one.item_id)
    return Reject(one.line, one.item_id, reason) if reason else update


def _changed(fields: Fields, known: Known, row: int, *, variant: bool) -> dict[str, Value]:
    """What an offer says otherwise than is known."""
    told = known.fields(row)
    found = {
        name: value
        for name, value in fields.items()
        if (variant if name == "product_id" else not _same(told(name), value))
    }
    if known.gone[row]:
        found["removed"] = False
    return found


def _same(old: Value, new: Value) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return bool(np.float32(old) == np.float32(new))
    if isinstance(old, str) and isinstance(new, str):
        return old == new or [step.strip() for step in old.split(">")] == [s.strip() for s in new.split(">")]
    return old == (tuple(sorted(map(str, new))) if isinstance(new, tuple) else new)


def _count(fields: Fields, known: Known, row: int, summary: Summary) -> None:
    summary.fields.update(list(fields) if row >= 0 else ())
    if row < 0:
        summary.new += 1
    elif not fields:
        summary.unchanged += 1
    else:
        summary.changed += 1
        summary.sold_out += fields.get("in_stock") is False
        summary.back += fields.get("in_stock") is True or fields.get("removed") is False


def _count_reject(one: Reject, summary: Summary, *, known: bool) -> None:
    summary.rejects[one.reason] += 1
    summary.worthless += one.worthless and known
    where = f"line {one.line:,}" + (f", offer {one.item_id[:64]}" if one.item_id else "")
    where += f": {one.text}" if one.text else ""
    summary.examples.setdefault(one.reason, where)
