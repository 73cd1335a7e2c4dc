"""A pool of candidates arranged as a list: pins, quotas, diversity, kinds set apart. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vitrina.blend import Ranked
from vitrina.catalog import PATH
from vitrina.facets import Facets
from vitrina.ids import UNKNOWN, Rows
from vitrina.inforce import InForce
from vitrina.kernels.arrange import arrange
from vitrina.kernels.join import join
from vitrina.placements.variety import EMBEDDING, Diversity
from vitrina.strategy import Allow

Floats = NDArray[np.float32]


@runtime_checkable
class Embedded(Protocol):
    """A source that knows where items lie beside one another."""

    def embedding(self, rows: Rows) -> Floats:
        """float32[m, d] of m item rows: of length 1, or zeros where it is not known."""


class Likeness:
    """By what products are alike under a placement's diversity, as far as the catalogue knows it."""

    def __init__(self, diversity: Diversity, facets: Facets, embedded: Embedded | None) -> None:
        kinds: list[list[tuple[Rows, Rows | None]]] = []
        self._embedded = embedded if EMBEDDING in diversity.over else None
        for name in diversity.over:
            if name == "category":
                kinds.append([(facets.catalog.category.codes, table) for table in _steps(facets)])
            elif name != EMBEDDING:
                kinds.append([(facets.codes(name), None)])
        kinds = [one for one in kinds if one and (one[0][0] >= 0).any()]
        share = 1 / max(1, len(kinds) + (self._embedded is not None))
        self._columns = [column for kind in kinds for column in kind]
        self.weights = np.array([share / len(kind) for kind in kinds for _ in kind], np.float32)
        self._scale = np.float32(share**0.5)
        self.strength = diversity.strength

    def of(self, rows: Rows) -> tuple[Rows, Floats]:
        """int32[n, T, m] traits and float32[n, m, d] vectors of int32[n, m] rows."""
        n, m = rows.shape
        traits = [codes[rows] if table is None else table[codes[rows]] for codes, table in self._columns]
        stacked = np.stack(traits, axis=1) if traits else np.zeros((n, 0, m), np.int32)
        if self._embedded is None:
            return stacked, np.zeros((n, m, 0), np.float32)
        vectors = self._scale * self._embedded.embedding(rows.ravel())
        return stacked, np.ascontiguousarray(vectors.reshape(n, m, -1), np.float32)


def _steps(facets: Facets) -> list[Rows]:
    """For each step of category paths, the number of the path up to it by category code, UNKNOWN last.

    A shorter path counts as its own at all further steps, so the same category is alike in all of them.
    """
    known = facets.catalog.category.values
    paths = [tuple(one.split(PATH)) for one in known.names(np.arange(len(known), dtype=np.int32))]
    tables = []
    for depth in range(1, max(map(len, paths), default=0) + 1):
        numbers: dict[tuple[str, ...], int] = {}
        codes = [numbers.setdefault(one[:depth], len(numbers)) for one in paths]
        tables.append(np.array([*codes, UNKNOWN], np.int32))
    return tables


@dataclass(frozen=True)
class Pool:
    """Candidates in the order of their tiers, best first in each: `tiers` int8[n, m], any for pads.

    `placed`: int32[n, P], where each pin stands in it, -1 where it may not appear.
    """

    ranked: Ranked
    tiers: NDArray[np.int8]
    placed: Rows


def pooled(force: InForce, ranked: Ranked, tiers: NDArray[np.int8], allow: Allow, column: int) -> Pool:
    """A pool with the pinned products in it, those that no source gave as source `column`'s."""
    if not len(force.positions):
        return Pool(ranked, tiers, np.zeros((len(tiers), 0), np.int32))
    floor_ = np.float32(1e-6)
    gains = np.full(len(force.positions), floor_, np.float32)
    *joined, placed = join(
        *(ranked.rows, ranked.scores, ranked.shares, force.ends, force.variants, gains, column, False),
        *(allow.mask, allow.indptr, allow.rows),
    )
    grown = np.zeros(joined[0].shape, np.int8)
    grown[:, : tiers.shape[1]] = tiers
    return Pool(Ranked(*joined), grown, placed)


def arranged(
    force: InForce, pool: Pool, product: Rows, likeness: Likeness | None, limit: int
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Which places of a pool to show, in order: int32[n, limit], -1 pads; bool[n, limit], which must stay."""
    rows = pool.ranked.rows
    safe = np.maximum(rows, 0)
    tiers = np.where(rows >= 0, pool.tiers, np.int8(-1))
    pins = np.zeros(rows.shape, np.int32)
    for number, position in enumerate(force.positions.tolist()):
        shown = np.flatnonzero(pool.placed[:, number] >= 0)
        pins[shown, pool.placed[shown, number]] = position
    n, m = rows.shape
    codes = np.empty((n, 1 + len(force.caps), m), np.int32)
    for number, column in enumerate((product, *(one.codes for one in force.caps))):
        codes[:, number] = column[safe]
    most = [1, *(at_most(one.quota.most, limit) for one in force.caps)]
    least = [at_least(one.quota.least, limit) for one in force.floors]
    members = np.empty((n, len(force.floors), m), np.bool_)
    for number, one in enumerate(force.floors):
        members[:, number] = one.mask[safe]
    empty = np.zeros((n, 0, m), np.int32)
    traits, vectors = likeness.of(safe) if likeness else (empty, np.zeros((n, m, 0), np.float32))
    alternate = np.zeros((n, 0), np.int32) if force.alternate is None else force.alternate[safe]
    picks, stay = arrange(
        *(pool.ranked.scores, tiers, pins, codes, np.array(most, np.int32)),
        *(members, np.array(least, np.int32)),
        *(traits, likeness.weights if likeness else np.zeros(0, np.float32), vectors),
        *(likeness.strength if likeness else 0.0, alternate, limit),
    )
    return picks, stay


def at_most(much: float | None, limit: int) -> int:
    """A quota's upper bound for a list of `limit`: a share is rounded down, never to less than one."""
    much = limit if much is None else much
    return max(1, floor(much * limit + 1e-9)) if 0 < much < 1 else int(much)


def at_least(much: float | None, limit: int) -> int:
    """A quota's lower bound for a list of `limit`: a share is rounded up."""
    much = much or 0
    return ceil(much * limit - 1e-9) if much < 1 else int(much)
