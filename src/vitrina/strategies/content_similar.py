"""What is like what the customer had, by what the catalogue says: words, category, attributes, price.

Content-based filtering (Pazzani and Billsus, 2007): it needs no event, so an item that nobody has
bought yet is listed, and has a list. An item is a sparse row of features, and a likeness the dot
product of two of them, a weighted sum of
    title       the cosine of words weighed by TF-IDF, or by BM25 (Robertson and Zaragoza, 2009)
    category    steps that two paths share from the root, over the root of the product of their depths
    attributes  the cosine of equal values, each weighed by its rarity; or what an expert says
    price       exp(-(d / price_band)^2 / 2), d being the difference of the prices' logarithms
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Catalog
from vitrina.dataset import Dataset
from vitrina.errors import DataError
from vitrina.features import Aspect, Vocabulary, attributes, categories, identifies, prices, titles
from vitrina.ids import Rows
from vitrina.kernels.across import (
    across,
    appended,
    found_then_ranked,
    joined,
    rarer,
    shortened,
    stacked,
    without_own,
    worst,
)
from vitrina.kernels.neighbours import Lists, neighbours
from vitrina.kernels.sparse import Csr, compress
from vitrina.neighbourhood import Neighbourhood, seed_parts
from vitrina.parts import Parts

Doubles = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]

CANDIDATES = 4
"""Candidates for each neighbour kept, where a catalogue is too large to rank every pair."""
SLACK = 100
"""Variants that an item's list may find and drop; of a product with more, lists may be shorter."""
TINY = 1e-6


