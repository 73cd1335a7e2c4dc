"""A catalogue as features: the words, paths, values and prices by which items are alike or go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import PATH, Attribute, Catalog
from vitrina.ids import UNKNOWN, Rows
from vitrina.kernels.words import Keys, counted, keys_of, places

Doubles = NDArray[np.float64]

REACH = 3
"""Grid points of a price, to either side."""


@dataclass(frozen=True)
class Aspect:
    """One kind of features of some items, as triples without repeats.

    `items`: int32, counted from the first of them; `codes`: int32 into `names`; `values`: float64.
    """

    items: Rows
    codes: Rows
    values: Doubles
    names: Sequence[str]

    def scaled(self, values: Doubles) -> Doubles:
        """These values, one an entry, each item's to length 1."""
        squares = np.bincount(self.items, values * values) if len(values) else values
        scaled: Doubles = values / np.sqrt(squares)[self.items]
        return scaled


@dataclass(frozen=True)
class Vocabulary:
    """Features by number. `keys`: uint64, distinct; `held`: int64, the items learned from that have each."""

    keys: Keys
    held: NDArray[np.int64]

    @classmethod
    def none(cls) -> Vocabulary:
        """No feature."""
        return cls(np.zeros(0, np.uint64), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.keys)

    def places(self, kind: str, aspect: Aspect) -> NDArray[np.int64]:
        """int64 per name of the aspect: its number, -1 for one not known."""
        return places(_keys(kind, aspect), self.keys)

    def grown(self, kind: str, aspect: Aspect, *, learn: bool) -> Vocabulary:
        """With the aspect's new names, held by as many items as it says; unless `learn`, by none."""
        keys = _keys(kind, aspect)
        new = places(keys, self.keys) < 0
        held = np.bincount(aspect.codes, minlength=len(keys)) * learn
        return Vocabulary(np.append(self.keys, keys[new]), np.append(self.held, held[new]))


def _keys(kind: str, aspect: Aspect) -> Keys:
    return keys_of([f"{kind}={name}" for name in aspect.names])


def titles(catalog: Catalog, first: int = 0) -> Aspect:
    """How often each word stands in the titles of items `first` and later."""
    return Aspect(*counted(catalog.title[row] for row in range(first, len(catalog))))


def categories(catalog: Catalog, first: int = 0, depth: int = 64) -> Aspect:
    """The steps of each item's path, from the root down to `depth`, as paths."""
    used, codes = np.unique(catalog.category.codes[first:], return_inverse=True)
    number: dict[str, int] = {}
    paths = []
    for path in [catalog.category.values.name(code) if code >= 0 else "" for code in used.tolist()]:
        steps = path.split(PATH)[:depth] if path else []
        ways = [PATH.join(steps[: level + 1]) for level in range(len(steps))]
        paths.append([number.setdefault(way, len(number)) for way in ways])
    sizes = np.array([len(one) for one in paths], np.int64)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    flat = np.array([code for one in paths for code in one], np.int32)
    items = np.repeat(np.arange(len(codes), dtype=np.int32), sizes[codes])
    within = np.arange(len(items)) - np.repeat(np.cumsum(sizes[codes]) - sizes[codes], sizes[codes])
    return _ones(items, flat[np.repeat(ends[:-1][codes], sizes[codes]) + within], list(number))


def attributes(catalog: Catalog, weights: Mapping[str, float], first: int = 0) -> Aspect:
    """The values of these attributes, each entry its attribute's weight; an attribute not there has none."""
    parts, names = [_ones(np.zeros(0, np.int32), np.zeros(0, np.int32), [])], list[str]()
    for name in (one for one in weights if one in catalog.attributes):
        codes = catalog.attributes[name].codes[first:]
        given = np.flatnonzero(codes != UNKNOWN)
        used, at = np.unique(codes[given], return_inverse=True)
        parts.append(_ones(given, at + len(names), [], weights[name]))
        names += [f"{name}{PATH}{value}" for value in catalog.attributes[name].values.names(used)]
    items = np.concatenate([one.items for one in parts])
    codes = np.concatenate([one.codes for one in parts])
    return Aspect(items, codes, np.concatenate([one.values for one in parts]), names)


def prices(catalog: Catalog, band: float, first: int = 0) -> Aspect:
    """The logarithm of each price as a bump on a grid of step `band`.

    The dot product of two items' bumps, scaled, is within 2 % of exp(-(d / band)^2 / 2) of the
    logarithms' difference d: a sum of gaussians over a grid as fine as they are wide is hardly a
    function of where between the points it is taken.
    """
    items, logarithms = _logarithms(catalog, first)
    offsets = np.arange(1 - REACH, REACH + 1)
    along = (logarithms / band)[:, None]
    grid = np.floor(along) + offsets
    values = np.exp(-((along - grid) ** 2))
    used, codes = np.unique(grid, return_inverse=True)
    whose = np.repeat(items, len(offsets)).astype(np.int32)
    return Aspect(
        whose, codes.reshape(-1).astype(np.int32), values.reshape(-1), [f"{one:.0f}" for one in used]
    )


def price_bands(catalog: Catalog, edges: Doubles, first: int = 0) -> Aspect:
    """The band of each item's price; `edges`: float64, ascending logarithms between bands."""
    items, logarithms = _logarithms(catalog, first)
    bands = np.searchsorted(edges, logarithms)
    return _ones(items, bands, [str(band) for band in range(len(edges) + 1)])


def price_edges(catalog: Catalog, bands: int) -> Doubles:
    """float64[bands - 1]: logarithms that cut the catalogue's prices into bands of as many items."""
    _, logarithms = _logarithms(catalog, 0)
    if not len(logarithms):
        return np.zeros(0)
    return np.quantile(logarithms, np.arange(1, bands) / bands)


def identifies(one: Attribute) -> bool:
    """Whether an attribute tells items apart, as a part number does: hundreds of values, hardly any twice."""
    given = one.codes[one.codes != UNKNOWN]
    distinct = len(np.unique(given))
    return distinct > 100 and 2 * distinct > len(given)


def _logarithms(catalog: Catalog, first: int) -> tuple[NDArray[np.int64], Doubles]:
    """Items that have a price above 0, and its logarithm."""
    price = catalog.price[first:].astype(np.float64)
    items = np.flatnonzero(np.isfinite(price) & (price > 0))
    return items, np.log(price[items])


def _ones(
    items: NDArray[np.integer], codes: NDArray[np.integer], names: Sequence[str], one: float = 1.0
) -> Aspect:
    return Aspect(items.astype(np.int32), codes.astype(np.int32), np.full(len(items), one), names)
