"""How sure a mean is: percentile intervals from resampled askers (Efron 1979).

A draw takes as many clusters as there are, with replacement. A cluster is one asker, or all the
questions of one session: answers within a session are alike, and must be drawn together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Name = TypeVar("Name")
LEVEL = 0.95
_TOGETHER = 50


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` values with its 95 % interval; all NaN where there are none. The interval is NaN where
    fewer than two clusters have values: one does not tell how others would differ."""

    mean: float
    low: float
    high: float
    n: int


def estimates(
    scores: Mapping[Name, Values],
    clusters: NDArray[np.int64] | None = None,
    *,
    seed: int = 7,
    rounds: int = 1000,
) -> dict[Name, Estimate]:
    """The mean of each named column of values and its interval; NaN values are left out.

    `scores`: float64[n] each. `clusters`: int64[n] from 0, which values are drawn together;
    default: each alone. The draws depend on `seed`, n and the clusters only.
    """
    if not scores:
        return {}
    table = np.column_stack(list(scores.values()))
    known = ~np.isnan(table)
    together = np.arange(len(table)) if clusters is None else clusters
    sums = _by_cluster(np.where(known, table, 0.0), together)
    # Most columns know the same askers: count those once.
    gaps, which = np.unique(known, axis=1, return_inverse=True)
    counts = _by_cluster(gaps, together)
    drawn = [_ratio(some @ sums, (some @ counts)[:, which]) for some in _draws(len(sums), seed, rounds)]
    means = np.concatenate([np.zeros((0, len(scores))), *drawn])
    means[:, ((counts > 0).sum(0) < 2)[which]] = np.nan
    mean = _ratio(sums.sum(0), known.sum(0))
    return {
        name: Estimate(float(mean[column]), *_interval(means[:, column]), int(known[:, column].sum()))
        for column, name in enumerate(scores)
    }


def paired(
    one: Values,
    other: Values,
    clusters: NDArray[np.int64] | None = None,
    *,
    seed: int = 7,
    rounds: int = 1000,
) -> Estimate:
    """The mean of one - other over the same askers; an interval above 0 says that one is better."""
    return estimates({"gain": one - other}, clusters, seed=seed, rounds=rounds)["gain"]


def _draws(n: int, seed: int, rounds: int) -> Iterator[Values]:
    """How often each of n clusters is drawn: float64[some, n] until there are `rounds` of them."""
    random = np.random.default_rng(seed)
    for start in range(0, rounds if n else 0, _TOGETHER):
        some = range(start, min(start + _TOGETHER, rounds))
        yield np.array([np.bincount(random.integers(n, size=n), minlength=n) for _ in some], np.float64)


def _by_cluster(table: NDArray[Any], clusters: NDArray[np.int64]) -> Values:
    n_clusters = int(clusters.max(initial=-1)) + 1
    columns = [np.bincount(clusters, weights=column, minlength=n_clusters) for column in table.T]
    return np.column_stack(columns)


def _ratio(sums: Values, counts: Values) -> Values:
    ratio = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=ratio, where=counts > 0)
    return ratio


def _interval(means: Values) -> tuple[float, float]:
    known = means[~np.isnan(means)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
