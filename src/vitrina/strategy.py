"""The shape of a strategy, and the small words it speaks.

A strategy is one file in `strategies/`: a frozen dataclass `Strategy` whose fields are its
hyperparameters, with

    fit(dataset) -> parts              offline; parts are named arrays or bytes
    open(parts)  -> source             online; no trainer library may be needed for it

A source answers batches; one request is a batch of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Catalog
from vitrina.dataset import Dataset
from vitrina.ids import UNKNOWN, Rows
from vitrina.parts import Part, Parts

__all__ = [
    "Allow",
    "Candidates",
    "Extendable",
    "Part",
    "Parts",
    "Query",
    "Seeds",
    "Source",
    "Strategy",
    "Whys",
]


@dataclass(frozen=True)
class Seeds:
    """What a list starts from: for each asker some events, oldest first.

    Ragged: asker i has `rows[indptr[i]:indptr[i + 1]]`. `indptr`: int64[n + 1]; `rows`: int32 item
    rows, all known; `types`: uint8 into the dataset's event types; `times`: int64 seconds.
    """

    indptr: NDArray[np.int64]
    rows: Rows
    types: NDArray[np.uint8]
    times: NDArray[np.int64]


@dataclass(frozen=True)
class Query:
    """A batch of n askers. `users`: int32[n], UNKNOWN (-1) for a stranger; `regions` likewise."""

    now: int
    users: Rows
    regions: Rows
    seeds: Seeds
    found: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What a source made of the seeds, by the source, which lives on here: its address would in time be
    another's. The blocks of a page ask for the same."""

    def __len__(self) -> int:
        return len(self.users)

    def one(self, asker: int) -> Query:
        """The batch of one that holds this asker."""
        low, high = self.seeds.indptr[asker], self.seeds.indptr[asker + 1]
        cut = slice(int(low), int(high))
        seeds = Seeds(
            np.array([0, high - low]), self.seeds.rows[cut], self.seeds.types[cut], self.seeds.times[cut]
        )
        pick = slice(asker, asker + 1)
        return Query(self.now, self.users[pick], self.regions[pick], seeds)


@dataclass(frozen=True)
class Allow:
    """What may appear: a mask shared by the batch, less some rows of each asker.

    `mask`: bool[n_items]. Asker i may not see `rows[indptr[i]:indptr[i + 1]]`; int32, any order. `few`: the
    rows of the mask, ascending, where it admits so few that a source may look at each; else None.
    """

    mask: NDArray[np.bool_]
    indptr: NDArray[np.int64]
    rows: Rows
    few: Rows | None = None

    @classmethod
    def all(cls, n_items: int, n_askers: int) -> Allow:
        """Everything, to everybody."""
        return cls(np.ones(n_items, np.bool_), np.zeros(n_askers + 1, np.int64), np.zeros(0, np.int32))


@dataclass(frozen=True)
class Candidates:
    """Ragged lists, best first, without repeats: `indptr` int64[n + 1], `rows` int32, `scores` float32."""

    indptr: NDArray[np.int64]
    rows: Rows
    scores: NDArray[np.float32]

    @classmethod
    def none(cls, n_askers: int) -> Candidates:
        """Nothing, for everybody."""
        return cls(np.zeros(n_askers + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))

    def of(self, asker: int) -> Rows:
        """int32: the rows of one asker, best first."""
        return self.rows[self.indptr[asker] : self.indptr[asker + 1]]


@dataclass(frozen=True)
class Whys:
    """Why m rows were proposed.

    `seeds`: int32[m, w] for a w of SEEDS at most: of each row the seed rows that counted most, the
    greatest first; -1 pads. `figures`: float64[m, 3], support, confidence and lift of the association
    rule by which its seeds led to each row, zeros where none did; None where none ever does.
    """

    seeds: Rows
    figures: NDArray[np.float64] | None = None

    SEEDS: ClassVar[int] = 3

    def __len__(self) -> int:
        return len(self.seeds)

    @classmethod
    def nothing(cls, m: int) -> Whys:
        """No reason of the asker's own, for m rows."""
        return cls(np.zeros((m, 0), np.int32))

    @classmethod
    def of_each(
        cls, query: Query, ends: NDArray[np.int64], rows: Rows, seeds: Callable[[Query, Rows], Rows]
    ) -> Whys:
        """The reasons of all askers from the `seeds`, int32[., w], of each; arguments as of `Source.why`."""
        if len(query) == 1:
            return cls(seeds(query, rows))
        some = [(at, slice(ends[at], ends[at + 1])) for at in np.flatnonzero(np.diff(ends)).tolist()]
        found = [seeds(query.one(at), rows[own]) for at, own in some]
        width = max((one.shape[1] for one in found), default=0)
        out = np.full((len(rows), width), UNKNOWN, np.int32)
        for (_, own), one in zip(some, found, strict=True):
            out[own, : one.shape[1]] = one
        return cls(out)


class Source(Protocol):
    """A fitted strategy, opened. It knows no business rules and never raises for a stranger."""

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """The k best allowed rows of each asker; fewer only where the source knows no more."""

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """Why asker i was given `rows[ends[i]:ends[i + 1]]`, which this source proposed."""


class Strategy(Protocol):
    """Hyperparameters that can be fitted."""

    personal: ClassVar[bool]
    """Whether lists follow from the asker's own seeds; the contract tests then ask for more."""

    def fit(self, dataset: Dataset) -> Parts:
        """Learn from a dataset; deterministic, for any number of threads."""

    def open(self, parts: Parts) -> Source:
        """Answer from parts, which may be memory-mapped and read-only."""


@runtime_checkable
class Extendable(Source, Protocol):
    """A source that takes items added since training."""

    def extended(self, catalog: Catalog, vectors: NDArray[np.float32] | None) -> Source:
        """The same source with items added: they answer, and stand in the lists of old ones.

        `catalog` has the trained items first, in their rows, then the added ones; `vectors`:
        float32[items, d] of all their photos, zeros for no photo, or None. What was learned stays.
        Raises DataError where the catalogue is shorter than what was trained.
        """