@dataclass(frozen=True)
class Strategy:
    """Likeness by content; an aspect of weight 0 is not asked."""

    personal: ClassVar[bool] = True

    neighbours: int = 100
    """Kept of each item, best first."""
    title: str = "tfidf"
    """How words are weighed: "tfidf" or "bm25" (`bm25_k1`, `bm25_b`)."""
    title_weight: float = 1.0
    category_weight: float = 1.0
    attribute_weight: float = 0.5
    """Of all attributes together, each value weighed by its rarity; not asked where an expert speaks."""
    attribute_weights: Mapping[str, float] = field(default_factory=dict)
    """The expert's word: `{brand = 1.0}` adds 1.0 where brands are equal, and other attributes nothing."""
    price_weight: float = 0.25
    price_band: float = 0.35
    """Prices apart by a factor of e^0.35 = 1.42 are worth 0.61 of equal ones."""
    bm25_k1: float = 1.2
    bm25_b: float = 0.75
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    """What a seed counts by its event type; others count nothing."""
    seeds: int = 20
    """Latest items of the asker that count."""
    seed_half_life_days: float = 0.0
    """By which a seed older than the newest counts half; 0 for never."""
    exact_up_to: int = 100_000
    """Items beyond which candidates are found by their rarer features, then ranked by all."""
    common: int = 2_000
    """There, a feature of more items than so many finds none, unless an item has no rarer one."""

    def __post_init__(self) -> None:
        if self.title not in ("tfidf", "bm25"):
            raise ValueError(f"title '{self.title}' is unknown; known: tfidf, bm25")
        if not 0 <= self.bm25_b <= 1 or self.bm25_k1 < 0:
            raise ValueError("bm25_b must be from 0 to 1, and bm25_k1 at least 0")
        weights = (self.title_weight, self.category_weight, self.attribute_weight, self.price_weight)
        if min(*weights, *self.attribute_weights.values()) < 0:
            raise ValueError("weights must not be negative")
        if min(self.neighbours, self.seeds, self.common) < 1 or self.price_band <= 0:
            raise ValueError("neighbours, seeds and common must be at least 1, and price_band above 0")

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: neighbour lists `indptr`, `indices`, `scores`, best first, without the item's own variants;
        for items added later `vectors/*`, items x features, and what is known of features.

        Raises DataError where `attribute_weights` names no attribute.
        """
        catalog = dataset.catalog
        names = self._attributes(catalog)
        aspects = self._aspects(catalog, 0, names)
        known: dict[str, NDArray[Any]] = {
            "attributes": np.array([name.encode() for name in names], "S" if names else "S1"),
            "learned_from": np.array([len(catalog)], np.int64),
            "mean_words": np.array([_mean_words(aspects.get("title"))]),
        }
        features = Vocabulary.none()
        for kind, aspect in aspects.items():
            features = features.grown(kind, aspect, learn=True)
        vectors = self._vectors(aspects, features, known, len(catalog))
        lists = self._within(vectors, catalog.product)
        seeds = seed_parts(dataset, self.event_weights, self.seed_half_life_days)
        return {**known, **seeds, **_named(lists, vectors, features)}

    def open(self, parts: Parts) -> ContentSimilar:
        """A source over the neighbour lists."""
        return ContentSimilar({name: np.asarray(part) for name, part in parts.items()}, self)

    def extended(self, parts: Arrays, catalog: Catalog) -> Arrays:
        """Parts of the trained items, the first of `catalog`, and of those that follow them.

        What features weigh stays as it was learned; one that no trained item has weighs as the
        rarest. Raises DataError where the catalogue is shorter than what was trained.
        """
        old, features = _vectors_of(parts), Vocabulary(parts["features/keys"], parts["features/held"])
        first = old.shape[0]
        if len(catalog) < first:
            raise DataError(f"the catalogue has {len(catalog)} items, {first} were trained: give these first")
        aspects = self._aspects(catalog, first, [one.decode() for one in parts["attributes"].tolist()])
        for kind, aspect in aspects.items():
            features = features.grown(kind, aspect, learn=False)
        new = self._vectors(aspects, features, parts, len(catalog) - first)
        vectors, product = stacked(old, new, len(features)), catalog.product
        old = Csr(old.indptr, old.indices, old.data, (first, len(features)))
        k = self.neighbours
        lists = (parts["indptr"], parts["indices"], parts["scores"])
        floors = worst(lists, k)
        indptr, rows, scores = across(
            old, new.transposed(), k, owner=product[:first], owners=product[first:], floors=floors
        )
        lists = joined(lists, (indptr, rows + np.int32(first), scores), k)
        added = self._lists(new, vectors, product[first:], product)
        return {**parts, **_named(appended(lists, added), vectors, features)}

    def _attributes(self, catalog: Catalog) -> list[str]:
        """The attributes that count, sorted."""
        for name in self.attribute_weights:
            if name not in catalog.attributes:
                known = ", ".join(sorted(catalog.attributes)) or "none"
                raise DataError(f"content_similar cannot weigh '{name}': the items' attributes are {known}")
        told = [name for name, one in catalog.attributes.items() if not identifies(one)]
        return sorted(self.attribute_weights or told)

    def _aspects(self, catalog: Catalog, first: int, names: list[str]) -> dict[str, Aspect]:
        """The aspects that weigh anything, of items `first` and later."""
        weights = self.attribute_weights or dict.fromkeys(names, self.attribute_weight)
        aspects: dict[str, Aspect] = {}
        if self.title_weight:
            aspects["title"] = titles(catalog, first)
        if self.category_weight:
            aspects["category"] = categories(catalog, first)
        if any(weights.values()):
            aspects["attributes"] = attributes(catalog, weights, first)
        if self.price_weight:
            aspects["price"] = prices(catalog, self.price_band, first)
        return aspects

    def _vectors(
        self, aspects: Mapping[str, Aspect], features: Vocabulary, known: Arrays, n_items: int
    ) -> Csr:
        """Items x features; products of rows are likenesses."""
        items, columns, values = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
        for kind, aspect in aspects.items():
            places = features.places(kind, aspect)[aspect.codes]
            worth = self._weighed(kind, aspect, features.held[places], known)
            items.append(aspect.items[worth > TINY])
            columns.append(places[worth > TINY].astype(np.int32))
            values.append(worth[worth > TINY].astype(np.float32))
        triples = np.concatenate(items), np.concatenate(columns), np.concatenate(values)
        return compress(*triples, (n_items, len(features)))

    def _weighed(self, kind: str, aspect: Aspect, held: NDArray[np.int64], known: Arrays) -> Doubles:
        """float64 per entry: the square root of what it is worth where both items have it."""
        n = int(known["learned_from"][0])
        rarity = np.log((1 + n) / (1 + held)) + 1  # as scikit-learn smooths it: never 0, nor infinite
        worth: Doubles
        if kind == "title":
            words = self._bm25(aspect, held, known) if self.title == "bm25" else aspect.values * rarity
            worth = aspect.scaled(words) * self.title_weight**0.5
        elif kind == "attributes":
            told = np.sqrt(aspect.values)
            worth = told if self.attribute_weights else told * aspect.scaled(np.sqrt(rarity))
        else:
            weight = self.category_weight if kind == "category" else self.price_weight
            worth = aspect.scaled(aspect.values) * weight**0.5
        return worth

    def _bm25(self, aspect: Aspect, held: NDArray[np.int64], known: Arrays) -> Doubles:
        n, mean = int(known["learned_from"][0]), float(known["mean_words"][0])
        lengths = np.bincount(aspect.items, aspect.values)[aspect.items] if len(held) else aspect.values
        norm = self.bm25_k1 * (1 - self.bm25_b + self.bm25_b * lengths / mean)
        saturated: Doubles = aspect.values * (self.bm25_k1 + 1) / (aspect.values + norm)
        return saturated * np.log1p((n - held + 0.5) / (held + 0.5))

    def _within(self, vectors: Csr, product: Rows) -> Lists:
        """The nearest of each row but those of its own product."""
        if vectors.shape[0] > self.exact_up_to:
            return self._lists(vectors, vectors, product, product)
        variants = int(np.bincount(product).max(initial=1)) - 1
        found = neighbours(vectors, self.neighbours + min(variants, SLACK))
        return shortened(without_own(found, product, product), self.neighbours)

    def _lists(self, asking: Csr, vectors: Csr, owner: Rows, owners: Rows) -> Lists:
        """The nearest of `vectors` to each row of `asking`, but those of its own product."""
        if vectors.shape[0] <= self.exact_up_to:
            return across(asking, vectors.transposed(), self.neighbours, owner=owner, owners=owners)
        held = np.bincount(vectors.indices, minlength=vectors.shape[1])
        finders, many = rarer(asking, held, self.common), CANDIDATES * self.neighbours
        return found_then_ranked(finders, asking, vectors, self.neighbours, many, owner=owner, owners=owners)


class ContentSimilar(Neighbourhood):
    """The lists of one bundle, and what it takes to add items to them."""

    def __init__(self, parts: Arrays, made: Strategy) -> None:
        super().__init__(parts, made.seeds)
        self._parts, self._made = parts, made

    def extended(self, catalog: Catalog, vectors: NDArray[np.float32] | None = None) -> ContentSimilar:
        """The same lists with items added: `catalog` has the trained items first, then the added ones.

        The lists are those of a fit on all of them that weighs words and values as this one learned to;
        sums may differ in their last bits. Raises DataError for a catalogue that is too short.
        """
        return ContentSimilar(self._made.extended(self._parts, catalog), self._made)


def _mean_words(aspect: Aspect | None) -> float:
    """Words of a title, on average over those that have any."""
    if aspect is None or not len(aspect.items):
        return 1.0
    return float(aspect.values.sum()) / len(np.unique(aspect.items))


def _named(lists: Lists, vectors: Csr, features: Vocabulary) -> dict[str, NDArray[Any]]:
    return {
        **dict(zip(("indptr", "indices", "scores"), lists, strict=True)),
        "vectors/indptr": vectors.indptr,
        "vectors/indices": vectors.indices,
        "vectors/data": vectors.data,
        "features/keys": features.keys,
        "features/held": features.held,
    }


def _vectors_of(parts: Arrays) -> Csr:
    indptr, indices, data = (parts[f"vectors/{name}"] for name in ("indptr", "indices", "data"))
    return Csr(indptr, indices, data, (len(indptr) - 1, len(parts["features/keys"])))
