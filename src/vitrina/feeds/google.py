"""Google Merchant Center: RSS 2.0 items, Atom entries, or a table between tabs; the same attributes.

By https://support.google.com/merchants/answer/7052112. With a sale price, that is the price, and the
price the old one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from vitrina.errors import DataError
from vitrina.feeds.markup import MAX_TEXT, Element, Read, elements
from vitrina.feeds.offers import Offer, Reject, Unfit, amount, flag, given, moment
from vitrina.readers.columns import snake
from vitrina.updates import ATTRIBUTE, Value

_TEXTS = {"title": "title", "image_link": "image", "link": "url", "item_group_id": "product_id"}
_ATTRIBUTES = (
    *("brand", "size", "color", "condition", "material", "pattern", "gender", "age_group", "gtin", "mpn"),
    *("size_system", *(f"custom_label_{number}" for number in range(5))),
)
_NEEDED = {"id", "price"}
Said = Mapping[str, str]
_name = lru_cache(maxsize=4096)(snake)


def read_markup(start: bytes, more: Read, name: str) -> Iterator[Offer | Reject]:
    """The products of an RSS or Atom feed. Raises DataError."""
    found = False
    for element in elements(start, more, ("item", "entry"), name):
        found = True
        yield _offer(element.line, _said(element))
    if not found:
        raise DataError(f"{name} holds no <item> or <entry>; is it a Google Merchant feed?")


def _said(element: Element) -> dict[str, str]:
    said: dict[str, str] = {}
    for one in element.parts:
        said.setdefault(_name(one.name), one.attributes.get("href", "") if not one.text.strip() else one.text)
    return said


def tabular(start: bytes) -> bool:
    """Whether a file starts with a header line of a table of products."""
    header = start.partition(b"\n")[0].decode("utf-8", "replace")
    return set(_names(header)) >= _NEEDED


def _names(header: str) -> list[str]:
    return [snake(one.strip().removeprefix("g:").strip('"')) for one in header.lstrip("\ufeff").split("\t")]


def read_table(start: bytes, more: Read, name: str) -> Iterator[Offer | Reject]:
    """The products of a table between tabs. Raises DataError."""
    rows = csv.reader(
        io.TextIOWrapper(io.BufferedReader(_Rest(start, more)), "utf-8", errors="replace", newline=""),
        delimiter="\t",
    )
    csv.field_size_limit(MAX_TEXT)
    header: list[str] = []
    try:
        for row in rows:
            if not header:
                header = _names("\t".join(row))
            elif any(row):
                yield _row(rows.line_num, header, row)
    except csv.Error as reason:
        raise DataError(f"{name} line {rows.line_num:,}: {reason}; is a quote left open there?") from None


def _row(line: int, header: list[str], row: list[str]) -> Offer | Reject:
    if len(row) > len(header):
        return Reject(line, row[0][:64], "it has more cells than the header")
    return _offer(line, dict(zip(header, row, strict=False)))


class _Rest(io.RawIOBase):
    """A stream whose start was read already."""

    def __init__(self, start: bytes, more: Read) -> None:
        self._start, self._more = start, more

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as there is something."""
        data = self._start[: len(buffer)] or self._more(len(buffer))
        self._start = self._start[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def _offer(line: int, said: Said) -> Offer | Reject:
    item_id = said.get("id", "").strip()
    try:
        if not item_id:
            raise Unfit("the product has no id")
        return Offer(line, item_id, _fields(said))
    except Unfit as reason:
        return reason.reject(line, item_id)


def _fields(said: Said) -> dict[str, Value]:
    price = amount(said.get("price", ""), "price")
    sale = amount(said.get("sale_price", ""), "sale_price")
    if price is None:
        raise Unfit("the product has no price")
    texts = {ours: said.get(theirs, "") for theirs, ours in _TEXTS.items()}
    texts["category"] = said.get("product_type", "") or said.get("google_product_category", "")
    texts |= {ATTRIBUTE + name: said.get(name, "") for name in _ATTRIBUTES}
    stock = said.get("availability", "")
    return {
        **given(texts),
        "price": price if sale is None else sale,
        "old_price": None if sale is None else price,
        "in_stock": flag(stock, "availability") if stock.strip() else True,
        "available_from": moment(said.get("availability_date", ""), "availability_date"),
        "available_until": moment(said.get("expiration_date", ""), "expiration_date"),
    }
