"""Filters over a catalogue: which of its rows hold. Pure.

A filter is looked at over the whole catalogue, for what sources may propose, or over some rows, for what
they did propose. What is true of one asker comes in as `Facts`, small and hashable, so that askers alike
share their work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Attribute
from vitrina.dataset import DAY
from vitrina.facets import EVERYWHERE, Facets, Mask, Where
from vitrina.filters import Filter, Moment, Number, Range
from vitrina.ids import Rows
from vitrina.kernels.lists import absent


class Facts(NamedTuple):
    """What is true of one asker, as far as a filter asks.

    `seeds`: rows of the page's items; `own`: attributes of the customer by name; `level`: where the prices
    they pay stand, 0 to 1, below 0 where that is not known; `touched`: rows by event type; `today`: the
    end of the day that it is, seconds.
    """

    seeds: tuple[int, ...] = ()
    own: tuple[tuple[str, str], ...] = ()
    level: float = -1.0
    touched: tuple[tuple[str, tuple[int, ...]], ...] = ()
    today: int = 0


NOBODY = Facts()


def holds(facets: Facets, wanted: Filter, facts: Facts = NOBODY, where: Where = EVERYWHERE) -> Mask:
    """bool for each row of `where`: whether it meets every condition of a filter. A fresh array."""
    held: Mask | None = None
    for name in wanted.given:
        if name in _TESTS:
            found = _TESTS[name](facets, getattr(wanted, name), facts, where)
            held = found if held is None else held & found
    if held is None:
        held = np.ones(len(facets.catalog.product[where]), np.bool_)
    for inner in wanted.all:
        held &= holds(facets, inner, facts, where)
    if wanted.any:
        held &= np.logical_or.reduce([holds(facets, one, facts, where) for one in wanted.any])
    for inner in wanted.none:
        held &= ~holds(facets, inner, facts, where)
    return held


def within(bounds: Range, values: NDArray[Any]) -> Mask:
    """bool like `values`: inside the bounds; NaN never is."""
    held: Mask = ~np.isnan(values)
    if bounds.min is not None:
        held &= values >= bounds.min
    if bounds.max is not None:
        held &= values <= bounds.max
    if bounds.above is not None:
        held &= values > bounds.above
    if bounds.below is not None:
        held &= values < bounds.below
    return held


def _categories(facets: Facets, paths: tuple[str, ...], facts: Facts, where: Where) -> Mask:
    found: Mask = np.logical_or.reduce([facets.below(one, where) for one in paths])
    return found


def _among(attribute: Attribute | None, values: tuple[str, ...], n: int, where: Where) -> Mask:
    """bool: whether the attribute has one of these values."""
    if attribute is None:
        return np.zeros(n, np.bool_)[where]
    wanted = np.zeros(len(attribute.values) + 1, np.bool_)
    wanted[attribute.values.rows(values)] = True
    wanted[-1] = False  # what is not known, of a row or of the words asked for
    return wanted[attribute.codes[where]]


def _brands(facets: Facets, brands: tuple[str, ...], facts: Facts, where: Where) -> Mask:
    return _among(facets.catalog.attributes.get("brand"), brands, len(facets), where)


def _attributes(facets: Facets, wanted: tuple[Any, ...], facts: Facts, where: Where) -> Mask:
    known, n = facets.catalog.attributes, len(facets)
    found: Mask = np.logical_and.reduce([_among(known.get(one.name), one.values, n, where) for one in wanted])
    return found


def _tags(facets: Facets, words: tuple[str, ...], facts: Facts, where: Where) -> Mask:
    return facets.catalog.tags.having(words)[where]


def _item_ids(facets: Facets, ids: tuple[str, ...], facts: Facts, where: Where) -> Mask:
    found = np.zeros(len(facets), np.bool_)
    found[facets.rows(ids)] = True
    return found[where]


def _stocked_in(facets: Facets, places: tuple[str, ...], facts: Facts, where: Where) -> Mask:
    regions = facets.catalog.regions
    return (facets.catalog.in_stock & (regions.having(places) | ~regions.given()))[where]


def _price(facets: Facets, bounds: Range, facts: Facts, where: Where) -> Mask:
    return within(bounds, facets.catalog.price[where])


def _discount(facets: Facets, bounds: Range, facts: Facts, where: Where) -> Mask:
    price, old = facets.catalog.price[where], facets.catalog.old_price[where]
    with np.errstate(divide="ignore", invalid="ignore"):
        return within(bounds, np.where(old > 0, 1 - price / old, np.nan))


def _margin(facets: Facets, bounds: Range, facts: Facts, where: Where) -> Mask:
    return within(bounds, facets.catalog.margin[where])


def _numbers(facets: Facets, wanted: tuple[Number, ...], facts: Facts, where: Where) -> Mask:
    held: Mask = np.logical_and.reduce([within(one.range, facets.number(one.name)[where]) for one in wanted])
    return held


def _dates(facets: Facets, wanted: tuple[Moment, ...], facts: Facts, where: Where) -> Mask:
    held: Mask = np.logical_and.reduce([_dated(facets, one, facts, where) for one in wanted])
    return held


def _dated(facets: Facets, wanted: Moment, facts: Facts, where: Where) -> Mask:
    told = facets.moment(wanted.name)[where]
    held = within(Range(min=wanted.after, below=wanted.before), told)
    age = (facts.today - told) / DAY
    if wanted.within_days is not None:
        held &= (age >= 0) & (age <= wanted.within_days)
    if wanted.older_days is not None:
        held &= age > wanted.older_days
    return held


def _price_to_seed(facets: Facets, bounds: Range, facts: Facts, where: Where) -> Mask:
    paid = facets.catalog.price[np.array(facts.seeds, np.int32)]
    paid = paid[~np.isnan(paid) & (paid > 0)]
    if not len(paid):
        return np.ones(len(facets.catalog.price[where]), np.bool_)
    return within(bounds, facets.catalog.price[where].astype(np.float64) / float(paid.mean()))


def _price_level(facets: Facets, bounds: Range, facts: Facts, where: Where) -> Mask:
    if facts.level < 0:
        return np.ones(len(facets.catalog.price[where]), np.bool_)
    return within(bounds, facets.levels[where] - np.float32(facts.level))


def _same_as_seed(facets: Facets, names: tuple[str, ...], facts: Facts, where: Where) -> Mask:
    held: Mask = np.logical_and.reduce([_shared(facets, one, facts, where, True) for one in names])
    return held


def _unlike_seed(facets: Facets, names: tuple[str, ...], facts: Facts, where: Where) -> Mask:
    held: Mask = np.logical_and.reduce([_shared(facets, one, facts, where, False) for one in names])
    return held


def _shared(facets: Facets, name: str, facts: Facts, where: Where, alike: bool) -> Mask:
    """Whether rows share an attribute with any seed (`alike`), or differ from all of them."""
    codes = facets.codes(name)
    own = codes[np.array(facts.seeds, np.int32)]
    own = own[own >= 0]
    if not len(own):
        return np.ones(len(codes[where]), np.bool_)
    return _equal(codes[where], own) if alike else ~_equal(codes[where], own) & (codes[where] >= 0)


def _equal(codes: Rows, own: Rows) -> Mask:
    return codes == own[0] if len(own) == 1 else np.isin(codes, own)


def _same_as_customer(facets: Facets, names: tuple[str, ...], facts: Facts, where: Where) -> Mask:
    held: Mask = np.logical_and.reduce([_own(facets, one, facts, where, True) for one in names])
    return held


def _unlike_customer(facets: Facets, names: tuple[str, ...], facts: Facts, where: Where) -> Mask:
    held: Mask = np.logical_and.reduce([_own(facets, one, facts, where, False) for one in names])
    return held


def _own(facets: Facets, name: str, facts: Facts, where: Where, alike: bool) -> Mask:
    """Whether rows have the customer's own value of an attribute (`alike`), or another."""
    text, attribute = dict(facts.own).get(name, ""), facets.named(name)
    if not text:
        return np.ones(len(facets.catalog.product[where]), np.bool_)
    if attribute is None:
        return np.zeros(len(facets), np.bool_)[where]
    held = _among(attribute, (attribute.unveiled(text),), len(facets), where)
    return held if alike else ~held & (attribute.codes[where] >= 0)


def _untouched(facets: Facets, types: tuple[str, ...], facts: Facts, where: Where) -> Mask:
    rows = [one for name, touched in facts.touched if name in types for one in touched]
    if not isinstance(where, slice):  # some rows: as little as will do
        free: Mask = absent(where, np.array(rows, np.int32))
        return free
    all_free = np.ones(len(facets), np.bool_)
    all_free[np.array(rows, np.int32)] = False
    return all_free[where]


_TESTS: Mapping[str, Callable[[Facets, Any, Facts, Where], Mask]] = {
    "categories": _categories,
    "brands": _brands,
    "tags": _tags,
    "item_ids": _item_ids,
    "stocked_in": _stocked_in,
    "price": _price,
    "discount": _discount,
    "margin": _margin,
    "attributes": _attributes,
    "numbers": _numbers,
    "dates": _dates,
    "price_to_seed": _price_to_seed,
    "price_level": _price_level,
    "same_as_seed": _same_as_seed,
    "unlike_seed": _unlike_seed,
    "same_as_customer": _same_as_customer,
    "unlike_customer": _unlike_customer,
    "untouched": _untouched,
}
"""One function a condition: (facets, what is asked, facts, rows) to bool for each row."""
