"""Tuning: every strategy has a space, a search finds what was planted, stops, goes on, and says it all."""

from __future__ import annotations

import json
import time
import tomllib
from dataclasses import fields, replace
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop
from vitrina import strategies, tune
from vitrina.cli.tuning import duration, show
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.errors import DataError, PlacementsError, RecipeError
from vitrina.fit import fit
from vitrina.ids import UNKNOWN, Ids
from vitrina.live import Live
from vitrina.placements import parse_placements
from vitrina.questions import questions
from vitrina.recipe import Plan, parse_recipe, read_recipe
from vitrina.request import Block, Request
from vitrina.splits import split
from vitrina.train import placements_of
from vitrina.tune.bench import Bench, key_of
from vitrina.tune.dimensions import Days
from vitrina.tune.families import families
from vitrina.tune.journal import Journal, Trial
from vitrina.tune.spaces import EVENT, SPACES, STARTS, Space

TABLES = {
    "version": "test-1",
    "home": {
        "sources": [
            {"strategy": "item_knn", "weight": 1.0, "seeds": "history"},
            {"strategy": "popular", "weight": 0.5, "seeds": "none"},
        ],
        "rebuy": {"after_days": 2.0},
    },
    "cart": {"sources": [{"strategy": "item_knn", "weight": 1.0, "seeds": "context"}]},
    "session_next": {"sources": [{"strategy": "item_knn", "weight": 1.0, "seeds": "session"}]},
    "product_similar": {"sources": [{"strategy": "item_knn", "weight": 1.0, "seeds": "context"}]},
}
RECIPE = {
    "about": 'a "test"',
    "strategies": {
        "item_knn": {"neighbours": 20},
        "popular": {},
        "trending": {"is": "popular", "by": "velocity"},
    },
    "columns": {"events": {"item_id": "sku no."}},
    "evaluation": {"test_days": 10},
}


