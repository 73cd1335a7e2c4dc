"""Why not: every product that is not in a list has a stage and a rule that says so, and the right one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, make_window
from vitrina.catalog import Labels
from vitrina.dataset import DAY, Attribute
from vitrina.errors import InvalidRequest
from vitrina.filters import Filter, Range
from vitrina.live import Live
from vitrina.request import Block, Request

ITEMS = [f"i{number}" for number in range(10)]
NOW = Live(100 * DAY)
DONE = [("ann", "i0", 10), ("ann", "i1", 99), ("ann", "i2", 98, "view"), ("bob", "i3", 5)]


def shop():
    """Ten items with prices 0..9; i4 is out of stock, i5 not yet for sale, i6 stocked in Warsaw only, i7 intimate."""
    dataset = make_shop(DONE, items=ITEMS)
    stock = np.arange(10) != 4
    start = np.where(np.arange(10) == 5, 200 * DAY, 0)
    where = [("Warsaw",) if number == 6 else () for number in range(10)]
    paths = ["Health > Intimate" if number == 7 else "Food" for number in range(10)]
    catalog = replace(
        dataset.catalog,
        in_stock=stock,
        available_from=start,
        regions=Labels.of(where),
        category=Attribute.of([one.replace(" > ", "\x1f") for one in paths]),
        price=np.arange(10, dtype=np.float32),
    )
    return replace(dataset, catalog=catalog)


def window(**placement):
    """An engine whose source 'all' knows all but i9."""
    return make_window(
        shop(), {"all": range(9)}, {"p": {"sources": [{"strategy": "all"}], "fallback": [], **placement}}
    )


def why(engine, item, block=None, **asked):
    """What became of one item for ann."""
    request = Request((block or Block("p"),), user_id="ann", **asked)
    _, (found,) = engine.explain(request, [item], NOW)
    return found


@pytest.mark.parametrize(
    ("item", "placement", "stage", "says"),
    [
        ("i4", {}, "admit", "out of stock"),
        ("i5", {}, "admit", "not for sale before 1970-07-20"),
        ("i7", {"deny_categories": ["Health > Intimate"]}, "admit", "category denied: Health > Intimate"),
        ("i3", {"deny_items": ["i3"]}, "admit", "product denied"),
        ("i1", {"rebuy": {"after_days": 30}}, "admit", "bought 1 day ago, and it stays away for 30 days"),
        ("i0", {"rebuy": "never"}, "admit", "bought 90 days ago, and it does not come back (rebuy never)"),
        ("i2", {"viewed": False}, "admit", "viewed before"),
        ("i3", {"filter": {"price": {"min": 5}}}, "admit", "the placement's filter: price"),
        ("i9", {}, "retrieve", "no source proposed it; asked: all"),
        ("i8", {"limit": 3, "rebuy": "always"}, "cut", "the list ends with 3"),
        ("i2", {"limit": 3, "soft": ["not_viewed"], "rebuy": "always"}, "settle", "soft rule: not_viewed"),
        ("nobody", {}, "admit", "does not know it"),
    ],
)
def test_the_rule_that_dropped_it_is_named(item, placement, stage, says):
    """One item for each rule, dropped by that one alone."""
    found = why(window(**placement), item)
    assert (found.place, found.stage) == (0, stage)
    assert len(found.rules) == 1
    assert says in found.rules[0]


def test_what_the_request_keeps_out_is_named():
    """Its filter, exclusions, candidates, page and region."""
    engine = window(rebuy="always")
    assert why(engine, "i3", Block("p", filter=Filter(price=Range(max=2)))).rules == (
        "the block's filter: price",
    )
    assert why(engine, "i3", Block("p", exclude_item_ids=("i3",))).rules == ("excluded by the request",)
    assert why(engine, "i3", Block("p", candidate_item_ids=("i2",))).rules == (
        "not among the candidates of the block",
    )
    assert why(engine, "i3", context_item_ids=("i3",)).rules == ("the page is about it",)
    assert why(engine, "i3", page_item_ids=("i3",)).rules == ("on the page already",)
    assert why(engine, "i6", region="Berlin").place == why(engine, "i6").place  # nobody knows that region
    assert "i6" in [one.item_id for one in engine.explain(Request((Block("p"),)), [], NOW)[0].blocks[0].items]


def test_what_is_listed_says_where_it_came_from():
    """Its place, and that with each source; and the answer is the one that `recommend` gives."""
    engine = window(rebuy="always")
    request = Request((Block("p"),), user_id="ann", locale="pl")
    answer, (found,) = engine.explain(request, ["i2"], NOW)
    assert (found.place, found.proposed, found.stage, found.rules) == (3, (("all", 3),), "", ())
    usual = engine.recommend([request], NOW)[0]
    assert tuple(usual.blocks[0].items) == tuple(answer.blocks[0].items)
    assert answer.blocks[0].trace[0][0] == "admit"
    with pytest.raises(InvalidRequest, match="2 blocks"):
        engine.explain(Request((Block("p"), Block("p"))), ["i2"], NOW)


def test_a_variant_gives_way_to_its_twin():
    """Of two variants one is listed, and the other says so."""
    dataset = shop()
    product = np.arange(10, dtype=np.int32)
    product[3] = 2
    dataset = replace(dataset, catalog=replace(dataset.catalog, product=product))
    engine = make_window(
        dataset, {"all": range(9)}, {"p": {"sources": [{"strategy": "all"}], "rebuy": "always"}}
    )
    found = why(engine, "i3")
    assert (found.stage, found.rules) == ("settle", ("another variant of it is listed",))


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "limit": st.integers(1, 9),
            "rebuy": st.sampled_from(["always", "never", "when_due"]),
            "viewed": st.booleans(),
            "deny_categories": st.just(["Food"]) | st.just(["Health"]),
            "soft": st.just(["not_viewed"]),
            "minimum": st.integers(0, 9),
            "short": st.sampled_from(["fill", "drop"]),
            "fallback": st.just(["all"]) | st.just([]),
        },
    ),
    st.lists(st.sampled_from(ITEMS), max_size=2).map(tuple),
    st.lists(st.sampled_from(ITEMS), max_size=3).map(tuple),
    st.sampled_from(["ann", "bob", "stranger"]),
)
def test_everything_is_listed_or_has_its_rule(placement, context, page, user):
    """Under any rules each item is listed at the place it says, or names a stage and at least one rule."""
    engine = window(**placement)
    request = Request((Block("p"),), user_id=user, context_item_ids=context, page_item_ids=page)
    answer, fates = engine.explain(request, ITEMS, NOW)
    listed = [one.item_id for one in answer.blocks[0].items]
    assert {one.item_id: one.place for one in fates if one.place} == {
        one: at + 1 for at, one in enumerate(listed)
    }
    for one in fates:
        assert bool(one.place) != bool(one.stage and one.rules)
    barred = {one.item_id for one in fates if one.stage == "admit"}
    assert barred >= {*context, *page, "i4", "i5"}
