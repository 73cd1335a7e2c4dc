"""Fusion: the order of sources does not matter, weight does, and a slow twin agrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.blend import append, fuse
from vitrina.kernels.fusion import RANK_CONSTANT, settle
from vitrina.strategy import Candidates


def candidates(*lists):
    """One asker's list each, scores falling from 1."""
    indptr = np.cumsum([0, *(len(one) for one in lists)]).astype(np.int64)
    rows = np.array([row for one in lists for row in one], np.int32)
    scores = np.array([1 - rank / 100 for one in lists for rank in range(len(one))], np.float32)
    return Candidates(indptr, rows, scores)


def twin(lists, weights, by):
    """Weighted reciprocal ranks, or shares of the best score, by dictionaries."""
    total = {}
    for ranked, weight in zip(lists, weights, strict=True):
        for rank, row in enumerate(ranked):
            gain = 1 - rank / 100 if by == "score" else 1 / (RANK_CONSTANT + rank + 1)
            total[row] = total.get(row, 0.0) + weight * gain
    return total


ranked_lists = st.lists(st.integers(0, 30), unique=True, max_size=12)


@settings(max_examples=80, deadline=None)
@given(
    lists=st.lists(st.tuples(ranked_lists, ranked_lists), min_size=1, max_size=4),
    weights=st.lists(st.floats(0.1, 3), min_size=4, max_size=4),
    by=st.sampled_from(["rank", "score"]),
)
def test_fusion_equals_its_twin(lists, weights, by):
    """Scores and shares are the twin's, lists are best first, rows do not repeat; any batch size."""
    weights = weights[: len(lists)]
    fused = fuse([candidates(*one) for one in lists], weights, by=by, depth=60)
    for asker in range(2):
        expected = twin([one[asker] for one in lists], weights, by)
        rows = [row for row in fused.rows[asker].tolist() if row >= 0]
        assert sorted(rows) == sorted(expected)
        np.testing.assert_allclose(
            fused.scores[asker][: len(rows)], [expected[row] for row in rows], rtol=1e-5
        )
        assert (np.diff(fused.scores[asker]) <= 1e-7).all()
        np.testing.assert_allclose(fused.shares[asker].sum(axis=1), fused.scores[asker], rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(first=ranked_lists, second=ranked_lists)
def test_the_order_of_sources_does_not_matter(first, second):
    """Blending is symmetric."""
    one = fuse([candidates(first), candidates(second)], [2, 1], by="rank", depth=40)
    other = fuse([candidates(second), candidates(first)], [1, 2], by="rank", depth=40)
    np.testing.assert_array_equal(one.rows, other.rows)


@settings(max_examples=40, deadline=None)
@given(first=ranked_lists.filter(len), second=ranked_lists, more=st.floats(1.1, 50))
def test_more_weight_never_sinks_a_sources_best(first, second, more):
    """Raising a source's weight does not lower the place of its first row."""

    def place(weight):
        fused = fuse([candidates(first), candidates(second)], [weight, 1], by="rank", depth=40)
        return fused.rows[0].tolist().index(first[0])

    assert place(more) <= place(1)


def test_depth_cuts_and_pads():
    """The k best, and -1 where there are fewer."""
    fused = fuse([candidates([4, 5, 6], [])], [1], by="rank", depth=2)
    assert fused.rows.tolist() == [[4, 5], [-1, -1]]


def test_appending_keeps_scores_falling():
    """What a fallback adds stands behind, and scores below, what was there."""
    fused = fuse([candidates([4], [])], [1], by="rank", depth=3)
    longer = append(fused, candidates([7, 8], [9]), 0)
    picks, _ = settle(
        longer.rows, np.arange(10, dtype=np.int32), np.zeros(longer.rows.shape, np.int8), 0, 3, 3
    )
    final = longer.take(picks)
    assert final.rows.tolist() == [[4, 7, 8], [9, -1, -1]]
    assert (np.diff(final.scores[0]) < 0).all()


@pytest.mark.parametrize(("limit", "expected"), [(1, [2]), (2, [2, 0]), (5, [2, 0, 3])])
def test_settling_prefers_level_zero_and_one_variant(limit, expected):
    """Level 0 first, then 1; a product once, in its best variant."""
    rows = np.array([[10, 11, 12, 13, -1]], np.int32)
    levels = np.array([[1, 1, 0, 1, 0]], np.int8)
    products = np.arange(20, dtype=np.int32)
    products[11] = products[10]
    picks, used = settle(rows, products, levels, 1, limit, limit)
    assert [place for place in picks[0].tolist() if place >= 0] == expected
    assert used[0] == (limit > 1)
