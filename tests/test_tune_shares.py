"""Each part of a search has its share of the time, and none is kept for what nothing teaches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shops import make_shop
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.tune.bench import Bench
from vitrina.tune.shares import Shares

RECIPE = {"strategies": {"popular": {}}, "evaluation": {"test_days": 10}}
PLACEMENTS = {"home": {"sources": [{"strategy": "popular", "seeds": "none"}], "rebuy": "always"}}
USERS = 100


def shares(budget, days=60, timed=True, windows=5, every=4):
    """Of a shop whose customers each buy every few days, from second 1000."""
    paces = ((user, day) for user in range(USERS) for day in range(user % every, days, every))
    happened = [(f"u{user}", f"i{day % 7}", day) for user, day in paces]
    dataset = make_shop(happened)
    if not timed:
        events = dataset.events.take(np.argsort(dataset.events.user, kind="stable"))
        dataset = replace(dataset, events=replace(events, time=np.arange(len(events))), timed=False)
    recipe = parse_recipe({**RECIPE, "ranker": {"windows": windows}}, "test")
    bench = Bench.of(dataset, recipe, parse_placements(PLACEMENTS), 7)
    return Shares.of(bench, recipe, 1000.0, budget), sum(map(len, bench.truths.values()))


@pytest.mark.parametrize(
    ("budget", "kept"),
    [(0.0, 0.0), (5.0, 1.5), (20.0, 6.0)],
)
def test_trees_have_three_tenths_of_little_time(budget, kept):
    """Then come settings for half of it, and weights for a fifth."""
    found, _ = shares(budget)
    assert found.ordering == pytest.approx(kept)
    assert found.settings == pytest.approx(1000 + budget / 2)
    assert found.weights == pytest.approx(1000 + 0.7 * budget)


def test_trees_keep_no_more_of_much_time_than_they_can_use():
    """A tenth for windows, and what growing them from all their askers takes; the rest is for settings."""
    (found, askers), (fewer, _) = shares(3600.0), shares(3600.0, windows=2)
    assert found.ordering == pytest.approx(360 + 0.01 * 5 * askers)
    assert fewer.ordering == pytest.approx(360 + 0.01 * 2 * askers)
    assert found.settings == pytest.approx(1000 + 0.8 * 3600 - found.ordering)


def test_no_time_is_kept_where_nothing_teaches_trees():
    """Of days too few none come before the last; without times orders do."""
    found, _ = shares(100.0, days=2, every=1)
    assert found.ordering == 0.0
    assert found.settings == 1080.0
    assert found.weights == 1100.0
    assert shares(100.0, timed=False)[0].ordering > 0


def test_trees_that_come_late_have_their_share_and_half_more():
    """Weights may overrun; where they end early trees have that time too."""
    found = Shares(1000.0, 100.0, 30.0)
    assert found.trees(1050.0) == 1100.0
    assert found.trees(1090.0) == 1120.0
    assert found.given_up(1090.0, 1120.0) == 1135.0
    assert found.given_up(1090.0, 1090.0) == 1100.0
