"""Item-based collaborative filtering: what goes with what the customer had.

Items are rows of customers' weights; the most similar rows of each are kept (Sarwar et al., 2001;
Linden et al., 2003). A list is the sum of the lists of the asker's latest items, each weighed by what
happened to it and how long ago. Anonymous visits teach as customers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from vitrina.dataset import DAY, Dataset
from vitrina.kernels import weighting
from vitrina.kernels.neighbours import neighbours
from vitrina.kernels.sparse import Csr
from vitrina.neighbourhood import Neighbourhood
from vitrina.parts import Parts


@dataclass(frozen=True)
class Strategy:
    """`neighbours`: kept of each item. `event_weights`: what an event counts, by type; others count
    nothing. `half_life_days`: by which events count half in training, 0 for never.

    `weighting`: "cosine", "tfidf" or "bm25" (`bm25_k1`, `bm25_b`). `shrink`: see kernels/weighting.
    At request time: the latest `seeds` items of the asker, a seed counting half when it is
    `seed_half_life_days` older than the newest, 0 for never.
    """

    personal: ClassVar[bool] = True

    neighbours: int = 100
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    half_life_days: float = 0.0
    weighting: str = "cosine"
    bm25_k1: float = 1.2
    bm25_b: float = 0.75
    shrink: float = 0.0
    seeds: int = 50
    seed_half_life_days: float = 0.0

    def __post_init__(self) -> None:
        known = ("cosine", "tfidf", "bm25")
        if self.weighting not in known:
            raise ValueError(f"weighting '{self.weighting}' is unknown; known: {', '.join(known)}")
        if self.neighbours < 1 or self.seeds < 1:
            raise ValueError("neighbours and seeds must be at least 1")

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: neighbour lists `indptr`, `indices`, `scores`, best first and without the item itself;
        `type_weights` of seeds; `half_life` of seeds in seconds."""
        dataset = dataset.settled()
        matrix = dataset.matrix(dataset.weights(self.event_weights, self.half_life_days))
        indptr, indices, scores = neighbours(self._weighted(matrix), self.neighbours)
        half_life = self.seed_half_life_days * DAY if dataset.timed else 0.0
        return {
            "indptr": indptr,
            "indices": indices,
            "scores": scores,
            "type_weights": dataset.type_weights(self._seed_weights()),
            "half_life": np.array([half_life]),
        }

    def open(self, parts: Parts) -> Neighbourhood:
        """A source over the neighbour lists."""
        return Neighbourhood(parts, self.seeds)

    def _weighted(self, matrix: Csr) -> Csr:
        if self.weighting == "bm25":
            return weighting.bm25(matrix, self.bm25_k1, self.bm25_b)
        return getattr(weighting, self.weighting)(matrix, self.shrink)  # type: ignore[no-any-return]

    def _seed_weights(self) -> Mapping[str, float]:
        """A shop that does not learn from views still shows lists to who only looks at a product."""
        return {"view": min(self.event_weights.values(), default=1.0), **self.event_weights}
