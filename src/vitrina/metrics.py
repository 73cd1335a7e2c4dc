"""How good lists are: numbers per asker, and of all lists together, on bare arrays.

`Lists`: int32[n, k], best first, padded with -1 at the end; k is the lists' width. A value is
NaN where an asker has nothing to be measured against, and NaN never enters a mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.kernels.distinct import distinct

Lists = NDArray[np.int32]
Hits = NDArray[np.bool_]
Values = NDArray[np.float64]
MISS = -1


@dataclass(frozen=True)
class Truth:
    """What each asker took, without repeats: asker i took `rows[indptr[i]:indptr[i + 1]]`.

    `indptr`: int64[n + 1]; `rows`: int32, not negative. `values`: float64, price x quantity, NaN
    unknown. `repeat`: whether that asker had the row before.
    """

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    values: NDArray[np.float64]
    repeat: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """int64[n]: how many rows each asker took."""
        return np.diff(self.indptr)

    @property
    def askers(self) -> NDArray[np.int64]:
        """int64 per row: who took it."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def only(self, keep: NDArray[np.bool_]) -> Truth:
        """The chosen rows; every asker stays, some perhaps with nothing."""
        before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
        return Truth(before[self.indptr], self.rows[keep], self.values[keep], self.repeat[keep])

    def take(self, askers: NDArray[np.int64]) -> Truth:
        """The chosen askers, in that order."""
        sizes = self.sizes[askers]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        places = np.repeat(self.indptr[askers] - indptr[:-1], sizes) + np.arange(indptr[-1])
        return Truth(indptr, self.rows[places], self.values[places], self.repeat[places])


def places(lists: Lists, truth: Truth) -> NDArray[np.int64]:
    """int64[n, k]: which entry of `truth` each listed row hits, MISS where none.

    An entry is hit once, by its best place: a list that repeats itself gains nothing.
    """
    found = np.full(lists.shape, MISS, np.int64)
    if not lists.size or not len(truth.rows):
        return found
    width = 1 + int(max(lists.max(), truth.rows.max()))
    taken = truth.askers * width + truth.rows
    order = np.argsort(taken)
    listed = np.arange(len(lists))[:, None] * width + lists
    at = np.minimum(np.searchsorted(taken[order], listed), len(taken) - 1)
    hit = (lists >= 0) & (taken[order][at] == listed)
    entries, firsts = np.unique(np.where(hit, order[at], MISS), return_index=True)
    real = entries != MISS
    found.ravel()[firsts[real]] = entries[real]
    return found


def accuracy(lists: Lists, truth: Truth) -> dict[str, Values]:
    """float64[n] by metric name: how well each list foretold what its asker took."""
    at = places(lists, truth)
    hit, sizes = at != MISS, truth.sizes
    again = _hits_of(truth.repeat, at)
    return {
        "ndcg": ndcg(hit, sizes),
        "recall": recall(hit, sizes),
        "full_recall": full_recall(hit, sizes),
        "hit_rate": hit_rate(hit, sizes),
        "mrr": reciprocal_rank(hit, sizes),
        "precision": precision(hit, sizes),
        "map": average_precision(hit, sizes),
        "revenue_recall": revenue_recall(at, truth),
        "repeat_recall": recall(again, truth.only(truth.repeat).sizes),
        "explore_recall": recall(hit & ~again, truth.only(~truth.repeat).sizes),
    }


def ndcg(hit: Hits, sizes: NDArray[np.int64]) -> Values:
    """Binary gains, log2 discount; the ideal list holds min(k, taken) hits (Järvelin & Kekäläinen 2002)."""
    k = hit.shape[1]
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideals = np.concatenate([[0], np.cumsum(discounts)])
    return _share(hit @ discounts, ideals[np.minimum(sizes, k)])


def recall(hit: Hits, sizes: NDArray[np.int64]) -> Values:
    """Hits over min(k, taken): a list of k can do no better, so the best list scores 1."""
    return _share(hit.sum(1), np.minimum(sizes, hit.shape[1]))


