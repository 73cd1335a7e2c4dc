"""Recipes: what is unknown is an error that names what is known; every committed recipe reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shops import make_shop
from vitrina import recipe, strategies
from vitrina.catalog import Attribute
from vitrina.errors import RecipeError
from vitrina.fit import shop_parts
from vitrina.placements import read_placements
from vitrina.recipe import TAKEN, read_recipe
from vitrina.rivals import BASELINES, RANDOM
from vitrina.scoreboard import BLEND, STORED

MODELS = Path(__file__).resolve().parents[1] / "models"
RECIPES = sorted((MODELS / "recipes").glob("*.toml"))


def test_names_of_columns_alone_are_enough_to_look_at_files(tmp_path):
    """To train by, a recipe fits something."""
    (tmp_path / "r.toml").write_text(
        '[columns.events]\nitem_id = "art"\n[columns.event_types]\ntap = "view"\n'
    )
    columns = {"events": {"item_id": "art"}, "event_types": {"tap": "view"}}
    assert read_recipe(tmp_path / "r.toml", fits=False).columns == columns
    with pytest.raises(RecipeError, match="fits nothing"):
        read_recipe(tmp_path / "r.toml")


@pytest.mark.parametrize("file", RECIPES, ids=lambda one: one.stem)
def test_every_committed_recipe_can_be_fitted(file):
    """Its strategies and hyperparameters exist, its placements read, it says why it differs."""
    committed = read_recipe(file)
    made = [strategies.make(plan.strategy, plan.params) for plan in committed.strategies.values()]
    assert len(made) == len(committed.strategies) >= 4
    assert committed.placements is not None
    assert {"home", "discover", "cart", "session_next", "product_similar"} <= set(
        read_placements(committed.placements).names
    )
    assert len(committed.about) > 40


def test_there_is_a_recipe_for_each_kind_of_shop():
    """The kinds the README names."""
    assert {one.stem for one in RECIPES} >= {"default", "grocery", "fashion", "beauty", "diy"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("strategy = 1", "unknown key 'strategy' in recipe; known: about"),
        ("about = 'x'", "fits nothing"),
        ("[strategies]\npopular = 3", r"must be a table: \[strategies.popular\]"),
        (
            "[strategies.popular]\n[columns.orders]\na = 'b'",
            "unknown key 'orders' in columns; known: event_types, events",
        ),
        ("[strategies.popular]\n[evaluation]\ntest_days = 'x'", "test_days = 'x' must be a int"),
        (
            "[strategies.popular]\n[evaluation]\nsplit = 'week'",
            "split = 'week' must be one of time, last, lot",
        ),
        ("[strategies.popular]\n[evaluation]\nmax_users = 0", "max_users = 0 must be a int of 1 or more"),
        ("[strategies.popular]\n[evaluation]\ndays = 3", "unknown key 'days' in evaluation"),
        ("[strategies.popular", "cannot read the recipe"),
        (
            '[strategies.catalog]\nis = "popular"',
            r"\[strategies.catalog\] is where a bundle keeps other things",
        ),
        ('[strategies."popular/x"]\nis = "popular"', "name it otherwise"),
        ('[strategies.random]\nis = "popular"', "named as what it is judged against; name it otherwise"),
        ('[strategies."bundle 7"]\nis = "popular"', "named as what it is judged against; name it otherwise"),
    ],
)
def test_mistakes_are_named(tmp_path, text, says):
    """The error names the key and the known ones."""
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(RecipeError, match=says):
        read_recipe(tmp_path / "r.toml")


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("asl", {}, "unknown strategy 'asl'; known: "),
        ("os", {}, "unknown strategy 'os'"),
        ("popular", {"by": 3}, "by = 3 must be a str"),
        ("item_knn", {"event_weights": {"view": "x"}}, "event_weights.view = 'x' must be a number"),
        ("look_again", {"event_weights": {"view": True}}, "event_weights.view = True must be a number"),
        ("content_similar", {"attribute_weights": {"brand": float("nan")}}, "brand = nan must be a number"),
        ("als", {"confidence": float("nan")}, "confidence = nan must be a number"),
        ("item_knn", {"shrink": float("inf")}, "shrink = inf must be a number"),
        ("markov", {"half_life_days": -1}, "half_life_days = -1 must be 0, for never, or more"),
        ("item_knn", {"seed_half_life_days": -3.0}, "seed_half_life_days = -3.0 must be 0, for never"),
        ("item_knn", {"bm25_b": 5.0}, "bm25_b must be from 0 to 1"),
        ("user_knn", {"bm25_b": 5.0}, "bm25_b must be from 0 to 1"),
        ("content_similar", {"bm25_b": 5.0}, "bm25_b must be from 0 to 1"),
        ("item_knn", {"bm25_k1": -1.0}, "bm25_k1.* must be at least 0"),
        ("popular", {"colour": "red"}, "unknown key 'colour'; known: "),
    ],
)
def test_unknown_strategies_and_hyperparameters(name, params, says):
    """Nothing but the folder's files can be named, and nothing but their fields."""
    with pytest.raises(RecipeError, match=says):
        strategies.make(name, params)


def test_names_that_a_bundle_needs_are_taken():
    """Whatever a bundle holds beside its strategies lies under a name that no strategy may have."""
    shop = make_shop([("u", "i", 1), ("u", "j", 2)])
    shop = replace(shop, people={"region": Attribute.of(["north"])})
    assert {name.split("/")[0] for name in shop_parts(shop)} | {"ranker"} == set(TAKEN)


def test_names_that_an_evaluation_needs_are_taken():
    """A strategy of such a name would be judged as chance, or take the place of what it must beat."""
    assert set(recipe.JUDGED) == {BLEND, RANDOM, *BASELINES}
    assert f"{STORED} " == recipe.STORED


def test_which_event_types_a_recipe_weighs(tmp_path):
    """Those that weights of any of its strategies name; none by default."""
    file = tmp_path / "r.toml"
    file.write_text(
        "[strategies.ease]\nevent_weights = { listen = 1.0, purchase = 2.0 }\n[strategies.popular]\n"
    )
    assert read_recipe(file).weighed == {"listen", "purchase"}
    file.write_text("[strategies.ease]\n")
    assert read_recipe(file).weighed == frozenset()


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"event_types": {"tap": "nope"}}, "tap = 'nope' must be one of purchase"),
        ({"event_types": {"tap": 3}}, "tap = 3 must be one of purchase"),
        ({"events": {"item_id": 3}}, "item_id = 3 must be the name of a column"),
        ({"events": "sku"}, r"must be a table: \[columns.events\]"),
    ],
)
def test_names_and_meanings_are_texts_that_can_be(columns, says):
    """Told with the recipe, before any file is read."""
    with pytest.raises(RecipeError, match=says):
        recipe.parse_recipe({"strategies": {"popular": {}}, "columns": columns}, "")
