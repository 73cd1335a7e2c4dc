"""What stands in for a product: first what shoppers take for the same, then up the customer decision tree.

A switch is from an item that a shopper had to another of the category that the next visit took instead.
How far an attribute is held to is the share of shoppers who must have its value again, while the others
take anything, as in the brand switching model of Colombo and Morrison (1989). A tree splits by what is
held to most, then within each value by the next. As Urban, Johnson and Hauser (1984) test whether a
market has submarkets at all, a split must show more switching within than chance has: beyond quasi-
independence (Goodman, 1968), and beyond what the same values, dealt out among the items anew, show by
their greatest (max-T of Westfall and Young, 1993). So noise has no tree; its items are one shelf. Branches
that say too little each, below the same attributes, are asked together: few switches then still show what
all of them hold to, and a branch that is sure of something else goes its own way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Attribute, Catalog
from vitrina.dataset import DAY, PURCHASE, TYPES, Dataset
from vitrina.errors import DataError
from vitrina.features import identifies
from vitrina.holds import Pairs, Sureness, held
from vitrina.ids import UNKNOWN, Ids, Rows, encode
from vitrina.kernels.sessions import visit_keys
from vitrina.kernels.switching import substitutes, switches
from vitrina.neighbourhood import Neighbourhood, seed_parts
from vitrina.parts import Parts
from vitrina.trees import Forest, categories, price_bands, price_edges, traits

CROWD = 20
"""Items of one category in one visit beyond which it is a stock-up, and says nothing of a choice."""


@dataclass(frozen=True)
class Strategy:
    """Substitutes by customer decision trees."""

    # Lists follow from seeds, but a tree needs shoppers who come back: one visit each teaches nothing.
    personal: ClassVar[bool] = False

    neighbours: int = 100
    """Kept of each item, best first."""
    half_life_days: float = 0.0
    """By which a switch counts half; 0 for never."""
    level: int = 2
    """Steps of a path that make a category, each with a tree of its own."""
    price_bands: int = 4
    """Of as many items each, within a category."""
    min_switches: int = 100
    """Fewer, and a category or a branch is not split."""
    min_hold: float = 0.05
    """A split holds at least this share of shoppers, however sure it is."""
    shuffles: int = 199
    """Times that values are dealt out anew to see what chance makes of them."""
    false_alarms: float = 0.01
    """Of nodes where nothing is held to, the share that is split; at least 1 / (shuffles + 1)."""
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    """What a seed counts by its event type; trees are learned from purchases."""
    seeds: int = 20
    """Latest items of the asker that count."""
    seed_half_life_days: float = 0.0
    """By which a seed older than the newest counts half; 0 for never."""

    def __post_init__(self) -> None:
        if min(self.neighbours, self.level, self.min_switches, self.seeds) < 1:
            raise ValueError("neighbours, level, min_switches and seeds must be at least 1")
        if not 2 <= self.price_bands <= 9:
            raise ValueError("price_bands must be 2 to 9")
        if self.shuffles < 19 or not 0 < self.false_alarms < 1:
            raise ValueError("shuffles must be at least 19, and false_alarms between 0 and 1")

    @property
    def sureness(self) -> Sureness:
        """When an attribute is believed to be held to."""
        return Sureness(self.min_hold, self.shuffles, self.false_alarms)

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: `indptr`, `indices`, `scores`, each item's substitutes, best first, without its variants;
        `type_weights` and `half_life` of seeds; the arrays of `trees.Forest`."""
        dataset = dataset.settled()
        forest = self.grown(dataset)
        return {
            **self._lists(forest, dataset.catalog.product),
            **forest.parts(),
            **seed_parts(dataset, self.event_weights, self.seed_half_life_days),
        }

    def open(self, parts: Parts) -> DecisionTree:
        """A source over the substitutes."""
        return DecisionTree({name: np.asarray(part) for name, part in parts.items()}, self)

    def grown(self, dataset: Dataset) -> Forest:
        """The trees alone."""
        catalog, events = dataset.catalog, dataset.events
        category = categories(catalog, self.level)
        edges = price_edges(catalog, category, self.price_bands)
        told = sorted(name for name, one in catalog.attributes.items() if not identifies(one))
        bands = price_bands(catalog, category.codes, edges)
        known = traits(catalog, told, self.level, bands)
        growth = _Growth(self, known)
        members = np.argsort(category.codes, kind="stable").astype(np.int32)
        pairs = self._pairs(dataset, category.codes)
        places = np.arange(len(category.values) + 1)
        ends = np.searchsorted(category.codes[members], places)
        cuts = np.searchsorted(category.codes[pairs.first], places)
        for at in range(len(category.values)):
            growth.grow(members[ends[at] : ends[at + 1]], pairs.take(slice(cuts[at], cuts[at + 1])))
        sales = np.bincount(events.item[events.type == PURCHASE], minlength=len(dataset.items))
        return growth.forest(category.values, edges, sales)

    def _pairs(self, dataset: Dataset, category: Rows) -> Pairs:
        """Switches within categories, each two items once, those of a category together."""
        bought = (dataset.events.type == PURCHASE) & (dataset.events.user >= 0)
        events = dataset.events.take(bought)
        if not len(events):
            return Pairs(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))
        visit = visit_keys(events.visit, events.user, events.time // DAY if dataset.timed else events.time)
        began = np.zeros(visit.max() + 1, np.int64)
        began[visit[::-1]] = np.arange(len(visit))[::-1]
        keys = np.stack([events.user, category[events.item], began[visit], events.item])
        keys = keys[:, np.lexsort(keys[::-1])]
        keys = keys[:, np.append(True, (np.diff(keys) != 0).any(axis=0))]
        starts = np.flatnonzero(np.append(True, (np.diff(keys[:3]) != 0).any(axis=0)))
        owner = keys[0, starts] * (category.max() + 1) + keys[1, starts]
        faded = dataset.weights({TYPES[PURCHASE]: 1.0}, self.half_life_days)[bought].astype(np.float64)
        worth = faded[keys[2, starts]]
        first, second, weight = switches(owner, np.append(starts, keys.shape[1]), keys[3], worth, CROWD)
        n = len(category)
        both, at = np.unique(first.astype(np.int64) * n + second, return_inverse=True)
        first, second = (both // n).astype(np.int32), (both % n).astype(np.int32)
        order = np.argsort(category[first], kind="stable")
        return Pairs(first, second, np.bincount(at, weight, len(both)).astype(np.float64)).take(order)

    def _lists(self, forest: Forest, product: Rows) -> dict[str, NDArray[Any]]:
        """Each item's substitutes: by how far their leaves share the way from the root, then by sales."""
        paths, leaf = forest.paths(), forest.leaf
        order = np.argsort(leaf, kind="stable")[np.count_nonzero(leaf < 0) :].astype(np.int32)
        nodes, starts = np.unique(leaf[order], return_index=True)
        root = paths[nodes, 0]
        ends = np.append(starts, len(order))
        spans = np.stack([ends[np.searchsorted(root, root, side)] for side in ("left", "right")], axis=1)
        total = np.bincount(paths[leaf[order], 0], forest.sales[order], len(paths))
        worth = np.zeros(len(leaf), np.float32)
        worth[order] = forest.sales[order] / (total[paths[leaf[order], 0]] + 1)
        asked = (order, nodes, ends, spans, paths, leaf, worth, product, self.neighbours)
        counts, rows, scores = substitutes(*map(np.ascontiguousarray, asked[:-1]), asked[-1])
        kept = np.arange(self.neighbours) < counts[:, None]
        return {"indptr": np.append(0, np.cumsum(counts)), "indices": rows[kept], "scores": scores[kept]}

    def extended(self, parts: Mapping[str, NDArray[Any]], catalog: Catalog) -> dict[str, NDArray[Any]]:
        """Parts with items added; see DecisionTree.extended."""
        forest = Forest.of_parts(parts)
        first = len(forest.leaf)
        if len(catalog) < first:
            raise DataError(f"the catalogue has {len(catalog)} items, {first} were trained: give these first")
        category = categories(catalog, self.level)
        places = np.append(Ids(forest.categories).rows(_texts(category)), np.int32(UNKNOWN))[category.codes]
        bands = price_bands(catalog, places, forest.edges)
        known = traits(catalog, forest.names(), self.level, bands)
        leaf = np.append(forest.leaf, forest.leaves(category, known, first))
        sales = np.append(forest.sales, np.zeros(len(catalog) - first, np.int64))
        grown = replace(forest, leaf=leaf, sales=sales)
        return {**parts, **grown.parts(), **self._lists(grown, catalog.product)}


class _Branch(NamedTuple):
    """A node that may split: its place, its `items`, the switches among them, the attributes `above` it."""

    node: int
    items: Rows
    pairs: Pairs
    above: tuple[int, ...]


class _Growth:
    """Trees as they grow, a category after the other, each from its root down."""

    def __init__(self, made: Strategy, known: Mapping[str, Attribute]) -> None:
        self._made = made
        self._names = list(known)
        self._codes = np.stack([one.codes for one in known.values()]).astype(np.int32)
        self._texts = [[*map(encode, _texts(one)), b""] for one in known.values()]
        self._nodes: list[list[Any]] = []  # parent, value, split, hold, switches
        self._roots: list[int] = []
        self._root_holds: list[NDArray[np.float64]] = []
        self._leaf = np.full(self._codes.shape[1], UNKNOWN, np.int32)

    def grow(self, items: Rows, pairs: Pairs) -> None:
        """The tree of a category of these items."""
        self._roots.append(len(self._nodes))
        self._root_holds.append(np.zeros(len(self._names)))
        level = [_Branch(self._plant(UNKNOWN, b"", items, pairs), items, pairs, ())]
        while level:
            ways = groupby(sorted(level, key=lambda one: one.above), key=lambda one: one.above)
            level = [child for above, branches in ways for child in self._below([*branches], above)]

    def _below(self, branches: Sequence[_Branch], above: tuple[int, ...]) -> Iterator[_Branch]:
        """What hangs below branches that have the same attributes above them: each is split by what it is
        sure of, and those that say too little for themselves by what they are sure of together; one in
        which nobody switched is no matter."""
        doubtful = []
        for one in branches:
            split, hold = self._split([one], above)
            if split < 0:
                doubtful += [one] * bool(len(one.pairs.first))
            else:
                yield from self._parted(one, split, hold)
        if len(doubtful) > 1:
            split, hold = self._split(doubtful, above)
            for one in doubtful if split >= 0 else ():
                yield from self._parted(one, split, hold)

    def _split(self, branches: Sequence[_Branch], above: tuple[int, ...]) -> tuple[int, float]:
        """(the attribute that these are split by, UNKNOWN for none; its hold)."""
        free = np.setdiff1d(np.arange(len(self._names)), above)
        if not len(free) or sum(one.pairs.weight.sum() for one in branches) < self._made.min_switches:
            return UNKNOWN, 0.0
        best, holds = held([one.pairs for one in branches], self._codes[free], self._made.sureness)
        if not above:
            self._root_holds[-1] = holds
        return (int(free[best]), float(holds[best])) if best >= 0 else (UNKNOWN, 0.0)

    def _parted(self, branch: _Branch, split: int, hold: float) -> Iterator[_Branch]:
        """A child for each value of the attribute; where there is one value only, the branch itself."""
        codes, (node, items, pairs, above) = self._codes[split], branch
        inside = pairs.take((codes[pairs.first] == codes[pairs.second]) & (codes[pairs.first] >= 0))
        inside = inside.take(np.argsort(codes[inside.first], kind="stable"))
        items = items[np.argsort(codes[items], kind="stable")]
        values = np.unique(codes[items])
        if len(values) == 1:
            yield branch._replace(above=(*above, split))
            return
        self._nodes[node][2:4] = split, hold
        ends = np.searchsorted(codes[items], values, "left"), np.searchsorted(codes[items], values, "right")
        cuts = [np.searchsorted(codes[inside.first], values, side) for side in ("left", "right")]
        for at, value in enumerate(values.tolist()):
            own, within = items[ends[0][at] : ends[1][at]], inside.take(slice(cuts[0][at], cuts[1][at]))
            planted = self._plant(node, self._texts[split][value], own, within)
            yield _Branch(planted, own, within, (*above, split))

    def _plant(self, parent: int, value: bytes, items: Rows, pairs: Pairs) -> int:
        self._leaf[items] = len(self._nodes)
        self._nodes.append([parent, value, UNKNOWN, 0.0, float(pairs.weight.sum())])
        return len(self._nodes) - 1

    def forest(self, names: Ids, edges: NDArray[np.float64], sales: NDArray[np.int64]) -> Forest:
        """All that has grown."""
        parents, values, splits, holds, switched = zip(*self._nodes, strict=True) if self._nodes else [()] * 5
        return Forest(
            categories=names.sorted,
            roots=np.array(self._roots, np.int32),
            parents=np.array(parents, np.int32),
            values=np.array(values, f"S{max(map(len, values), default=1) or 1}"),
            splits=np.array(splits, np.int32),
            holds=np.array(holds, np.float32),
            switches=np.array(switched, np.float32),
            attributes=np.array([encode(one) for one in self._names]),
            root_holds=np.array(self._root_holds, np.float32).reshape(-1, len(self._names)),
            edges=edges,
            leaf=self._leaf,
            sales=sales,
        )


class DecisionTree(Neighbourhood):
    """The substitutes of one bundle, and what it takes to add items to them."""

    def __init__(self, parts: Mapping[str, NDArray[Any]], made: Strategy) -> None:
        super().__init__(parts, made.seeds)
        self._parts, self._made = parts, made

    def extended(self, catalog: Catalog, vectors: NDArray[np.float32] | None = None) -> DecisionTree:
        """The same trees with items added: `catalog` has the trained items first, then the added ones.

        An added item hangs where its values lead, sold never; of a category that was not trained it has
        no list. Raises DataError for a catalogue that is too short.
        """
        return DecisionTree(self._made.extended(self._parts, catalog), self._made)


def _texts(one: Attribute) -> list[str]:
    return one.values.names(np.arange(len(one.values), dtype=np.int32))