def full_recall(hit: Hits, sizes: NDArray[np.int64]) -> Values:
    """Hits over all that was taken, as published tables mostly count recall: where more than k was taken, a
    list of k cannot reach 1."""
    return _share(hit.sum(1), sizes)


def precision(hit: Hits, sizes: NDArray[np.int64]) -> Values:
    """Hits over k, however short the list is."""
    return _where_taken(hit.sum(1) / max(hit.shape[1], 1), sizes)


def hit_rate(hit: Hits, sizes: NDArray[np.int64]) -> Values:
    """1 where the list has any hit."""
    return _where_taken(hit.max(1, initial=False), sizes)


def reciprocal_rank(hit: Hits, sizes: NDArray[np.int64]) -> Values:
    """1 over the place of the first hit; its mean is the MRR."""
    best = (hit / np.arange(1, hit.shape[1] + 1)).max(1, initial=0.0)
    return _where_taken(best, sizes)


def average_precision(hit: Hits, sizes: NDArray[np.int64]) -> Values:
    """Precision at each hit, summed, over min(k, taken); its mean is the MAP."""
    k = hit.shape[1]
    at_hits = hit * np.cumsum(hit, axis=1) / np.arange(1, k + 1)
    return _share(at_hits.sum(1), np.minimum(sizes, k))


def revenue_recall(at: NDArray[np.int64], truth: Truth) -> Values:
    """Value of the hits over the value of all that was taken; unknown values count as nothing."""
    values = np.nan_to_num(truth.values)
    total = np.bincount(truth.askers, weights=values, minlength=len(truth))
    gained = np.append(values, 0.0)[at].sum(1)
    return _share(gained, total)


def coverage(lists: Lists, n_items: int) -> float:
    """The share of the catalogue that stands in at least one list."""
    return len(distinct(lists[lists >= 0])) / n_items if n_items else float("nan")


def gini(lists: Lists, n_items: int) -> float:
    """Inequality of exposure over the catalogue: 0 all items shown alike, towards 1 one shown always."""
    shown = np.sort(np.bincount(lists[lists >= 0], minlength=n_items)).astype(np.float64)
    if not shown.sum():
        return float("nan")
    n_items = len(shown)
    ranks = np.arange(1, n_items + 1)
    return float(2 * (ranks @ shown) / (n_items * shown.sum()) - (n_items + 1) / n_items)


def novelty(lists: Lists, owners: NDArray[np.int64], n_users: int) -> Values:
    """float64[n]: mean surprise of a list in bits, -log2 of the share of users who have the item.

    `owners`: int64[n_items], users who have each item. An item that nobody has counts as had by one.
    """
    bits = -np.log2(np.maximum(owners, 1) / max(n_users, 1))
    return _share(np.append(bits, 0.0)[lists].sum(1), (lists >= 0).sum(1))


def diversity(lists: Lists, categories: NDArray[np.int32]) -> Values:
    """float64[n]: the share of a list's pairs whose categories differ; items without one are left out.

    `categories`: int32[n_items], -1 where not given. NaN for fewer than two categorised items.
    """
    labels = np.append(categories, -1)[lists]
    differing, pairs = np.zeros(len(lists)), np.zeros(len(lists))
    for step in range(1, lists.shape[1]):
        one, other = labels[:, step:], labels[:, :-step]
        known = (one >= 0) & (other >= 0)
        pairs += known.sum(1)
        differing += (known & (one != other)).sum(1)
    return _share(differing, pairs)


def _hits_of(entries: NDArray[np.bool_], at: NDArray[np.int64]) -> Hits:
    return np.append(entries, False)[at]


def _share(part: NDArray[Any], whole: NDArray[Any]) -> Values:
    shares = np.full(len(whole), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def _where_taken(values: NDArray[Any], sizes: NDArray[np.int64]) -> Values:
    return np.where(sizes > 0, values, np.nan)
