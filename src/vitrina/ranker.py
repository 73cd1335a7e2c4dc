"""The second stage: blended candidates in the order that learned trees give them.

The trees were learned from past lists and what was taken after them (`ranking`), for a placement as it
was then mixed. A placement that is mixed otherwise now, and a bundle without trees or with features
that this Vitrina does not know, keep the order of the blend. Pure; no trainer library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from vitrina.blend import Ranked
from vitrina.catalog import Catalog
from vitrina.dataset import DAY
from vitrina.ids import Rows
from vitrina.kernels import candidates, trees
from vitrina.parts import Part, Parts
from vitrina.placements import Mix, Placement
from vitrina.strategy import Candidates, Seeds

DEPTH = 50
"""Candidates of a list that trees are learned for; those behind them keep the order of the blend. Of more,
lists of ten are hardly better, and trees grow three to five times as long (benchmarks/ranker.py)."""
MOST = 200
"""The most there may be, and what there are in bundles that do not say it: those of the first Vitrina, which
must answer as they did."""

BLEND = ("blend rank", "blend share")
SOURCE = ("rank", "share")
OWN = (
    "times bought", "times bought, faded", "days since bought", "days since first bought", "days between",
    "days since / days between", "days since / usual days", "share of visits", "bought a day",
    "days bought before last visit", "times viewed", "days since viewed",
)  # fmt: skip
CATEGORY = (
    "bought in category", "category's share", "days since category", "days since category / usual days",
    "share of category", "price against usual in category",
)  # fmt: skip
ASKER = ("bought", "visits", "bought a visit", "days since visit", "days between visits", "visit due")
ITEM = (
    "sold in 7 days", "sold in 28 days", "sold in 90 days before", "trend of 7 days", "trend of 28 days",
    "item's age", "bought again", "usual days", "price",
)  # fmt: skip

FOREST = {
    "roots": np.int32, "feature": np.int32, "threshold": np.float64, "nan_left": np.bool_, "left": np.int32,
    "right": np.int32, "value": np.float64,
}  # fmt: skip
"""What trees are stored as."""


def feature_names(sources: Sequence[str]) -> tuple[str, ...]:
    """The columns that a placement's candidates are described by, in order."""
    each = (f"{source} {what}" for source in sources for what in SOURCE)
    return (*BLEND, *each, *OWN, *CATEGORY, *ASKER, *ITEM)


def mixture(placement: Placement, mixes: Sequence[Mix]) -> tuple[str, ...]:
    """What trees were learned for, in words: one for each source, and the way they are blended."""
    return (*(f"{one.strategy} {one.seeds} {one.weight:g}" for one in mixes), f"by {placement.blend}")


@dataclass(frozen=True)
class Forest:
    """One placement's trees. `mixture`, `names`: what they were learned for and from; `depth`: for how many
    candidates of a list.

    `arrays`, in the order of FOREST: by node its feature, its threshold (at most that goes left), whether
    NaN goes left, and its children, which stand after it, or as ~i leaf i; `roots`: each tree's first.
    """

    mixture: tuple[str, ...]
    names: tuple[str, ...]
    arrays: tuple[NDArray[np.generic], ...]
    depth: int = DEPTH

    @classmethod
    def of_parts(cls, parts: Parts) -> Forest:
        """Trees whose `parts` these are. Raises ValueError where one is no such array."""
        arrays = tuple(np.asarray(parts[name]) for name in FOREST)
        for (name, dtype), one in zip(FOREST.items(), arrays, strict=True):
            if one.dtype != dtype or one.ndim != 1:
                raise ValueError(f"part {name} of a ranker is {one.dtype}, not a row of {np.dtype(dtype)}")
        depth = np.asarray(parts["depth"]) if "depth" in parts else np.array([MOST])
        if depth.shape != (1,) or depth.dtype.kind != "i" or not 1 <= depth[0] <= MOST:
            raise ValueError(f"part depth of a ranker is {depth}, not one number from 1 to {MOST}")
        return cls(_texts(parts["mixture"]), _texts(parts["names"]), arrays, int(depth[0]))

    @property
    def known(self) -> bool:
        """Whether this Vitrina describes candidates by the features that the trees look at."""
        return self.names == feature_names([one.rsplit(" ", 2)[0] for one in self.mixture[:-1]])

    def parts(self) -> dict[str, Part]:
        """The trees as named arrays."""
        words = {"mixture": np.array([one.encode() for one in self.mixture])}
        words |= {"names": np.array([one.encode() for one in self.names])}
        return {
            **words,
            "depth": np.array([self.depth], np.int32),
            **dict(zip(FOREST, self.arrays, strict=True)),
        }

    def scores(self, table: NDArray[np.float32]) -> NDArray[np.float64]:
        """float64[n]: what the trees add up to for each row of float32[n, f]."""
        out = np.zeros(len(table))
        trees.add_scores(np.ascontiguousarray(table.T), *self.flat, out)
        return out

    @cached_property
    def flat(self) -> tuple[NDArray[np.generic], ...]:
        """The trees as `kernels.trees` takes them. Raises ValueError for what is no such trees."""
        return trees.flat(self.arrays, len(self.names))


