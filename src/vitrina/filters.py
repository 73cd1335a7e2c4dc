"""The filter language: what a list may hold, as a small tree of typed conditions. Pure words.

A filter is written the same way on the wire, in a placements file and in Python. All conditions that
are given must hold; `all`, `any` and `none` hold filters of their own. Conditions are about the product
alone, or about it beside the seed (the page's items) or the customer; what is not known of a seed or a
customer excludes nothing, what is not known of a product fails.

    price = { max = 50 }
    none = [{ brands = ["Acme"] }]
    any = [{ tags = ["new"] }, { dates = { available_from = { within_days = 30 } } }]

`parse` bounds depth, number and length, and names the field that is at fault by its path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

MAX_DEPTH = 6
MAX_CONDITIONS = 100
MAX_VALUES = 100
MAX_ITEM_IDS = 1000
MAX_VALUE_BYTES = 256
MAX_CATEGORY_BYTES = 1024
MAX_NAME_BYTES = 64


@dataclass(frozen=True)
class Range:
    """Bounds of a number: `min` and `max` are inside, `above` and `below` outside; None is no bound."""

    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True)
class Words:
    """An attribute that has one of these values."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Number:
    """An attribute that is a number within bounds."""

    name: str
    range: Range


@dataclass(frozen=True)
class Moment:
    """A date: available_from, available_until, or an attribute written 2026-11-25.

    `after` (inside) and `before` (outside): seconds since 1970 UTC. `within_days`: at most so many days
    before the end of today, UTC, and not after it; `older_days`: longer ago than that.
    """

    name: str
    after: float | None = None
    before: float | None = None
    within_days: float | None = None
    older_days: float | None = None


