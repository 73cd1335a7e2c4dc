"""Products whose photos look alike, by vectors made from them before training.

Likeness is the metric of `images.metric`: a network's vector, colour, and what the shop's own
attributes teach. Neighbours are exact up to `exact_up_to` photos, found once, in training; a request
is a look-up. Photos of the same thing (a shared photo, another size's, a re-shot pack) are one
look: never similar to itself, and listed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import REMOVE, RETURN, Dataset
from vitrina.errors import DataError
from vitrina.ids import UNKNOWN, Rows
from vitrina.images.inverted import nearly_nearest
from vitrina.images.metric import Floats, Metric, learn
from vitrina.kernels.looks import alike, likest
from vitrina.kernels.nearest import likeness, nearest
from vitrina.kernels.neighbours import Lists
from vitrina.kernels.sparse import group
from vitrina.strategy import Allow, Candidates, Parts, Query, Why

UNDONE = np.isin(np.arange(256), [REMOVE, RETURN])
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
    recency: float = 0.8
    """Weight of a seed relative to the one after it."""
    max_seeds: int = 20
    """Latest distinct seeds that count."""
    exact_up_to: int = 200_000
    """Photos beyond which neighbours are found by an inverted file (faiss), its recall measured."""

    def __post_init__(self) -> None:
        for name in ("colour_weight", "whiten", "projection_weight", "duplicates", "recency"):
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
            return _nothing(len(dataset.items))
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
        looks, leaders = _looks(lists, same)
        found = _by_look(lists, looks, len(leaders), self.neighbours)
        look = np.full(len(dataset.items), UNKNOWN, np.int32)
        look[rows] = looks[photo]
        return {
            **_table(found, look, len(leaders)),
            "vectors": mapped[leaders].astype(np.float16),
            "recall": np.array([recall]),
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

    def why(self, query: Query, rows: Rows) -> Sequence[Why]:
        """The seed that each row's score owes most to."""
        asked: Any = (*self._seeds(query)[1:], *self._table[:4], np.ascontiguousarray(rows, np.int32))
        chosen = likest(*asked)
        return [Why((int(seed),)) if seed >= 0 else Why() for seed in chosen]

    def nearest(self, vectors: Floats, colours: Floats | None, k: int) -> Lists:
        """The items most like photos from outside the catalogue, one a look.

        `vectors`: float32[m, d] of the encoder that made the catalogue's; `colours`: float32[m, c].
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
        known = np.asarray(self.parts["vectors"], np.float32)
        nobody = np.full(max(len(asked), len(known)), UNKNOWN, np.int32)
        owners = np.zeros(len(known), np.int32)
        indptr, looks, scores = nearest(asked, known, k, asking=nobody[: len(asked)], owners=owners)
        return indptr, self.parts["shown"][self.parts["shown_indptr"][looks]], scores

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
    """Items with a photo; of these the first with each distinct photo; the photo of each.

    Distinct photos are in the order of the first item that has them.
    """
    vectors, none = dataset.vectors, np.zeros(0, np.int64)
    if vectors is None:
        return np.zeros(0, np.int32), none, none
    if len(vectors) != len(dataset.items):
        raise DataError(f"there are {len(vectors)} photo vectors for {len(dataset.items)} items")
    rows = np.flatnonzero(vectors.any(axis=1)).astype(np.int32)
    places: dict[bytes, int] = {}
    photo = np.array([places.setdefault(vectors[row].tobytes(), len(places)) for row in rows], np.int64)
    first = np.full(len(places), len(rows), np.int64)
    np.minimum.at(first, photo, np.arange(len(rows)))
    return rows, first, photo


def _looks(lists: Lists, same: NDArray[np.bool_]) -> tuple[Rows, NDArray[np.int64]]:
    """(look int32 per photo, the first photo of each look): a photo joins the first it doubles."""
    indptr, rows, _ = lists
    leader = np.arange(len(indptr) - 1)
    for photo in range(len(leader)):
        cut = slice(int(indptr[photo]), int(indptr[photo + 1]))
        doubles = rows[cut][same[cut] & (rows[cut] < photo)]
        doubles = doubles[leader[doubles] == doubles]
        if len(doubles):
            leader[photo] = doubles.min()
    leaders, look = np.unique(leader, return_inverse=True)
    return look.astype(np.int32), leaders


def _by_look(lists: Lists, look: Rows, n_looks: int, k: int) -> Lists:
    """Neighbours of photos as neighbours of looks: the k best of each, each once."""
    indptr, rows, scores = lists
    asking, other = np.repeat(look, np.diff(indptr)), look[rows]
    order = np.lexsort((other, -scores, asking))
    order = order[(asking != other)[order]]
    pair = asking[order].astype(np.int64) * n_looks + other[order]
    once = np.sort(np.unique(pair, return_index=True)[1])
    order = order[once]
    ends = np.zeros(n_looks + 1, np.int64)
    np.cumsum(np.bincount(asking[order], minlength=n_looks), out=ends[1:])
    kept = np.arange(len(order)) - ends[asking[order]] < k
    order = order[kept]
    np.cumsum(np.bincount(asking[order], minlength=n_looks), out=ends[1:])
    return ends, other[order], scores[order]


def _table(found: Lists, look: Rows, n_looks: int) -> dict[str, NDArray[Any]]:
    shown = np.flatnonzero(look >= 0)
    shown_indptr, order = group(look[shown], n_looks)
    names = ("indptr", "rows", "scores", "look", "shown_indptr", "shown")
    return dict(zip(names, (*found, look, shown_indptr, shown[order].astype(np.int32)), strict=True))


def _nothing(n_items: int) -> dict[str, NDArray[Any]]:
    none: Lists = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
    return _table(none, np.full(n_items, UNKNOWN, np.int32), 0)
