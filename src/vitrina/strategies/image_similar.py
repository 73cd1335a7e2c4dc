"""Products whose photos look alike, by vectors made from them before training.

Neighbours by visual features, as of McAuley, Targett, Shi and van den Hengel (SIGIR 2015). Likeness is the
metric of `images.metric`: a network's vector, colour, and what the shop's own attributes teach. Neighbours
are exact up to `exact_up_to` photos, found once, in training; a request is a look-up. Photos of the same
thing (a shared photo, another size's, a re-shot pack) are one look: never similar to itself, and listed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Catalog
from vitrina.dataset import REMOVE, RETURN, Dataset
from vitrina.errors import DataError
from vitrina.ids import UNKNOWN, Rows
from vitrina.images.inverted import nearly_nearest
from vitrina.images.looks import Entering, by_look, distinct, doubles, nothing, table
from vitrina.images.metric import TINY, Floats, Metric, learn, unit
from vitrina.images.thumbnail import copies
from vitrina.kernels.across import appended, joined, worst
from vitrina.kernels.looks import alike, likest
from vitrina.kernels.nearest import likeness, nearest
from vitrina.kernels.neighbours import Lists
from vitrina.strategy import Allow, Candidates, Parts, Query, Whys

UNDONE = np.isin(np.arange(256), [REMOVE, RETURN])
AT_ONCE = 1 << 14
"""Looks that a photo from outside is compared with at a time."""
SLACK = 32
"""Neighbours found beyond those kept: some turn out to be the same look."""


@dataclass(frozen=True)
class Strategy:
    """Neighbours by photo."""

    personal: ClassVar[bool] = True

    neighbours: int = 100
    """Looks kept for each look, nearest first."""
    colour_weight: float = 0.25
    """Share of colour in likeness, 0 to 1; 0 asks only what a thing is, where vectors allow."""
    whiten: float = 0.5
    """How far the spread of the vectors is evened out: 0 not at all, 1 wholly."""
    projection: tuple[str, ...] = ()
    """Attributes ('category', 'brand', ...) from which it is learned what makes things alike."""
    projection_weight: float = 0.5
    """What is learned so weighs this share of look."""
    duplicates: float = 0.97
    """Likeness from which two photos are taken to show the same thing."""
    copies: float = 0.05
    """How far photos may differ that are taken for one, saved or scaled anew; see `images.thumbnail`."""
    recency: float = 0.8
    """Weight of a seed relative to the one after it."""
    max_seeds: int = 20
    """Latest distinct seeds that count."""
    exact_up_to: int = 200_000
    """Photos beyond which neighbours are found by an inverted file (faiss), its recall measured."""

    def __post_init__(self) -> None:
        for name in ("colour_weight", "whiten", "projection_weight", "duplicates", "copies", "recency"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be between 0 and 1")
        if min(self.neighbours, self.max_seeds) < 1:
            raise ValueError("neighbours and max_seeds must be at least 1")

    def fit(self, dataset: Dataset) -> Parts:
        """Learn the metric and find every look's neighbours; of a shop without vectors, none.

        Raises DataError where vectors are not one row an item, or `projection` names no attribute.
        """
        from threadpoolctl import threadpool_limits

        labels = self._labels(dataset)
        rows, first, photo = _photos(dataset)
        if dataset.vectors is None or not len(first):
            return nothing(len(dataset.items))
        with threadpool_limits(1, "blas"):  # sums in one order, for any number of cores
            vectors, colours = dataset.vectors[rows][first], dataset.colours
            colours = None if colours is None else colours[rows][first]
            metric = learn(
                vectors,
                colours,
                [codes[rows][first] for codes in labels],
                colour_weight=self.colour_weight,
                taught_weight=self.projection_weight,
                whiten=self.whiten,
            )
            mapped = metric(vectors, colours)
            lists, recall = self._lists(mapped, dataset.catalog.product[rows][first])
            # What attributes teach makes different things alike on purpose: it proves no double.
            same = likeness(metric.untaught()(vectors, colours), lists[0], lists[1]) >= self.duplicates
            if (tiles := dataset.thumbnails) is not None:
                same |= copies(tiles[rows][first], lists, self.copies)
        looks, leaders = doubles(lists, same)
        found = by_look(lists, looks, len(leaders), self.neighbours)
        look = np.full(len(dataset.items), UNKNOWN, np.int32)
        look[rows] = looks[photo]
        return {
            **table(found, look, len(leaders)),
            "vectors": mapped[leaders].astype(np.float16),
            "recall": np.array([recall]),
            "encoder": np.array([dataset.encoder.encode()]),
            **metric.parts(),
        }

    def open(self, parts: Parts) -> ImageSimilar:
        """Answer from the table of looks."""
        return ImageSimilar({name: np.asarray(part) for name, part in parts.items()}, self)

    def _labels(self, dataset: Dataset) -> list[Rows]:
        catalog = dataset.catalog
        known = {"category": catalog.category, **catalog.attributes}
        for name in self.projection:
            if name not in known:
                raise DataError(
                    f"image_similar cannot learn from '{name}': the items have {', '.join(sorted(known))}"
                )
        return [known[name].codes for name in self.projection]

    def _lists(self, mapped: Floats, owners: Rows) -> tuple[Lists, float]:
        k = self.neighbours + SLACK
        if len(mapped) <= self.exact_up_to:
            return nearest(mapped, mapped, k, asking=owners, owners=owners), 1.0
        return nearly_nearest(mapped, k, owners)


@dataclass(frozen=True)
class ImageSimilar:
    """The looks of one bundle."""

    parts: dict[str, NDArray[Any]]
    made: Strategy

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """What looks like each asker's latest seeds, added up over them; one item a look."""
        barred = (allow.mask, allow.indptr, allow.rows)
        asked: Any = (*self._seeds(query), *self._table, *barred, max(0, k))
        return Candidates(*alike(*asked))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """The seed that each row's score owes most to."""
        return Whys.of_each(query, ends, rows, self._likest)

    def _likest(self, query: Query, rows: Rows) -> Rows:
        asked: Any = (*self._seeds(query)[1:], *self._table[:4], np.ascontiguousarray(rows, np.int32))
        chosen: Rows = likest(*asked)
        return chosen[:, None]

    @property
    def encoder(self) -> str:
        """The network that read the catalogue's photos, '' where that is not known."""
        return bytes(self.parts.get("encoder", np.array([b""]))[0]).decode()

    def nearest(self, vectors: Floats, colours: Floats | None, k: int) -> Lists:
        """The items most like photos from outside the catalogue, one a look.

        `vectors`: float32[m, d] of the encoder that made the catalogue's; `colours`: float32[m, c]. Exact at
        any size, by products with so many of them at a time that a million cost no memory to speak of; an
        inverted file, which must first be made of all, serves training, which asks of all.
        Raises DataError where their lengths show another.
        """
        if "look/axes" not in self.parts:
            return np.zeros(len(vectors) + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
        metric = Metric.of_parts(self.parts)
        if not metric.takes(vectors, colours):
            raise DataError(
                "this photo was read by another network than the catalogue's; use the same --encoder"
            )
        asked = metric(vectors, colours)
        nobody, known = np.full(len(asked), UNKNOWN, np.int32), self.parts["vectors"]
        best: Lists = np.zeros(len(asked) + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
        for low in range(0, len(known), AT_ONCE):
            some = known[low : low + AT_ONCE].astype(np.float32)
            ends, looks, scores = nearest(asked, some, k, asking=nobody, owners=np.zeros(len(some), np.int32))
            best = joined(best, (ends, looks + np.int32(low), scores), k)
        return best[0], self.parts["shown"][self.parts["shown_indptr"][best[1]]], best[2]

    def extended(
        self, catalog: Catalog, vectors: Floats | None, colours: Floats | None = None
    ) -> ImageSimilar:
        """The same looks with items added: `catalog` has the trained items first, then the added ones.

        `vectors`: float32[items, d], `colours`: float32[items, c], zeros for no photo; those of trained
        items are not read. The metric stays as it was learned, and trained looks stay what they are, in
        the half precision they are stored in; neighbours are exact. Without colours, looks alone tell;
        where no photo was trained, none is read. Raises DataError where lengths do not fit.
        """
        first = len(self.parts["look"])
        if len(catalog) < first:
            raise DataError(f"the catalogue has {len(catalog)} items, {first} were trained: give these first")
        if vectors is not None and len(vectors) != len(catalog):
            raise DataError(f"there are {len(vectors)} photo vectors for {len(catalog)} items")
        if vectors is None or "look/axes" not in self.parts:
            blind = np.full(len(catalog) - first, UNKNOWN, np.int32)
            return ImageSimilar({**self.parts, "look": np.append(self.parts["look"], blind)}, self.made)
        metric = Metric.of_parts(self.parts)
        if not metric.takes(vectors, colours):
            raise DataError(
                "these photos were read by another network than the catalogue's; embed them again"
            )
        rows, photos, photo = distinct(vectors, first)
        shown = rows[photos]
        mapped = metric(vectors[shown], None if colours is None else colours[shown])
        mapped = unit(mapped) if colours is None else mapped
        grown = _grown(self.parts, mapped, rows, photo, catalog.product, self.made)
        return ImageSimilar({**self.parts, **grown}, self.made)

    @property
    def _table(self) -> Any:
        names = ("indptr", "rows", "scores", "look", "shown_indptr", "shown")
        return tuple(self.parts[name] for name in names)

    def _seeds(self, query: Query) -> tuple[NDArray[np.int64], Rows, Floats]:
        """Each asker's latest distinct seeds, latest first, and their weights."""
        seeds = query.seeds
        undone = UNDONE[seeds.types]
        lists = []
        for low, high in zip(seeds.indptr[:-1].tolist(), seeds.indptr[1:].tolist(), strict=True):
            latest = seeds.rows[low:high][~undone[low:high]][::-1]
            lists.append(list(dict.fromkeys(latest.tolist()))[: self.made.max_seeds])
        indptr = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
        rows = np.array([row for one in lists for row in one], np.int32)
        steps = [step for one in lists for step in range(len(one))]
        return indptr, rows, np.float32(self.made.recency) ** np.array(steps, np.float32)


def _photos(dataset: Dataset) -> tuple[Rows, NDArray[np.int64], NDArray[np.int64]]:
    """As `distinct`; nothing of a shop without vectors. Raises DataError where they do not fit."""
    vectors, none = dataset.vectors, np.zeros(0, np.int64)
    if vectors is None:
        return np.zeros(0, np.int32), none, none
    if len(vectors) != len(dataset.items):
        raise DataError(f"there are {len(vectors)} photo vectors for {len(dataset.items)} items")
    return distinct(vectors, 0)


def _grown(
    parts: Mapping[str, NDArray[Any]],
    mapped: Floats,
    rows: Rows,
    photo: NDArray[np.int64],
    product: Rows,
    made: Strategy,
) -> dict[str, NDArray[Any]]:
    """The table with new photos: `mapped` float32[new, p], item `rows[i]` showing `photo[i]`."""
    n, k = len(parts["vectors"]), made.neighbours
    every = np.concatenate([np.asarray(parts["vectors"], np.float32), mapped])
    owners = np.append(product[parts["shown"][parts["shown_indptr"][:-1]]], np.zeros(len(mapped), np.int32))
    owners[n + photo[::-1]] = product[rows[::-1]]
    old = (parts["indptr"], parts["rows"], parts["scores"])
    entering = Entering(worst(old, k))
    found = nearest(mapped, every, k + SLACK, asking=owners[n:], owners=owners, watch=entering.watch)
    lists: Lists = np.concatenate([np.zeros(n, np.int64), found[0]]), found[1], found[2]
    same = _untaught(parts, every, lists) >= made.duplicates
    looks, leaders = doubles(lists, same)
    added = by_look(lists, looks, len(leaders), k)
    first = added[0][n]
    fresh = added[0][n:] - first, added[1][first:], added[2][first:]
    gained = entering.lists(leaders[n:] - n, owners)
    look = np.append(parts["look"], np.full(len(product) - len(parts["look"]), UNKNOWN, np.int32))
    look[rows] = looks[n + photo]
    grown = table(appended(joined(old, gained, k), fresh), look, len(leaders))
    kept = np.asarray(mapped[leaders[n:] - n], np.float16)
    return {**grown, "vectors": np.concatenate([parts["vectors"], kept])}


def _untaught(parts: Mapping[str, NDArray[Any]], mapped: Floats, lists: Lists) -> Floats:
    """Likeness without what attributes have taught, which lies in the last columns of what is mapped."""
    if "taught/axes" not in parts:
        return lists[2]
    plain = mapped[:, : mapped.shape[1] - parts["taught/axes"].shape[1]]
    share = max(TINY, 1.0 - float(parts["taught/weight"][0]))
    alone: Floats = likeness(np.ascontiguousarray(plain), lists[0], lists[1])
    return alone / np.float32(share)
