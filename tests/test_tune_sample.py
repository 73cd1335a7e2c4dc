"""Of a shop that is too large for the time some customers are drawn, and the recipe is for all of them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from shops import make_shop
from vitrina import strategies
from vitrina.dataset import UNKNOWN
from vitrina.errors import RecipeError
from vitrina.placements import parse_placements
from vitrina.recipe import Plan, parse_recipe
from vitrina.tune import sample, tune
from vitrina.tune.bench import Bench
from vitrina.tune.sample import drawn, of_share, share_of

RECIPE = {"strategies": {"item_knn": {"shrink": 20.0}, "popular": {}}, "evaluation": {"test_days": 10}}
PLACEMENTS = {"home": {"sources": [{"strategy": "item_knn"}, {"strategy": "popular", "seeds": "none"}]}}


def shop(copies="a"):
    """400 customers, each of them so many times, who take one of two products of their own six times."""
    turns = [(user, turn, copy) for user in range(400) for turn in range(6) for copy in copies]
    return make_shop(
        [(f"u{one}{copy}", f"i{(one + turn % 2) % 30}", one % 9 + 9 * turn) for one, turn, copy in turns]
    )


def visits():
    """400 visits of nobody known, of six products each."""
    return make_shop([("", f"i{(one + turn % 2) % 30}", one) for one in range(400) for turn in range(6)])


@pytest.fixture
def hurried(monkeypatch):
    """A search has time for few events, and forty customers are enough."""
    monkeypatch.setattr(sample, "PACE", 10)
    monkeypatch.setattr(sample, "LEAST", 40)


def test_all_are_tried_on_where_there_is_time():
    """Also where there is none, in a shop of few customers."""
    assert share_of(shop(), 300.0) == share_of(shop(), 0.001) == 1.0
    assert share_of(make_shop([]), 1.0) == 1.0
    assert drawn(known := shop(), 1.0) is known


@pytest.mark.parametrize(("budget", "share"), [(240.0, 1.0), (120.0, 0.5), (30.0, 0.12), (1.0, 0.1)])
def test_the_share_is_of_the_time_and_of_enough_customers(hurried, budget, share):
    """2,400 events are tried in 240 seconds; 40 of 400 customers are drawn at least."""
    assert share_of(shop(), budget) == share


@pytest.mark.parametrize("whole", [shop(), visits()])
def test_customers_and_visits_are_drawn_whole(whole):
    """With all they did, in its order, and the same ones again."""
    some = drawn(whole, 0.25)
    of_some, of_all = set(some.actors.tolist()), whole.actors
    assert 60 < len(of_some) < 140
    kept = np.isin(of_all, list(of_some))
    for name in ("user", "item", "time", "visit"):
        assert getattr(some.events, name).tolist() == getattr(whole.events, name)[kept].tolist()
    assert drawn(whole, 0.25).actors.tolist() == some.actors.tolist()


def test_what_nobody_did_is_drawn_row_by_row():
    """What tells bestsellers alone is as much less as customers are."""
    whole = shop()
    nobody = np.where(whole.events.user % 2 == 0, whole.events.user, np.int32(UNKNOWN))
    lone = np.where(nobody < 0, np.int32(UNKNOWN), whole.events.visit)
    some = drawn(replace(whole, events=replace(whole.events, user=nobody, visit=lone)), 0.25)
    assert 200 < (some.actors < 0).sum() < 400
    assert 200 < (some.actors >= 0).sum() < 400


def test_what_is_added_to_counts_of_customers_is_as_much_less():
    """Nothing else of a strategy changes, and nothing where all customers are there."""
    made = strategies.make("item_knn", {"shrink": 20.0, "neighbours": 7})
    assert of_share(made, "item_knn", 0.25) == strategies.make("item_knn", {"shrink": 5.0, "neighbours": 7})
    assert of_share(made, "item_knn", 1.0) is made
    ease, walk = strategies.make("ease", {}), strategies.make("rp3beta", {})
    assert of_share(ease, "ease", 0.5).ridge == ease.ridge / 2
    assert of_share(walk, "rp3beta", 0.5) is walk
    assert all(hasattr(strategies.make(name, {}), one) for name, one in sample.COUNTED.items())


def test_a_ridge_learns_from_a_share_what_it_learns_from_all():
    """Half of the customers with half of it teach the same as all."""
    recipe, plan = parse_recipe(RECIPE, "test"), Plan("ease", {"ridge": 50.0})
    half = Bench.of(shop(), recipe, parse_placements(PLACEMENTS), 7, 0.5)
    strategy = strategies.make("ease", plan.params)
    fitted = half._fitted(plan, of_share(strategy, "ease", half.share))[0]
    whole = strategy.fit(shop("ab").before(half.windows[0].cut.now))
    assert np.allclose(fitted["scores"], whole["scores"], rtol=1e-4)


def test_a_recipe_says_whom_it_was_tried_on_and_the_journal_goes_on(hurried, tmp_path):
    """The next search is of the same customers, however long it is; one of all is another's."""
    said, out = list[str](), tmp_path / "tuned.toml"
    recipe, placements, known = parse_recipe(RECIPE, "test"), parse_placements(PLACEMENTS), shop()

    def enough(search, share):
        if len(search.trials) > len(search.journal.trials) + 1:
            raise KeyboardInterrupt

    tune(known, recipe, placements, out, 60.0, say=said.append, watch=enough)
    told = "25 % of the customers and visits, drawn by lot"
    assert said[0] == f"settings are tried on {told}: on all 2,400 events few could be"
    assert f", of {told}." in out.read_text().splitlines()[1]
    assert (
        parse_recipe(tomllib.loads(out.read_text()), "again").strategies["item_knn"].params["shrink"] == 20.0
    )
    journal = out.with_name("tuned.toml.journal")
    assert json.loads(journal.read_text().splitlines()[0])["share"] == 0.25
    again = tune(known, recipe, placements, out, 600.0, say=said.append, watch=enough)
    assert again.trials > 2
    with pytest.raises(RecipeError, match="seed differs"):
        tune(known, recipe, placements, out, 600.0, seed=8)
