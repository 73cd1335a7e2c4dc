"""Of a shop that is too large for the time some customers are drawn, and the recipe is for all of them."""

from __future__ import annotations

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
from vitrina.tune.bench import Bench, TooLittle
from vitrina.tune.journal import Journal, Trial
from vitrina.tune.sample import drawn, scaled, share_for

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
    assert share_for(shop(), 300.0, 28) == share_for(shop(), 0.001, 28) == 1.0
    assert share_for(make_shop([]), 1.0, 28) == 1.0
    assert drawn(known := shop(), 1.0) is known


@pytest.mark.parametrize(
    ("budget", "share"), [(240.0, 1.0), (180.0, 1.0), (120.0, 0.5), (30.0, 0.12), (1.0, 0.1), (0.0, 0.1)]
)
def test_the_share_is_of_the_time_and_of_enough_customers(hurried, budget, share):
    """2,400 events are tried in 240 seconds; 40 of 400 customers are drawn at least; most are not drawn by lot."""
    assert share_for(shop(), budget, 28) == share


def test_enough_of_those_are_drawn_who_come_in_the_days_held_out(hurried):
    """Of 400 customers 80 came on the last day, so half of all are drawn; without times all of them may be asked."""
    happened = [(f"u{one}", f"i{one % 9}", day) for one in range(400) for day in (0, 1, 2, 3)]
    late = [(f"u{one}", "i0", 100) for one in range(80)]
    assert share_for(make_shop(happened + late), 1.0, 28) == 0.5
    assert share_for(replace(make_shop(happened + late), timed=False), 1.0, 28) == 0.1


def doings(dataset):
    """What each customer, or visit of nobody known, did, in its order; each of them takes products of its own."""
    events, found = dataset.events, dict[int, list[tuple[str, int, int]]]()
    names = dataset.users.names(np.arange(len(dataset.users), dtype=np.int32))
    for actor, item, time in zip(
        *(one.tolist() for one in (dataset.actors, events.item, events.time)), strict=True
    ):
        found.setdefault(actor, []).append((names[actor] if actor < len(names) else "", item, time))
    return sorted(tuple(one) for one in found.values())


@pytest.mark.parametrize("whole", [shop(), visits()])
def test_customers_and_visits_are_drawn_whole(whole):
    """With all they did, in its order, and the same ones again; of the others nothing is left."""
    some = drawn(whole, 0.25)
    did, all_did = doings(some), doings(whole)
    assert 60 < len(did) < 140
    assert set(did) <= set(all_did)
    assert len(some.users) == (len(did) if len(whole.users) else 0)
    assert sorted(set(some.events.visit.tolist())) == list(range(some.events.visit.max() + 1))
    assert doings(drawn(whole, 0.25)) == did
    assert all(len(one.codes) == len(some.users) for one in some.people.values())


def test_what_nobody_did_is_drawn_row_by_row():
    """What tells bestsellers alone is as much less as customers are."""
    whole = shop()
    nobody = np.where(whole.events.user % 2 == 0, whole.events.user, np.int32(UNKNOWN))
    lone = np.where(nobody < 0, np.int32(UNKNOWN), whole.events.visit)
    some = drawn(replace(whole, events=replace(whole.events, user=nobody, visit=lone)), 0.25)
    assert 200 < (some.actors < 0).sum() < 400
    assert 200 < (some.actors >= 0).sum() < 400


def test_what_is_added_to_counts_of_customers_is_as_much_less():
    """Nothing else of a plan changes, and nothing where all customers are there; what must be reached is 1 at least."""
    plan = Plan("item_knn", {"shrink": 20.0, "neighbours": 7})
    assert scaled(plan, 0.25) == Plan("item_knn", {"shrink": 5.0, "neighbours": 7})
    assert scaled(plan, 1.0) == plan
    assert scaled(Plan("rp3beta", {}), 0.5) == Plan("rp3beta", {})
    assert scaled(Plan("ease", {}), 0.5).params["ridge"] == strategies.make("ease", {}).ridge / 2
    assert scaled(Plan("bought_together", {"min_count": 9}), 0.5).params["min_count"] == 4
    assert scaled(Plan("bought_together", {}), 0.01).params["min_count"] == 1


@pytest.mark.parametrize("name", sample.COUNTED)
def test_a_scaled_plan_can_be_made(name):
    """Of every strategy that counts customers, from its defaults."""
    made = strategies.make(name, scaled(Plan(name, {}), 0.01).params)
    usual = strategies.make(name, {})
    assert all(0 <= getattr(made, one) <= getattr(usual, one) for one in sample.COUNTED[name])


def test_a_ridge_learns_from_a_share_what_it_learns_from_all():
    """Half of the customers with half of it teach the same as all."""
    recipe, plan = parse_recipe(RECIPE, "test"), Plan("ease", {"ridge": 50.0})
    half = Bench.of(shop(), recipe, parse_placements(PLACEMENTS), 7, 0.5)
    fitted = half._fitted(plan, strategies.make("ease", scaled(plan, half.share).params))[0]
    whole = strategies.make("ease", plan.params).fit(shop("ab").before(half.windows[0].cut.now))
    assert np.allclose(fitted["scores"], whole["scores"], rtol=1e-4)


def after(trials):
    """Ctrl-C when so many more were tried."""

    def enough(search, share):
        if len(search.trials) >= len(search.journal.trials) + trials:
            raise KeyboardInterrupt

    return enough


TOLD = "25 % of the customers and visits, drawn by lot"


