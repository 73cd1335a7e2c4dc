"""Trees are kept where they surely order lists better on later days, and nowhere else."""

from __future__ import annotations

import time
import tomllib
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from shops import make_shop
from vitrina.engine import Engine
from vitrina.evaluate import ask
from vitrina.fit import fit
from vitrina.metrics import accuracy
from vitrina.placements import parse_placements
from vitrina.questions import to_ask
from vitrina.ranking import grow, taught, with_ranker
from vitrina.recipe import RankerPlan, parse_recipe
from vitrina.splits import split
from vitrina.tune import tune
from vitrina.tune.order import Judge, Order, orders

KEPT = "lists stay ordered as they were"
RECIPE = {"strategies": {"popular": {}}, "evaluation": {"test_days": 10}}
PLACEMENTS = {"home": {"sources": [{"strategy": "popular", "seeds": "none"}], "rebuy": "always"}}


def shop(habits: bool, users: int = 120, days: int = 60):
    """Customers who buy one of two products of their own every few days, or anything at all."""
    random, happened = np.random.default_rng(5), []
    for user in range(users):
        for day in range(user % 4, days, 4):
            item = (user * 7 + random.integers(2)) % 30 if habits else random.integers(30)
            happened.append((f"u{user}", f"i{item}", day))
    return make_shop(happened)


def found(habits: bool, until: float = float("inf"), clock=time.perf_counter, flatters=0.0, **ranker):
    """What is decided of trees in the end, None where nothing is, and what was said."""
    pytest.importorskip("lightgbm")
    said: list[str] = []
    recipe = parse_recipe({**RECIPE, "ranker": ranker}, "test")
    cut = split(shop(habits), 10)
    placements, owed = parse_placements(PLACEMENTS), {"home": flatters}
    *_, order = (None, *orders(cut, recipe, placements, owed, 1.0, until, said.append, clock))
    return order, said


def test_trees_are_kept_where_they_are_ahead():
    """Bestsellers alone know no habit; what trees know of it puts one's own products first."""
    order, said = found(habits=True)
    gain, error = order.gains["home"]
    assert order.plan.placements == ("home",)
    assert gain > 0.2 > 5 * error
    assert not said


def test_trees_are_left_out_where_nothing_is_to_be_known():
    """Of purchases drawn by lot no order is surely better, though the recipe had asked for trees."""
    order, said = found(habits=False, placements=["home"])
    assert order.plan.placements == ()
    assert not order.gains
    assert not said


@pytest.mark.parametrize("error", [0.01, np.inf])
@pytest.mark.parametrize(("gain", "stay"), [(0.001, ("home",)), (-0.001, ())])
def test_the_recipe_s_own_trees_stay_unless_they_lose(gain, error, stay, monkeypatch):
    """Where they are ahead by less than is sure, or one visit judges; no other shape takes their place, and where there are none
    none come."""
    module = import_module("vitrina.tune.order")
    monkeypatch.setattr(module, "_gain", lambda after, before, flatters: (gain, error))
    own = {"placements": ["home"], "leaves": 9}
    order, _ = found(habits=True, **own)
    assert order.plan.placements == stay
    assert order.plan.leaves == 9
    assert found(habits=True)[0].plan.placements == ()


def test_trees_that_are_there_are_judged_first(monkeypatch):
    """Where there is time for one shape it is the recipe's own: unjudged it would be gone."""
    module, lessons = import_module("vitrina.tune.order"), {"home": ((), (), ())}
    monkeypatch.setattr(module, "grow", lambda *one: None)
    monkeypatch.setattr(module, "_gain", lambda after, before, flatters: (0.001, 0.01))
    judge = SimpleNamespace(seed=7, of_forests=lambda forests: {"home": 0.0})
    own = RankerPlan(placements=("home",), leaves=9)
    assert [one.plan for one in module._better(judge, own, lessons, {"home": 0.0}, lambda: False)] == [own]
    bare = replace(own, placements=())
    assert [one.gains for one in module._better(judge, bare, lessons, {"home": 0.0}, lambda: False)] == [{}]


def test_what_a_blend_owes_to_its_search_is_taken_off():
    """Weights that were searched for the very askers who judge seem better than they are; trees never saw them."""
    plain, _ = found(habits=True)
    fair, _ = found(habits=True, flatters=0.25)
    (gain, error), (more, same) = plain.gains["home"], fair.gains["home"]
    assert (more, same) == (pytest.approx(gain + 0.25), error)


