"""The catalogue as it is now: what a bundle says, and what was said since, whatever way it was said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from boutique import THINGS, boutique
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.catalog import PATH, Labels
from vitrina.ids import Ids, Texts
from vitrina.renewal import CatalogView
from vitrina.splicing import relabelled, spliced

DATASET = boutique()
BASE = replace(
    DATASET.catalog,
    regions=Labels.of([["north", "south"] if n % 3 == 0 else [] for n in range(len(THINGS))]),
)
OLD = CatalogView.of(DATASET.items, BASE)
ID = "lamp-1"


def row(view, one):
    """What a view says of an item, as plain words."""
    at, catalog = view.items.row(one), view.catalog
    return {
        "title": catalog.title[at],
        "category": catalog.category.text(at).replace(PATH, " > "),
        "price": None if np.isnan(catalog.price[at]) else float(catalog.price[at]),
        "in_stock": bool(catalog.in_stock[at]),
        "regions": tuple(sorted(catalog.regions.texts(at))),
        "tags": tuple(sorted(catalog.tags.texts(at))),
        "brand": catalog.attributes["brand"].text(at),
        "until": int(catalog.available_until[at]),
    }


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["new title", "x"]),
        "category": st.sampled_from(["Home > Lamps", "A > B", "Zoo"]),
        "price": st.sampled_from([None, 5.0, 7.5]),
        "tags": st.sampled_from([(), ("even",), ("zz", "aa")]),
        "attributes/brand": st.sampled_from(["", "Alba", "Neu"]),
        "attributes/warmth": st.sampled_from(["", "hot"]),
        "in_stock": st.booleans(),
        "regions": st.sampled_from([(), ("north",), ("west", "east")]),
    },
)
SAID = st.dictionaries(st.sampled_from([*sorted(THINGS)[:6], "new-1", "new-2"]), FIELDS, max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(SAID, max_size=3))
def test_a_view_says_what_was_said_and_else_what_the_bundle_says(steps):
    """By steps or at once, each field of each item; items never named are as they were."""
    view, every = OLD, {}
    for said in steps:
        every = {**every, **{one: {**every.get(one, {}), **fields} for one, fields in said.items()}}
        view = view.told({one: every[one] for one in said})
    at_once = OLD.told(every)
    for one in {*THINGS, *every}:
        told = every.get(one, {})
        if one not in THINGS and not (told.get("title") or told.get("category")):
            assert view.items.row(one) == -1
            continue
        assert row(view, one) == row(at_once, one) == expected(one, told)


def expected(one, told):
    """What an item is, by the words of `updates`."""
    nothing = {"title": "", "category": "", "in_stock": True, "regions": (), "tags": (), "brand": ""}
    old = row(OLD, one) if one in THINGS else {**nothing, "price": None, "until": np.iinfo(np.int64).max}
    names = ("title", "category", "in_stock", "regions", "tags")
    return {
        **old,
        **{name: told.get(name, old[name]) for name in names},
        "tags": tuple(sorted(told.get("tags", old["tags"]))),
        "regions": tuple(sorted(told.get("regions", old["regions"]))),
        "brand": told.get("attributes/brand", old["brand"]),
        "price": told.get("price", old["price"]),
    }


@pytest.mark.parametrize(
    ("base", "told", "found"),
    [
        ("lamp-1", {"stock/north": False}, (True, ("south",))),
        ("lamp-1", {"stock/north": False, "stock/south": False}, (False, ())),
        ("lamp-1", {"stock/west": True}, (True, ("north", "south", "west"))),
        ("lamp-1", {"in_stock": False, "stock/north": True}, (False, ("north", "south"))),
        ("lamp-1", {"removed": True}, (False, ("north", "south"))),
        ("lamp-1", {"removed": True, "in_stock": True}, (False, ("north", "south"))),
        ("lamp-10", {"stock/north": False}, (True, ("south",))),
        ("lamp-10", {"regions": ("east",), "stock/east": False}, (False, ())),
        ("lamp-10", {"regions": ()}, (True, ())),
    ],
)
def test_stock_by_region(base, told, found):
    """A region gained, lost, the last one lost; one that was in stock everywhere; removal beats all."""
    numbers = DATASET.items.rows(["lamp-1", "lamp-10"])
    words = [[] for _ in THINGS]
    words[numbers[0]], words[0] = ["north", "south"], ["north"]
    view = CatalogView.of(DATASET.items, replace(BASE, regions=Labels.of(words))).told({base: told})
    assert (row(view, base)["in_stock"], row(view, base)["regions"]) == found


def test_what_is_not_touched_is_shared():
    """A price copies the prices and nothing else, and the view before is as it was."""
    view = OLD.told({ID: {"price": 3.5}})
    assert row(OLD, ID)["price"] == 15.0
    assert view.catalog.title is BASE.title
    assert view.catalog.regions is BASE.regions
    assert view.catalog.attributes is BASE.attributes
    assert OLD.told({"nobody": {"price": 3.5}}).catalog is BASE
    assert view.told({ID: {"price": 3.5}}) is view


def test_variants_are_one_product_however_they_came():
    """Two new ones of one id, and one that joins a trained item that says it too."""
    said = {"new-1": {"title": "a", "product_id": "p"}, "new-2": {"title": "b", "product_id": "p"}}
    view = OLD.told(said)
    product = view.catalog.product[view.items.rows(["new-1", "new-2", ID])]
    assert product[0] == product[1] != product[2]
    view = view.told({ID: {"product_id": "q"}, "new-3": {"title": "c", "product_id": "q"}})
    assert len(set(view.catalog.product[view.items.rows(["new-3", ID])])) == 1


def test_content_counts_what_new_items_are():
    """A new title counts; a price, stock, and anything of a trained item do not."""
    view = OLD.told({"new-1": {"title": "a"}})
    assert view.content == 1
    assert view.told({"new-1": {"title": "a", "price": 2.0, "stock/x": True}}).content == 1
    assert view.told({ID: {"title": "z"}}).content == 1
    assert view.told({"new-1": {"title": "b"}}).content == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), unique=True), min_size=1, max_size=6), st.data())
def test_splicing_is_list_assignment(rows, data):
    """Ragged arrays with some rows replaced say what a list of lists would."""
    fresh = data.draw(
        st.dictionaries(st.integers(0, len(rows) - 1), st.lists(st.sampled_from("bxy"), unique=True))
    )
    at = np.array(sorted(fresh), np.int32)
    wanted = [fresh.get(n, one) for n, one in enumerate(rows)]
    labels = relabelled(Labels.of(rows), at, [fresh[one] for one in at.tolist()])
    assert [sorted(labels.texts(n)) for n in range(len(rows))] == [sorted(one) for one in wanted]
    texts, new = Texts.of("".join(one) for one in rows), Texts.of("".join(fresh[one]) for one in at.tolist())
    ends, blob = spliced(texts.offsets, texts.blob, at, new.offsets, new.blob)
    assert [Texts(ends, blob)[n] for n in range(len(rows))] == ["".join(one) for one in wanted]


def test_grown_ids_find_all():
    """Sorted ones and later ones, longer than any before; the unknown stay unknown."""
    view = OLD.told({"a" * 40: {"title": "x"}, "zz": {"title": "y"}})
    more = view.told({"b": {"title": "z"}})
    assert more.items.rows(["lamp-1", "a" * 40, "zz", "b", "none", ""]).tolist() == [
        DATASET.items.row("lamp-1"), len(THINGS), len(THINGS) + 1, len(THINGS) + 2, -1, -1,
    ]  # fmt: skip
    assert more.items.names(np.array([len(THINGS)], np.int32)) == ["a" * 40]
    assert isinstance(OLD.items, Ids)
