"""The second stage: features equal their definitions, trees reorder and nothing else, none changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shops import make_shop, make_window
from vitrina.blend import Ranked, fuse
from vitrina.bundle import verify
from vitrina.bundle.sound import check
from vitrina.dataset import DAY, Attribute
from vitrina.engine import Engine
from vitrina.errors import RecipeError
from vitrina.fit import fit
from vitrina.live import Live
from vitrina.metrics import Truth, accuracy
from vitrina.placements import parse_placements
from vitrina.ranker import DEPTH, FOREST, ITEM, Forest, Ranker, describe, feature_names, mixture
from vitrina.ranking import Lessons, booster, joined, learn, rehearsed, taught, windows, with_ranker
from vitrina.recipe import RankerPlan, parse_recipe
from vitrina.registry import Registry
from vitrina.request import Block, Request, SessionEvent
from vitrina.sold import facts, shelf_of
from vitrina.splits import split
from vitrina.strategy import Candidates, Seeds
from vitrina.train import train

HOME = {"home": {"sources": [{"strategy": "a"}, {"strategy": "b", "weight": 0.5}], "rebuy": "always"}}
BOUGHT = [("u", "i0", 1), ("u", "i1", 1), ("u", "i0", 11), ("u", "i2", 15, "view"), ("w", "i1", 16)]


def priced_shop(happened=BOUGHT):
    """Four items of two categories, i3 of none, at 1, 2, 4 and no price."""
    made = make_shop(happened, items=["i0", "i1", "i2", "i3"])
    price = np.array([1, 2, 4, np.nan], np.float32)
    catalog = replace(made.catalog, price=price, category=Attribute.of(["x", "x", "y", ""]))
    return replace(made, catalog=catalog)


def described(rows=(0, 1, 2, 3), now=21 * DAY, dataset=None):
    """The table of one list of one source for customer u, by feature name and row."""
    dataset = dataset or priced_shop()
    mine = dataset.events.take(dataset.events.user == 0)
    past = Seeds(np.array([0, len(mine)]), mine.item, mine.type, mine.time)
    source = Candidates(np.array([0, 3]), np.array([2, 0, 1], np.int32), np.array([4, 2, 1], np.float32))
    ranked = Ranked(
        np.array([rows], np.int32),
        np.linspace(1, 0.25, len(rows), dtype=np.float32)[None],
        np.ones((1, len(rows), 1), np.float32),
    )
    table = describe(shelf_of(dataset), ranked, [source], past, now, DEPTH)[0]
    return dict(zip(feature_names(["s"]), table.T, strict=True))


def test_features_are_what_their_names_say():
    """Places, recency, habit, category and price of a shop that can be counted by hand."""
    found = described()
    nan = np.nan
    expected = {
        "blend rank": [0, 1, 2, 3],
        "blend share": [1, 0.75, 0.5, 0.25],
        "s rank": [1, 2, 0, nan],
        "s share": [0.5, 0.25, 1, nan],
        "times bought": [2, 1, 0, 0],
        "days since bought": [10, 20, nan, nan],
        "days since first bought": [20, 20, nan, nan],
        "days between": [10, nan, nan, nan],
        "days since / days between": [1, nan, nan, nan],
        "share of visits": [1, 0.5, 0, 0],
        "days bought before last visit": [0, 10, nan, nan],
        "times viewed": [0, 0, 1, 0],
        "days since viewed": [nan, nan, 6, nan],
        "bought in category": [3, 3, 0, nan],
        "category's share": [1, 1, 0, nan],
        "share of category": [2 / 3, 1 / 3, nan, nan],
        "price against usual in category": [-np.log(2) / 3, 2 * np.log(2) / 3, nan, nan],
        "bought": [3, 3, 3, 3],
        "visits": [2, 2, 2, 2],
        "days since visit": [10, 10, 10, 10],
        "days between visits": [10, 10, 10, 10],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)
    faded = 2.0 ** (-20 / 30) + 2.0 ** (-10 / 30)
    np.testing.assert_allclose(found["times bought, faded"][0], faded, rtol=1e-5)


def test_a_pad_is_known_by_nothing():
    """Places without a row stay NaN in all that is said of rows."""
    found = described(rows=(1, -1))
    assert np.isnan(found["times bought"][1])
    assert np.isnan(found["bought"][1])
    assert found["times bought"][0] == 1


def test_without_times_a_step_is_a_day():
    """Whatever stands for their times, in files and in requests: what counts is how many steps back."""
    timed = priced_shop()
    odd = replace(timed.events, time=timed.events.time * 0 + 7)
    found, other = (described(dataset=replace(timed, events=one, timed=False)) for one in (timed.events, odd))
    np.testing.assert_allclose(found["days since bought"], [2, 3, np.nan, np.nan])
    np.testing.assert_allclose(found["days since viewed"], [np.nan, np.nan, 1, np.nan])
    for name in set(found) - set(ITEM):
        np.testing.assert_array_equal(found[name], other[name], err_msg=name)


def test_without_times_it_is_as_late_where_trees_are_learned_as_where_they_are_asked():
    """There `now` is how many rows there are, here a clock's: a step is as long ago in both."""
    shop = replace(priced_shop(), timed=False)
    rows, clock = described(now=9, dataset=shop), described(now=1_700_000_000, dataset=shop)
    for name in rows:
        np.testing.assert_array_equal(rows[name], clock[name], err_msg=name)