def test_candidates_are_asked_for_once_and_lists_are_the_engine_s():
    """What trees are judged by is what a bundle with them answers."""
    pytest.importorskip("lightgbm")
    recipe = parse_recipe({**RECIPE, "ranker": {"placements": ["home"]}}, "test")
    cut, placements = split(shop(habits=True), 10), parse_placements(PLACEMENTS)
    lessons = taught(cut.train, recipe, placements, lambda line: None)
    forests = {name: grow(*one, recipe.ranker, 7) for name, one in lessons.items()}
    judged = Judge.of(cut, recipe, placements, forests).of_forests(forests)["home"]
    bundle = with_ranker(fit(cut.train, recipe, placements), cut.train, forests)
    asked = next(one for one in to_ask(placements, cut, 3000, recipe.evaluation.seed))
    rows, _ = ask(Engine.of(bundle), asked, placements.by_name["home"], cut.now)
    product = np.append(cut.train.catalog.product, np.int32(-1))
    assert judged.ndcg.tolist() == accuracy(product[rows[:, :10]], asked.truth)["ndcg"].tolist()


def test_without_time_nothing_is_judged():
    """So that the recipe's own trees stay."""
    order, said = found(habits=True, until=time.perf_counter(), placements=["home"], trees=7)
    assert order is None
    assert said == ["trees are not tried: there is no time left to learn them"]


def test_windows_are_learned_from_while_half_of_the_time_lasts(monkeypatch):
    """Another one where it would end by then, as long as those before took."""
    now, told = [0.0], []

    def teaching(dataset, recipe, placements, say, more):
        now[0] = 20.0
        told.append(more(1))
        now[0] = 34.0
        told.extend((more(1), more(2)))
        return {}

    monkeypatch.setattr(import_module("vitrina.tune.order"), "taught", teaching)
    _, said = found(habits=True, until=100.0, clock=lambda: now[0])
    assert told == [True, False, False]
    assert said == ["trees are not tried: nothing before these days teaches them"]


@pytest.mark.parametrize("in_orders", [True, False])
def test_trees_are_tried_on_customers_without_times(in_orders):
    """Last orders teach how orders before them went on, and of who took what alone lots what was left out."""
    pytest.importorskip("lightgbm")
    said, recipe = list[str](), parse_recipe(RECIPE, "test")
    known = shop(habits=True)
    events = known.events.take(np.argsort(known.events.user, kind="stable"))
    visit = np.arange(len(events), dtype=np.int32) if in_orders else np.full(len(events), -1, np.int32)
    rows = replace(events, time=np.arange(len(events), dtype=np.int64), visit=visit)
    cut = split(replace(known, events=rows, timed=False), 10, tenth=True)
    assert (cut.lot < 0) == in_orders
    placements = parse_placements(PLACEMENTS)
    *_, order = orders(cut, recipe, placements, {"home": 0.0}, 1.0, float("inf"), said.append)
    assert order.plan.placements == ("home",), said
    gain, error = order.gains["home"]
    assert gain > 5 * error > 0


def test_no_trees_are_tried_on_one_moment():
    """Times that tell nothing apart teach nothing of later ones."""
    said, recipe = list[str](), parse_recipe({**RECIPE, "ranker": {"trees": 7}}, "test")
    known = shop(habits=True)
    events = replace(known.events, time=np.zeros(len(known.events), np.int64))
    cut = split(replace(known, events=events), 10, tenth=True)
    assert not list(orders(cut, recipe, parse_placements(PLACEMENTS), {}, 1.0, float("inf"), said.append))
    assert said == ["trees are not tried: all that is known is of one moment"]


def test_trees_are_tried_on_visits_without_times():
    """Visits of nobody known stand one behind another: who saw one of a pair goes on to the other."""
    pytest.importorskip("lightgbm")
    random = np.random.default_rng(5)
    first = random.integers(30, size=600)
    happened = [("", f"i{item}", visit) for visit, one in enumerate(first) for item in (one, one ^ 1, one)]
    known = replace(make_shop(happened), timed=False, sessions=True)
    known = replace(known, events=replace(known.events, time=np.arange(len(happened), dtype=np.int64)))
    steps = {"session_next": {"sources": [{"strategy": "popular", "seeds": "none"}], "rebuy": "always"}}
    recipe, said = parse_recipe(RECIPE, "test"), list[str]()
    cut, owed = split(known, 10, tenth=True), {"session_next": 0.0}
    *_, order = orders(cut, recipe, parse_placements(steps), owed, 1.0, float("inf"), said.append)
    assert order.plan.placements == ("session_next",), said
    gain, error = order.gains["session_next"]
    assert gain > 5 * error > 0


