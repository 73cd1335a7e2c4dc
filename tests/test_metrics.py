"""Metrics against hand-computed numbers, scikit-learn, and the properties a metric must have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from vitrina import metrics
from vitrina.metrics import Truth

N_ITEMS = 12
PER_ASKER = ["ndcg", "recall", "hit_rate", "mrr", "precision", "map"]
PER_ASKER += ["revenue_recall", "repeat_recall", "explore_recall"]
unhurried = settings(deadline=None)  # the machine may be busy; the answers are what is tested


def truth_of(taken: list[list[int]], values=None, repeat=None) -> Truth:
    sizes = [len(one) for one in taken]
    flat = np.array([row for one in taken for row in one], np.int32)
    return Truth(
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        flat,
        np.ones(len(flat)) if values is None else np.array(values, float),
        np.zeros(len(flat), bool) if repeat is None else np.array(repeat, bool),
    )


def lists_of(lists: list[list[int]], k: int) -> metrics.Lists:
    padded = [one[:k] + [-1] * (k - len(one)) for one in lists]
    return np.array(padded, np.int32).reshape(len(lists), k)


@st.composite
def askers(draw, n_askers: int | None = None):
    n = draw(st.integers(1, 6)) if n_askers is None else n_askers
    k = draw(st.integers(1, 8))
    rows = st.integers(0, N_ITEMS - 1)
    lists = [draw(st.lists(rows, unique=True, max_size=k)) for _ in range(n)]
    taken = [draw(st.lists(rows, unique=True, max_size=8)) for _ in range(n)]
    size = sum(map(len, taken))
    values = draw(st.lists(st.floats(0, 100) | st.just(float("nan")), min_size=size, max_size=size))
    repeat = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    return lists, taken, values, repeat, k


def test_a_hand_computed_list():
    """Hits at places 1 and 3 of 4, three items taken: every metric as computed on paper."""
    truth = truth_of([[5, 7, 9]], values=[10.0, 30.0, 60.0], repeat=[True, False, False])
    scores = metrics.accuracy(lists_of([[7, 1, 5, 2]], 4), truth)
    dcg, ideal = 1 + 1 / 2, 1 + 1 / np.log2(3) + 1 / 2
    assert scores["ndcg"] == pytest.approx([dcg / ideal])
    assert scores["recall"] == pytest.approx([2 / 3])
    assert scores["precision"] == pytest.approx([2 / 4])
    assert scores["map"] == pytest.approx([(1 + 2 / 3) / 3])
    assert scores["mrr"] == pytest.approx([1.0])
    assert scores["hit_rate"] == pytest.approx([1.0])
    assert scores["revenue_recall"] == pytest.approx([40 / 100])
    assert scores["repeat_recall"] == pytest.approx([1.0])
    assert scores["explore_recall"] == pytest.approx([1 / 2])


def test_recall_divides_by_what_a_list_can_hold():
    """Five taken, a list of two with both right: recall@2 is 1, and so is NDCG@2."""
    scores = metrics.accuracy(lists_of([[0, 1]], 2), truth_of([[0, 1, 2, 3, 4]]))
    assert scores["recall"] == pytest.approx([1.0])
    assert scores["ndcg"] == pytest.approx([1.0])
    assert scores["map"] == pytest.approx([1.0])


def test_nothing_taken_is_no_number():
    """An asker who took nothing has no value, rather than a zero that would weigh on the mean."""
    scores = metrics.accuracy(lists_of([[0, 1]], 2), truth_of([[]]))
    assert all(np.isnan(scores[name]).all() for name in PER_ASKER)


def test_nobody_asked():
    """No askers, or lists of width 0, are answered with as many values as askers."""
    assert all(len(one) == 0 for one in metrics.accuracy(lists_of([], 3), truth_of([])).values())
    empty = metrics.accuracy(np.zeros((2, 0), np.int32), truth_of([[1], [2]]))
    assert empty["hit_rate"].tolist() == [0.0, 0.0]
    assert empty["precision"].tolist() == [0.0, 0.0]


def test_a_repeated_row_hits_once():
    """A list that says the same right thing thrice scores as if it had said it once, first."""
    thrice = metrics.accuracy(lists_of([[4, 4, 4]], 3), truth_of([[4, 5, 6]]))
    once = metrics.accuracy(lists_of([[4]], 3), truth_of([[4, 5, 6]]))
    assert thrice["ndcg"] == pytest.approx(once["ndcg"])
    assert thrice["recall"] == pytest.approx([1 / 3])


@unhurried
@given(askers())
def test_ndcg_equals_scikit_learn(case):
    """Where a list holds k items and something was taken, NDCG@k is sklearn's ndcg_score."""
    lists, taken, _, _, k = case
    ours = metrics.accuracy(lists_of(lists, k), truth_of(taken))["ndcg"]
    for mine, listed, took in zip(ours, lists, taken, strict=True):
        if not took:
            assert np.isnan(mine)
            continue
        relevance, scores = np.zeros(N_ITEMS + k), np.zeros(N_ITEMS + k)
        relevance[took] = 1
        padded = listed + list(range(N_ITEMS, N_ITEMS + k - len(listed)))
        scores[padded] = np.arange(k, 0, -1)
        assert mine == pytest.approx(ndcg_score([relevance], [scores], k=k))