def stump(names, feature, threshold, low, high, mixed, depth=DEPTH):
    """One tree: at most the threshold is worth `low`, more is worth `high`, not known is worth `low`."""
    values = ([0], [names.index(feature)], [threshold], [True], [~0], [~1], [low, high])
    arrays = tuple(np.array(one, dtype) for one, dtype in zip(values, FOREST.values(), strict=True))
    return Forest(mixed, names, arrays, depth)


def ranked_window(mixed=None, names=None, placements=HOME):
    """An engine over fixed lists, a: i0, i1, i2 and b: i3, i1, whose tree puts the dearer items first."""
    shop = priced_shop()
    engine = make_window(shop, {"a": [0, 1, 2], "b": [3, 1]}, placements)
    names = names or feature_names(["a", "b"])
    fits = mixture(parse_placements(HOME).by_name["home"], parse_placements(HOME).by_name["home"].sources)
    forest = stump(names, names[-1], 1.0, 0.0, 1.0, fits if mixed is None else mixed)
    parts = {"items": facts(shop), **{f"home/{name}": one for name, one in forest.parts().items()}}
    plain = engine.opened
    catalog = {**shop.catalog.columns(), "due_days": np.zeros(4, np.float32)}
    engine.opened = replace(plain, ranker=Ranker.open(parts, catalog, timed=True))
    return engine, plain


def listed(engine):
    """What u is shown at home."""
    return engine.recommend([Request((Block("home"),), user_id="u")], Live(now=21 * DAY))[0].blocks[0].items


def test_trees_put_candidates_in_order_and_leave_the_rest():
    """The dearest first; the same items, each still with the sources that gave it; scores fall."""
    engine, plain = ranked_window()
    after = listed(engine)
    engine.opened = plain
    before = listed(engine)
    assert next(one.item_id for one in after) == "i2" != before[0].item_id
    assert {one.item_id: one.sources for one in after} == {one.item_id: one.sources for one in before}
    scores = [one.score for one in after]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0
    assert scores[0] < 1


@pytest.mark.parametrize(
    "change",
    [
        {"mixed": ("a history 1", "by rank")},
        {"mixed": ("a history 1", "b history 0.6", "by rank")},
        {"names": ("what no candidate is described by",)},
    ],
)
def test_trees_for_something_else_change_nothing(change):
    """Another mixture, other weights, features nobody knows: the answer is the blend's, to the byte."""
    engine, plain = ranked_window(**change)
    after = listed(engine)
    engine.opened = plain
    assert after == listed(engine)


