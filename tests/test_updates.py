"""What is said anew of an item: the latest of each field counts, in whatever order it comes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina import updates
from vitrina.ids import MAX_ID_BYTES
from vitrina.state.items import packed, unpacked
from vitrina.updates import ItemUpdate, latest, merged, refusal

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "price": st.one_of(st.none(), st.floats(0.01, 1e6)),
        "title": st.text(max_size=3),
        "in_stock": st.booleans(),
        "stock/a": st.booleans(),
        "stock/b": st.booleans(),
        "regions": st.lists(st.sampled_from("abc"), max_size=2, unique=True).map(tuple),
        "tags": st.lists(st.sampled_from("xy"), max_size=2, unique=True).map(tuple),
        "attributes/brand": st.sampled_from(["", "acme"]),
        "available_from": st.one_of(st.none(), st.integers(0, 9)),
    },
)
UPDATES = st.lists(FIELDS, max_size=6)


@settings(max_examples=60, deadline=None)
@given(UPDATES, st.randoms())
def test_order_of_arrival_does_not_matter(said, random):
    """Updates at times of their own: any order of them leaves the same, and saying one again changes nothing."""
    updates = [ItemUpdate("i", time, fields) for time, fields in enumerate(said)]
    inorder = {}
    for one in updates:
        inorder = merged(inorder, one)
    shuffled = {}
    for one in random.sample(updates, len(updates)) + updates[:1]:
        shuffled = merged(shuffled, one)
    assert shuffled == inorder
    assert unpacked(packed(inorder)) == inorder
    plain = {name: value for one in said for name, value in one.items() if not name.startswith("stock/")}
    assert {name: one for name, one in latest(inorder).items() if name in plain} == plain


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "says nothing"),
        ({"price": -1.0}, "above 0"),
        ({"price": float("nan")}, "must be a number"),
        ({"price": "5"}, "must be a number"),
        ({"price": True}, "must be a number"),
        ({"price": 1e13}, "no amount"),
        ({"colour": "red"}, "no field"),
        ({"attributes/": "red"}, "names nothing"),
        ({"attributes/a/b": "red"}, "names nothing"),
        ({"stock/": True}, "names nothing"),
        ({"stock/a": "yes"}, "yes or no"),
        ({"in_stock": 1}, "yes or no"),
        ({"title": "x" * 4097}, "at most 4096"),
        ({"category": "x" * 257}, "at most 256"),
        ({"title": "a\0b"}, "must be a text"),
        ({"tags": ("",)}, "empty or too long"),
        ({"tags": "ab"}, "must be a list"),
        ({"available_from": 1.5}, "whole seconds"),
        ({"image_vector": "x" * 30_000}, "too long"),
    ],
)
def test_what_is_out_of_bounds_is_refused(fields, why):
    """Each with a reason that names the field."""
    assert why in refusal(ItemUpdate("i", 1, fields))


def test_an_id_is_needed_and_bounded():
    """Empty, too long and with a NUL are refused; what is in order is not."""
    assert updates.MAX_ID_BYTES == MAX_ID_BYTES
    assert refusal(ItemUpdate("", 1, {"price": 1.0}))
    assert refusal(ItemUpdate("x" * 257, 1, {"price": 1.0}))
    assert refusal(ItemUpdate("a\0", 1, {"price": 1.0}))
    assert not refusal(ItemUpdate("a", 1, {"price": 1.0, "tags": (), "old_price": None}))
