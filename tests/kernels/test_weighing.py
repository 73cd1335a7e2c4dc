"""A blend judged without blending: the figures are those of the lists that fusing and settling make."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina import metrics
from vitrina.blend import fuse
from vitrina.kernels.fusion import RANK_CONSTANT, settle
from vitrina.metrics import Truth
from vitrina.strategy import Candidates
from vitrina.weights import LEVELS, Table

K = 10


def ragged(random, n, n_items):
    """A source: to each asker some of the items, best first, with falling scores, some of them below 0."""
    lists = [random.permutation(n_items)[: random.integers(0, n_items + 1)] for _ in range(n)]
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
    scores = [np.sort(random.choice([-0.5, 0.1, 0.3, 0.5, 0.9], len(one)))[::-1] for one in lists]
    return Candidates(
        indptr,
        np.concatenate(lists).astype(np.int32),
        np.concatenate(scores).astype(np.float32),
    )


def taken(random, n, n_products):
    """What each asker took: none, or some products."""
    lists = [np.sort(random.permutation(n_products)[: random.integers(0, 5)]) for _ in range(n)]
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
    rows = np.concatenate(lists).astype(np.int32)
    return Truth(indptr, rows, np.full(len(rows), np.nan), np.zeros(len(rows), np.bool_))


def undecided(lists, weights, way, n_items):
    """bool per asker: two items' sums differ by rounding alone, so the order of adding decides their places."""
    found = np.zeros(lists[0].indptr.size - 1, np.bool_)
    for asker in range(len(found)):
        gains = np.zeros((n_items, len(lists)))
        for source, one in enumerate(lists):
            at = slice(one.indptr[asker], one.indptr[asker + 1])
            rows, scores = one.rows[at], one.scores[at]
            ranks = RANK_CONSTANT + 1.0 + np.arange(len(rows))
            gains[rows, source] = 1 / ranks if way == "rank" else scores.clip(0) / scores.max(initial=1e-30)
        sums = gains @ weights
        close = np.isclose(sums[:, None], sums, rtol=1e-5, atol=0)
        found[asker] = (close & (gains[:, None] != gains).any(axis=2)).any()
    return found


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    weights=st.lists(st.sampled_from([0.0, 0.05, 0.5, 1.0, 4.0]), min_size=1, max_size=4).filter(any),
    way=st.sampled_from(["rank", "score"]),
    variants=st.booleans(),
)
def test_the_figure_is_that_of_the_engine_s_own_blend(seed, weights, way, variants):
    """Variants, ties, negative scores, empty lists and askers who took nothing are all judged alike."""
    random = np.random.default_rng(seed)
    n, n_items, n_products = 6, 25, 18 if variants else 25
    product = np.arange(n_items, dtype=np.int32)
    if variants:
        product = np.sort(random.integers(0, n_products, n_items)).astype(np.int32)
    lists = [ragged(random, n, n_items) for _ in weights]
    truth = taken(random, n, n_products)
    used = [place for place, weight in enumerate(weights) if weight > 0]
    ranked = fuse([lists[one] for one in used], [weights[one] for one in used], by=way, depth=n_items)
    picks, _ = settle(ranked.rows, product, np.zeros(ranked.rows.shape, np.int8), 0, K, K)
    shown = np.append(product, np.int32(metrics.MISS))[ranked.take(picks).rows]
    expected = metrics.accuracy(shown, truth)["ndcg"]
    found = Table.of(lists, truth, product).ndcg(weights, way)
    sure = ~undecided(lists, weights, way, n_items)
    np.testing.assert_allclose(found[sure], expected[sure], rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    weights=st.lists(st.sampled_from([0.0, 0.05, 1.0, 4.0]), min_size=2, max_size=4).filter(any),
    way=st.sampled_from(["rank", "score"]),
    variants=st.booleans(),
)
def test_a_source_s_levels_are_judged_together_as_one_by_one(seed, weights, way, variants):
    """Rows that can stand nowhere within the list at any level are left out, and nothing else is."""
    random = np.random.default_rng(seed)
    n_items = 60
    product = np.arange(n_items, dtype=np.int32) // (2 if variants else 1)
    lists = [ragged(random, 8, n_items) for _ in weights]
    truth = taken(random, 8, n_items // 2)
    table = Table.of(lists, truth, product)
    for source in range(len(weights)):
        found = table.along(weights, way, source)
        for level, judged in zip(LEVELS, found, strict=True):
            tried = [*weights[:source], level, *weights[source + 1 :]]
            sure = ~undecided(lists, tried, way, n_items)
            np.testing.assert_allclose(judged[sure], table.ndcg(tried, way)[sure], rtol=1e-9)


def test_no_lists_are_worth_nothing():
    """Sources that are silent gain 0, not an error."""
    truth = taken(np.random.default_rng(1), 3, 4)
    found = Table.of([Candidates.none(3)], truth, np.arange(4, dtype=np.int32)).ndcg((1.0,), "rank")
    np.testing.assert_array_equal(found, np.where(truth.sizes > 0, 0.0, np.nan))
