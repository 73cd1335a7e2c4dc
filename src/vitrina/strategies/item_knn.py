"""Item-based collaborative filtering: what goes with what the customer had.

Items are rows of customers' weights; the most similar rows of each are kept (Sarwar et al., 2001;
Linden et al., 2003), by a cosine, symmetric or not (Aiolli, RecSys 2013), or as sets of customers (Tversky,
1977). A list is the sum of the lists of the asker's latest items, each weighed by what happened to it and
how long ago. Anonymous visits teach as customers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from vitrina.dataset import Dataset
from vitrina.kernels import weighting
from vitrina.kernels.likeness import SETS, WEIGHTINGS
from vitrina.kernels.neighbours import Lists, neighbours
from vitrina.kernels.overlap import overlaps
from vitrina.kernels.sparse import Csr
from vitrina.kernels.weighting import Doubles
from vitrina.needs import Extent, Need, lists_of
from vitrina.neighbourhood import Neighbourhood, seed_parts, with_views
from vitrina.parts import Parts


@dataclass(frozen=True)
class Strategy:
    """`neighbours`: kept of each item. `event_weights`: what an event counts, by type; others count
    nothing. `half_life_days`: by which events count half in training, 0 for never.

    `weighting`: "cosine", "tfidf", "bm25" (`bm25_k1`, `bm25_b`), "jaccard" or "tversky" (`ours`, `theirs`:
    what customers of one item alone count; see kernels/overlap). `shrink`: see kernels/weighting.
    `asymmetry`, of cosines: 0.5 divides by both items' lengths, 1 by the seed's alone, 0 by the other's.
    `popularity`: the power of its number of customers by which the other is held down, but for sets.

    At request time: the latest `seeds` items of the asker, a seed counting half when it is
    `seed_half_life_days` older than the newest, 0 for never. How many times the asker had it counts to
    `seed_power`, 1 as often as that, 0 once: milk bought forty times does not say forty times as much.
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
    ours: float = 1.0
    theirs: float = 1.0
    shrink: float = 0.0
    asymmetry: float = 0.5
    popularity: float = 0.0
    seeds: int = 50
    seed_half_life_days: float = 0.0
    seed_power: float = 0.5

    def __post_init__(self) -> None:
        if self.weighting not in WEIGHTINGS:
            raise ValueError(f"weighting '{self.weighting}' is unknown; known: {', '.join(WEIGHTINGS)}")
        if min(self.neighbours, self.seeds) < 1:
            raise ValueError("neighbours and seeds must be at least 1")
        if not (0 <= self.asymmetry <= 1 and 0 <= self.bm25_b <= 1):
            raise ValueError("asymmetry and bm25_b must be from 0 to 1")
        powers = ("bm25_k1", "ours", "theirs", "shrink", "popularity", "seed_power")
        if min(getattr(self, name) for name in powers) < 0:
            raise ValueError(f"{', '.join(powers)} must be at least 0")

    def need(self, extent: Extent) -> Need:
        """The matrix, and a list of each product."""
        return lists_of(extent, self.neighbours)

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: neighbour lists `indptr`, `indices`, `scores`, best first and without the item itself;
        `type_weights`, `half_life` in seconds and `seed_power` of seeds."""
        dataset = dataset.settled()
        matrix = dataset.matrix(dataset.weights(self.event_weights, self.half_life_days))
        indptr, indices, scores = self._similar(matrix)
        return {
            "indptr": indptr,
            "indices": indices,
            "scores": scores,
            **seed_parts(dataset, with_views(self.event_weights), self.seed_half_life_days, self.seed_power),
        }

    def open(self, parts: Parts) -> Neighbourhood:
        """A source over the neighbour lists."""
        return Neighbourhood(parts, self.seeds)

    def _similar(self, matrix: Csr) -> Lists:
        if self.weighting in SETS:
            ratio = (self.ours, self.theirs) if self.weighting == "tversky" else (1.0, 1.0)
            return overlaps(matrix, self.neighbours, *ratio, self.shrink)
        weighted, seed, other = self._weighted(matrix)
        if (seed == 1).all() and (other == 1).all():
            return neighbours(weighted, self.neighbours)
        # The kernel's products are symmetric: a row's own factor is put right when its list is chosen.
        indptr, indices, scores = neighbours(weighting.tilted(weighted, other), self.neighbours)
        return indptr, indices, weighting.by_row(indptr, scores, seed / other)

    def _weighted(self, matrix: Csr) -> tuple[Csr, Doubles, Doubles]:
        """The matrix whose rows' products are similarities, but for a factor of each seed and other item."""
        takers = np.maximum(np.diff(matrix.indptr), 1).astype(np.float64)
        other = takers**-self.popularity
        if self.weighting == "bm25":
            return weighting.bm25(matrix, self.bm25_k1, self.bm25_b), np.ones(len(takers)), other
        entries = weighting.rare(matrix) if self.weighting == "tfidf" else matrix
        tilt = weighting.lengths(entries, self.shrink) ** (2 * self.asymmetry - 1)
        return weighting.cosine(entries, self.shrink), 1 / tilt, other * tilt
