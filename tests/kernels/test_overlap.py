"""Overlaps are Tversky's ratio of every pair, counted whole, and Jaccard's and Dice's as a library has them."""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vitrina.kernels.overlap import overlaps
from vitrina.kernels.sparse import Csr, compress


def sets(seed: int, rows: int, columns: int, density: float) -> np.ndarray:
    """Rows that hold some columns, by values that should not matter."""
    random = np.random.default_rng(seed)
    return np.where(random.random((rows, columns)) < density, random.integers(1, 9, (rows, columns)), 0)


def sparse(dense: np.ndarray) -> Csr:
    rows, columns = np.nonzero(dense)
    values = dense[rows, columns].astype(np.float32)
    return compress(rows.astype(np.int32), columns.astype(np.int32), values, dense.shape)


def by_hand(
    dense: np.ndarray, k: int, ours: float, theirs: float, shrink: float
) -> list[list[tuple[int, float]]]:
    """Every pair of sets compared, every list sorted."""
    held = [set(np.flatnonzero(row).tolist()) for row in dense]
    lists = []
    for at, one in enumerate(held):
        found = []
        for other, its in enumerate(held):
            common = len(one & its)
            if common and other != at:
                ratio = common / (common + ours * len(one - its) + theirs * len(its - one) + shrink)
                found.append((-np.float32(ratio), other))
        lists.append([(other, float(-score)) for score, other in sorted(found)[:k]])
    return lists


@settings(deadline=None, max_examples=60)
@example(seed=0, rows=2, columns=1, density=0.5, k=1, ours=0.0, theirs=0.0, shrink=0.0)
@given(
    st.integers(0, 10**6), st.integers(1, 80), st.integers(1, 40), st.floats(0.01, 0.9), st.integers(0, 90),
    st.floats(0, 3), st.floats(0, 3), st.floats(0, 30),
)  # fmt: skip
def test_lists_are_those_of_all_pairs(
    seed: int, rows: int, columns: int, density: float, k: int, ours: float, theirs: float, shrink: float
) -> None:
    """Rows, scores and ties, for any ratio."""
    dense = sets(seed, rows, columns, density)
    indptr, found, scores = overlaps(sparse(dense), k, ours, theirs, shrink)
    pairs = list(zip(found.tolist(), scores.tolist(), strict=True))
    assert [pairs[low:high] for low, high in pairwise(indptr.tolist())] == by_hand(
        dense, k, ours, theirs, shrink
    )


@pytest.mark.parametrize(("ratio", "metric"), [((1.0, 1.0), "jaccard"), ((0.5, 0.5), "dice")])
def test_indices_are_a_librarys(ratio: tuple[float, float], metric: str) -> None:
    """Jaccard's and Dice's of scikit-learn and scipy."""
    from sklearn.metrics import pairwise_distances

    dense = sets(5, 70, 40, 0.2) > 0
    expected = 1 - pairwise_distances(dense, metric=metric)
    np.fill_diagonal(expected, 0)
    indptr, rows, scores = overlaps(sparse(dense), 69, *ratio)
    mine = np.zeros_like(expected)
    mine[np.repeat(np.arange(70), np.diff(indptr)), rows] = scores
    np.testing.assert_allclose(mine, expected, rtol=1e-6)


def test_threads_change_nothing() -> None:
    """Bit for bit, over several pieces of rows."""
    matrix, threads = sparse(sets(6, 900, 60, 0.1)), numba.get_num_threads()
    whole = overlaps(matrix, 30, 0.3, 0.9, 2.0)
    try:
        numba.set_num_threads(1)
        for one, other in zip(whole, overlaps(matrix, 30, 0.3, 0.9, 2.0), strict=True):
            np.testing.assert_array_equal(one, other)
    finally:
        numba.set_num_threads(threads)
