"""Training-free graph filters: what goes with what, smoothed over the graph that customers make of items.

With R scaled to R~ = D_customers^-alpha R D_items^-(1 - alpha) and P = R~'R~, a list is a row of a
polynomial of P (Turbo-CF: Park, Shin and Shin, SIGIR 2024), plus `smooth` times the ideal low-pass filter
D_items^-(1 - alpha) U U' D_items^(1 - alpha) over the first `rank` singular vectors of R~ (GF-CF: Shen et
al., CIKM 2021; ChebyCF adds the same to its polynomial: Kim, Sung, Han and Lee, SIGIR 2025). Of ChebyCF is
also that the polynomial stands between D_items^-popularity and D_items^popularity: what many take counts
more as a candidate, and less as what a list starts from. Nothing is inverted and nothing as large as items x
items is held: P is kept as the `walks` largest entries of each row, and lists are made some rows at a time.
With `walks` and `kept` as large as the catalogue the filters are the papers' own. Time grows with items
squared, so the `items` most taken alone are learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset
from vitrina.errors import DataError
from vitrina.ids import Rows
from vitrina.kernels.neighbours import neighbours, reordered
from vitrina.kernels.sparse import Csr, compress, largest
from vitrina.needs import Extent, Need, lists_of
from vitrina.neighbourhood import Neighbourhood, seed_parts, with_views
from vitrina.parts import Parts

POLYNOMIALS = ((1.0,), (2.0, -1.0), (0.71, 0.1, -0.01))
"""Turbo-CF's of orders 1, 2, 3: factors of P, P^2, P^3. The third is P + 0.01 (-P^3 + 10 P^2 - 29 P)."""
_BLOCK = 1 << 24
"""Entries of the rows made at a time: 64 MB as float32."""
_SEED = 2021
_ASLANT = 1e-6
"""By which singular vectors may miss a right angle."""


