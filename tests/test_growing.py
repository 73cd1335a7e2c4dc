"""An engine over what was said since training: lists obey at once, new products answer and are answered with."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest
from boutique import MODELS, NOW, boutique, opened
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.engine import Engine
from vitrina.filters import Filter, Range
from vitrina.fit import fit
from vitrina.growing import Trained, photo_vectors
from vitrina.live import Live
from vitrina.placements import read_placements
from vitrina.probes import replay
from vitrina.recipe import parse_recipe
from vitrina.request import Block, Request
from vitrina.strategy import Allow, Query, Seeds

ENGINE = opened()
LIVE = Live(NOW)
NEW = {
    "title": "lamp number 1",
    "category": "Home > Lamps",
    "price": 14.0,
    "attributes/brand": "Brio",
    "attributes/color": "red",
}


def listed(engine, placement, limit=12, **asked):
    """The ids of one list."""
    request = Request((Block(placement, limit, **asked.pop("block", {})),), **asked)
    (response,) = engine.recommend([request], LIVE)
    return [one.item_id for one in response.blocks[0].items]


PLACEMENTS = [one for one in ENGINE.placements.names if not ENGINE.placements.named(one).channels]


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(PLACEMENTS), st.sampled_from(["c1", "c2", "anna", ""]), st.data())
def test_what_is_out_of_stock_leaves_every_list(placement, user, data):
    """Whatever was listed and is then sold out or removed is not listed; the engine before is as it was."""
    asked = {"user_id": user, "context_item_ids": ("dress-3",)}
    before = listed(ENGINE, placement, **asked)
    gone = data.draw(st.sets(st.sampled_from(before), max_size=5)) if before else set()
    field = data.draw(st.sampled_from([{"in_stock": False}, {"removed": True}, {"available_until": NOW - 1}]))
    engine = ENGINE.told(dict.fromkeys(gone, field))
    assert not gone & set(listed(engine, placement, **asked))
    assert listed(ENGINE, placement, **asked) == before
    back = engine.told({one: {} for one in gone})
    assert listed(back, placement, **asked) == before


def test_answers_say_the_new_price():
    """The product in an answer, and the filters, follow what was said."""
    engine = ENGINE.told({"lamp-1": {"price": 999.0, "title": "A dear lamp"}})
    assert engine.product("lamp-1").price == 999.0
    assert engine.product("lamp-1").title == "A dear lamp"
    dear = {"filter": Filter(price=Range(900))}
    assert listed(engine, "home", block=dear) == ["lamp-1"]
    assert listed(ENGINE, "home", block=dear) == []


def test_a_region_that_ran_out_does_not_list_it():
    """Stock by region: gone there, still there elsewhere."""
    said = {one: {"stock/north": True, "stock/south": True} for one in ("lamp-1", "lamp-2", "lamp-3")}
    engine = ENGINE.told({**said, "lamp-2": {"stock/north": False, "stock/south": True}})
    block = {"candidate_item_ids": ("lamp-1", "lamp-2", "lamp-3")}
    assert set(listed(engine, "home", region="north", block=block)) == {"lamp-1", "lamp-3"}
    assert set(listed(engine, "home", region="south", block=block)) == {"lamp-1", "lamp-2", "lamp-3"}


def test_a_new_product_answers_and_is_answered_with():
    """Content finds lamps for the new lamp, and the new lamp for a lamp; it has its own words in answers."""
    engine = ENGINE.told({"lamp-new": NEW})
    assert engine.n_items == ENGINE.n_items + 1
    similar = listed(engine, "product_similar", context_item_ids=("lamp-new",))
    assert similar
    assert similar[0].startswith("lamp-")
    assert "lamp-new" not in similar
    assert "lamp-new" in listed(engine, "product_similar", context_item_ids=("lamp-1",))
    assert engine.product("lamp-new").title == "lamp number 1"
    request = Request((Block("product_similar", 3),), context_item_ids=("lamp-new", "nobody"))
    assert engine.recommend([request], LIVE)[0].unknown_item_ids == ("nobody",)


def test_a_new_product_obeys_rules_as_all_do():
    """Sold out, it is not listed; back, it is; another title moves it to where it belongs."""
    engine = ENGINE.told({"lamp-new": NEW})
    out = engine.told({"lamp-new": {**NEW, "in_stock": False}})
    assert "lamp-new" not in listed(out, "product_similar", context_item_ids=("lamp-1",))
    moved = engine.told({"lamp-new": {**NEW, "title": "dress number 1", "category": "Clothes > Dresses"}})
    assert "lamp-new" in listed(moved, "product_similar", context_item_ids=("dress-1",))
    assert "lamp-new" not in listed(moved, "product_similar", context_item_ids=("lamp-1",), limit=9)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_sources_that_know_no_new_product_go_on(placement):
    """Every placement answers as before where nothing is like the new one, it in the session or not."""
    engine = ENGINE.told({"odd": {"title": "zzz"}})
    for user in ("anna", ""):
        asked = {"user_id": user, "context_item_ids": ("dress-3",)}
        assert [one for one in listed(engine, placement, **asked) if one != "odd"] == listed(
            ENGINE, placement, **asked
        )[: len(listed(engine, placement, **asked))]
        listed(engine, placement, user_id=user, context_item_ids=("odd", "dress-3"))


def test_probes_hold_after_saying_nothing():
    """An engine told nothing answers as the bundle does."""
    replay(ENGINE.told({}))


def test_a_trained_source_is_never_shown_later_rows():
    """Seeds, masks and exclusions of later items are cut before it is asked."""
    asked = []

    class Source:
        def top(self, query, k, allow):
            asked.append((query, allow))

        def why(self, query, ends, rows):
            asked.append(query)

    seeds = Seeds(
        np.array([0, 2, 3]), np.array([1, 7, 5], np.int32), np.zeros(3, np.uint8), np.zeros(3, np.int64)
    )
    query = Query(NOW, np.array([-1, -1], np.int32), np.array([-1, -1], np.int32), seeds)
    allow = Allow(
        np.ones(8, np.bool_), np.array([0, 1, 3]), np.array([6, 2, 7], np.int32), np.array([1, 6], np.int32)
    )
    source = Trained(Source(), 5)
    source.top(query, 3, allow)
    source.why(query, np.array([0, 0, 0]), np.zeros(0, np.int32))
    (known, allowed), again = asked
    assert known.seeds.indptr.tolist() == [0, 1, 1]
    assert known.seeds.rows.tolist() == again.seeds.rows.tolist() == [1]
    assert len(allowed.mask) == 5
    assert (allowed.indptr.tolist(), allowed.rows.tolist(), allowed.few.tolist()) == ([0, 0, 1], [2], [1])


def test_a_photo_vector_finds_what_looks_alike():
    """A new product whose photo is like a trained one's stands beside it, whatever its words say; one of
    another network's is found by words alone, and breaks nothing."""
    rng = np.random.default_rng(4)
    shop = boutique()
    looks = rng.normal(size=(len(shop.items), 32)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    recipe = parse_recipe({"strategies": {"image_similar": {}, "content_similar": {}}}, "")
    engine = Engine.of(
        fit(replace(shop, vectors=looks), recipe, read_placements(MODELS / "placements" / "standard.toml"))
    )

    def sent(vector):
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()

    twin = looks[shop.items.row("lamp-4")] + np.float32(0.05) * rng.normal(size=32).astype(np.float32)
    grown = engine.told({"odd": {"title": "qqq", "image_vector": sent(twin)}})
    query = Query(
        NOW, np.array([-1], np.int32), np.array([-1], np.int32),
        Seeds(np.array([0, 1]), grown.items.rows(["odd"]), np.zeros(1, np.uint8), np.zeros(1, np.int64)),
    )  # fmt: skip
    found = grown.sources["image_similar"].top(query, 3, Allow.all(grown.n_items, 1))
    assert grown.items.name(int(found.rows[0])) == "lamp-4"
    other = engine.told(
        {"odd": {"title": "lamp number 4", "category": "Home > Lamps", "image_vector": sent(twin[:5])}}
    )
    assert listed(other, "product_similar", context_item_ids=("odd",))[0].startswith("lamp-")


def test_photo_vectors_stand_in_their_rows():
    """Of new items alone; zeros for none, and for one of an odd length."""
    view = ENGINE.told({"a": {"title": "x"}, "b": {"title": "y"}, "c": {"title": "z"}}).view
    assert photo_vectors(view) is None

    def sent(*numbers):
        return base64.b64encode(np.array(numbers, "<f4").tobytes()).decode()

    said = {
        "a": {"image_vector": sent(1, 2)},
        "b": {"image_vector": sent(3, 4)},
        "c": {"image_vector": sent(5)},
    }
    vectors = photo_vectors(replace(view, said=said))
    assert vectors.shape == (ENGINE.n_items + 3, 2)
    assert vectors[ENGINE.n_items :].tolist() == [[1, 2], [3, 4], [0, 0]]
    assert not vectors[: ENGINE.n_items].any()
