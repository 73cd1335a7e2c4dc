"""`vitrina explain` prints why products are in a list, and why one is not; as a tree and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from shops import make_shop
from vitrina.catalog import Texts
from vitrina.cli import app
from vitrina.errors import UnknownPlacement
from vitrina.fit import fit
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry

HOSTILE = "<b>[red]Milk\x1b[2J"


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A bundle of bestsellers; ann bought i0 yesterday, whose title is hostile."""
    happened = [(f"u{user}", f"i{item}", 20 + item) for user in range(9) for item in range(5) if user >= item]
    shop = make_shop([*happened, ("ann", "i0", 30)], items=[f"i{one}" for one in range(5)])
    titles = Texts.of([HOSTILE, *(f"Tea {one}" for one in range(1, 5))])
    shop = replace(shop, catalog=replace(shop.catalog, title=titles))
    placements = {"home": {"sources": [{"strategy": "popular", "seeds": "none"}], "rebuy": {"after_days": 9}}}
    recipe = parse_recipe({"strategies": {"popular": {}}}, "")
    folder = tmp_path_factory.mktemp("registry")
    Registry(folder).publish(fit(shop, recipe, parse_placements(placements)))
    return folder


def run(registry, *more):
    """What the verb prints."""
    done = CliRunner().invoke(app, ["explain", "--registry", str(registry), "--placement", "home", *more])
    if done.exception:
        raise done.exception
    return done.stdout


def test_a_list_is_explained_in_the_asked_language(registry):
    """Every product with its sentence and source; the stages that made the list."""
    told = run(registry, "--user", "ann", "-k", "2")
    assert "Tea 1 (i1)" in told
    assert "Popular with our customers" in told
    assert "led by popular" in told
    assert "home for customer ann" in told
    assert "Popular with" not in run(registry, "--locale", "pl")


def test_why_not_is_a_stage_and_a_rule(registry):
    """The product bought yesterday says so; a title's markup and escapes are letters like others."""
    told = run(registry, "--user", "ann", "--item", "i0", "--item", "i1")
    assert "not listed; dropped at: admit" in told
    assert "stays away for 9 days" in told
    assert "listed at place 1" in told
    assert "[red]Milk" in told
    assert "\x1b" not in told


def test_json_says_the_same(registry):
    """The list with its reasons and trace, and what became of the items asked about."""
    told = json.loads(run(registry, "--user", "ann", "--item", "i0", "--json"))
    (found,) = told["items"]
    assert (found["item_id"], found["place"], found["stage"]) == ("i0", 0, "admit")
    assert [one["item_id"] for one in told["list"]["items"]][:1] == ["i1"]
    assert told["list"]["items"][0]["reason"]["sentence"]
    assert set(told["list"]["trace"]) >= {"admit", "retrieve", "blend", "settle", "cut"}


def test_a_placement_that_is_not_there_is_named(registry):
    """As everywhere: the name, and those there are."""
    with pytest.raises(UnknownPlacement, match="known: home"):
        run(registry, "--placement", "nowhere")
