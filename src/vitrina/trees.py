"""Customer decision trees: in a category, what shoppers hold to when they switch, and what they trade.

    Forest     every category's tree as arrays, as a bundle has it; new items find their leaf in it
    Branch     one node of one tree with what hangs below, to be read, printed or drawn

A tree splits by the attribute that shoppers hold to most, then, within each of its values, by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import PATH, Attribute, Catalog, path_of
from vitrina.errors import DataError
from vitrina.ids import UNKNOWN, Ids, Rows, encode
from vitrina.parts import Parts

ANY = "*"
"""The category of items that have none."""
PRICE, STEP = "price", "subcategory"
"""Attributes that every catalogue has: a band of the category's prices, and the next step of the path."""


@dataclass(frozen=True)
class Forest:
    """`categories`: bytes, sorted paths; `roots`: int32, the node of each. Nodes stand parents first, those
    of a category together: `parents` int32, UNKNOWN of a root; `values` bytes, which value of the parent's
    attribute leads here, empty for 'not given'; `splits` int32 into `attributes`, by which its children
    differ, UNKNOWN of a leaf; `holds` float32, of that attribute there; `switches` float32, seen within.

    `root_holds`: float32[categories, attributes], 0 where it could not be told. `edges`: float64[categories,
    bands - 1], ascending logarithms between price bands. `leaf`: int32 an item, its node, UNKNOWN where
    its category is not known. `sales`: int64 an item, its purchases.
    """

    categories: NDArray[np.bytes_]
    roots: Rows
    parents: Rows
    values: NDArray[np.bytes_]
    splits: Rows
    holds: NDArray[np.float32]
    switches: NDArray[np.float32]
    attributes: NDArray[np.bytes_]
    root_holds: NDArray[np.float32]
    edges: NDArray[np.float64]
    leaf: Rows
    sales: NDArray[np.int64]

    @classmethod
    def of_parts(cls, parts: Parts) -> Forest:
        """The forest among a strategy's parts. Raises KeyError where it is not all there."""
        return cls(**{one.name: np.asarray(parts[one.name]) for one in fields(cls)})

    def parts(self) -> dict[str, NDArray[Any]]:
        """The forest as named arrays."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def names(self) -> list[str]:
        """Of its attributes."""
        return [one.decode() for one in self.attributes.tolist()]

    def paths(self) -> Rows:
        """int32[nodes, depth]: the ancestors of each node from its root to itself, UNKNOWN after."""
        ways: list[list[int]] = []
        for node, parent in enumerate(self.parents.tolist()):
            ways.append([*(ways[parent] if parent >= 0 else []), node])
        table = np.full((len(ways), max(map(len, ways), default=1)), UNKNOWN, np.int32)
        for node, way in enumerate(ways):
            table[node, : len(way)] = way
        return table

    def leaves(self, category: Attribute, traits: Mapping[str, Attribute], first: int) -> Rows:
        """int32: the node of each item from `first` on, as far down as its values are known there."""
        below = {
            (parent, value): node
            for node, (parent, value) in enumerate(
                zip(self.parents.tolist(), self.values.tolist(), strict=True)
            )
        }
        known, names = Ids(self.categories), self.names()
        found = np.full(max(0, len(category.codes) - first), UNKNOWN, np.int32)
        for at in range(len(found)):
            place = known.row(category.text(first + at))
            node = int(self.roots[place]) if place >= 0 else UNKNOWN
            while node >= 0:
                found[at] = node
                split = int(self.splits[node])
                trait = traits.get(names[split]) if split >= 0 else None
                node = below.get((node, encode(trait.text(first + at))), UNKNOWN) if trait else UNKNOWN
        return found


def categories(catalog: Catalog, level: int) -> Attribute:
    """Each item's category: the first `level` steps of its path, ANY where it has none."""
    told = _of_paths(catalog, lambda path: PATH.join(path.split(PATH)[:level]) or ANY)
    used, codes = np.unique(told.codes, return_inverse=True)
    return Attribute(codes.astype(np.int32), Ids(told.values.sorted[used]))


def traits(catalog: Catalog, names: Sequence[str], level: int, bands: Rows) -> dict[str, Attribute]:
    """What items may be held to by: the named attributes as far as there are, the next step, the band."""
    told = {name: catalog.attributes[name] for name in names if name in catalog.attributes}
    ids = Ids.of(str(band) for band in range(int(bands.max(initial=0)) + 1))
    step = _of_paths(catalog, lambda path: PATH.join(path.split(PATH)[level : level + 1]))
    return {**told, STEP: step, PRICE: Attribute(bands, ids)}


def price_edges(catalog: Catalog, category: Attribute, bands: int) -> NDArray[np.float64]:
    """float64[categories, bands - 1]: logarithms that cut a category's prices into bands of equal counts."""
    edges = np.zeros((len(category.values), bands - 1))
    known = np.flatnonzero(catalog.price > 0)
    known = known[np.argsort(category.codes[known], kind="stable")]
    ends = np.searchsorted(category.codes[known], np.arange(len(edges) + 1))
    for place in range(len(edges)):
        prices = np.log(catalog.price[known[ends[place] : ends[place + 1]]].astype(np.float64))
        if len(prices):
            edges[place] = np.quantile(prices, np.arange(1, bands) / bands)
    return edges


