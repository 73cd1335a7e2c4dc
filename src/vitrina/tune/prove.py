"""Whether a setting or a blend is surely better than another, by askers who had no part in choosing it.

Weights that are searched flatter on the askers they were searched for, and the more sources the more; so does
the best of many settings (the winner's curse). So each quarter of the askers, drawn by lot, is judged by what
was chosen for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from vitrina.clusters import gain
from vitrina.ids import Rows
from vitrina.metrics import Truth, Values
from vitrina.strategy import Candidates
from vitrina.weights import Table, best

FOLDS = 4
LIKELY = 0.5
"""Standard errors that a blend must be ahead by for askers it was not weighed for."""
ROUGHLY = 2e-4
"""NDCG@10 that another round of a fold's search must be worth: less is lost in what the lot decides."""


def crossed(
    lists: Sequence[Candidates],
    truth: Truth,
    product: Rows,
    clusters: NDArray[np.int64],
    seed: int,
    enough: Callable[[], bool],
    more: Callable[[], bool] = lambda: True,
) -> Values:
    """float64[n]: NDCG@10 of each asker, of sources weighed for the askers of other folds; NaN for folds that
    are left when it is `enough`, the same askers first whatever is judged.

    A fold's weights are searched to their end while there is `more` time: cut short they would be worse than
    those they stand for, and the more sources the worse. `clusters`: int64 per asker, equal for those who
    stay together.
    """
    fold, values = folds(clusters, seed), np.full(len(truth), np.nan)
    for one in range(FOLDS):
        taught, judged = (np.flatnonzero(which) for which in (fold != one, fold == one))
        if not (len(taught) and len(judged)):
            continue
        table = _table(lists, truth, product, taught)
        found = best(table, len(lists), clusters[taught], more, ROUGHLY)
        values[judged] = _table(lists, truth, product, judged).ndcg(found.weights, found.blend)
        if enough():
            break
    return values


def by_fold(values: Values, fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64[FOLDS]: what each fold adds to the mean over all askers; NaN is nobody."""
    known = ~np.isnan(values)
    sums: NDArray[np.float64] = np.bincount(fold[known], values[known], FOLDS).astype(np.float64)
    return sums / max(int(known.sum()), 1)


def fairly(sums: NDArray[np.float64]) -> float:
    """What the best of many is worth to askers who had no part in picking it: each fold has what was best for
    the others. `sums`: float64[many, FOLDS], as of `by_fold`."""
    pick = (sums.sum(axis=1, keepdims=True) - sums).argmax(axis=0)
    return float(sums[pick, np.arange(FOLDS)].sum())


def folds(clusters: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """int64 per asker: which of FOLDS it is drawn into, clusters whole."""
    drawn = np.random.default_rng(seed).permutation(int(clusters.max(initial=-1)) + 1)
    fold: NDArray[np.int64] = drawn[clusters] % FOLDS
    return fold


def better(one: Values, other: Values, clusters: NDArray[np.int64], by: float = 1.0) -> bool:
    """Whether the first has the greater mean, `by` so many standard errors of the paired difference."""
    mean, error = gain(one, other, clusters)
    return mean > by * error


def _table(lists: Sequence[Candidates], truth: Truth, product: Rows, askers: NDArray[np.int64]) -> Table:
    return Table.of([_of(one, askers) for one in lists], truth.take(askers), product)


def _of(lists: Candidates, askers: NDArray[np.int64]) -> Candidates:
    """The lists of some askers, in that order."""
    sizes = np.diff(lists.indptr)[askers]
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    places = np.repeat(lists.indptr[askers] - indptr[:-1], sizes) + np.arange(indptr[-1])
    return Candidates(indptr, lists.rows[places], lists.scores[places])
