"""RP3beta: a walk of three steps from item to customer to item, popular ends held down.

Paudel, Christoffel, Newell and Bernstein (ACM TiiS 2017). With degrees d, the walk from item i ends at
item j with d(i)^-alpha x d(j)^-beta x the sum over shared customers u of d(u)^-alpha. Sparse shops with a
long tail gain most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset
from vitrina.kernels.neighbours import neighbours
from vitrina.kernels.sparse import Csr
from vitrina.neighbourhood import Neighbourhood, seed_parts, with_views
from vitrina.parts import Parts


@dataclass(frozen=True)
class Strategy:
    """`alpha`: how much a busy customer's or item's steps count less. `beta`: how much a popular end is
    held down; 0 not at all. Other fields are those of item_knn; a walk begins with each purchase."""

    personal: ClassVar[bool] = True

    neighbours: int = 200
    alpha: float = 1.0
    beta: float = 0.3
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    half_life_days: float = 0.0
    seeds: int = 200
    seed_half_life_days: float = 0.0
    seed_power: float = 1.0

    def __post_init__(self) -> None:
        if min(self.neighbours, self.seeds) < 1 or min(self.alpha, self.beta, self.seed_power) < 0:
            raise ValueError("neighbours and seeds must be at least 1, alpha, beta and seed_power at least 0")

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: as item_knn's, with the probabilities of walks for scores."""
        dataset = dataset.settled()
        matrix = dataset.matrix(dataset.weights(self.event_weights, self.half_life_days))
        indptr, indices, scores = neighbours(self._held_down(matrix), self.neighbours)
        # The kernel's products are symmetric: they hold d(i)^-beta where the walk has d(i)^-alpha.
        left = _row_sums(matrix) ** (self.beta - self.alpha)
        scores = (scores * np.repeat(left, np.diff(indptr))).astype(np.float32)
        return {
            "indptr": indptr,
            "indices": indices,
            "scores": scores,
            **seed_parts(dataset, with_views(self.event_weights), self.seed_half_life_days, self.seed_power),
        }

    def open(self, parts: Parts) -> Neighbourhood:
        """A source over the walks."""
        return Neighbourhood(parts, self.seeds)

    def _held_down(self, matrix: Csr) -> Csr:
        """The matrix whose rows' products are the walks, but for a factor of each row."""
        columns = np.bincount(matrix.indices, matrix.data, minlength=matrix.shape[1])
        onward = np.where(columns > 0, columns, 1.0) ** (-self.alpha / 2)
        steps = matrix.data ** float(self.alpha) * onward[matrix.indices]
        data = steps * np.repeat(_row_sums(matrix) ** -self.beta, np.diff(matrix.indptr))
        return Csr(matrix.indptr, matrix.indices, data.astype(np.float32), matrix.shape)


def _row_sums(matrix: Csr) -> NDArray[np.float64]:
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    sums = np.bincount(rows, matrix.data, minlength=matrix.shape[0])
    return np.where(sums > 0, sums, 1.0)
