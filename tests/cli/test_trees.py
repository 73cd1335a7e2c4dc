"""`vitrina tree` prints, draws and lists what a bundle learned."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from shops import make_shop
from vitrina.catalog import PATH, Attribute
from vitrina.cli import app
from vitrina.cli.trees import drawn, lines
from vitrina.errors import DataError, RecipeError
from vitrina.fit import fit
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry
from vitrina.trees import Branch, Tree


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A bundle of a shop whose customers mostly hold to the brand, <A> or B."""
    random, happened = np.random.default_rng(2), []
    for user in range(80):
        now = int(random.integers(20))
        for day in range(8):
            happened.append((f"u{user}", f"i{now:02d}", day))
            now = int(
                random.choice(
                    [one for one in range(20) if one != now and (one % 2 == now % 2 or random.random() < 0.2)]
                )
            )
    shop = make_shop(happened, items=[f"i{one:02d}" for one in range(20)])
    catalog = replace(
        shop.catalog,
        category=Attribute.of([f"Food{PATH}Tea"] * 20),
        attributes={"brand": Attribute.of(["<A>" if one % 2 else "B" for one in range(20)])},
    )
    folder = tmp_path_factory.mktemp("registry")
    recipe = parse_recipe({"strategies": {"decision_tree": {}, "popular": {}}}, "test")
    placements = parse_placements({"home": {"sources": [{"strategy": "decision_tree"}]}})
    Registry(folder).publish(fit(replace(shop, catalog=catalog), recipe, placements))
    return folder


def invoked(registry, *arguments):
    return CliRunner().invoke(
        app, ["tree", "--registry", str(registry), *map(str, arguments)], catch_exceptions=True
    )


def test_text_and_json_say_what_is_held_to(registry):
    """The split, its values and the order in which filters relax."""
    text = invoked(registry, "--category", "Food > Tea").stdout
    assert "by brand (held by" in text
    assert "relax in this order: brand" in text
    told = json.loads(invoked(registry, "--category", "Food > Tea", "--json").stdout)
    assert told["root"]["split"] == "brand"
    assert told["relax_order"] == ["brand"]
    assert json.loads(invoked(registry, "--json").stdout) == ["Food > Tea"]


def test_the_picture_is_well_formed(registry, tmp_path):
    """SVG that a parser reads, with values escaped and nothing fetched."""
    file = tmp_path / "tea.svg"
    assert invoked(registry, "--category", "Food > Tea", "--picture", file).exit_code == 0
    drawing = ElementTree.fromstring(file.read_text())
    words = [one.text for one in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert any(word.startswith("<A> ") for word in words)
    assert any(word.startswith("by brand") for word in words)
    assert "href" not in file.read_text()


def test_what_hardly_sells_is_counted_within_the_picture():
    """Values of a last split that sell next to nothing: one line says how many, and no line leaves the page."""
    last = tuple(Branch(f"{size} g", 1, 0.004, 0.0, "", 0.0, ()) for size in range(3))
    rare = Branch("loose", 3, 0.012, 0.2, "size", 0.4, last)
    root = Branch("", 9, 1.0, 80.0, "form", 0.5, (Branch("bags", 6, 0.988, 79.8, "", 0.0, ()), rare))
    tree = Tree("Food > Tea", root, {"form": 0.5, "size": 0.4})
    said = [line.strip() for line in lines(tree)]
    assert "by size (held by 40% elsewhere; no switch was seen here)" in said
    assert "and 3 more: 1.2% of sales" in said
    picture = ElementTree.fromstring(drawn(tree))
    wide, high = (float(one) for one in picture.get("viewBox").split()[2:])
    words = {one.text: one for one in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert float(words["and 3 more: 1.2% of sales"].get("x")) < wide - 200
    assert all(float(one.get("y")) < high for one in words.values())


def test_what_is_not_there_is_named(registry, tmp_path):
    """Another category, another strategy, another kind of file."""
    assert isinstance(invoked(registry, "--category", "Food > Soap").exception, DataError)
    assert isinstance(
        invoked(registry, "--category", "Food > Tea", "--strategy", "popular").exception, RecipeError
    )
    assert invoked(registry, "--category", "Food > Tea", "--picture", tmp_path / "a.bmp").exit_code == 2
