"""Searching weights: a planted optimum is found, a useless source is left out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.weights import LEVELS, search


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
