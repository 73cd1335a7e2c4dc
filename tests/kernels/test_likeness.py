"""What entries count, row by row, is what the weightings of whole matrices make of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels import weighting
from vitrina.kernels.likeness import LINEAR, ROOT, SATURATED, SET, Likeness, entries, newest_of, to_ratios
from vitrina.kernels.overlap import overlaps
from vitrina.kernels.sparse import Csr, picked
from vitrina.kernels.weighting import by_column, rarity


def drawn(seed: int, n: int = 30, columns: int = 20) -> Csr:
    """A matrix of some positive weights, rows without any among it, no column of all rows."""
    random = np.random.default_rng(seed)
    dense = np.where(random.random((n, columns)) < 0.3, random.uniform(0.1, 5, (n, columns)), 0)
    dense[3] = 0
    rows, found = np.nonzero(dense)
    indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=n)))).astype(np.int64)
    return Csr(indptr, found.astype(np.int32), dense[rows, found].astype(np.float32), dense.shape)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("whole", ["tfidf", "bm25"])
def test_counted_rows_times_rarity_are_the_weighting(seed: int, whole: str) -> None:
    """TF-IDF before it is scaled, and BM25, of the same matrix."""
    matrix = drawn(seed)
    mean = float(matrix.data.sum(dtype=np.float64)) / matrix.shape[0]
    likeness: Likeness = (ROOT, (0.0, 0.0, 1.0)) if whole == "tfidf" else (SATURATED, (1.7, 0.4, mean))
    expected = weighting.rare(matrix) if whole == "tfidf" else weighting.bm25(matrix, 1.7, 0.4)
    rare = rarity(matrix.shape[0], np.bincount(matrix.indices, minlength=matrix.shape[1]))
    counted = entries(matrix, likeness)
    assert np.array_equal(expected.indices, counted.indices)
    np.testing.assert_allclose(by_column(counted.indices, counted.data, rare), expected.data, rtol=1e-5)


def test_a_weight_may_count_as_it_is_or_once() -> None:
    """Then nothing is copied; as a set every entry is 1."""
    matrix = drawn(1)
    assert entries(matrix, (LINEAR, (0.0, 0.0, 1.0))) is matrix
    assert (entries(matrix, (SET, (1.0, 1.0, 0.0))).data == 1).all()


def test_what_has_faded_to_nothing_counts_nothing() -> None:
    """A weight of 0 by BM25 without saturation, which would divide nothing by nothing."""
    faded = Csr(np.array([0, 2]), np.array([0, 1], np.int32), np.array([0, 2], np.float32), (1, 2))
    assert entries(faded, (SATURATED, (0.0, 0.5, 1.0))).data.tolist() == [0.0, 1.0]


@settings(deadline=None)
@given(
    seed=st.integers(0, 1000), ours=st.floats(0, 3), theirs=st.floats(0, 3), shrink=st.floats(0, 9),
    kept=st.integers(5, 20),
)  # fmt: skip
def test_ratios_of_sums_are_the_overlaps(
    seed: int, ours: float, theirs: float, shrink: float, kept: int
) -> None:
    """One row's common columns made ratios, and its list: the same bits, also where columns are left out."""
    matrix = drawn(seed)
    sizes = np.diff(matrix.indptr)
    few = picked(matrix, matrix.indices < kept)
    own = few.indices[few.indptr[0] : few.indptr[1]]
    common = [
        np.isin(few.indices[few.indptr[row] : few.indptr[row + 1]], own).sum() for row in range(len(sizes))
    ]
    sums, slots = np.array(common, np.float32), np.flatnonzero(common)[1:].astype(np.int32)  # but itself
    to_ratios(
        sums, slots, np.arange(len(sizes), dtype=np.int32), matrix.indptr, sizes[0], (ours, theirs, shrink)
    )
    indptr, rows, scores = overlaps(few, len(sizes), ours, theirs, shrink, sizes)
    found = dict(zip(rows[: indptr[1]].tolist(), scores[: indptr[1]].tolist(), strict=True))
    expected = {int(row): float(sums[row]) for row in slots}
    assert found == expected


def test_the_newest_event_is_one_that_counts() -> None:
    """Types without a worth and rows that are no item are passed over; 0 where none is left."""
    rows, kinds = np.array([0, 1, 9, 1], np.int32), np.array([0, 0, 0, 1], np.uint8)
    times, worth = np.array([10, 20, 30, 40]), np.array([1.0, 0.0], np.float32)
    assert newest_of(rows, kinds, times, worth, 2) == 20
    assert newest_of(rows[2:], kinds[2:], times[2:], worth, 2) == 0