@dataclass(frozen=True)
class Strategy:
    """`items`: the most taken items, which alone are learned.
    `alpha`: how much of the scaling falls on customers, the rest on items. `order`: of the polynomial, 1
    to 3. `power`: of each entry of P before it. `popularity`: power of how often an item was taken, by which
    the polynomial is for it as a candidate and against it as a seed. `smooth`: what the low-pass filter
    counts, 0 for none. `rank`: of it. `walks`: entries of P kept of each item. `kept`: entries stored of each
    list, the largest by size.

    Other fields are those of item_knn.
    """

    personal: ClassVar[bool] = True

    items: int = 50_000
    alpha: float = 0.5
    order: int = 1
    power: float = 1.0
    popularity: float = 0.0
    smooth: float = 0.3
    rank: int = 64
    walks: int = 300
    kept: int = 300
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 0.6, "view": 0.25}
    )
    half_life_days: float = 0.0
    seeds: int = 200
    seed_half_life_days: float = 0.0
    seed_power: float = 0.5

    def __post_init__(self) -> None:
        if min(self.items, self.rank, self.walks, self.kept, self.seeds) < 1 or not 1 <= self.order <= len(
            POLYNOMIALS
        ):
            raise ValueError("items, rank, walks, kept and seeds must be at least 1, order 1, 2 or 3")
        if (
            not 0 <= self.alpha <= 1
            or min(self.smooth, self.popularity, self.seed_power) < 0
            or self.power <= 0
        ):
            raise ValueError(
                "alpha must be from 0 to 1, smooth, popularity and seed_power at least 0, power above 0"
            )

    def need(self, extent: Extent) -> Need:
        """The matrix, walks and lists, and some rows of the whole filter at a time."""
        lists = lists_of(extent, self.walks + self.kept, copies=4)
        blocks = 4 * max(_BLOCK, min(self.items, extent.items)) * 4
        return Need(lists.working + blocks, lists.kept, f"{lists.why} + {blocks:,} B of the filter's rows")

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: as ease's: for each item what it says for others, the largest by size; may be negative.
        `type_weights` are rounded up as ease's are: here too an item of a customer counts at most 1."""
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
        """A source over the filter's rows."""
        return Neighbourhood(parts, self.seeds)

    def _lists(self, matrix: Csr) -> Csr:
        """The `kept` largest entries by size of each row of the filter, without the item itself."""
        whole = matrix.shape[0], matrix.shape[0]
        rows, columns, values = [], [], []
        head, taken = _most_taken(matrix, self.items)
        for first, block in self._filtered(taken):
            at = np.arange(len(block))
            block[at, first + at] = 0
            found = largest(block, min(self.kept, len(head)))
            rows.append((first + found[0]).astype(np.int32))
            columns.append(found[1])
            values.append(found[2])
        empty = np.zeros(0, np.int32), np.zeros(0, np.float32)
        joined = [np.concatenate([empty[0], *one]) for one in (rows, columns)]
        return compress(head[joined[0]], head[joined[1]], np.concatenate([empty[1], *values]), whole)

    def _filtered(self, matrix: Csr) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """(first row, float32[some, items]): the filter, some rows at a time."""
        from threadpoolctl import threadpool_limits

        # As in ease, a customer's vector keeps entries of at most 1.
        matrix = Csr(matrix.indptr, matrix.indices, np.minimum(matrix.data, 1.0), matrix.shape)
        n_items = matrix.shape[0]
        scaled, degrees = _scaled(matrix, self.alpha)
        walked = self._walks(scaled, degrees)
        with threadpool_limits(1):  # so that the answer is the same for any number of threads
            vectors = _singular(scaled, self.rank) if self.smooth else np.zeros((n_items, 0), np.float32)
            left = vectors * (self.smooth * degrees ** (self.alpha - 1))[:, None].astype(np.float32)
            right = (vectors * degrees[:, None] ** (1 - self.alpha)).astype(np.float32)
            step = max(1, _BLOCK // max(n_items, 1))
            for first in range(0, n_items, step):
                low_pass = left[first : first + step] @ right.T
                yield first, low_pass + self._polynomial(walked, first, step)

    def _walks(self, scaled: Csr, degrees: NDArray[np.float64]) -> Any:
        """P, with its diagonal, as a scipy matrix; between the powers of popularity, which between its own
        powers cancel."""
        from scipy.sparse import csr_matrix, diags

        n_items = scaled.shape[0]
        indptr, indices, scores = neighbours(scaled, self.walks)
        own = np.bincount(_rows(scaled), scaled.data.astype(np.float64) ** 2, n_items).astype(np.float32)
        favour = (degrees**self.popularity).astype(np.float32)
        values = scores**self.power * favour[indices] / np.repeat(favour, np.diff(indptr))
        beside = csr_matrix((values, indices, indptr), shape=(n_items, n_items))
        return (beside + diags(own**self.power, dtype=np.float32)).tocsr()

    def _polynomial(self, walked: Any, first: int, step: int) -> NDArray[np.float32]:
        """float32[step, items]: rows of the polynomial of P."""
        factors, walk = POLYNOMIALS[self.order - 1], walked[first : first + step]
        total = np.zeros(walk.shape, np.float32)
        for number, factor in enumerate(factors):
            walk = walk if number == 0 else walk @ walked
            total += np.float32(factor) * walk.toarray()
        return total


def _most_taken(matrix: Csr, most: int) -> tuple[Rows, Csr]:
    """The items that most customers took, ascending, and their rows of the matrix."""
    sizes = np.diff(matrix.indptr)
    head = np.sort(np.argsort(-sizes, kind="stable")[:most]).astype(np.int32)
    return (head, matrix) if len(head) == len(sizes) else (head, reordered(matrix, head))


def _rows(matrix: Csr) -> NDArray[np.int64]:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def _scaled(matrix: Csr, alpha: float) -> tuple[Csr, NDArray[np.float64]]:
    """(items x customers R~, float64 per item: its degree, 1 where it has none)."""
    rows = _rows(matrix)
    of_items = np.bincount(rows, matrix.data, matrix.shape[0])
    of_customers = np.bincount(matrix.indices, matrix.data, matrix.shape[1])
    scales = of_items[rows] ** (alpha - 1) * of_customers[matrix.indices] ** -alpha
    data = (matrix.data * scales).astype(np.float32)
    return Csr(matrix.indptr, matrix.indices, data, matrix.shape), np.where(of_items > 0, of_items, 1.0)


def _singular(scaled: Csr, rank: int) -> NDArray[np.float32]:
    """float32[items, at most `rank`]: singular vectors of the largest values, none for values of 0."""
    from scipy.sparse import csr_matrix

    held: Rows = np.flatnonzero(np.diff(scaled.indptr) > 0).astype(np.int32)
    found = np.zeros((scaled.shape[0], rank), np.float32)
    whole = csr_matrix((scaled.data, scaled.indices, scaled.indptr), shape=scaled.shape)[held]
    if not len(held):
        return found
    if min(whole.shape) <= 2 * rank:
        vectors, values, _ = np.linalg.svd(whole.toarray().astype(np.float64), full_matrices=False)
    else:
        vectors, values = _lanczos(whole.astype(np.float64), rank)
    most = np.argsort(-values, kind="stable")[:rank]
    most = most[values[most] > 1e-6 * values.max()]
    found[held, : len(most)] = vectors[:, most]
    return found


def _lanczos(whole: Any, rank: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Left singular vectors and values: by PROPACK, which takes a quarter of ARPACK's time at rank 256.

    Where many values are alike, as of a shop in parts that share no customer, its vectors do not settle, or
    settle and are the same again: ARPACK is then asked, and with more room where it needs that.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, svds

    with suppress(np.linalg.LinAlgError):
        vectors, values, _ = svds(whole, k=rank, solver="propack", rng=_SEED)
        if np.abs(vectors.T @ vectors - np.eye(rank)).max() < _ASLANT:
            return vectors, values
    try:
        vectors, values, _ = svds(whole, k=rank, rng=_SEED)
    except ArpackNoConvergence:
        return _roomier(whole, rank)
    return vectors, values


def _roomier(whole: Any, rank: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same by ARPACK with more room. Raises DataError where even that is not enough."""
    from scipy.sparse.linalg import ArpackNoConvergence, svds

    smaller = min(whole.shape)
    room = min(8 * rank, smaller - 1)
    try:
        vectors, values, _ = svds(whole, k=rank, ncv=room, maxiter=100 * smaller, rng=_SEED)
    except ArpackNoConvergence as reason:
        raise DataError(
            f"graph_filter cannot find {rank} singular vectors: {reason}; set smooth = 0, or another rank"
        ) from reason
    return vectors, values
