"""EASE: an item-item model in closed form, the shallow autoencoder of Steck (WWW 2019).

With G the items' Gram matrix over customers plus `ridge` on its diagonal and P its inverse, item i
speaks for item j with -P[i, j] / P[j, j]. Unlike a cosine this knows what other items already explain,
and may be negative. Dense shops with a head gain most; it holds the `items` most taken items, as the
matrix is inverted whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset
from vitrina.errors import RecipeError
from vitrina.ids import Rows
from vitrina.kernels.closed_form import gram, speak_for_one_another
from vitrina.kernels.sparse import Csr, compress, largest
from vitrina.needs import Extent, Need, lists_of
from vitrina.neighbourhood import Neighbourhood, seed_parts, with_views
from vitrina.parts import Parts

_COPIES = 2
"""Arrays of items x items alive at once while fitting."""


@dataclass(frozen=True)
class Strategy:
    """`items`: the most taken items, which alone are learned. `ridge`: pull towards zero, in customers.
    `kept`: weights stored of each item, the largest by size. `memory_gb`: what fitting may take.

    Other fields are those of item_knn. Where households have had hundreds of things more seeds are better: a
    weight was learned beside all others.
    """

    personal: ClassVar[bool] = True

    items: int = 6000
    ridge: float = 250.0
    kept: int = 300
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    half_life_days: float = 0.0
    seeds: int = 500
    seed_half_life_days: float = 0.0
    seed_power: float = 0.5
    memory_gb: float = 4.0

    def __post_init__(self) -> None:
        if min(self.items, self.kept, self.seeds) < 1 or self.ridge <= 0 or self.seed_power < 0:
            raise ValueError("items, kept and seeds must be at least 1, ridge above 0, seed_power at least 0")
        needed = _COPIES * self.items**2 * 4 / 1e9
        if needed > self.memory_gb:
            raise RecipeError(
                f"ease over {self.items} items needs {_COPIES} x {self.items}^2 x 4 bytes = {needed:.1f} GB "
                f"and may take memory_gb = {self.memory_gb:g}; lower items, or raise memory_gb"
            )

    def need(self, extent: Extent) -> Need:
        """The matrix, and arrays of the head's products by its products."""
        lists = lists_of(extent, self.kept, copies=3)
        head = min(self.items, extent.items)
        return Need(
            lists.working + _COPIES * head**2 * 4,
            lists.kept,
            f"{lists.why} + {_COPIES} x 4 B x {head:,} x {head:,} products",
        )

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: for each item the weights of others, `indptr`, `indices`, `scores`, the largest by size
        first; `type_weights` of seeds, rounded up to whole numbers, since in what the weights were learned
        from an item of a customer counts at most 1, however it was taken; `half_life` in seconds and
        `seed_power` of seeds."""
        dataset = dataset.settled()
        matrix = dataset.matrix(dataset.weights(self.event_weights, self.half_life_days))
        lists = self._lists(matrix)
        seeds = seed_parts(dataset, with_views(self.event_weights), self.seed_half_life_days, self.seed_power)
        return {
            "indptr": lists.indptr,
            "indices": lists.indices,
            "scores": lists.data,
            **seeds,
            "type_weights": np.ceil(seeds["type_weights"]).astype(np.float32),
        }

    def open(self, parts: Parts) -> Neighbourhood:
        """A source over the weights."""
        return Neighbourhood(parts, self.seeds)

    def _lists(self, matrix: Csr) -> Csr:
        n_items = matrix.shape[0]
        taken = np.diff(matrix.indptr)
        most = np.sort(np.argsort(-taken, kind="stable")[: self.items])
        head: Rows = most[taken[most] > 0].astype(np.int32)
        if not len(head):
            return Csr(
                np.zeros(n_items + 1, np.int64),
                np.zeros(0, np.int32),
                np.zeros(0, np.float32),
                (n_items, n_items),
            )
        weights = _closed_form(matrix, head, self.ridge)
        rows, columns, values = largest(weights, min(self.kept, len(head) - 1))
        return compress(head[rows], head[columns], values, (n_items, n_items))


def _closed_form(matrix: Csr, head: Rows, ridge: float) -> NDArray[np.float32]:
    """float32[n, n]: weights[i, j], how item i of the head speaks for item j; zero on the diagonal."""
    from scipy.linalg import lapack
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    # Decayed weights shrink towards zero; a customer's vector keeps entries of at most 1.
    data = np.minimum(matrix.data, 1.0)
    items = csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)[head]
    meeting = gram(Csr(items.indptr.astype(np.int64), items.indices, items.data, items.shape))
    meeting[np.diag_indices_from(meeting)] += np.float32(ridge)
    with threadpool_limits(1):  # so that the answer is the same for any number of threads
        factor, failed = lapack.spotrf(meeting.T, lower=1, overwrite_a=1)  # turned, it is copied nowhere
        inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise RecipeError(f"ease cannot invert its matrix with ridge = {ridge:g}; raise it")
    speak_for_one_another(inverse.T)
    return np.asarray(inverse.T, np.float32)
