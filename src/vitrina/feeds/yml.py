"""Yandex Market Language: <yml_catalog><shop><categories>, <offers><offer>.

By https://yandex.ru/support/merchants/ru/offers: the simple kind, whose title is `name`, and vendor.model,
whose title is type, vendor and model.
"""

from __future__ import annotations

from collections.abc import Iterator

from vitrina.errors import DataError
from vitrina.feeds.markup import Element, Read, elements
from vitrina.feeds.offers import Offer, Reject, Unfit, amount, flag, given
from vitrina.readers.columns import snake
from vitrina.updates import ATTRIBUTE, Value

MAX_CATEGORIES = 200_000
_KNOWN = {"размер": "size", "цвет": "color", "size": "size", "color": "color", "colour": "color"}
_PLAIN = {"vendor": "brand", "country_of_origin": "country_of_origin", "vendorCode": "vendor_code"}


class _Categories:
    """Paths of categories by their ids; one that is its own ancestor ends there."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, str]] = {}
        self._paths: dict[str, str] = {}

    def add(self, element: Element, name: str) -> None:
        if len(self._told) >= MAX_CATEGORIES:
            raise DataError(f"{name}: more than {MAX_CATEGORIES:,} categories; that is no shop")
        title = " ".join(element.text.replace(">", "/").split())
        self._told[element.attributes.get("id", "")] = (title, element.attributes.get("parentId", ""))

    def path(self, one: str) -> str:
        if one not in self._paths:
            steps: list[str] = []
            seen: set[str] = set()
            here = one
            while here in self._told and here not in seen and len(steps) < 16:
                seen.add(here)
                title, here = self._told[here]
                steps.append(title)
            self._paths[one] = " > ".join(step for step in reversed(steps) if step)
        return self._paths[one]


def read(start: bytes, more: Read, name: str) -> Iterator[Offer | Reject]:
    """The offers of a feed. Raises DataError."""
    categories, any_offer = _Categories(), False
    for element in elements(start, more, ("category", "offer"), name):
        if element.name == "category":
            categories.add(element, name)
            continue
        any_offer = True
        yield _offer(element, categories)
    if not any_offer:
        raise DataError(f"{name} holds no <offer>; have the shop write its products into it")


def _offer(element: Element, categories: _Categories) -> Offer | Reject:
    item_id = element.attributes.get("id", "").strip()
    try:
        if not item_id:
            raise Unfit("the offer has no id")
        return Offer(element.line, item_id, _fields(element, categories))
    except Unfit as reason:
        return reason.reject(element.line, item_id)


def _fields(element: Element, categories: _Categories) -> dict[str, Value]:
    said = element.said
    price = amount(said("price"), "price")
    if price is None:
        raise Unfit("the offer has no price")
    texts = {
        "product_id": element.attributes.get("group_id", ""),
        "title": _title(element),
        "category": categories.path(said("categoryId")),
        "image": said("picture"),
        "url": said("url"),
        **{ATTRIBUTE + ours: said(theirs) for theirs, ours in _PLAIN.items()},
        **_parameters(element),
    }
    return {
        **given(texts),
        "price": price,
        "old_price": amount(said("oldprice"), "oldprice"),
        **_stock(element),
    }


def _title(element: Element) -> str:
    if plain := element.said("name"):
        return plain
    return " ".join(filter(None, map(element.said, ("typePrefix", "vendor", "model"))))


def _parameters(element: Element) -> dict[str, str]:
    """`<param name="Weight" unit="kg">` as attributes; the first of a name counts."""
    found: dict[str, str] = {}
    for one in element.all("param"):
        name = snake(one.attributes.get("name", ""))
        unit = one.attributes.get("unit", "")
        name = _KNOWN.get(name, name)
        if name:
            text = f"{one.text.strip()} {unit}" if unit and name != "size" else one.text
            found.setdefault(ATTRIBUTE + name, text)
    return found


def _stock(element: Element) -> dict[str, Value]:
    """Whether and where it is in stock: by `available`, `count`, `disabled`, and by outlets."""
    told = [flag(element.attributes["available"], "available")] if element.attributes.get("available") else []
    told += [flag(text, "count") for text in (element.said("count"), element.said("stock_quantity")) if text]
    if element.said("disabled"):
        told.append(not flag(element.said("disabled"), "disabled"))
    outlets = [one for group in element.all("outlets") for one in group.all("outlet")]
    if not outlets:
        return {"in_stock": all(told)}
    having = [one.attributes.get("id", "") for one in outlets if _has(one)]
    return {"in_stock": all(told) and bool(having), "regions": tuple(sorted({*having} - {""}))}


def _has(outlet: Element) -> bool:
    return flag(outlet.attributes.get("instock", "") or "0", "instock")
