"""Implicit ALS: a few numbers for every item, such that customers' choices are products of two such rows.

Hu, Koren and Volinsky (ICDM 2008), regularised by frequency as in "Revisiting the performance of iALS"
(Rendle et al., RecSys 2022), which libraries leave out and most poor figures of iALS come from. Only items
are kept: an asker, known or not, is solved for anew from the latest events in closed form, so today's
events count and no customer needs a row. Items that nobody took together may still meet, through others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset
from vitrina.ids import UNKNOWN, Rows
from vitrina.kernels.alternation import solved, turned
from vitrina.kernels.factors import Rules, fold_in, shares
from vitrina.kernels.gather import Ragged, Scratch, in_chunks
from vitrina.kernels.sparse import Csr
from vitrina.needs import ENTRY, EVENT, Extent, Need, lists_of
from vitrina.neighbourhood import seed_parts, with_views
from vitrina.parts import Parts
from vitrina.strategy import Allow, Candidates, Query, Whys

Numbers = NDArray[np.float32]
_DEVIATION = 0.1


@dataclass(frozen=True)
class Strategy:
    """`factors`: numbers an item. `confidence`: how much more an event says than its absence.
    `regularization`, `exponent`: pull towards zero, and how it grows with what is known of a row; see
    kernels/factors. `power`: of the weights of repeated pairs, 0 counts a pair once. `iterations`: of
    customers and items in turn. `start`: which random numbers they begin from.

    Other fields are those of item_knn.
    """

    personal: ClassVar[bool] = True

    factors: int = 64
    confidence: float = 8.0
    regularization: float = 0.001
    exponent: float = 1.0
    power: float = 0.5
    iterations: int = 12
    start: int = 2008
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    half_life_days: float = 0.0
    seeds: int = 200
    seed_half_life_days: float = 0.0

    def __post_init__(self) -> None:
        if min(self.factors, self.iterations, self.seeds) < 1:
            raise ValueError("factors, iterations and seeds must be at least 1")
        if min(self.confidence, self.regularization) <= 0 or min(self.exponent, self.power) < 0:
            raise ValueError("confidence and regularization must be above 0, exponent and power at least 0")

    def need(self, extent: Extent) -> Need:
        """The matrix, and factors of products and customers."""
        of_customers = lists_of(extent, self.factors, customers=True, copies=2, per_event=EVENT + ENTRY)
        of_products = 2 * ENTRY * self.factors * extent.items
        why = f"{of_customers.why} + {2 * ENTRY} B x {self.factors} x {extent.items:,} products"
        return Need(of_customers.working + of_products, of_products, why)

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: `factors` float32[items, k], zeros for an item without events; `spectrum` float64[k], the
        diagonal of their Gram matrix, which has nothing beside it; `learned` float64[1], items with events;
        `type_weights` of seeds; `half_life` of seeds in seconds."""
        from threadpoolctl import threadpool_limits

        dataset = dataset.settled()
        matrix = dataset.matrix(dataset.weights(self.event_weights, self.half_life_days))
        matrix = Csr(matrix.indptr, matrix.indices, matrix.data**self.power, matrix.shape)
        with threadpool_limits(1):  # so that the answer is the same for any number of threads
            factors, spectrum = self._alternated(matrix, self._start(matrix))
        return {
            "factors": factors,
            "spectrum": spectrum,
            "learned": np.array([float((np.diff(matrix.indptr) > 0).sum())]),
            **seed_parts(dataset, with_views(self.event_weights), self.seed_half_life_days),
        }

    def open(self, parts: Parts) -> Factors:
        """A source over the items' factors."""
        return Factors(parts, self)

    @property
    def rules(self) -> Rules:
        """What a row's equation is made with."""
        return self.confidence, self.regularization, self.exponent

    def _start(self, matrix: Csr) -> Numbers:
        random = np.random.default_rng(self.start).normal(0, _DEVIATION, (matrix.shape[0], self.factors))
        random[np.diff(matrix.indptr) == 0] = 0
        start: Numbers = (random / np.sqrt(self.factors)).astype(np.float32)
        return start

    def _alternated(self, by_item: Csr, start: Numbers) -> tuple[Numbers, NDArray[np.float64]]:
        by_customer = by_item.transposed()
        n_items, n_customers = (int((np.diff(one.indptr) > 0).sum()) for one in (by_item, by_customer))
        customers = np.zeros((by_customer.shape[0], self.factors), np.float32)
        items, spectrum, customers = turned(start, customers)
        for _ in range(self.iterations):
            customers = solved(by_customer, items, spectrum, n_items, self.rules, customers)
            customers, spectrum, items = turned(customers, items)
            items = solved(by_item, customers, spectrum, n_customers, self.rules, items)
            items, spectrum, customers = turned(items, customers)
        return items, spectrum


class Factors:
    """Items' factors, and the asker's made of them."""

    def __init__(self, parts: Parts, made: Strategy) -> None:
        factors, spectrum = np.asarray(parts["factors"]), np.asarray(parts["spectrum"])
        if factors.ndim != 2 or spectrum.shape != factors.shape[1:]:
            raise ValueError(f"part spectrum has shape {spectrum.shape}, factors {factors.shape}")
        self._learned = (factors, spectrum, float(np.asarray(parts["learned"])[0]), made.rules)
        half_life = float(np.asarray(parts["half_life"])[0])
        self._rules: tuple[Any, ...] = (half_life, np.asarray(parts["type_weights"]), made.seeds, made.power)
        self._everything = np.arange(len(factors), dtype=np.int32)
        self._scratch = Scratch(len(factors))

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """The k best allowed rows of each asker, by the product of factors."""
        seeds = (query.seeds.indptr, query.seeds.rows, query.seeds.types, query.seeds.times)
        allowed = (allow.mask, allow.indptr, allow.rows)

        def answer(low: int, high: int) -> Ragged:
            rest = (self._learned, *allowed, self._everything, k, self._scratch.sums)
            found: Ragged = fold_in(low, high, *seeds, *self._rules, *rest)
            return found

        return Candidates(*in_chunks(len(query), answer))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """The one or two seeds that add most to each row's score; the row itself is no reason."""
        return Whys.of_each(query, ends, rows, self._grounds)

    def _grounds(self, query: Query, rows: Rows) -> Rows:
        asked = (query.seeds.rows, query.seeds.types, query.seeds.times)
        seeds, given = shares(*asked, *self._rules, self._learned, rows, self._scratch.sums)
        given = np.where(seeds[None, :] == rows[:, None], 0.0, given)
        best = np.argsort(-given, axis=1, kind="stable")[:, :2]
        helped = np.take_along_axis(given, best, axis=1) > 0
        return np.where(helped, seeds[best], UNKNOWN).astype(np.int32)