def price_bands(catalog: Catalog, places: Rows, edges: NDArray[np.float64]) -> Rows:
    """int32 per item: the band of its price among its category's; `places`: that category's in `edges`."""
    known = (catalog.price > 0) & np.isfinite(catalog.price) & (places >= 0)
    bands = np.full(len(catalog), UNKNOWN, np.int32)
    prices = np.log(catalog.price[known].astype(np.float64))
    bands[known] = (prices[:, None] > edges[places[known]]).sum(axis=1)
    return bands


def _of_paths(catalog: Catalog, text: Callable[[str], str]) -> Attribute:
    paths = catalog.category.values
    told = Attribute.of([*map(text, paths.names(np.arange(len(paths), dtype=np.int32))), text("")])
    return Attribute(told.codes[catalog.category.codes], told.values)  # UNKNOWN is the last of the list


@dataclass(frozen=True)
class Branch:
    """A node to read. `value`: what leads to it; `share` of the tree's purchases; `switches` seen
    within; `split`: the attribute its children differ in, empty for a leaf, with its `hold`. Children stand
    best sold first.
    """

    value: str
    items: int
    share: float
    switches: float
    split: str
    hold: float
    children: tuple[Branch, ...]


@dataclass(frozen=True)
class Tree:
    """The tree of one category. `holds`: of each attribute in the category as a whole, held most first;
    0 where fewer stay than by chance."""

    category: str
    root: Branch
    holds: Mapping[str, float]

    @classmethod
    def of(cls, forest: Forest, path: str) -> Tree:
        """The tree of a category ('a > b'). Raises DataError where there is none, naming what there is."""
        place = Ids(forest.categories).row(path_of(path))
        if place < 0:
            near = ", ".join(f"'{one}'" for one in known(forest, path)[:5])
            hint = f"; below it there are {near}" if near else "; run without --category for all there are"
            raise DataError(f"no category '{path}' was learned from{hint}")
        measured = forest.root_holds[place]
        order = [one for one in np.argsort(-measured, kind="stable").tolist() if measured[one]]
        holds = {forest.names()[one]: round(max(float(measured[one]), 0.0), 4) for one in order}
        return cls(_shown(path_of(path)), _branches(forest, place), holds)

    def relax_order(self) -> list[str]:
        """Attributes in the order in which a list that is too short should give them up: least held first.

        What the tree does not split by goes first, the least held of it first; then what it splits by,
        the deepest first, so that the top of the tree is given up last.
        """
        depths: dict[str, int] = {}
        for depth, branch in _walk(self.root, 0):
            if branch.split:
                depths[branch.split] = min(depth, depths.get(branch.split, depth))
        free = [name for name in [*self.holds][::-1] if name not in depths]
        return free + sorted(depths, key=lambda name: (-depths[name], self.holds.get(name, 0.0)))


def known(forest: Forest, path: str = "") -> list[str]:
    """Categories at or below a path, all by default, as a person writes them; best known first."""
    stem = path_of(path)
    if path.strip() and not stem:
        return []
    names = [one.decode() for one in forest.categories.tolist()]
    order = np.argsort(-forest.switches[forest.roots], kind="stable").tolist()
    return [_shown(names[one]) for one in order if not stem or f"{names[one]}{PATH}".startswith(stem + PATH)]


def relax_order(forest: Forest, path: str) -> list[str]:
    """See Tree.relax_order."""
    return Tree.of(forest, path).relax_order()


def _shown(stem: str) -> str:
    return stem.replace(PATH, " > ")


def _walk(branch: Branch, depth: int) -> Iterator[tuple[int, Branch]]:
    yield depth, branch
    for child in branch.children:
        yield from _walk(child, depth + 1)


def _branches(forest: Forest, place: int) -> Branch:
    """The tree of one category, built from its last node back to its root."""
    later = np.append(forest.roots, len(forest.parents)).astype(np.int64)
    low = int(forest.roots[place])
    high = int(later[later > low].min())
    at = forest.leaf - low
    inside = (at >= 0) & (at < high - low)
    items = np.bincount(at[inside], minlength=high - low)
    sales = np.bincount(at[inside], forest.sales[: len(at)][inside], minlength=high - low)
    children: list[list[Branch]] = [[] for _ in range(low, high)]
    for node in range(high - 1, low, -1):
        parent = int(forest.parents[node]) - low
        items[parent] += items[node - low]
        sales[parent] += sales[node - low]
    names, total = forest.names(), max(float(sales[0]), 1e-9)
    branch = Branch("", 0, 0.0, 0.0, "", 0.0, ())
    for node in range(high - 1, low - 1, -1):
        split, parent = int(forest.splits[node]), int(forest.parents[node])
        below = sorted(children[node - low], key=lambda one: -one.share)
        branch = Branch(
            _text(forest, place, parent, node),
            int(items[node - low]),
            round(float(sales[node - low]) / total, 4),
            round(float(forest.switches[node]), 1),
            names[split] if split >= 0 else "",
            round(float(forest.holds[node]), 4) if split >= 0 else 0.0,
            tuple(below),
        )
        if parent >= 0:
            children[parent - low].append(branch)
    return branch


def _text(forest: Forest, place: int, parent: int, node: int) -> str:
    """A node's value as a person reads it; a price band by its edges."""
    value: str = forest.values[node].decode()
    if parent < 0:
        return ""
    if forest.names()[int(forest.splits[parent])] != PRICE or not value:
        return value or "not given"
    edges, band = [f"{one:.2f}" for one in np.exp(forest.edges[place]).tolist()], int(value)
    if band in (0, len(edges)):
        return f"to {edges[0]}" if band == 0 else f"above {edges[-1]}"
    return f"{edges[band - 1]} to {edges[band]}"