@cache
def shop(users: int = 90, days: int = 60, views: bool = False) -> Dataset:
    """Customers of three tastes buy two things of their own taste every few days; tastes drift."""
    random, happened = np.random.default_rng(3), []
    for user in range(users):
        for day in range(user % 4, days, 4):
            taste = (user % 3) * 12 + (day // 15) * 3
            for item in random.choice(12, 2, replace=False):
                happened.append((f"u{user}", f"i{(taste + item) % 36}", day))
                if views:
                    happened.append((f"u{user}", f"i{(taste + item) % 36}", day, "view"))
    return make_shop(happened)


def anonymous(dataset: Dataset) -> Dataset:
    """The same orders, of nobody."""
    nobody = np.full(len(dataset.events), UNKNOWN, np.int32)
    return replace(dataset, users=Ids.of([]), events=replace(dataset.events, user=nobody))


def untimed(dataset: Dataset) -> Dataset:
    """The same order of events, at no time."""
    counted = replace(dataset.events, time=np.arange(len(dataset.events)))
    return replace(dataset, events=counted, timed=False)


def recipe(**changes):
    """The test's recipe."""
    return replace(parse_recipe({**RECIPE, **changes}, "test"), placements=TABLES)


PLACEMENTS = parse_placements(TABLES)


def stopping(trials):
    """Ctrl-C after so many trials."""

    def watch(search, share):
        if len(search.trials) >= trials:
            raise KeyboardInterrupt

    return watch


def test_every_strategy_has_a_space():
    """A new strategy says what of it is worth searching, or, by an empty space, that nothing is."""
    assert set(SPACES) == set(strategies.names())


@pytest.mark.parametrize("name", strategies.names())
def test_a_space_names_fields(name):
    """Each dimension is a field of the strategy, or a type of its event_weights."""
    known = {one.name for one in fields(import_module(f"vitrina.strategies.{name}").Strategy)}
    for key in SPACES[name]:
        assert key in known or (key.startswith(EVENT) and "event_weights" in known), key


@pytest.mark.parametrize("name", strategies.names())
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_point_is_a_setting(name, data):
    """Whatever the search may ask for can be made, and comes back as the point it was."""
    space = Space.of(name, strategies.make(name, {}), shop(views=True))
    point = {}
    for key, one in space.dimensions.items():
        if hasattr(one, "words"):
            point[key] = data.draw(st.sampled_from(one.words))
        elif isinstance(one.low, int):
            point[key] = data.draw(st.integers(one.low, one.high))
        else:
            point[key] = data.draw(st.floats(one.low, one.high))
    params = space.params(point, {})
    strategies.make(name, params)
    assert space.params(space.point(params), {}) == params


@pytest.mark.parametrize("name", strategies.names())
def test_defaults_are_points(name):
    """A strategy as it comes stands in its own space, so that a search learns from it."""
    space = Space.of(name, strategies.make(name, {}), shop(views=True))
    for key, distribution in space.distributions().items():
        assert distribution._contains(distribution.to_internal_repr(space.point({})[key])), key


def test_what_has_no_effect_is_not_searched():
    """No half-life without times and orders, no weight of views where nobody only looks."""
    made = strategies.make("item_knn", {})
    orders = untimed(shop())
    bare = replace(orders, events=replace(orders.events, visit=np.full(len(orders.events), -1, np.int32)))
    assert "half_life_days" in Space.of("item_knn", made, shop()).dimensions
    fading = [
        [one for one in Space.of("item_knn", made, of).dimensions if "half_life" in one]
        for of in (orders, bare)
    ]
    assert fading == [["half_life_days"], []]
    assert (
        "half_life_days" not in Space.of("next_basket", strategies.make("next_basket", {}), orders).dimensions
    )
    habits = strategies.make("next_basket", {})
    assert {"timing", "ahead_days"} <= Space.of("next_basket", habits, shop()).dimensions.keys()
    assert not {"timing", "ahead_days"} & Space.of("next_basket", habits, untimed(shop())).dimensions.keys()
    assert "half_life_purchases" in Space.of("next_basket", habits, untimed(shop())).dimensions
    assert "half_life_purchases" not in Space.of("next_basket", habits, shop()).dimensions
    assert f"{EVENT}view" in Space.of("item_knn", made, shop(views=True)).dimensions
    assert f"{EVENT}view" not in Space.of("item_knn", made, shop()).dimensions
    looks, viewed = strategies.make("look_again", {}), shop(views=True)
    assert not Space.of("look_again", looks, shop()).dimensions
    assert "half_life_days" in Space.of("look_again", looks, viewed).dimensions
    assert "half_life_days" not in Space.of("look_again", looks, untimed(viewed)).dimensions
    assert "often" in Space.of("look_again", looks, untimed(viewed)).dimensions


@pytest.mark.parametrize("name", sorted(set(strategies.names()) - {"image_similar"}))
def test_how_long_the_past_counts_is_searched(name):
    """Every strategy that learns or starts from events has a half-life or a window for the search to turn."""
    assert any(type(one) is Days for one in SPACES[name].values())


@pytest.mark.parametrize("name", strategies.names())
def test_what_won_elsewhere_is_in_reach(name):
    """Each start names dimensions of its strategy, within their bounds, and keeps what it says."""
    spaces = [Space.of(name, strategies.make(name, {}), one) for one in (untimed(shop()), shop(views=True))]
    for space in spaces:
        for point, said in zip(space.starts(name), (*STARTS.get(name, ()), {}), strict=False):
            params = space.params(point, {})
            assert {
                key: one for key, one in said.items() if key in space.dimensions
            }.items() <= params.items()
            strategies.make(name, params)
    named = {key for said in STARTS.get(name, ()) for key in said}
    assert named <= spaces[0].dimensions.keys() | spaces[1].dimensions.keys()
    assert set(STARTS) <= set(strategies.names())
    lately = [point for point in space.starts(name) if 0 < point.get("half_life_days", 0) < 20]
    assert lately or "half_life_days" not in space.dimensions


@given(span=st.floats(0.01, 3000), value=st.floats(0, 10_000))
def test_days_reach_from_hours_to_never(span, value):
    """A half-life longer than the past is never; 0 is never too."""
    one = Days(span)
    assert one.value(one.point(0.0)) == 0.0
    assert one.low <= one.point(value) <= one.high


def test_a_source_is_asked_as_the_engine_asks_it():
    """The bench's lists are those of an engine with that one source, under the placement's rules."""
    bench = Bench.of(shop(), recipe(), PLACEMENTS, 7)
    cut = split(shop(), 10)
    lists = bench.lists(Plan("item_knn", {"neighbours": 20}), {"home": "history", "cart": "context"})
    alone = {
        "version": "1",
        "home": {**TABLES["home"], "sources": TABLES["home"]["sources"][:1], "fallback": []},
    }
    engine = Engine.of(fit(cut.train, recipe(), parse_placements(alone)), parse_placements(alone))
    home = next(one for one in questions(cut, 2000, 7) if one.placement == "home")
    asked = [replace(one, blocks=(Block("home", limit=10),)) for one in home.requests]
    for place, answer in enumerate(engine.recommend(asked, Live(now=cut.now))):
        listed = shop().items.names(lists["home"].of(place)[:10])
        assert [one.item_id for one in answer.blocks[0].items] == listed


def test_few_askers_hold_out_more_windows():
    """Where few ask, earlier days are asked about as well, and each window learns from its own past."""
    bench = Bench.of(shop(), recipe(), PLACEMENTS, 7)
    ends = [one.cut.train.end for one in bench.windows]
    assert len(ends) > 1
    assert ends == sorted(ends, reverse=True)
    assert len(bench.truths["home"]) > 90


def test_too_little_is_said():
    """A shop of two customers cannot be tuned on; the error says what is missing."""
    with pytest.raises(DataError, match="too little to tune on"):
        Bench.of(shop(users=2, days=20), recipe(), PLACEMENTS, 7)


def test_steps_of_a_few_visits_are_too_little():
    """Each visit, one a day, asks fifty times, of which nothing can be proved: they hang together."""
    random = np.random.default_rng(3)
    views = [("", f"i{item}", day, "view") for day in range(8) for item in random.integers(30, size=60)]
    sources = [{"strategy": "item_knn", "seeds": "session"}]
    asked = parse_placements({"session_next": {"sources": sources}}, "placements")
    with pytest.raises(DataError, match="10 customers or visits"):
        Bench.of(make_shop(views), recipe(), asked, 7)


def test_where_nothing_was_chosen_no_table_is_shown(capsys):
    """An empty table would say nothing; a sentence does."""
    show({}, Path("tuned.toml"))
    assert len(capsys.readouterr().out.strip().splitlines()) == 1


def test_instances_of_one_strategy_are_one_family():
    """Unless the recipe fixes what is not searched: popular and trending are two."""
    more = {**RECIPE["strategies"], "item_knn_cart": {"is": "item_knn", "neighbours": 50}}
    bench = Bench.of(shop(), recipe(), PLACEMENTS, 7)
    found = {one.name: set(one.starts) for one in families(recipe(strategies=more), bench.placements, shop())}
    assert found["item_knn"] == {"item_knn", "item_knn_cart"}
    assert found["trending"] == {"trending"}
    assert found["ease"] == {"ease"}


def test_an_instance_may_bear_the_name_of_another_strategy():
    """Both are searched, and each is what the recipe says or what there is."""
    more = {**RECIPE["strategies"], "ease": {"is": "popular", "by": "newness"}}
    bench = Bench.of(shop(), recipe(), PLACEMENTS, 7)
    found = {one.name: one for one in families(recipe(strategies=more), bench.placements, shop())}
    assert (found["ease"].strategy, found["ease"].named) == ("popular", True)
    assert (found["ease_2"].strategy, found["ease_2"].named) == ("ease", False)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """One search of a few seconds, and what it left."""
    out = tmp_path_factory.mktemp("tuned") / "tuned.toml"
    lines: list[str] = []
    found = tune.tune(shop(), recipe(), PLACEMENTS, out, 6.0, say=lines.append)
    return found, out, lines


def test_the_recipe_stands_alone(tuned):
    """It reads, fits and answers without any other file; every placement is there, columns and words too."""
    out = tuned[1]
    made = read_recipe(out)
    placements = placements_of(made)
    assert set(placements.names) == set(TABLES) - {"version"}
    assert (made.about, made.columns) == (RECIPE["about"], RECIPE["columns"])
    assert made.evaluation.test_days == 10
    assert placements.by_name["home"].rebuy.after_days == 2.0
    used = {mix.strategy for one in placements.by_name.values() for mix in one.sources}
    fallbacks = {one for placement in placements.by_name.values() for one in placement.fallback}
    assert used | fallbacks == set(made.strategies)
    engine = Engine.of(fit(shop(), made, placements), placements)
    blocks = tuple(Block(name, limit=4) for name in placements.names)
    answer = engine.recommend(
        [Request(blocks[:1], user_id="u1", context_item_ids=("i3",))], Live(now=shop().end)
    )
    assert answer[0].blocks[0].items


def test_it_says_what_was_gained(tuned):
    """Gain, seed and version stand in the file's head; nothing is worse than what it started from."""
    found, out, lines = tuned
    head = "".join(one for one in out.read_text().splitlines(keepends=True) if one.startswith("#"))
    assert "seed 7" in head
    for name, one in found.chosen.items():
        assert f"{name}: {one.before:.4f} -> {one.after:.4f}" in head
        assert one.after >= one.before
    assert any("trials" in one for one in lines)
    assert json.loads(json.dumps(found.as_dict()))["placements"].keys() == found.chosen.keys()


def test_a_search_goes_on(tuned, tmp_path):
    """The same command takes up the journal, whose last line may be torn; other data are refused."""
    found, out, _ = tuned
    again, journal = tmp_path / "tuned.toml", tmp_path / "tuned.toml.journal"
    journal.write_text(out.with_name("tuned.toml.journal").read_text() + '{"family": "item')
    more = tune.tune(shop(), recipe(), PLACEMENTS, again, 3.0, clock=time.process_time)
    assert more.trials > found.trials
    assert all(tomllib.loads("x = " + line.split(":")[0][1:]) for line in journal.read_text().splitlines())
    with pytest.raises(RecipeError, match="data differs; give another --out"):
        tune.tune(shop(users=80), recipe(), PLACEMENTS, again, 1.0)


def test_ctrl_c_writes_the_best_so_far(tmp_path):
    """Whenever it comes, there is a recipe."""

    out = tmp_path / "t.toml"
    found = tune.tune(shop(), recipe(), PLACEMENTS, out, 600.0, watch=stopping(13))
    assert found.seconds < 120
    assert found.chosen.keys() == {"home", "cart"}
    assert read_recipe(out).strategies


def test_a_second_ctrl_c_keeps_what_is_chosen(tmp_path):
    """While weights are searched, it writes the placements that are done; the others stay as they are."""

    def say(line):
        if "NDCG@10" in line:
            raise KeyboardInterrupt

    out = tmp_path / "t.toml"
    found = tune.tune(shop(), recipe(), PLACEMENTS, out, 600.0, watch=stopping(4), say=say)
    assert len(found.chosen) == 1
    assert set(placements_of(read_recipe(out)).names) == set(PLACEMENTS.names)


@pytest.mark.parametrize(("budget", "trials", "most"), [(600.0, 4, tune.WRITING), (4.0, 10**6, 4.0)])
def test_weights_have_their_share_of_the_time(budget, trials, most, tmp_path, monkeypatch):
    """After Ctrl-C all placements share the time for writing, and else no more than the budget."""
    choose = import_module("vitrina.tune.choose")
    halves, weigh = [], choose._blended

    def blended(*given, half, **options):
        halves.append(half)
        return weigh(*given, half=half, **options)

    monkeypatch.setattr(choose, "_blended", blended)
    tune.tune(shop(), recipe(), PLACEMENTS, tmp_path / "t.toml", budget, watch=stopping(trials))
    assert halves
    assert max(halves) <= most / 2


def test_an_instance_of_its_own_is_not_overwritten(tmp_path):
    """A rack that nobody asked mixes another instance than the cart does: the recipe's own, which stays."""
    tables = {
        "version": "1",
        "cart": TABLES["cart"],
        "rack": {
            "sources": [{"strategy": "item_knn_rack", "weight": 1.0, "seeds": "context"}],
            "needs": ["filter"],
        },
    }
    own = {"is": "item_knn", "neighbours": 7}
    given = recipe(strategies={**RECIPE["strategies"], "item_knn_rack": own})
    tune.tune(shop(), given, parse_placements(tables), tmp_path / "t.toml", 600.0, watch=stopping(6))
    made = read_recipe(tmp_path / "t.toml")
    (source,) = placements_of(made).named("rack").sources
    assert dict(made.strategies[source.strategy].params) == {"neighbours": 7}


def test_placements_of_another_name_are_tuned_alike(tmp_path, monkeypatch):
    """A start page and a product page are tried on the very questions of a home list and of a cart, and what
    starts from a page and was not asked takes over what suits a page."""
    monkeypatch.setattr(tune, "WRITING", 120.0)  # a busy machine leaves out folds else
    tables = {
        "version": "1",
        "start_page": TABLES["home"],
        "product_similar": TABLES["cart"],
        "rack": {**TABLES["cart"], "needs": ["filter"]},
    }
    own = parse_placements({"version": "1", **{name: TABLES[name] for name in ("home", "cart")}})
    found = [
        tune.tune(shop(), recipe(), one, tmp_path / f"{number}.toml", 600.0, watch=stopping(6))
        for number, one in enumerate((parse_placements(tables), own))
    ]
    assert found[0].chosen.keys() == {"start_page", "product_similar"}
    for name, same in (("start_page", "home"), ("product_similar", "cart")):
        other, one = (run.chosen[at] for run, at in zip(found, (name, same), strict=True))
        assert (one.askers, one.before) == (other.askers, other.before)
    made = read_recipe(tmp_path / "0.toml")
    (source,) = placements_of(made).named("rack").sources
    parts = found[0].chosen["product_similar"].parts
    suited = [one.plan for one in parts if one.family.name == "item_knn"] or [recipe().strategies["item_knn"]]
    assert dict(made.strategies[source.strategy].params) == dict(suited[0].params)


def test_where_nothing_can_be_asked_the_recipe_stays(tmp_path):
    """It is written unchanged, and each placement says why it was not asked."""
    tables = {"version": "1", "start_page": TABLES["home"], "cart": TABLES["cart"]}
    lines: list[str] = []
    out, alone = tmp_path / "t.toml", make_shop([(f"u{one}", f"i{one % 3}", one) for one in range(40)])
    found = tune.tune(alone, recipe(), parse_placements(tables), out, 600.0, say=lines.append)
    assert not found.chosen
    assert "start_page: asked too seldom, more history is needed" in lines[0]
    assert "cart: no basket of two products" in lines[0]
    made = read_recipe(out)
    assert made.strategies == recipe().strategies
    assert placements_of(made).by_name == parse_placements(tables).by_name


def chains(users: int = 400) -> Dataset:
    """Each customer buys one thing a day, each thing leading to the next of its ring; now and then another."""
    random, happened = np.random.default_rng(5), []
    for user in range(users):
        item = int(random.integers(40))
        for day in range(int(random.integers(3, 9))):
            happened.append((f"u{user}", f"i{item}", day + user % 40))
            item = (
                (item // 10) * 10 + (item % 10 + 1) % 10
                if random.random() < 0.9
                else int(random.integers(40))
            )
    return make_shop(happened)


def test_what_starts_from_nothing_is_still_tried(tmp_path):
    """Where each next purchase follows from the last, markov wins, though as it comes it learns nothing there."""
    out, clock = tmp_path / "t.toml", time.process_time  # a busy machine is not held against it
    found = tune.tune(chains(), recipe(), PLACEMENTS, out, 600.0, watch=stopping(50), clock=clock)
    home = found.chosen["home"]
    assert "markov" in {part.family.strategy for part in home.parts}
    assert home.after > 1.2 * home.before


def test_a_source_that_is_not_fitted_holds_nothing_up(tmp_path):
    """A placement may name strategies that the recipe does not fit; whether they were tried does not matter."""
    tables = {**TABLES, "home": {**TABLES["home"], "sources": [*TABLES["home"]["sources"], {"strategy": "decision_tree", "weight": 0.1, "seeds": "history"}]}}  # fmt: skip

    found = tune.tune(
        shop(), recipe(), parse_placements(tables), tmp_path / "t.toml", 600.0, watch=stopping(3)
    )
    assert "home" in found.chosen


def test_what_placements_mix_is_tried_first(tmp_path):
    """Whatever else a recipe fits: nothing can be weighed before."""
    first = {"session_knn": {}, "trending": {"is": "popular", "by": "velocity"}}
    told = recipe(strategies={**first, "item_knn": {"neighbours": 20}, "popular": {}})
    found = tune.tune(shop(), told, PLACEMENTS, tmp_path / "t.toml", 600.0, watch=stopping(2))
    assert found.trials == 2
    assert found.chosen.keys() == {"home", "cart"}


def test_too_short_a_budget_changes_nothing(tmp_path):
    """Placements whose own sources were not all tried stay as they are, and are said to."""
    lines: list[str] = []
    found = tune.tune(shop(), recipe(), PLACEMENTS, tmp_path / "t.toml", 1e-6, say=lines.append)
    assert not found.chosen
    assert sum("stays as it is" in one for one in lines) == 2
    made = read_recipe(tmp_path / "t.toml")
    assert made.strategies["item_knn"].params == {"neighbours": 20}
    assert placements_of(made).by_name["cart"] == PLACEMENTS.by_name["cart"]


@pytest.mark.parametrize("other", [anonymous(shop()), untimed(shop()), untimed(anonymous(shop()))],
                         ids=["of nobody", "without times", "baskets alone"])  # fmt: skip
def test_shops_of_every_kind_can_be_tuned(other, tmp_path):
    """Visits without customers, events without times, and neither."""
    found = tune.tune(other, recipe(), PLACEMENTS, tmp_path / "t.toml", 3.0)
    assert found.chosen
    assert read_recipe(tmp_path / "t.toml").strategies


def test_a_journal_remembers(tmp_path):
    """What was added is there when it is opened again."""
    journal = Journal.open(tmp_path / "deep" / "j", {"data": "a"})
    trial = Trial("popular", {"by": "sales"}, {"home": 0.25}, 0.5)
    journal.add(trial)
    assert Journal.open(tmp_path / "deep" / "j", {"data": "a"}).trials == (trial,)
    with pytest.raises(RecipeError, match="data differ"):
        Journal.open(tmp_path / "deep" / "j", {"data": "b"})


def test_a_journal_cut_anywhere_in_its_last_line_goes_on(tmp_path):
    """As the disk filled up or the process was killed: what was whole is there, the rest is gone from the file."""
    journal = Journal.open(tmp_path / "j", {"data": "a"})
    trial = Trial(
        "popular", {"by": "sales", "z": 1.0}, {"home": 0.25}, 0.5, 0.0, {"home": [0.1, 0.15, 0.0, 0.0]}
    )
    journal.add(trial)
    whole = (tmp_path / "j").read_bytes()
    journal.add(trial)
    both = (tmp_path / "j").read_bytes()
    for cut in range(whole.index(b"\n")):
        (tmp_path / "j").write_bytes(whole[:cut])
        assert Journal.open(tmp_path / "j", {"data": "a"}).trials == ()
    for cut in range(len(whole), len(both)):
        (tmp_path / "j").write_bytes(both[:cut])
        assert Journal.open(tmp_path / "j", {"data": "a"}).trials == (trial,)
        assert (tmp_path / "j").read_bytes() == whole


def test_what_cannot_be_learned_as_it_is_written_is_left_out(tmp_path):
    """The others are tuned, and so is its family, with settings that can."""
    lines: list[str] = []
    bad = {"ease": {"ridge": 1e-12}, "item_knn": {"neighbours": 20}, "popular": {}}
    sources = [{"strategy": one, "weight": 1.0, "seeds": "history"} for one in ("item_knn", "ease")]
    tables = {**TABLES, "home": {**TABLES["home"], "sources": sources}}
    alike = make_shop([(f"u{user}", f"i{item}", day) for day in range(40) for user in range(60) for item in (0, 1, 2 + user % 2)])  # fmt: skip
    told = recipe(strategies=bad), parse_placements(tables), tmp_path / "t.toml", 5.0
    found = tune.tune(alike, *told, say=lines.append, clock=time.process_time)
    assert "home: ease cannot be learned as the recipe has it, and is left out" in lines
    assert "home" in found.chosen
    assert read_recipe(tmp_path / "t.toml").strategies


def test_a_file_that_is_no_journal_is_refused(tmp_path):
    """The error names it and says what to do."""
    (tmp_path / "j").write_text("about = 3\n{}\n")
    with pytest.raises(DataError, match="cannot use the journal"):
        Journal.open(tmp_path / "j", {"data": "a"})


def test_a_plan_has_one_key():
    """However its hyperparameters are ordered."""
    assert key_of(Plan("a", {"x": 1, "y": (2,)})) == key_of(Plan("a", {"y": [2], "x": 1}))
    assert key_of(Plan("a", {"x": 1})) != key_of(Plan("a", {"x": 2}))


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("1h", 3600), ("1.5m", 90), ("7", 7)]
)
def test_a_budget_is_a_time(text, seconds):
    """Seconds, minutes, hours."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5x", "m", "-3s", "0s", "5 m"])
def test_what_is_no_budget_is_refused(text):
    """The error shows what would be one."""
    with pytest.raises(typer.BadParameter, match="30s, 5m or 1h"):
        duration(text)


def test_placements_in_a_recipe_are_tables_or_a_path():
    """Anything else is refused, and a table's own mistakes are named."""
    with pytest.raises(RecipeError, match="must be a path, or tables such as"):
        parse_recipe({**RECIPE, "placements": 3}, "")
    with pytest.raises(PlacementsError, match=r"the recipe's placements: \[home\] unknown key 'sorces'"):
        placements_of(parse_recipe({**RECIPE, "placements": {"home": {"sorces": []}}}, ""))
