"""Product feeds as advertising systems take them: Google Merchant (RSS 2.0), and YML for Yandex and VK.

Written by the standard library's XML writer; signs that XML 1.0 does not
know are left out. Products that cannot be had, or have no address or price, are not in it, and are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

import numpy as np

from vitrina.audience.files import draft
from vitrina.engine import Engine
from vitrina.errors import DataError
from vitrina.letters.style import Style
from vitrina.request import Product

GOOGLE = "http://base.google.com/ns/1.0"
KINDS = ("google", "yandex", "vk")
_CURRENCY = re.compile(r"[A-Z]{3}")
_UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MAX_TITLE = 150


@dataclass(frozen=True)
class Fed:
    """What became of a catalogue: products in the feed, and those left out."""

    written: int
    left_out: int


def write_feed(kind: str, engine: Engine, style: Style, currency: str, out: Path, now: int) -> Fed:
    """Write the products that may be shown at `now`. `kind`: of KINDS; `style`: where pages and photos are.

    Raises DataError for another kind, or a currency that is no ISO 4217 code.
    """
    if kind not in KINDS:
        raise DataError(f"unknown feed {kind!r}; known: {', '.join(KINDS)}")
    if not _CURRENCY.fullmatch(currency):
        raise DataError(f"currency {currency!r} is no code such as EUR")
    offers = list(_offers(engine, style, now))
    with draft(out) as file:
        write = _google if kind == "google" else _yml
        write(file, engine, style, currency, now, [one for one in offers if one])
    return Fed(sum(one is not None for one in offers), sum(one is None for one in offers))


@dataclass(frozen=True)
class _Offer:
    product: Product
    group: str
    link: str
    photo: str


def _offers(engine: Engine, style: Style, now: int) -> Iterator[_Offer | None]:
    """Every product of the catalogue; None for one that cannot be in a feed."""
    catalog = engine.catalog
    offered = catalog.in_stock & (catalog.available_from <= now) & (now < catalog.available_until)
    groups = np.bincount(catalog.product, minlength=len(catalog)) > 1
    names = engine.items.names(np.arange(len(catalog), dtype=np.int32))
    for row, item_id in enumerate(names):
        product = engine.product(item_id) if offered[row] else None
        link = style.product_link(item_id, product.url) if product else ""
        if product is None or not link or not product.price > 0:
            yield None
            continue
        group = names[catalog.product[row]] if groups[catalog.product[row]] else ""
        yield _Offer(product, group, link, style.picture(item_id, product.image))


class _Writer:
    """Elements over a file, indented by depth; texts escaped, signs that XML does not know left out."""

    def __init__(self, file: TextIOWrapper) -> None:
        self._xml, self._depth = XMLGenerator(file, "utf-8", short_empty_elements=True), 0
        self._xml.startDocument()

    @contextmanager
    def within(self, name: str, attributes: Mapping[str, str] | None = None) -> Iterator[None]:
        """Everything written inside stands in this element."""
        self._line()
        self._xml.startElement(name, _attributes(attributes))
        self._depth += 1
        yield
        self._depth -= 1
        self._line()
        self._xml.endElement(name)

    def say(self, name: str, text: str, attributes: Mapping[str, str] | None = None) -> None:
        """An element of one text; none where there is nothing to say."""
        if text:
            self._line()
            self._xml.startElement(name, _attributes(attributes))
            self._xml.characters(_plain(text))
            self._xml.endElement(name)

    def _line(self) -> None:
        self._xml.ignorableWhitespace("\n" + "  " * self._depth)


def _google(
    file: TextIOWrapper, engine: Engine, style: Style, currency: str, now: int, offers: list[_Offer]
) -> None:
    xml = _Writer(file)
    with xml.within("rss", {"version": "2.0", "xmlns:g": GOOGLE}), xml.within("channel"):
        xml.say("title", style.shop)
        xml.say("link", style.home)
        xml.say("description", f"Products of {style.shop}")
        for one in offers:
            with xml.within("item"):
                _google_item(xml, one, currency)


def _google_item(xml: _Writer, one: _Offer, currency: str) -> None:
    product = one.product
    fell = product.old_price > product.price
    for name, text in {
        "g:id": product.item_id,
        "g:title": (product.title or product.item_id)[:MAX_TITLE],
        "g:link": one.link,
        "g:image_link": one.photo,
        "g:availability": "in_stock",
        "g:price": f"{product.old_price if fell else product.price:.2f} {currency}",
        "g:sale_price": f"{product.price:.2f} {currency}" if fell else "",
        "g:product_type": product.category,
        "g:brand": product.attributes.get("brand", ""),
        "g:color": product.attributes.get("color", ""),
        "g:size": product.attributes.get("size", ""),
        "g:item_group_id": one.group,
    }.items():
        xml.say(name, text)


def _yml(
    file: TextIOWrapper, engine: Engine, style: Style, currency: str, now: int, offers: list[_Offer]
) -> None:
    xml = _Writer(file)
    moment = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S+00:00}"
    categories = _numbered(offers)
    with xml.within("yml_catalog", {"date": moment}), xml.within("shop"):
        xml.say("name", style.shop)
        xml.say("company", style.shop)
        xml.say("url", style.home)
        with xml.within("currencies"), xml.within("currency", {"id": currency, "rate": "1"}):
            pass
        with xml.within("categories"):
            for path, number in categories.items():
                parent, _, name = path.rpartition(" > ")
                above = {"parentId": str(categories[parent])} if parent else {}
                xml.say("category", name, {"id": str(number), **above})
        with xml.within("offers"):
            for one in offers:
                _yml_offer(xml, one, currency, categories)


def _yml_offer(xml: _Writer, one: _Offer, currency: str, categories: Mapping[str, int]) -> None:
    product = one.product
    group = {"group_id": one.group} if one.group else {}
    with xml.within("offer", {"id": product.item_id, "available": "true", **group}):
        for name, text in {
            "name": product.title or product.item_id,
            "url": one.link,
            "price": f"{product.price:.2f}",
            "oldprice": f"{product.old_price:.2f}" if product.old_price > product.price else "",
            "currencyId": currency,
            "categoryId": str(categories[_path(product)]),
            "picture": one.photo,
            "vendor": product.attributes.get("brand", ""),
        }.items():
            xml.say(name, text)
        for name in ("color", "size"):
            xml.say("param", product.attributes.get(name, ""), {"name": name})


def _path(product: Product) -> str:
    return product.category or "Other"


def _numbered(offers: list[_Offer]) -> dict[str, int]:
    """A number for each category path and each above it, parents before their children."""
    found: dict[str, int] = {}
    for path in sorted({_path(one.product) for one in offers}):
        steps = path.split(" > ")
        for depth in range(1, len(steps) + 1):
            found.setdefault(" > ".join(steps[:depth]), len(found) + 1)
    return found


def _attributes(given: Mapping[str, str] | None) -> AttributesImpl[str]:
    return AttributesImpl({key: _plain(text) for key, text in (given or {}).items()})


def _plain(text: str) -> str:
    return _UNSPEAKABLE.sub("", text)
