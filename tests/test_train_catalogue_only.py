"""A shop that has sold nothing yet: its catalogue and its photos alone train a bundle that answers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from vitrina.cli import app
from vitrina.engine import Engine
from vitrina.errors import DataError
from vitrina.live import Live
from vitrina.registry import Registry
from vitrina.request import Block, Request

N = 48
PLACEMENTS = Path(__file__).resolve().parents[1] / "models" / "placements" / "standard.toml"
RECIPE = """
about = "A catalogue without customers."
placements = "placements.toml"
[strategies.item_knn]
[strategies.ease]
[strategies.rp3beta]
[strategies.user_knn]
[strategies.bought_together]
[strategies.buy_again]
[strategies.content_similar]
[strategies.transaction_similar]
[strategies.image_similar]
[strategies.popular]
[strategies.new_arrivals]
is = "popular"
by = "newness"
[evaluation]
weigh = true
"""


def invoked(*arguments):
    """What a verb prints to standard output and to standard error; it must succeed."""
    done = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def write_catalogue(folder):
    """Shirts and shoes of four brands with prices; red things' photos are alike, and so are blue ones'."""
    folder.mkdir()
    random = np.random.default_rng(0)
    with (folder / "items.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["item_id", "title", "category", "brand", "price", "available_from"])
        for row in range(N):
            kind, colour = ("shirt", "shoe")[row % 2], ("red", "blue")[row // 2 % 2]
            words = f"{colour} {kind} no {row}"
            table.writerow(
                [f"i{row:03d}", words, f"Clothes > {kind}s", f"b{row % 4}", 10 + row, "2024-03-01"]
            )
    looks = np.repeat(np.eye(2), 2, axis=0)[np.arange(N) % 4] * 5
    vectors = np.concatenate([looks, random.normal(size=(N, 6))], axis=1).astype(np.float32)
    np.save(folder / "embeddings.npy", vectors)
    (folder / "embeddings_ids.txt").write_text("\n".join(f"i{row:03d}" for row in range(N)))


@pytest.fixture(scope="module", params=["no events file", "an empty events file"])
def trained(request, tmp_path_factory):
    """(registry, what training said): a catalogue with vectors and no event."""
    place = tmp_path_factory.mktemp("shop")
    write_catalogue(place / "data")
    if request.param == "an empty events file":
        (place / "data" / "events.csv").write_text("user_id,item_id,timestamp\n")
    similar = [("content_similar", 1.0), ("image_similar", 0.8), ("item_knn", 1.0)]
    sources = ", ".join(
        f'{{ strategy = "{one}", weight = {weight}, seeds = "context" }}' for one, weight in similar
    )
    (place / "placements.toml").write_text(
        f'extends = "{PLACEMENTS}"\n[product_similar]\nsources = [{sources}]\n'
    )
    (place / "recipe.toml").write_text(RECIPE)
    _, said = invoked(
        "train", "--data", place / "data", "--recipe", place / "recipe.toml", "--registry", place / "registry"
    )
    return Registry(place / "registry"), said, place


def lists(engine, placement, *context, user=""):
    request = Request((Block(placement),), user_id=user, context_item_ids=context)
    return engine.recommend([request], Live(now=engine.moment))[0].blocks[0].items


def test_training_says_what_it_skips_and_publishes(trained):
    """Weighing, judging and the gate are skipped in so many words."""
    _, said, _ = trained
    assert "source weights stay as written: there is no event to evaluate on" in said
    assert "not judged: there is no event to evaluate on" in said
    assert "published" in said
    assert f"Photo vectors for {N} of {N} items" in said


def test_a_product_page_has_products_alike(trained):
    """Full, of its own kind, from content and photos, with the page's product as the reason."""
    engine = Engine.open(trained[0].path())
    for row in (0, 1, 2, 33):
        items = lists(engine, "product_similar", f"i{row:03d}")
        assert len(items) == 20
        assert {source for one in items for source in one.sources} >= {"content_similar", "image_similar"}
        assert all(
            one.reason.seed_item_ids == (f"i{row:03d}",) for one in items if one.reason.source != "popular"
        )
        assert {int(one.item_id[1:]) % 2 for one in items[:5]} == {row % 2}


@pytest.mark.parametrize("placement", ["home", "discover", "cart", "session_next", "email_digest"])
def test_every_placement_answers(trained, placement):
    """With nothing sold there is still a shop window, for strangers and with a context."""
    engine = Engine.open(trained[0].path())
    assert lists(engine, placement)
    assert lists(engine, placement, "i003", user="nobody")


def test_the_stored_bundle_holds(trained, tmp_path):
    """It verifies, its probes were answered with products already on sale, and a campaign runs at its moment."""
    registry, _, place = trained
    facts = json.loads(invoked("verify", registry.path(), "--json")[0])
    assert facts["probes"] > 0
    engine = Engine.open(registry.path())
    assert engine.last_event == 0
    assert engine.moment == engine.created
    assert any(probe["items"] for probe in engine.manifest.probes)
    (tmp_path / "contexts.csv").write_text("query_id,item_id\nq,i004\n")
    asked = (
        "--contexts",
        tmp_path / "contexts.csv",
        "--placement",
        "product_similar",
        "--out",
        tmp_path / "out.csv",
    )
    invoked(
        "recommend",
        "--registry",
        place / "registry",
        *asked,
    )
    with (tmp_path / "out.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 20


def test_the_doctor_knows_of_the_photos(trained):
    """Vectors beside the catalogue count as photos."""
    out, _ = invoked("doctor", "--data", trained[2] / "data", "--json")
    states = {one["name"]: one["state"] for one in json.loads(out)["strategies"]}
    assert states["image_similar"] == "works"
    assert states["item_knn"] == "empty"


def test_an_evaluation_says_that_it_cannot(trained):
    """There is nothing to judge by, and the sentence says what to give."""
    _, _, place = trained
    with pytest.raises(DataError, match="no event to evaluate on; give an events file"):
        invoked("evaluate", "--data", place / "data", "--recipe", place / "recipe.toml")