@unhurried
@given(askers())
def test_metrics_equal_a_plain_reading(case):
    """Recall, hit rate, MRR, MAP, precision and revenue equal their definitions, written as loops."""
    lists, taken, values, repeat, k = case
    scores = metrics.accuracy(lists_of(lists, k), truth_of(taken, values, repeat))
    worth = iter(np.nan_to_num(values).tolist())
    for asker, (listed, took) in enumerate(zip(lists, taken, strict=True)):
        prices = {row: next(worth) for row in took}
        if not took:
            continue
        hits = [place for place, row in enumerate(listed, 1) if row in took]
        able = min(k, len(took))
        assert scores["recall"][asker] == pytest.approx(len(hits) / able)
        assert scores["hit_rate"][asker] == float(bool(hits))
        assert scores["mrr"][asker] == pytest.approx(1 / hits[0] if hits else 0)
        assert scores["precision"][asker] == pytest.approx(len(hits) / k)
        precisions = [number / place for number, place in enumerate(hits, 1)]
        assert scores["map"][asker] == pytest.approx(sum(precisions) / able)
        gained = sum(prices[listed[place - 1]] for place in hits)
        total = sum(prices.values())
        if total:
            assert scores["revenue_recall"][asker] == pytest.approx(gained / total)
        else:
            assert np.isnan(scores["revenue_recall"][asker])


@unhurried
@given(askers(), st.randoms())
def test_the_order_of_askers_does_not_matter(case, random):
    """Permuting the askers permutes their values and changes none."""
    lists, taken, values, repeat, k = case
    truth, listed = truth_of(taken, values, repeat), lists_of(lists, k)
    order = np.array(random.sample(range(len(lists)), len(lists)), np.int64)
    straight = metrics.accuracy(listed, truth)
    shuffled = metrics.accuracy(listed[order], truth.take(order))
    for name in PER_ASKER:
        np.testing.assert_allclose(shuffled[name], straight[name][order])


@unhurried
@given(askers())
def test_the_perfect_list_scores_one(case):
    """Listing what was taken, first, scores 1 in NDCG, recall, hit rate, MRR and MAP."""
    _, taken, _, _, k = case
    best = metrics.accuracy(lists_of(taken, k), truth_of(taken))
    asked = np.array([bool(one) for one in taken])
    for name in ("ndcg", "recall", "hit_rate", "mrr", "map"):
        assert best[name][asked] == pytest.approx(1.0)


@unhurried
@given(askers())
def test_padding_never_counts(case):
    """Padding is no hit and no item: no metric sees it but through the width k."""
    lists, taken, values, repeat, k = case
    truth = truth_of(taken, values, repeat)
    bare = metrics.accuracy(np.full((len(lists), k), -1, np.int32), truth)
    assert all(np.nansum(one) == 0 for one in bare.values())
    tight, wide = lists_of(lists, k), lists_of(lists, k + 3)
    owners, categories = np.arange(N_ITEMS), np.arange(N_ITEMS, dtype=np.int32) % 3
    assert metrics.coverage(tight, N_ITEMS) == metrics.coverage(wide, N_ITEMS)
    np.testing.assert_equal(metrics.gini(tight, N_ITEMS), metrics.gini(wide, N_ITEMS))
    np.testing.assert_allclose(metrics.novelty(tight, owners, 20), metrics.novelty(wide, owners, 20))
    np.testing.assert_allclose(metrics.diversity(tight, categories), metrics.diversity(wide, categories))


@unhurried
@given(askers())
def test_every_value_is_a_share(case):
    """All per-asker values lie in [0, 1] or are NaN."""
    lists, taken, values, repeat, k = case
    for one in metrics.accuracy(lists_of(lists, k), truth_of(taken, values, repeat)).values():
        known = one[~np.isnan(one)]
        assert ((known >= 0) & (known <= 1 + 1e-12)).all()


def test_only_keeps_every_asker():
    """Choosing rows leaves askers in place, and their values and flags with their rows."""
    truth = truth_of([[1, 2], [], [3]], values=[1, 2, 3], repeat=[True, False, True])
    kept = truth.only(~truth.repeat)
    assert kept.indptr.tolist() == [0, 1, 1, 1]
    assert kept.rows.tolist() == [2]
    assert kept.values.tolist() == [2.0]


def test_coverage_and_gini():
    """Two of four items shown; exposure 3 and 1: Gini as computed on paper; equal exposure is 0."""
    lists = lists_of([[0, 1], [0], [0]], 2)
    assert metrics.coverage(lists, 4) == 0.5
    assert metrics.gini(lists, 4) == pytest.approx(0.625)
    assert metrics.gini(lists_of([[0, 1, 2, 3]], 4), 4) == pytest.approx(0.0)
    assert np.isnan(metrics.gini(lists_of([[]], 2), 4))


def test_novelty_is_bits():
    """An item that a quarter of users have is 2 bits of news; one nobody has counts as had by one."""
    owners = np.array([2, 8, 0])
    assert metrics.novelty(lists_of([[0], [1], [2], [0, 1], []], 2), owners, 8) == pytest.approx(
        [2.0, 0.0, 3.0, 1.0, np.nan], nan_ok=True
    )


def test_diversity_is_a_share_of_pairs():
    """Three items of two categories: two of three pairs differ; uncategorised items are left out."""
    categories = np.array([0, 0, 1, -1], np.int32)
    lists = lists_of([[0, 1, 2], [0, 1], [0, 3], [2, 3, 0], []], 3)
    assert metrics.diversity(lists, categories) == pytest.approx(
        [2 / 3, 0.0, np.nan, 1.0, np.nan], nan_ok=True
    )
