"""Searching weights: a planted optimum is found, a useless source is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.weights import LEVELS, Found, search, simpler


@settings(max_examples=30, deadline=None)
@given(
    best=st.lists(st.sampled_from(LEVELS), min_size=2, max_size=4).filter(any),
    way=st.sampled_from(["rank", "score"]),
)
def test_a_planted_optimum_is_found(best, way):
    """On a bowl with its bottom at `best`, coordinate ascent ends there, by the right way to blend."""

    def score(weights, by):
        return (
            1 - sum((one - other) ** 2 for one, other in zip(weights, best, strict=True)) / 1000 - (by != way)
        )

    found = search(score, len(best))
    assert (found.weights, found.blend) == (tuple(best), way)


def test_a_source_that_only_harms_is_dropped():
    """Its weight becomes 0."""
    found = search(lambda weights, by: weights[0] > 0 and 1 - weights[1], 2)
    assert found.weights[1] == 0


def test_the_result_is_never_worse_than_any_source_alone():
    """Every source alone is among the starts."""
    alone = {(1.0, 0.0, 0.0): 0.3, (0.0, 1.0, 0.0): 0.9, (0.0, 0.0, 1.0): 0.5}
    assert search(lambda weights, by: alone.get(tuple(weights), 0.0), 3).ndcg == 0.9


def test_a_source_that_hardly_helps_is_left_out():
    """Its gain is within what chance moves; one that helps surely stays, and one source always does."""
    random = np.random.default_rng(5)
    base, luck, sure = random.random(400), random.normal(0, 0.1, 400), random.random(400) * 0.01

    def values(weights, way):
        assert way == "score"
        return (
            base * (weights[0] > 0)
            + (luck - luck.mean() + 0.001) * (weights[1] > 0)
            + sure * (weights[2] > 0)
        )

    found = simpler(values, Found((1.0, 0.4, 0.1), "score", 0.0))
    assert found.weights == (1.0, 0.0, 0.1)
    assert found.ndcg == pytest.approx((base + sure).mean())
    nothing = simpler(lambda weights, way: np.full(9, 0.5), Found((1.0, 2.0), "rank", 0.5))
    assert nothing.weights == (0.0, 2.0)


def test_askers_who_took_nothing_do_not_count():
    """NaN is no loss and no gain."""

    def values(weights, way):
        return np.where(np.arange(50) % 2, np.nan, 0.5 + 0.3 * (weights[1] > 0))

    assert simpler(values, Found((1.0, 1.0), "rank", 0.8)).weights == (0.0, 1.0)