@pytest.mark.parametrize("depth", [DEPTH, 4 * DEPTH])
def test_places_behind_the_depth_keep_their_order(depth):
    """Of a longer list as many as the trees were learned for are ranked, which another Vitrina may have done
    otherwise; the others follow as they were, with lower scores."""
    n = depth + 40
    shop = make_shop([("u", f"i{one:03d}", 1) for one in range(n)])
    shop = replace(shop, catalog=replace(shop.catalog, price=np.arange(1, n + 1, dtype=np.float32)))
    rows = np.arange(n, dtype=np.int32)
    source = Candidates(np.array([0, n]), rows, np.linspace(1, 0.1, n, dtype=np.float32))
    ranked = fuse([source], [1.0], by="score", depth=n)
    names = feature_names(["a"])
    forest = stump(names, "price", np.log(10.5), 0.0, 1.0, (), depth)
    past = Seeds(np.zeros(2, np.int64), rows[:0], np.zeros(0, np.uint8), np.zeros(0, np.int64))
    found = Ranker(shelf_of(shop), {}).rank(forest, ranked, [source], past, 2 * DAY)
    assert found.rows[0].tolist() == [*range(10, depth), *range(10), *range(depth, n)]
    assert (np.diff(found.scores[0]) <= 0).all()
    assert found.scores[0, -1] > 0


