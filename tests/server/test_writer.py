"""The writer's bytes, held against the protobuf library's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.listing import Listing
from vitrina.request import ListedBlock, ListedItem, Product, Reason, Response, RuleReason
from vitrina.server import writer
from vitrina.v1 import recommendation_service_pb2 as v1
from vitrina.v1 import types_pb2

LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
IDS = st.text(LETTERS, min_size=1, max_size=12) | st.integers(120, 140).map(lambda n: "x" * n)
NAMES = st.text(LETTERS, max_size=8) | st.just("n" * 200)
SCORES = st.floats(width=32, allow_nan=False)
FIGURES = st.floats(allow_nan=False)


@st.composite
def listed(draw):
    """An item with sources, and a reason with seeds and perhaps a rule."""
    seeds = tuple(draw(st.lists(IDS, max_size=3)))
    rule = draw(
        st.none() | st.tuples(FIGURES, FIGURES, st.floats(0.1, 9)).map(lambda one: RuleReason(seeds, *one))
    )
    sources = tuple(draw(st.lists(NAMES, max_size=4, unique=True)))
    return ListedItem(draw(IDS), draw(SCORES), sources, Reason(draw(NAMES), seeds, rule, draw(NAMES)))


PRODUCTS = st.builds(
    Product,
    IDS,
    NAMES,
    NAMES,
    st.floats(0, 1e6),
    st.floats(0, 9),
    NAMES,
    st.dictionaries(NAMES, NAMES, max_size=3),
)
TRACES = st.lists(st.tuples(NAMES, st.lists(IDS, max_size=3).map(tuple)), max_size=3).map(tuple)
BLOCKS = st.builds(
    ListedBlock,
    NAMES,
    st.lists(listed(), max_size=30).map(tuple),
    st.integers(0, 3),
    st.lists(NAMES, max_size=2).map(tuple),
    TRACES,
)
RESPONSES = st.builds(
    Response,
    st.lists(BLOCKS, max_size=3).map(tuple),
    NAMES,
    st.lists(IDS, max_size=3).map(tuple),
    st.booleans(),
)
FIELDS = ("title", "category", "price", "old_price", "image", "attributes")


def item_fields(one, shown):
    """What an item says, field by field."""
    rule = one.reason.rule
    reason = {
        "source": one.reason.source,
        "seed_item_ids": one.reason.seed_item_ids,
        "rule": rule and rule._asdict(),
        "sentence": one.reason.sentence,
    }
    return {
        "item_id": one.item_id,
        "score": one.score,
        "sources": one.sources,
        "reason": reason,
        "product": shown and {name: getattr(shown, name) for name in FIELDS},
    }


def block_fields(one, shown):
    """What a block says, field by field."""
    return {
        "placement": one.placement,
        "items": [item_fields(item, shown) for item in one.items],
        "fallback_level": one.fallback_level,
        "relaxed": one.relaxed,
        "trace": [{"stage": stage, "item_ids": ids} for stage, ids in one.trace],
    }


@settings(deadline=None)
@given(RESPONSES, NAMES, st.none() | PRODUCTS)
def test_an_answer_is_what_the_library_would_write(response, token, shown):
    """Read back, it is the message that the protobuf library makes of the same fields; no byte is lost."""
    expected = v1.RecommendResponse(
        blocks=[block_fields(one, shown) for one in response.blocks],
        attribution_token=token,
        bundle_version=response.bundle_version,
        unknown_item_ids=response.unknown_item_ids,
        known_user=response.known_user,
    )
    products = None if shown is None else lambda item_id: writer.product(shown, FIELDS)
    data = writer.answer(response, token, products)
    assert v1.RecommendResponse.FromString(data) == expected
    assert len(data) == len(expected.SerializeToString())


@settings(deadline=None)
@given(st.lists(listed(), max_size=12))
def test_items_are_written_as_the_library_writes_them(made):
    """The items of a list are its bytes, one by one and in its order of fields."""
    expected = types_pb2.ListedBlock(items=[item_fields(one, None) for one in made])
    assert writer.items(made) == expected.SerializeToString(deterministic=True)


@settings(deadline=None)
@given(st.lists(listed(), max_size=12), st.lists(st.integers(0, 12), max_size=4))
def test_lists_that_were_made_together_are_written_as_each_would_be_alone(made, cuts):
    """Some of them empty, asked for in any order, with products and without."""
    whole = Listing.of(made).lists
    ends = np.sort(np.minimum([0, *cuts, len(made)], len(made)))
    together = replace(whole, ends=ends)
    for place in reversed(range(len(ends) - 1)):
        own = made[ends[place] : ends[place + 1]]
        assert writer.items(together.of(place)) == writer.items(own)
        assert writer.items(together.of(place), str.encode) == writer.items(own, str.encode)


@given(st.integers(0, 100_000))
def test_an_answer_in_a_batch_has_its_length_before_it(size):
    """As the library writes a field of any length."""
    answer = v1.RecommendResponse(attribution_token="t" * size)
    expected = v1.BatchRecommendResponse(answer=answer).SerializeToString()
    assert writer.field(writer.ANSWER, answer.SerializeToString()) == expected


def test_products_asked_for_are_there_even_where_nothing_is_known():
    """An item that the catalogue does not have carries a product that says nothing."""
    one = ListedItem("i1", 0.5, ("knn",), Reason("knn"))
    block = ListedBlock("home", (one,))
    data = writer.answer(Response((block,)), "", lambda item_id: writer.product(None, FIELDS))
    [item] = v1.RecommendResponse.FromString(data).blocks[0].items
    assert item.HasField("product")
    assert item.product == types_pb2.Product()


@settings(deadline=None)
@given(st.lists(listed(), max_size=12))
def test_a_listing_is_the_items_it_was_made_of(made):
    """Arrays of items give the same items back, whole, sliced and one by one."""
    listing = Listing.of(made)
    assert listing == made
    assert (len(listing), listing.item_ids) == (len(made), [one.item_id for one in made])
    assert listing.leads == [one.reason.source for one in made]
    assert list(listing[1:3]) == made[1:3]
    assert Listing.of(listing) is listing
    np.testing.assert_array_equal(listing.scores, [one.score for one in made])