@pytest.mark.parametrize("ended", ["no time is left for trees", "interrupted"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_trees_that_were_found_outlive_the_end(after, ended, tmp_path, monkeypatch):
    """A shape that takes too long, or Ctrl-C, ends the search and takes nothing from those before it; the time
    is up again and again, while the recipe is being written too."""
    pytest.importorskip("lightgbm")
    module, now, said, grown = import_module("vitrina.tune.order"), [0.0], list[str](), []
    usual = module.grow

    def late(*given):
        grown.append(given)
        if len(grown) > after:
            if ended == "interrupted":
                raise KeyboardInterrupt
            now[0] = 1e9
            work(60.0)
        return usual(*given)

    def slow(line):
        said.append(line)
        if now[0]:
            work(0.3)

    monkeypatch.setattr(module, "grow", late)
    monkeypatch.setattr(import_module("vitrina.tune"), "_run", one_trial)
    recipe, placements, out = parse_recipe(RECIPE, "test"), parse_placements(PLACEMENTS), tmp_path / "t.toml"
    made = tune(shop(habits=True), recipe, placements, out, 1000.0, say=slow, clock=lambda: now[0])
    assert len(grown) == after + 1
    assert f"{ended}: {'no more are tried' if after else KEPT}" in said
    assert bool(made.order.gains) == bool(after)
    assert parse_recipe(tomllib.loads(out.read_text()), "again").ranker == made.order.plan


def test_a_fault_is_no_end_of_the_time(monkeypatch):
    """While there is time what fails is told, though trees were found."""
    pytest.importorskip("lightgbm")
    module, called = import_module("vitrina.tune.order"), []
    usual = module.grow

    def once(*given):
        called.append(given)
        return usual(*given) if len(called) == 1 else 1 / 0

    monkeypatch.setattr(module, "grow", once)
    with pytest.raises(ZeroDivisionError):
        found(habits=True)


def first(search, share):
    """Ctrl-C when the recipe's own settings were tried."""
    raise KeyboardInterrupt


def test_a_tuned_recipe_says_which_trees_and_what_they_add(tmp_path, monkeypatch):
    """[ranker] is written with all it is made of, and its gain in the comment at the head."""
    plan = RankerPlan(placements=("home",), windows=2, trees=80, leaves=6, rate=0.02, least=20)
    monkeypatch.setattr("vitrina.tune.orders", lambda *given: [Order(plan, {"home": (0.0123, 0.001)})])
    recipe, placements = parse_recipe(RECIPE, "test"), parse_placements(PLACEMENTS)
    made = tune(shop(habits=True), recipe, placements, tmp_path / "tuned.toml", budget=60.0, watch=first)
    assert parse_recipe(tomllib.loads(made.text), "again").ranker == plan
    assert "#   home, ordered by learned trees: +0.0123 +- 0.0010 more" in made.text
    assert made.as_dict()["ranker"] == {"home": {"gain": 0.0123, "error": 0.001}}


def test_trees_that_a_recipe_asks_for_outlive_a_search_without_time(tmp_path):
    """What the search had no time to judge is written as it was given."""
    recipe = parse_recipe({**RECIPE, "ranker": {"trees": 20, "placements": ["home"]}}, "test")
    made = tune(
        shop(habits=True), recipe, parse_placements(PLACEMENTS), tmp_path / "tuned.toml", budget=0.001
    )
    assert parse_recipe(tomllib.loads(made.text), "again").ranker == recipe.ranker


def test_what_was_not_judged_keeps_its_trees():
    """A placement of the recipe's [ranker] that nobody asked in these days, beside one that was."""
    pytest.importorskip("lightgbm")
    recipe = parse_recipe({**RECIPE, "ranker": {"placements": ["home", "cart"]}}, "test")
    for habits, ahead in ((True, ("home", "cart")), (False, ("cart",))):
        cut = split(shop(habits), 10)
        placements = parse_placements(PLACEMENTS)
        *_, order = orders(cut, recipe, placements, {"home": 0.0}, 1.0, float("inf"), lambda line: None)
        assert order.plan.placements == ahead


def test_no_shape_is_grown_twice(monkeypatch):
    """A recipe's own trees may be one of those that are tried anyway, however many windows teach them."""
    module, grown = import_module("vitrina.tune.order"), []
    usual = module.grow

    def counted(*given):
        grown.append(given[3])
        return usual(*given)

    monkeypatch.setattr(module, "grow", counted)
    order, _ = found(habits=True, windows=2)
    assert len(grown) == len(set(grown)) == len(module.SHAPES)
    assert {one.windows for one in grown} == {order.plan.windows} == {2}


def test_no_more_judge_than_there_is_time_for(monkeypatch):
    """Of a window's askers some are drawn, and their sources answer once for all trees."""
    module, asked = import_module("vitrina.tune.order"), []
    usual = module.proposed

    def drawn(engine, questions, now):
        asked.append(len(questions.requests))
        return usual(engine, questions, now)

    monkeypatch.setattr(module, "JUDGES", 100)
    monkeypatch.setattr(module, "proposed", drawn)
    order, _ = found(habits=True)
    assert asked == [100]
    assert order.gains["home"][0] > 0.2


def work(seconds):
    """Keep a processor busy for so long."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


class Enough(Exception):
    """The recipe's own settings were tried."""


def one_trial(search, until, say, watch):
    """In place of a search by the clock: what the recipe has, and no more."""

    def enough(search, share):
        raise Enough

    with suppress(Enough):
        search.run(1e9, enough)


def test_trees_have_their_share_though_weights_overrun(tmp_path, monkeypatch):
    """Weights are searched until trees are due, and to their end; what they take longer is not taken from
    trees, which are given up half as much later."""
    package, now, told = import_module("vitrina.tune"), [0.0], {}
    choose, ending = package.choose, package.until_then

    def overrunning(*given, until, **options):
        told["weights"], now[0] = until, 1000.0
        return choose(*given, until=until, **options)

    def without_trees(cut, recipe, placements, flatters, fit_seconds, until, say, clock):
        assert flatters.keys() == placements.by_name.keys()
        told["trees"] = until
        return []

    def later(moment, clock):
        told["given up"] = moment
        return ending(moment, clock)

    for name, one in (("choose", overrunning), ("orders", without_trees), ("until_then", later)):
        monkeypatch.setattr(package, name, one)
    monkeypatch.setattr(package, "_run", one_trial)
    recipe, placements = parse_recipe(RECIPE, "test"), parse_placements(PLACEMENTS)
    package.tune(shop(habits=True), recipe, placements, tmp_path / "t.toml", 10.0, clock=lambda: now[0])
    assert told == {"weights": 7.0, "trees": 1003.0, "given up": 1010.0}


def test_trees_need_the_time_of_one_window_s_fits(tmp_path, monkeypatch):
    """A trial fits on all windows of the bench, trees on one after the other."""
    package, told = import_module("vitrina.tune"), {}

    def without_trees(cut, recipe, placements, flatters, fit_seconds, until, say, clock):
        told["fit"] = fit_seconds
        return []

    def watched(search, until, say, watch):
        one_trial(search, until, say, watch)
        told["windows"] = len(search.bench.windows)

    monkeypatch.setattr(package, "orders", without_trees)
    monkeypatch.setattr(package, "_run", watched)
    monkeypatch.setattr(package.Search, "seconds", lambda search, family: 12.0)
    recipe, placements = parse_recipe(RECIPE, "test"), parse_placements(PLACEMENTS)
    package.tune(shop(habits=True), recipe, placements, tmp_path / "t.toml", 10.0)
    assert told["windows"] > 1
    assert told["fit"] == 12.0 / told["windows"]


def test_a_recipe_is_there_before_its_trees_are(tmp_path, monkeypatch):
    """Whatever becomes of trees, what was chosen before is written."""
    package, out = import_module("vitrina.tune"), tmp_path / "tuned.toml"

    def failing(*given):
        raise RuntimeError("no memory is left")

    monkeypatch.setattr(package, "_ordered", failing)
    recipe, placements = parse_recipe(RECIPE, "test"), parse_placements(PLACEMENTS)
    with pytest.raises(RuntimeError, match="no memory"):
        package.tune(shop(habits=True), recipe, placements, out, 60.0, watch=first)
    made = parse_recipe(tomllib.loads(out.read_text()), "again")
    assert made.strategies["popular"].strategy == "popular"
    assert made.ranker == recipe.ranker
