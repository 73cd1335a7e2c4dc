"""Trees scored from plain arrays give what LightGBM itself predicts, whatever is not known."""

from __future__ import annotations

import numpy as np
import pytest

from vitrina.ranking import Lessons, booster, exported
from vitrina.recipe import OBJECTIVES, RankerPlan

lightgbm = pytest.importorskip("lightgbm")


def learned(seed, holes):
    """Lists of twenty with a taste for the first feature; the second and the third have holes."""
    random = np.random.default_rng(seed)
    table = random.normal(size=(2000, 6)).astype(np.float32)
    table[:, 4] = random.integers(0, 3, 2000)
    table[random.random(2000) < holes, 1] = np.nan
    table[random.random(2000) < holes / 2, 2] = np.nan
    taken = table[:, 0] + np.nan_to_num(table[:, 1], nan=1.0) + random.normal(size=2000) > 1.5
    return Lessons(table, taken, np.full(100, 20))


@pytest.mark.parametrize("holes", [0.0, 0.4])
@pytest.mark.parametrize("leaves", [2, 15])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_scores_are_lightgbm_s(holes, leaves, objective):
    """On seen rows, on unseen ones, and where a feature is NaN that never was while learning."""
    lessons = learned(3, holes)
    model = booster(lessons, RankerPlan(trees=30, leaves=leaves, least=10, objective=objective), 7)
    forest = exported(model, ("by rank",), tuple("abcdef"))
    asked = learned(4, 0.3).table
    asked[::7, 0], asked[::5, 4] = np.nan, np.nan
    for table in (lessons.table, asked):
        wanted = model.predict(table, raw_score=True)
        np.testing.assert_allclose(forest.scores(table), wanted, rtol=0, atol=1e-6)
    assert np.ptp(forest.scores(asked)) > 0.1


def test_thresholds_themselves_go_left():
    """Equal to the threshold, as float32 has it, is at most the threshold, here and there.

    But for thresholds next to 0, where LightGBM takes whatever is below 1e-35 for 0 before it looks.
    """
    lessons = learned(5, 0.0)
    lessons.table[:] = np.round(lessons.table)
    model = booster(lessons, RankerPlan(trees=20, least=10), 7)
    forest = exported(model, ("by rank",), tuple("abcdef"))
    edge = forest.arrays[2].astype(np.float32)
    edge = edge[np.abs(edge) > 1e-30]
    assert len(edge)
    table = np.repeat(edge[:, None], 6, axis=1)
    np.testing.assert_allclose(forest.scores(table), model.predict(table), rtol=0, atol=1e-6)


def test_a_tree_of_one_leaf_adds_its_value():
    """Where nothing can be split, LightGBM grows a leaf; it is scored, not walked."""
    lessons = learned(6, 0.0)
    model = booster(lessons, RankerPlan(trees=3, least=5000), 7)
    forest = exported(model, (), ())
    np.testing.assert_allclose(forest.scores(lessons.table), model.predict(lessons.table), atol=1e-6)


def test_children_stand_after_their_node():
    """So that a walk ends; every node and leaf is reached from one place."""
    roots, feature, _, _, left, right, value = exported(
        booster(learned(7, 0.2), RankerPlan(trees=10, least=10), 7), (), ()
    ).arrays
    for side in (left, right):
        inner = side >= 0
        assert (side[inner] > np.flatnonzero(inner)).all()
    reached = np.concatenate([roots, left, right])
    assert sorted(reached[reached >= 0]) == list(range(len(feature)))
    assert sorted(~reached[reached < 0]) == list(range(len(value)))
