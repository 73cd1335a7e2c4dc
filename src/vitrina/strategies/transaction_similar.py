"""What goes with what the customer had, by the values that share a purchase.

Items come and go, but categories, brands and price bands stay: their affinity is learned from
baskets, by the log-likelihood ratio of pairs of values of different items (Dunning, 1993), and an item is
listed for what its values are drawn to. So an item nobody has bought yet has a list from its first day:
aggregated from baskets as association rules over a taxonomy are (Srikant and Agrawal, 1995).

    score(item, other) = sum over values a of item, b of other: w(a) affinity(a, b) w(b) fame(b, other)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Catalog
from vitrina.dataset import PURCHASE, TYPES, Dataset
from vitrina.errors import DataError
from vitrina.features import Aspect, Vocabulary, attributes, categories, price_bands, price_edges
from vitrina.ids import Rows
from vitrina.kernels.across import across, appended, joined, sliced, stacked, worst
from vitrina.kernels.affinity import affinities, product
from vitrina.kernels.neighbours import Lists
from vitrina.kernels.sparse import Csr, compress, group
from vitrina.neighbourhood import Neighbourhood, seed_parts
from vitrina.parts import Parts

Arrays = Mapping[str, NDArray[Any]]
Doubles = NDArray[np.float64]

CHUNK = 1 << 16
"""Items whose wishes are held at once."""


@dataclass(frozen=True)
class Strategy:
    """Affinity of values; 'category' (each step of its path) and 'price' (its band) are values too."""

    personal: ClassVar[bool] = True

    neighbours: int = 100
    """Kept of each item, best first."""
    attribute_weights: Mapping[str, float] = field(
        default_factory=lambda: {"category": 1.0, "brand": 1.0, "price": 0.5}
    )
    """Which values count, and how much; those of 0 are not asked."""
    depth: int = 3
    """Steps of a category path that count, from the root."""
    price_bands: int = 10
    """Bands of as many items each."""
    score: str = "llr"
    """"llr", the root of the log-likelihood ratio, or "lift", its logarithm; only what is above chance."""
    least_pairs: float = 1.0
    """Pairs that two values must share; a basket of m items has m, whatever it is made of."""
    half_life_days: float = 0.0
    """By which a basket counts half for affinities; 0 for never."""
    affinities: int = 50
    """Values kept of each value."""
    members: int = 100
    """Items of a value that stand for it, the most bought first."""
    popularity: float = 0.5
    """An item is worth ((1 + its baskets) / (1 + those of the value's most bought))^popularity."""
    complements: bool = False
    """Whether items of the seed's own leaf category are barred: what goes with it, never instead of it."""
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    """What a seed counts by its event type; others count nothing."""
    seeds: int = 20
    """Latest items of the asker that count."""
    seed_half_life_days: float = 0.0
    """By which a seed older than the newest counts half; 0 for never."""

    def __post_init__(self) -> None:
        if self.score not in ("llr", "lift"):
            raise ValueError(f"score '{self.score}' is unknown; known: llr, lift")
        if min(self.attribute_weights.values(), default=0.0) < 0 or self.popularity < 0:
            raise ValueError("attribute_weights and popularity must not be negative")
        sizes = (self.neighbours, self.depth, self.price_bands, self.affinities, self.members, self.seeds)
        if min(sizes) < 1:
            raise ValueError(
                "neighbours, depth, price_bands, affinities, members and seeds must be at least 1"
            )

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: lists `indptr`, `indices`, `scores`, best first, without the item's own variants; for items
        added later `values/*`, items x values, `affinity/*`, values x values, and the baskets `sold`.

        Raises DataError where `attribute_weights` names no attribute.
        """
        catalog = dataset.catalog
        self._check(catalog)
        edges = price_edges(catalog, self.price_bands)
        aspects, known = self._aspects(catalog, 0, edges), Vocabulary.none()
        for kind, (aspect, _) in aspects.items():
            known = known.grown(kind, aspect, learn=True)
        values = _values(aspects, known, len(catalog))
        settled = dataset.settled()
        baskets = settled.baskets()
        worth = _worth(settled, baskets.shape[0], self.half_life_days)
        rules: Any = (self.affinities, self.least_pairs)
        found = affinities(baskets, values, *rules, lift=self.score == "lift", worth=worth)
        drawn = Csr(*found, (len(known), len(known)))
        sold = np.bincount(baskets.indices, minlength=len(catalog))
        owner = self._owners(catalog)
        lists = self._lists(values, drawn, self._shelves(values, sold), owner, owner)
        return {
            **_named(lists, values, sold),
            **dict(zip(("affinity/indptr", "affinity/indices", "affinity/scores"), found, strict=True)),
            "features/keys": known.keys,
            "features/held": known.held,
            "edges": edges,
            **seed_parts(dataset, self.event_weights, self.seed_half_life_days),
        }

    def open(self, parts: Parts) -> TransactionSimilar:
        """A source over the lists."""
        return TransactionSimilar({name: np.asarray(part) for name, part in parts.items()}, self)

    def extended(self, parts: Arrays, catalog: Catalog) -> Arrays:
        """Parts of the trained items, the first of `catalog`, and of those that follow, which nobody bought.

        Raises DataError where the catalogue is shorter than what was trained.
        """
        known = Vocabulary(parts["features/keys"], parts["features/held"])
        old = _csr(parts, "values", "weights", len(known))
        first, k = old.shape[0], self.neighbours
        if len(catalog) < first:
            raise DataError(f"the catalogue has {len(catalog)} items, {first} were trained: give these first")
        drawn = _csr(parts, "affinity", "scores", len(known))
        new = _values(self._aspects(catalog, first, parts["edges"]), known, len(catalog) - first)
        values = stacked(old, new, len(known))
        sold = np.concatenate([parts["sold"], np.zeros(new.shape[0], np.int64)])
        owner, shelves = self._owners(catalog), self._shelves(values, sold)
        lists = (parts["indptr"], parts["indices"], parts["scores"])
        fresh = _from(shelves, first)
        gained = self._lists(old, drawn, fresh, owner[:first], owner, floors=worst(lists, k))
        added = self._lists(new, drawn, shelves, owner[first:], owner)
        return {**parts, **_named(appended(joined(lists, gained, k), added), values, sold)}

    def _check(self, catalog: Catalog) -> None:
        usual = type(self)().attribute_weights
        for name in self.attribute_weights:
            if name not in catalog.attributes and name not in usual:
                known = ", ".join(sorted({"category", "price", *catalog.attributes}))
                raise DataError(f"transaction_similar cannot weigh '{name}': the items have {known}")

    def _aspects(self, catalog: Catalog, first: int, edges: Doubles) -> dict[str, tuple[Aspect, float]]:
        """The aspects of items `first` and later, and what each entry of them weighs."""
        found: dict[str, tuple[Aspect, float]] = {}
        for name, weight in sorted(self.attribute_weights.items()):
            if name == "category":
                aspect = categories(catalog, first, self.depth)
            elif name == "price":
                aspect = price_bands(catalog, edges, first)
            else:
                aspect = attributes(catalog, {name: weight}, first)
            if weight > 0:
                found[name] = aspect, weight
        return found

    def _owners(self, catalog: Catalog) -> Rows:
        """int32 per item: items of one owner never stand in one another's lists."""
        if not self.complements:
            return catalog.product
        leaf = catalog.category.codes
        return np.where(leaf >= 0, leaf, len(catalog.category.values) + catalog.product).astype(np.int32)

    def _shelves(self, values: Csr, sold: NDArray[np.int64]) -> Csr:
        """Values x items: what the most bought of each value are worth for it."""
        item = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
        order = np.argsort(-sold[item], kind="stable")
        ends, place = group(values.indices[order], values.shape[1])
        item, weight = item[order[place]], values.data[order[place]]
        value = np.repeat(np.arange(values.shape[1]), np.diff(ends))
        kept = np.arange(len(item)) - ends[value] < self.members
        most = (
            sold[item[np.minimum(ends[:-1], max(0, len(item) - 1))]] if len(item) else np.zeros(len(ends) - 1)
        )
        fame = ((1 + sold[item]) / (1 + most[value])) ** self.popularity
        counts = np.bincount(value[kept], minlength=values.shape[1])
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        worth = (weight * fame)[kept].astype(np.float32)
        return Csr(indptr, item[kept].astype(np.int32), worth, (values.shape[1], values.shape[0]))

    def _lists(
        self,
        values: Csr,
        drawn: Csr,
        shelves: Csr,
        owner: Rows,
        owners: Rows,
        floors: NDArray[np.float32] | None = None,
    ) -> Lists:
        """What the shelves hold for each row of `values`, so many rows at a time."""
        n = values.shape[0]
        floors = np.zeros(n, np.float32) if floors is None else floors
        found: Lists = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
        for low in range(0, n, CHUNK):
            cut = slice(low, min(low + CHUNK, n))
            wishes = product(sliced(values, cut.start, cut.stop), drawn)
            some = across(
                wishes, shelves, self.neighbours, owner=owner[cut], owners=owners, floors=floors[cut]
            )
            found = appended(found, some)
        return found


class TransactionSimilar(Neighbourhood):
    """The lists of one bundle, and what it takes to add items to them."""

    def __init__(self, parts: Arrays, made: Strategy) -> None:
        super().__init__(parts, made.seeds)
        self._parts, self._made = parts, made

    def extended(self, catalog: Catalog, vectors: NDArray[np.float32] | None = None) -> TransactionSimilar:
        """The same lists with items added: `catalog` has the trained items first, then the added ones.

        The lists are those of a fit on all of them with the same baskets and price bands; a value that
        no trained item has says nothing. Raises DataError for a catalogue that is too short.
        """
        return TransactionSimilar(self._made.extended(self._parts, catalog), self._made)


def _values(aspects: Mapping[str, tuple[Aspect, float]], known: Vocabulary, n_items: int) -> Csr:
    """Items x known values, each entry what its kind weighs."""
    items, columns, weights = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    for kind, (aspect, weight) in aspects.items():
        places = known.places(kind, aspect)[aspect.codes]
        items.append(aspect.items[places >= 0])
        columns.append(places[places >= 0].astype(np.int32))
        weights.append(np.full(len(columns[-1]), weight, np.float32))
    triples = np.concatenate(items), np.concatenate(columns), np.concatenate(weights)
    return compress(*triples, (n_items, len(known)))


def _worth(dataset: Dataset, n_baskets: int, half_life_days: float) -> Doubles:
    """float64 per basket: half for each half-life that it is older than the last event."""
    bought = (dataset.events.type == PURCHASE) & (dataset.events.visit >= 0)
    worth = np.zeros(n_baskets)
    faded = dataset.weights({TYPES[PURCHASE]: 1.0}, half_life_days)[bought]
    np.maximum.at(worth, dataset.events.visit[bought], faded)
    return worth


def _from(shelves: Csr, first: int) -> Csr:
    """The shelves without items before `first`."""
    kept = shelves.indices >= first
    indptr = np.concatenate([[0], np.cumsum(kept)])[shelves.indptr]
    return Csr(indptr, shelves.indices[kept], shelves.data[kept], shelves.shape)


def _named(lists: Lists, values: Csr, sold: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    return {
        **dict(zip(("indptr", "indices", "scores"), lists, strict=True)),
        "values/indptr": values.indptr,
        "values/indices": values.indices,
        "values/weights": values.data,
        "sold": sold,
    }


def _csr(parts: Arrays, name: str, data: str, n_columns: int) -> Csr:
    indptr = parts[f"{name}/indptr"]
    return Csr(indptr, parts[f"{name}/indices"], parts[f"{name}/{data}"], (len(indptr) - 1, n_columns))