def test_a_recipe_says_whom_it_was_tried_on_and_the_journal_goes_on(hurried, tmp_path):
    """The next search is of the same customers, however long it is, which it says."""
    said, out = list[str](), tmp_path / "tuned.toml"
    told = shop(), parse_recipe(RECIPE, "test"), parse_placements(PLACEMENTS), out
    first = tune(*told, 60.0, say=said.append, watch=after(2))
    assert said[0] == f"settings are tried on {TOLD}: on all there is time for few"
    assert f", of {TOLD}." in out.read_text().splitlines()[1]
    assert (
        parse_recipe(tomllib.loads(out.read_text()), "again").strategies["item_knn"].params["shrink"] == 20.0
    )
    assert first.as_dict()["share"] == 0.25
    assert "# Where `weigh` is true, training weighs sources anew, on all customers." in out.read_text()
    said.clear()
    again = tune(*told, 600.0, say=said.append, watch=after(2))
    journal = out.with_name("tuned.toml.journal")
    assert said[0] == f"{journal} is of a shorter search, made on {TOLD}: remove it to try settings on more"
    assert said[1].startswith(f"settings are tried on {TOLD}")
    assert f"2 trials of before are taken over from {journal}" in said
    assert again.trials == 4
    assert again.as_dict()["share"] == 0.25


def test_a_journal_without_trials_holds_nobody_to_its_share(hurried, tmp_path):
    """As of a search that was ended before its first: the next one draws what it has time for."""
    said, out = list[str](), tmp_path / "tuned.toml"
    told = shop(), parse_recipe(RECIPE, "test"), parse_placements(PLACEMENTS), out
    Journal.open(
        out.with_name("tuned.toml.journal"),
        {"data": "a", "recipe": "", "seed": 7, "vitrina": "", "share": 0.1},
    )
    tune(*told, 120.0, say=said.append, watch=after(1))
    assert said[0].startswith("settings are tried on 50 %")


def test_trials_of_another_share_are_another_search_s(tmp_path):
    """What was tried on some is no trial on all; before there were shares, trials were on all."""
    told = {"data": "a", "share": 0.25}
    Journal.open(tmp_path / "j", told).add(Trial("popular", {}, {"home": 0.25}, 0.5))
    assert Journal.share(tmp_path / "j") == 0.25
    assert Journal.open(tmp_path / "j", told).trials
    with pytest.raises(RecipeError, match="share differs"):
        Journal.open(tmp_path / "j", {"data": "a", "share": 1.0})
    Journal.open(tmp_path / "old", {"data": "a"}).add(Trial("popular", {}, {"home": 0.25}, 0.5))
    assert Journal.share(tmp_path / "old") == 1.0
    assert Journal.open(tmp_path / "old", {"data": "a", "share": 1.0}).trials


@pytest.mark.parametrize(
    "text", [None, "", "{", "3\n4\n", '{"data": 1, "share": 0.25}\n', '{"share": "x"}\n{}\n', "\xff\n"]
)
def test_a_journal_that_tells_no_share(text, tmp_path):
    """None is taken from what is not there, torn, or something else; from a folder neither."""
    if text is not None:
        (tmp_path / "j").write_text(text, encoding="latin-1")
    assert Journal.share(tmp_path / "j") == Journal.share(tmp_path) == 0.0


def test_all_are_tried_on_where_too_few_of_some_can_be_asked(hurried, monkeypatch, tmp_path):
    """A lot is not why a recipe is written as it is."""
    usual, said = Bench.of, list[str]()

    def few(dataset, recipe, placements, seed, share=1.0):
        if share < 1:
            raise TooLittle("too little")
        return usual(dataset, recipe, placements, seed)

    monkeypatch.setattr(Bench, "of", few)
    told = shop(), parse_recipe(RECIPE, "test"), parse_placements(PLACEMENTS), tmp_path / "tuned.toml"
    made = tune(*told, 60.0, say=said.append, watch=after(1))
    assert said[1] == "of those too few can be asked: settings are tried on all"
    assert made.share == 1.0
    assert "by lot" not in made.text


def test_trees_learn_what_the_blend_was_tried_with(hurried, monkeypatch, tmp_path):
    """From a share: what is written is for all."""
    asked = []
    monkeypatch.setattr("vitrina.tune.orders", lambda cut, recipe, *more: asked.append(recipe) or [])
    out = tmp_path / "tuned.toml"
    tune(shop(), parse_recipe(RECIPE, "test"), parse_placements(PLACEMENTS), out, 60.0, watch=after(2))
    (recipe,) = asked
    assert recipe.strategies["item_knn"].params["shrink"] == 5.0
    assert (
        parse_recipe(tomllib.loads(out.read_text()), "again").strategies["item_knn"].params["shrink"] == 20.0
    )


@pytest.mark.parametrize("weigh", [True, False])
def test_training_weighs_what_weighs_nothing_to_some(weigh, hurried, monkeypatch, tmp_path):
    """On all customers, where the recipe has sources weighed: it is there, with as little as may be."""
    monkeypatch.setattr("vitrina.tune.orders", lambda *given: [])
    out, evaluation = tmp_path / "tuned.toml", {**RECIPE["evaluation"], "weigh": weigh}
    known, placements = (
        parse_recipe({**RECIPE, "evaluation": evaluation}, "test"),
        parse_placements(PLACEMENTS),
    )
    made = tune(shop(), known, placements, out, 60.0, watch=after(2))
    found, (home,) = tomllib.loads(out.read_text()), made.chosen.values()
    weights = {one["strategy"]: one["weight"] for one in found["placements"]["home"]["sources"]}
    assert found["evaluation"]["weigh"] == weigh
    mixed = {part.family.name: part.weight for part in home.parts}
    assert list(mixed) != (every := [part.family.name for part in home.every])
    assert list(weights.items()) == [(one, mixed.get(one, 0.05)) for one in every if weigh or one in mixed]