@dataclass(frozen=True)
class Filter:
    """What a list may hold; a field that is not given admits everything.

    categories: paths 'a > b', each with all below it. brands, tags, item_ids: any of them. stocked_in:
    in stock in any of these regions or stores. price: in the catalogue's currency. discount: the share
    taken off the old price, 0 to 1. margin: as the catalogue has it. attributes, numbers, dates: by name.

    price_to_seed: the price divided by the seed's; of several seeds by their mean. price_level: where the
    price stands among its category's, 0 cheapest to 1 dearest, less where the customer's purchases stand.
    same_as_seed, unlike_seed, same_as_customer, unlike_customer: names of attributes, or 'category',
    'department', 'brand', and of the seed 'product', that are equal to, or differ from, the seed's or the
    customer's own.
    untouched: event types that did not happen between this customer and this product.
    """

    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    item_ids: tuple[str, ...] = ()
    stocked_in: tuple[str, ...] = ()
    price: Range | None = None
    discount: Range | None = None
    margin: Range | None = None
    attributes: tuple[Words, ...] = ()
    numbers: tuple[Number, ...] = ()
    dates: tuple[Moment, ...] = ()
    price_to_seed: Range | None = None
    price_level: Range | None = None
    same_as_seed: tuple[str, ...] = ()
    unlike_seed: tuple[str, ...] = ()
    same_as_customer: tuple[str, ...] = ()
    unlike_customer: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()
    all: tuple[Filter, ...] = ()
    any: tuple[Filter, ...] = ()
    none: tuple[Filter, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _NAMES}  # hashes of texts differ among processes

    @cached_property
    def _hash(self) -> int:
        """Of all conditions, once: masks are kept by their filters."""
        return hash(tuple(getattr(self, name) for name in _NAMES))

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The names of its own conditions."""
        return tuple(name for name in _NAMES if getattr(self, name) not in ((), None))

    @cached_property
    def _said(self) -> frozenset[str]:
        """The names of all conditions, here and further in."""
        return frozenset(name for one in self.walk() for name in one.given)

    def walk(self) -> Iterator[Filter]:
        """This filter and all within it."""
        yield self
        for inner in (*self.all, *self.any, *self.none):
            yield from inner.walk()

    def says(self, names: Sequence[str]) -> bool:
        """Whether any of these conditions is given, here or further in."""
        return not self._said.isdisjoint(names)


EVERYTHING = Filter()
RELATIVE = (
    *("price_to_seed", "price_level", "same_as_seed", "unlike_seed"),
    *("same_as_customer", "unlike_customer", "untouched"),
)
"""Conditions that mean something else for each asker."""
WORDS = (
    *("categories", "brands", "tags", "item_ids", "stocked_in", "same_as_seed", "unlike_seed"),
    *("same_as_customer", "unlike_customer", "untouched"),
)
RANGES = ("price", "discount", "margin", "price_to_seed", "price_level")
NAMED = ("attributes", "numbers", "dates")
NESTED = ("all", "any", "none")


def parse(table: Any, where: str = "filter") -> Filter:
    """A filter from plain tables, as TOML or the wire give them.

    Raises ValueError naming the path of the field: 'filter.all[2].price.max is ...'.
    """
    found = _filter(table, where, 1)
    conditions = sum(1 for one in found.walk() for name in _NAMES if getattr(one, name) not in ((), None))
    if conditions > MAX_CONDITIONS:
        raise ValueError(f"{where} has {conditions} conditions; at most {MAX_CONDITIONS}")
    return found


def _filter(table: Any, where: str, depth: int) -> Filter:
    if not isinstance(table, Mapping):
        raise ValueError(f"{where} must be a table of conditions, not {table!r}")
    if depth > MAX_DEPTH:
        raise ValueError(f"{where} is {depth} filters deep; at most {MAX_DEPTH}")
    given: dict[str, Any] = {}
    for name, value in table.items():
        path = f"{where}.{name}"
        if name in NESTED:
            inner = _list(value, path, MAX_CONDITIONS)
            given[name] = tuple(_filter(one, f"{path}[{at}]", depth + 1) for at, one in enumerate(inner))
        elif name in WORDS:
            longest = MAX_CATEGORY_BYTES if name == "categories" else MAX_VALUE_BYTES
            given[name] = _words(value, path, longest, MAX_ITEM_IDS if name == "item_ids" else MAX_VALUES)
        elif name in RANGES:
            given[name] = _range(value, path)
        elif name in NAMED:
            given[name] = tuple(_NAMED[name](one, at, value) for one, at, value in _named(value, path, name))
        else:
            raise ValueError(f"{path} is not a condition; known: {', '.join(_NAMES)}")
    return Filter(**given)


def _named(value: Any, where: str, kind: str) -> Iterator[tuple[str, str, Any]]:
    """(name, path, value) of each: `{ color = [..] }` or, as on the wire, `[{ name = "color", .. }]`."""
    if isinstance(value, Mapping):
        pairs = [(name, f"{where}.{name}", one) for name, one in value.items()]
    else:
        pairs = []
        for at, one in enumerate(_list(value, where, MAX_VALUES)):
            path = f"{where}[{at}]"
            if not isinstance(one, Mapping) or "name" not in one:
                raise ValueError(f"{path} needs a name")
            rest = {key: inner for key, inner in one.items() if key != "name"}
            pairs.append((one["name"], path, rest))
    for name, path, inner in pairs:
        if not isinstance(name, str) or not name or len(name.encode()) > MAX_NAME_BYTES:
            raise ValueError(f"{path}.name must name an attribute, in at most {MAX_NAME_BYTES:,} bytes")
        yield name, path, inner


def _attribute(name: str, where: str, value: Any) -> Words:
    if isinstance(value, Mapping):
        _only(value, ("values",), where)
        value, where = value.get("values", ()), f"{where}.values"
    values = _words(value, where, MAX_VALUE_BYTES, MAX_VALUES)
    if not values:
        raise ValueError(f"{where} is empty; name at least one value")
    return Words(name, values)


def _number(name: str, where: str, value: Any) -> Number:
    if isinstance(value, Mapping) and "range" in value:
        _only(value, ("range",), where)
        value, where = value["range"], f"{where}.range"
    return Number(name, _range(value, where))


def _moment(name: str, where: str, value: Any) -> Moment:
    keys = ("after", "before", "within_days", "older_days")
    return Moment(name, **_bounds(value, where, keys))


def _range(value: Any, where: str) -> Range:
    found = Range(**_bounds(value, where, ("min", "max", "above", "below")))
    low = max((one for one in (found.min, found.above) if one is not None), default=-math.inf)
    high = min((one for one in (found.max, found.below) if one is not None), default=math.inf)
    if low > high:
        raise ValueError(f"{where} admits nothing: {high} is below {low}")
    return found


def _bounds(value: Any, where: str, keys: tuple[str, ...]) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be bounds such as {{ {keys[0]} = 1 }}, not {value!r}")
    _only(value, keys, where)
    if not value:
        raise ValueError(f"{where} has no bound; known: {', '.join(keys)}")
    for key, one in value.items():
        if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
            raise ValueError(f"{where}.{key} is {one}; a bound is a finite number")
    return {key: float(one) for key, one in value.items()}


def _only(value: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in value:
        if key not in keys:
            raise ValueError(f"{where}.{key} is not known; known: {', '.join(keys)}")


def _words(value: Any, where: str, longest: int, most: int) -> tuple[str, ...]:
    for at, one in enumerate(_list(value, where, most)):
        if not isinstance(one, str):
            raise ValueError(f"{where}[{at}] must be a text, not {one!r}")
        if 4 * len(one) > longest and len(one.encode("utf-8", "surrogatepass")) > longest:
            raise ValueError(f"{where}[{at}] is {len(one.encode()):,} bytes; at most {longest:,}")
    return tuple(value)


def _list(value: Any, where: str, most: int) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"{where} must be a list, not {value!r}")
    if len(value) > most:
        raise ValueError(f"{where} holds {len(value):,} entries; at most {most:,}")
    return value


_NAMED: Mapping[str, Callable[[str, str, Any], Any]] = {
    "attributes": _attribute,
    "numbers": _number,
    "dates": _moment,
}
_NAMES = tuple(one.name for one in fields(Filter))