def test_no_window_is_of_a_moment_that_is_learned_from():
    """Of dates without hours the first day is all that came before the second: nothing teaches on it."""
    bought = [(f"u{user}", f"i{day % 3}", day) for user in range(20) for day in range(5) for _ in range(2)]
    recipe = parse_recipe({"strategies": {"popular": {}}, "ranker": {"windows": 9}}, "test")
    shop = make_shop(bought)
    orders = shop.events.visit * 2 + np.arange(len(shop.events), dtype=np.int32) % 2
    said: list[str] = []
    found = list(windows(replace(shop, events=replace(shop.events, visit=orders)), recipe, said.append))
    assert [int(one.test.events.time.min()) // DAY for one in found] == [4, 3, 2, 1]
    assert all(one.train.events.time.max() < one.test.events.time.min() for one in found)
    assert said == ["the ranker learns from 4 windows: all that came before is of one moment"]


def test_a_bundle_says_how_deep_its_trees_go():
    """Its lists are answered as they were in training; the first bundles did not say it, and went to 200."""
    parts = stump(feature_names(["a"]), "price", 1.0, 0.0, 1.0, (), 17).parts()
    assert Forest.of_parts(parts).depth == 17
    assert Forest.of_parts({name: one for name, one in parts.items() if name != "depth"}).depth == 200
    for wrong in (np.array([0]), np.array([10**9]), np.array([50, 50]), np.array([50.0])):
        with pytest.raises(ValueError, match="depth of a ranker is"):
            Forest.of_parts({**parts, "depth": wrong})


def habits(n_users=120):
    """Customers who buy each of their items at its own pace: a fast one, a slow one; half a year."""
    happened = []
    for user in range(n_users):
        for start in range(user % 5, 180, 6):
            happened.append((f"u{user:03d}", f"fast{user % 7}", start))
        for start in range(user % 11, 180, 35):
            happened.append((f"u{user:03d}", f"slow{user % 9}", start))
    return make_shop(happened)


RECIPE = {
    "strategies": {"buy_again": {}, "popular": {}},
    "evaluation": {"test_days": 14},
    "ranker": {"placements": ["home"], "windows": 2, "trees": 20, "least": 5},
}
BOTH = {"home": {"sources": [{"strategy": "buy_again"}, {"strategy": "popular"}], "rebuy": "always"}}


@pytest.mark.parametrize("objective", ["binary", "lambdarank"])
def test_trees_are_the_same_on_any_number_of_threads(monkeypatch, objective):
    """To the last bit: a bundle is the same wherever it was trained."""
    pytest.importorskip("lightgbm")
    random = np.random.default_rng(11)
    table = random.normal(size=(30_000, 7)).astype(np.float32)
    taken = table[:, 0] * table[:, 1] + random.normal(size=len(table)) > 1.5
    learned = Lessons(table, taken, np.full(1000, 30))
    grown = []
    monkeypatch.setattr("vitrina.ranking.ROWS", 1_000)
    for threads in (1, 3, 8):
        monkeypatch.setattr("vitrina.ranking.get_num_threads", lambda threads=threads: threads)
        trees = booster(learned, RankerPlan(objective=objective, trees=20), seed=7)
        grown.append(trees.model_to_string().partition("parameters:")[0])
    assert grown[0] == grown[1] == grown[2]


def lessons_of(windows, askers=80, helpful=True, seed=3):
    """Lists of ten, of which trees see one number; the greatest is taken, or, without help, the first."""
    random = np.random.default_rng(seed)
    parts = []
    for _ in range(windows):
        shown = random.normal(size=(askers, 10)).astype(np.float32)
        taken = np.zeros((askers, 10), np.bool_)
        taken[np.arange(askers), shown.argmax(axis=1) if helpful else 0] = True
        parts.append(Lessons(shown.reshape(-1, 1), taken.ravel(), np.full(askers, 10)))
    return joined(parts)


def test_lessons_are_judged_as_lists_are():
    """The NDCG@10 of lists of all lengths by scores with ties is that of `metrics`."""
    random = np.random.default_rng(11)
    sizes = random.integers(1, 30, size=50)
    taken = random.random(sizes.sum()) < 0.2
    scores = random.integers(0, 4, size=len(taken)).astype(np.float64)
    found = Lessons(np.zeros((len(taken), 1), np.float32), taken, sizes).ndcg(scores)
    starts = np.cumsum(sizes) - sizes
    for asker, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        own = np.arange(size, dtype=np.int32)
        order = own[np.argsort(-scores[start : start + size], kind="stable")][None]
        wanted = own[taken[start : start + size]]
        nothing = np.zeros(len(wanted))
        truth = Truth(np.array([0, len(wanted)]), wanted, nothing, nothing > 0)
        lists = np.pad(order, ((0, 0), (0, max(10 - size, 0))), constant_values=-1)[:, :10]
        assert found[asker] == pytest.approx(np.nan_to_num(accuracy(lists, truth)["ndcg"][0]))


def test_trees_are_rehearsed_on_the_window_before_the_last():
    """By what came before it: more where they know better, less where the blend was right; of two windows nothing."""
    pytest.importorskip("lightgbm")
    plan, told = RankerPlan(trees=20, least=5), ((), ("number",))
    assert rehearsed(lessons_of(3), *told, plan, 7) > 0.2
    assert rehearsed(lessons_of(3, helpful=False), *told, plan, 7) < -0.2
    assert rehearsed(lessons_of(2, helpful=False), *told, plan, 7) == 0.0
    assert rehearsed(lessons_of(3, askers=30, helpful=False), *told, plan, 7) == 0.0


def test_a_window_s_lessons_are_its_own():
    """Of three windows joined, the second, and it with the third."""
    three = [lessons_of(1, askers=count, seed=count) for count in (2, 3, 4)]
    whole = joined(three)
    np.testing.assert_array_equal(whole.of(1).table, three[1].table)
    np.testing.assert_array_equal(whole.since(1).taken, joined(three[1:]).taken)
    np.testing.assert_array_equal(whole.first(2).sizes, three[0].sizes)


def test_trees_that_cost_are_left_out_and_it_is_said(monkeypatch):
    """The bundle has the blend alone, as if none had been asked for."""
    pytest.importorskip("lightgbm")
    monkeypatch.setattr("vitrina.ranking.rehearsed", lambda *told: -0.0123)
    said: list[str] = []
    assert learn(habits(), parse_recipe(RECIPE, ""), parse_placements(BOTH), said.append) == {}
    assert said[-1] == "home is not ranked: on the window before the last trees cost 0.0123 of NDCG@10"


def test_learning_is_the_same_twice():
    """Equal arrays from equal data, names of the features beside them."""
    pytest.importorskip("lightgbm")
    shop, recipe, placements = habits(), parse_recipe(RECIPE, ""), parse_placements(BOTH)
    one, two = (learn(shop, recipe, placements)["home"] for _ in range(2))
    assert one.names == feature_names(["buy_again", "popular"])
    for left, right in zip(one.arrays, two.arrays, strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_bundle_of_visits_without_times_answers_by_what_was_done_last():
    """Trees learned from rows in order are walked for requests, whose events have moments, as they were taught."""
    pytest.importorskip("lightgbm")
    random = np.random.default_rng(5)
    first = random.integers(30, size=900)
    happened = [
        ("", f"i{item}", visit) for visit, one in enumerate(first) for item in (one, (one + 7) % 30, one)
    ]
    made = make_shop(happened)
    rows = replace(made.events, time=np.arange(len(happened), dtype=np.int64))
    shop = replace(made, events=rows, timed=False, sessions=True)
    steps = {"session_next": {"sources": [{"strategy": "popular", "seeds": "none"}], "rebuy": "always"}}
    recipe = parse_recipe({**RECIPE, "ranker": {**RECIPE["ranker"], "placements": ["session_next"]}}, "")
    placements = parse_placements(steps)
    engine = Engine.of(with_ranker(fit(shop, recipe, placements), shop, learn(shop, recipe, placements)))
    done = (SessionEvent("i3", "purchase"), SessionEvent("i10", "purchase"))
    asked = [Request((Block("session_next", limit=3),), visitor_id="v", events=done)]
    for now in (shop.end + 1, 1_700_000_000):
        (answer,) = engine.recommend(asked, Live(now=now))
        assert answer.blocks[0].items[0].item_id == "i3"


def test_a_bundle_with_trees_answers_by_them_and_one_without_as_ever():
    """Trees of a bundle are opened and walked; with no [ranker] the parts are those of before."""
    pytest.importorskip("lightgbm")
    shop, placements = habits(), parse_placements(BOTH)
    recipe, plain = parse_recipe(RECIPE, ""), parse_recipe({**RECIPE, "ranker": {}}, "")
    assert learn(shop, plain, placements) == {}
    made = fit(shop, recipe, placements)
    assert with_ranker(made, shop, {}) is made
    forests = learn(shop, recipe, placements)
    engine = Engine.of(with_ranker(made, shop, forests))
    assert engine.opened.ranker is not None
    assert set(engine.opened.ranker.forests) == {"home"}
    asked = [Request((Block("home", limit=5),), user_id="u007")]
    with_trees, without = (one.recommend(asked, Live(now=shop.end)) for one in (engine, Engine.of(made)))
    assert with_trees[0].blocks[0].items
    assert with_trees != without


def test_candidates_are_described_by_what_was_known_before_their_window():
    """Whatever is bought within a window, by whomever, its candidates' features stay as they are."""
    shop, placements = habits(), parse_placements(BOTH)
    recipe = parse_recipe({**RECIPE, "ranker": {"placements": ["home"], "windows": 1}}, "")
    later = shop.events.time >= split(shop, 14).now
    events = shop.events
    other = replace(events, quantity=np.where(later, 9, events.quantity).astype(np.float32))
    first = taught(shop, recipe, placements, str)["home"][0]
    again = taught(replace(shop, events=other), recipe, placements, str)["home"][0]
    np.testing.assert_array_equal(first.table, again.table)
    twice = replace(events, item=np.where(later & (events.item == 0), 1, events.item).astype(np.int32))
    moved = taught(replace(shop, events=twice), recipe, placements, str)["home"][0]
    np.testing.assert_array_equal(first.table, moved.table)
    assert not np.array_equal(first.taken, moved.taken)


def test_windows_teach_while_there_is_more_time():
    """One at least, the newest; without a limit all that the recipe asks for."""
    shop, placements = habits(), parse_placements(BOTH)
    one = parse_recipe({**RECIPE, "ranker": {**RECIPE["ranker"], "windows": 1}}, "")
    asked: list[int] = []

    def never(learned):
        asked.append(learned)
        return False

    newest, both = (
        taught(shop, which, placements, str)["home"][0] for which in (one, parse_recipe(RECIPE, ""))
    )
    cut_short = taught(shop, parse_recipe(RECIPE, ""), placements, str, never)["home"][0]
    np.testing.assert_array_equal(cut_short.table, newest.table)
    assert len(both.sizes) > len(newest.sizes)
    assert asked == [1]


def test_a_window_has_so_many_askers_and_no_more(monkeypatch):
    """Each step of a visit asks, and there are many more of those than visits."""
    monkeypatch.setattr("vitrina.ranking.MAX_ASKERS", 40)
    happened = [(f"u{user}", f"i{(user + step) % 9}", step // 10 * 7, "view")
                for user in range(60) for step in range(100)]  # fmt: skip
    steps = {"session_next": {"sources": [{"strategy": "popular", "seeds": "none"}], "rebuy": "always"}}
    recipe = parse_recipe({**RECIPE, "ranker": {"placements": ["session_next"], "windows": 1}}, "")
    found = taught(make_shop(happened), recipe, parse_placements(steps), str)["session_next"][0]
    assert 0 < len(found.sizes) <= 40


def test_training_publishes_trees_that_are_opened_and_verified(tmp_path):
    """From a recipe with [ranker] to a registry: the bundle is whole, answers its probes, ranks home."""
    pytest.importorskip("lightgbm")
    tables = {**RECIPE, "placements": {"version": "1", **BOTH}}
    made = train(habits(), parse_recipe(tables, ""), Registry(tmp_path), str).bundle
    assert made.path is not None
    engine = Engine.of(verify(made.path))
    home = engine.placements.named("home")
    assert engine.opened.ranker is not None
    assert engine.opened.ranker.forest(home, home.sources) is not None


def test_without_askers_nothing_is_ranked():
    """Said, and no trees: a shop with a handful of customers."""
    pytest.importorskip("lightgbm")
    said: list[str] = []
    recipe, placements = parse_recipe(RECIPE, ""), parse_placements(BOTH)
    assert learn(habits(8), recipe, placements, said.append) == {}
    assert any("are needed" in one for one in said)


def test_lots_teach_one_after_another():
    """Of who took what alone each window is another lot, and nothing of it is learned from."""
    shop = habits(8)
    nowhere, places = np.full(len(shop.events), -1, np.int32), np.arange(len(shop.events), dtype=np.int64)
    rows = replace(shop.events, visit=nowhere, time=places)
    recipe = parse_recipe({**RECIPE, "ranker": {"windows": 3}}, "")
    found = list(windows(replace(shop, events=rows, timed=False), recipe, print))
    assert [one.lot for one in found] == [0, 1, 2]
    held = np.concatenate([one.test.events.time for one in found])
    assert len(np.unique(held)) == len(held)
    assert all(len(one.train.events) + len(one.test.events) == len(rows) for one in found)


@pytest.fixture(scope="module")
def sound():
    """A bundle with trees."""
    pytest.importorskip("lightgbm")
    shop, recipe, placements = habits(), parse_recipe(RECIPE, ""), parse_placements(BOTH)
    return with_ranker(fit(shop, recipe, placements), shop, learn(shop, recipe, placements))


@pytest.mark.parametrize("name", ["roots", "feature", "left", "right"])
@pytest.mark.parametrize("wild", [2**31 - 1, -(2**31), 10**6, -(10**6)])
def test_trees_that_lead_nowhere_are_refused(sound, name, wild):
    """What Vitrina grows is sound; one wild number anywhere in it is named."""
    check(sound.parts, sound.manifest)
    part = sound.parts[f"ranker/home/{name}"]
    for place in (0, len(part) // 2, len(part) - 1):
        poisoned = part.copy()
        poisoned[place] = wild
        with pytest.raises(ValueError, match=f"ranker/home/{name}"):
            check({**sound.parts, f"ranker/home/{name}": poisoned}, sound.manifest)


@pytest.mark.parametrize("name", ["left", "right"])
def test_a_walk_that_never_ends_is_refused(sound, name):
    """A node that leads to itself or back."""
    part = sound.parts[f"ranker/home/{name}"].copy()
    part[-1] = len(part) - 1
    with pytest.raises(ValueError, match="leads back"):
        check({**sound.parts, f"ranker/home/{name}": part}, sound.manifest)


def leaning(n, **wild):
    """A forest of one tree of n nodes, each the right child of the one before; `wild`: arrays said otherwise."""
    places = np.arange(n, dtype=np.int32)
    arrays = {
        "roots": np.zeros(1, np.int32), "feature": places * 0, "threshold": np.zeros(n),
        "nan_left": np.zeros(n, np.bool_), "left": ~places, "right": np.append(places[1:], ~np.int32(n)),
        "value": np.arange(n + 1.0), **{name: np.array(one, np.int32) for name, one in wild.items()},
    }  # fmt: skip
    made = [arrays[name].astype(dtype) for name, dtype in FOREST.items()]
    return Forest(("a history 1", "by rank"), feature_names(["a"]), tuple(made))


@pytest.mark.parametrize(
    ("forest", "says"),
    [
        (leaning(32), "more than 32 leaves"),
        (leaning(2000), "more than 32 leaves"),
        (leaning(2000, left=range(1, 2001), right=[-1] * 2000), "leads out of it"),
        (leaning(1999, left=[*range(1, 1999), -1], right=[-2] * 1999), "more than 32 leaves"),
        (leaning(60, left=[*range(1, 60), -1], right=[*range(1, 60), -2]), "more than 32 leaves"),
        (leaning(1, left=[7]), "leads out of it"),
        (leaning(1, left=[-9]), "leads out of it"),
        (leaning(1, roots=[1]), "leads out of it"),
        (leaning(2, right=[0, -1]), "leads back"),
        (leaning(2, right=[1]), "not each said in full"),
        (leaning(1, feature=[10_000]), "looks at a feature that is none of its"),
    ],
)
def test_trees_that_are_none_are_no_error_but_their_own(forest, says):
    """However deep, wild or interwoven: a ValueError, at once; the deepest that there may be are scored."""
    with pytest.raises(ValueError, match=says):
        assert forest.flat
    tallest = leaning(31)
    assert tallest.scores(np.ones((1, len(tallest.names)), np.float32)).tolist() == [31.0]


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ({"placements": "home"}, "placements"),
        ({"placements": [1]}, "placements"),
        ({"trees": 0}, "trees"),
        ({"rate": True}, "rate"),
        ({"leaves": 1}, "leaves"),
        ({"objective": "luck"}, "must be .lambdarank. or .binary."),
        ({"boosters": 3}, "boosters"),
        ([], "must be a table"),
    ],
)
def test_a_ranker_s_table_is_checked(table, word):
    """A recipe says what is wrong in [ranker]; by default nothing is ranked."""
    assert parse_recipe({"strategies": {"popular": {}}}, "").ranker.placements == ()
    with pytest.raises(RecipeError, match=word):
        parse_recipe({"strategies": {"popular": {}}, "ranker": table}, "")
