"""Poor data: whatever a shop cannot give, the rest trains, is judged and is tuned, and the doctor says what is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vitrina.doctor import examine
from vitrina.engine import Engine
from vitrina.evaluate import BLEND, evaluate
from vitrina.live import Live, Recent
from vitrina.readers import read
from vitrina.recipe import parse_recipe, read_recipe
from vitrina.registry import Registry
from vitrina.request import Block, Request, SessionEvent
from vitrina.train import placements_of, train
from vitrina.tune import tune

STANDARD = Path(__file__).resolve().parents[1] / "models" / "placements" / "standard.toml"
RECIPE = {
    "strategies": {
        name: {}
        for name in ("item_knn", "bought_together", "buy_again", "next_basket", "session_knn", "popular")
    },
    "evaluation": {"test_days": 10},
}
FIRST = np.datetime64("2026-01-01")
COLUMNS = ("user_id", "order_id", "session_id", "event_type", "item_id", "timestamp", "price")
SHOPS = {
    "without times": ("user_id", "order_id", "item_id"),
    "baskets alone": ("order_id", "item_id"),
    "sessions alone": ("session_id", "event_type", "item_id", "timestamp"),
    "without prices": ("user_id", "order_id", "item_id", "timestamp"),
    "one type of event": ("user_id", "item_id", "timestamp"),
    "one event a customer": ("user_id", "item_id", "timestamp"),
}
LOST = {
    "without times": "timestamp",
    "baskets alone": "user_id",
    "sessions alone": "user_id",
    "without prices": "price",
    "one type of event": "order_id",
    "one event a customer": "order_id",
}
ASKED = {
    "without times": "home",
    "baskets alone": "cart",
    "sessions alone": "session_next",
    "without prices": "home",
    "one type of event": "home",
    "one event a customer": "home",
}
"""The placement that can be judged there."""


def lines(shop: str) -> list[dict[str, str]]:
    """Three tastes; a customer comes every few days and takes three things of theirs, one often again."""
    random, found = np.random.default_rng(11), []
    for user in range(60):
        for day in range(user % 5, 40, 5):
            taste = user % 3 * 8
            for step, item in enumerate(random.choice(8, 3, replace=False)):
                one = (
                    f"u{user}", f"o{user}-{day}", f"s{user}-{day}",
                    "view" if shop == "sessions alone" else "purchase", f"i{taste + item:02d}",
                    f"{FIRST + np.timedelta64(day, 'D')}T10:0{step}:00", f"{1 + item}",
                )  # fmt: skip
                found.append(dict(zip(COLUMNS, one, strict=True)))
    if shop == "one event a customer":
        found = [{**one, "user_id": f"u{place}"} for place, one in enumerate(found)]
    return found


@pytest.fixture(params=list(SHOPS))
def shop(request, tmp_path):
    """Its name, and what was read of its one file."""
    kept = SHOPS[request.param]
    rows = [",".join(one[name] for name in kept) for one in lines(request.param)]
    (tmp_path / "events.csv").write_text("\n".join([",".join(kept), *rows]) + "\n")
    return request.param, read(tmp_path)


def recipe():
    """A few strategies under the placements every shop has."""
    return replace(parse_recipe(RECIPE, "test"), placements=STANDARD)


def own_settings(search, share):
    """Ctrl-C when what the recipe has was tried."""
    if len(search.trials) >= len(RECIPE["strategies"]):
        raise KeyboardInterrupt


def test_poor_shops_are_trained_judged_tuned_and_told(shop, tmp_path):
    """A bundle that answers; figures of what can be asked; a recipe that reads back; the missing column by name."""
    name, reading = shop
    said = examine(reading)
    assert LOST[name] in {one.column for one in said.missing}
    assert any(one.state != "works" and one.why for one in said.strategies)
    made = train(reading.dataset, recipe(), Registry(tmp_path / "bundles"), lambda line: None)
    page = Request(
        tuple(Block(one, limit=5) for one in ("home", "cart")), user_id="u1", context_item_ids=("i01",)
    )
    home, cart = Engine.of(made.bundle).recommend([page], Live(now=reading.dataset.end + 60))[0].blocks
    assert len(home.items) == len(cart.items) == 5
    found = evaluate(reading.dataset, recipe(), placements_of(recipe()))
    assert np.isfinite(found.row(BLEND, ASKED[name]).metrics["ndcg@10"].mean)
    out = tmp_path / "tuned.toml"
    tuned = tune(reading.dataset, recipe(), placements_of(recipe()), out, 60.0, watch=own_settings)
    assert ASKED[name] in tuned.chosen
    assert read_recipe(out).strategies


def test_a_lone_word_teaches_what_a_purchase_teaches(tmp_path):
    """A shop whose only event type is its own word gets the bundle that it would get of purchases, is
    judged and diagnosed as one, and hears that word live."""
    made, said = {}, {}
    for word in ("purchase", "interaction"):
        folder = tmp_path / word
        folder.mkdir()
        kept = ("user_id", "order_id", "item_id", "timestamp")
        rows = [",".join([word, *(one[name] for name in kept)]) for one in lines("without prices")]
        (folder / "events.csv").write_text("\n".join([",".join(["event_type", *kept]), *rows]) + "\n")
        reading = read(folder)
        said[word] = examine(reading)
        made[word] = train(reading.dataset, recipe(), Registry(folder / "bundles"), lambda line: None)
    hashes = {one.bundle.manifest.version.split("-")[1] for one in made.values()}
    assert len(hashes) == 1
    assert said["interaction"].facts == said["purchase"].facts
    figures = [json.dumps(one.evaluation.as_dict()["rows"]) for one in made.values()]
    assert figures[0] == figures[1]
    engine = Engine.of(made["interaction"].bundle)
    now = engine.last_event + 60
    asked = Request((Block("home", limit=5),), visitor_id="new")
    told = replace(asked, events=(SessionEvent("i03", "interaction", now - 9),))
    assert listed(engine, told, now) != listed(engine, asked, now)
    recorded = Live(now, {("", "new"): Recent(("i03",), ("interaction",), (now - 9,))})
    assert listed(engine, asked, now, recorded) == listed(engine, told, now)


def listed(engine, request, now, live=None):
    """The products of the one block."""
    return [one.item_id for one in engine.recommend([request], live or Live(now))[0].blocks[0].items]


def test_where_views_are_all_there_is_a_visit_goes_back_to_its_own(tmp_path):
    """Visits to three products by lot each, forth and back: nothing tells the next step but what was looked at
    in it, and live too the looks come first."""
    random = np.random.default_rng(4)
    rows = ["session_id,event_type,item_id,timestamp"]
    for visit in range(400):
        one, two, three = random.choice(300, 3, replace=False)
        moment = FIRST + visit // 10
        steps = enumerate((one, two, one, three, one, two))
        rows += [f"s{visit},view,i{item},{moment}T{visit % 10:02}:{step:02}:00" for step, item in steps]
    (tmp_path / "events.csv").write_text("\n".join(rows) + "\n")
    shop = read(tmp_path).dataset
    figures = {}
    for name in ("without", "with"):
        strategies = {**RECIPE["strategies"], **({"look_again": {}} if name == "with" else {})}
        made = replace(parse_recipe({**RECIPE, "strategies": strategies}, "test"), placements=STANDARD)
        found = evaluate(shop, made, placements_of(made))
        figures[name] = found.row(BLEND, "session_next").metrics["ndcg@10"].mean
    assert figures["with"] > 2 * figures["without"]
    engine = Engine.of(train(shop, made, Registry(tmp_path / "bundles"), lambda line: None).bundle)
    seen = tuple(SessionEvent(f"i{item}") for item in (7, 8))
    asked = Request((Block("session_next", limit=5),), visitor_id="v", events=seen)
    assert listed(engine, asked, engine.last_event + 60)[:2] in (["i7", "i8"], ["i8", "i7"])