@dataclass(frozen=True)
class Shelf:
    """What candidates are described by, by item row. `facts`: float32[n_items, ITEM]; `category`: int32;
    `log_price`: float32, NaN unknown; `due_days`: float32, usual days between purchases, 0 unknown; `timed`:
    whether times of what askers did are times."""

    facts: NDArray[np.float32]
    category: Rows
    log_price: NDArray[np.float32]
    due_days: NDArray[np.float32]
    timed: bool = True

    @classmethod
    def of_parts(cls, facts: Part, catalog: Parts, *, timed: bool) -> Shelf:
        """From the ranker's part `items` and the bundle's catalogue. Raises ValueError where they differ."""
        n_items = len(catalog["price"])
        if isinstance(facts, bytes) or facts.shape != (n_items, len(ITEM)) or facts.dtype != np.float32:
            raise ValueError(f"part ranker/items does not say {len(ITEM)} things of each of {n_items} items")
        codes, due = (np.asarray(catalog[name]) for name in ("category/codes", "due_days"))
        return cls(np.asarray(facts, np.float32), codes, log_prices(catalog["price"]), due, timed)

    def over(self, catalog: Catalog) -> Shelf:
        """The same facts over a catalogue that has changed; of items at its end nothing is known."""
        facts, due = self.facts, self.due_days
        if n := len(catalog) - len(facts):
            facts = np.concatenate([facts, np.full((n, facts.shape[1]), np.nan, np.float32)])
            due = np.append(due, np.zeros(n, np.float32))
        return Shelf(facts, catalog.category.codes, log_prices(catalog.price), due, self.timed)


@dataclass(frozen=True)
class Ranker:
    """Opened trees by placement, and what they look at."""

    shelf: Shelf
    forests: Mapping[str, Forest]

    @classmethod
    def open(cls, parts: Parts, catalog: Parts, *, timed: bool) -> Ranker | None:
        """From the bundle's parts below 'ranker' and 'catalog'; None where it learned no trees. `timed`: as
        `Shelf` has it.

        Raises ValueError where they do not fit together.
        """
        if "items" not in parts:
            return None
        named = {name.split("/")[0] for name in parts if "/" in name}
        below = {
            one: {name[len(one) + 1 :]: part for name, part in parts.items() if name.startswith(one + "/")}
            for one in sorted(named)
        }
        forests = {one: Forest.of_parts(own) for one, own in below.items()}
        known = {name: forest for name, forest in forests.items() if forest.known and forest.flat}
        return cls(Shelf.of_parts(parts["items"], catalog, timed=timed), known)

    def over(self, catalog: Catalog) -> Ranker:
        """The same trees over a catalogue that has changed."""
        return replace(self, shelf=self.shelf.over(catalog))

    def forest(self, placement: Placement, mixes: Sequence[Mix]) -> Forest | None:
        """The trees for a placement as it is mixed now; None where they were learned for something else."""
        found = self.forests.get(placement.name)
        return found if found is not None and found.mixture == mixture(placement, mixes) else None

    def rank(
        self, forest: Forest, ranked: Ranked, lists: Sequence[Candidates], past: Seeds, now: int
    ) -> Ranked:
        """The first of each list, as deep as the trees go, in their order, best first; scores in (0, 1)."""
        head = min(forest.depth, ranked.rows.shape[1])
        table = describe(self.shelf, ranked, lists, past, now, head)
        values = forest.scores(table.reshape(-1, table.shape[2])).reshape(table.shape[:2])
        values[ranked.rows[:, :head] < 0] = -np.inf
        order = np.argsort(-values, axis=1, kind="stable")
        places = np.tile(np.arange(ranked.rows.shape[1], dtype=np.int32), (len(values), 1))
        places[:, :head] = order
        places[ranked.take(places).rows < 0] = -1
        taken = ranked.take(places)
        scores = taken.scores.copy()
        scores[:, :head] = 1 / (1 + np.exp(-np.take_along_axis(values, order, axis=1)))
        if head and head < scores.shape[1]:
            scores[:, head:] *= (scores[:, head - 1] / np.maximum(ranked.scores[:, head - 1], 1e-30))[:, None]
        return Ranked(taken.rows, scores, taken.shares)


def describe(
    shelf: Shelf, ranked: Ranked, lists: Sequence[Candidates], past: Seeds, now: int, depth: int
) -> NDArray[np.float32]:
    """float32[n, m, f]: what is known at `now` of the first m <= depth places of each list; pads are NaN.

    `lists`: what each source proposed; `past`: what each asker did. Columns: `feature_names`.
    """
    rows = np.ascontiguousarray(ranked.rows[:, :depth])
    scores = np.ascontiguousarray(ranked.scores[:, :depth])
    starts = [0, *accumulate(len(one.rows) for one in lists)]
    ends = np.array([one.indptr for one in lists], np.int64) + np.array(starts[:-1], np.int64)[:, None]
    listed, gains = (np.concatenate([getattr(one, name) for one in lists]) for name in ("rows", "scores"))
    width = len(feature_names([""] * len(lists)))
    out = np.full((*rows.shape, width), np.nan, np.float32)
    times, now = (past.times, now) if shelf.timed else (_stepped(past.indptr), _TODAY)
    history = past.indptr, past.rows, past.types, times
    by_item = shelf.facts, shelf.category, shelf.log_price, shelf.due_days
    candidates.describe(rows, scores, ends, listed, gains, *history, now, *by_item, out)
    return out


_TODAY = 1 << 40
"""A moment, in seconds, that so many days lie before as no customer has steps."""


def _stepped(indptr: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 a step: what stands for its time where none is known, a day a step: the last was a day before
    `_TODAY`."""
    back = np.repeat(indptr[1:], np.diff(indptr)) - np.arange(indptr[-1])
    return _TODAY - DAY * back.astype(np.int64)


def log_prices(price: Part) -> NDArray[np.float32]:
    """float32: logarithms of prices, NaN where there is none above 0."""
    known = np.asarray(price, np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known > 0, np.log(known), np.nan).astype(np.float32)


def _texts(part: Part) -> tuple[str, ...]:
    return tuple(one.decode() for one in part.tolist()) if not isinstance(part, bytes) else ()
