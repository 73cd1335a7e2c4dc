"""The engine's promises, over sources that propose fixed rows: nothing is trained here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, make_window
from vitrina.dataset import DAY, Attribute
from vitrina.errors import InvalidRequest, UnknownPlacement
from vitrina.filters import Filter, Range
from vitrina.live import Live
from vitrina.request import Block, Request, SessionEvent
from vitrina.stages import STAGES

ITEMS = [f"i{number}" for number in range(10)]
NOW = Live(now=100 * DAY)


def ids(response, block=0):
    """The item ids of one block."""
    return [one.item_id for one in response.blocks[block].items]


@pytest.fixture
def dataset():
    """Ten items; ann bought i0 on day 10 and i1 on day 99, viewed i2."""
    return make_shop(
        [("ann", "i0", 10), ("ann", "i1", 99), ("ann", "i2", 98, "view"), ("bob", "i3", 5)], items=ITEMS
    )


def one_source(**placement):
    """A placement 'p' of one source 'all', and popular behind it."""
    return {"p": {"sources": [{"strategy": "all"}], **placement}}


def test_a_list_has_the_asked_length_and_order(dataset):
    """The only source's order is kept, and the limit is exact."""
    engine = make_window(dataset, {"all": range(10)}, one_source())
    answer = engine.recommend([Request((Block("p", limit=4),))], NOW)[0]
    assert ids(answer) == ["i0", "i1", "i2", "i3"]
    assert [one.score for one in answer.blocks[0].items] == sorted(
        (one.score for one in answer.blocks[0].items), reverse=True
    )


def test_limit_zero_is_the_default_and_too_much_is_coerced(dataset):
    """0 asks for the placement's default; above the maximum is cut to it."""
    engine = make_window(dataset, {"all": range(10)}, one_source(limit=3, max_limit=5))
    default, most = engine.recommend([Request((Block("p"),)), Request((Block("p", limit=99),))], NOW)
    assert (len(ids(default)), len(ids(most))) == (3, 5)
    with pytest.raises(InvalidRequest, match="below 0"):
        engine.recommend([Request((Block("p", limit=-1),))], NOW)


@pytest.mark.parametrize(
    ("rebuy", "gone"),
    [("always", set()), ("never", {"i0", "i1"}), ({"after_days": 30}, {"i1"})],
)
def test_rebuy_policies(dataset, rebuy, gone):
    """What ann bought stays away as long as the placement says."""
    engine = make_window(dataset, {"all": range(10)}, one_source(rebuy=rebuy))
    answer = engine.recommend([Request((Block("p", limit=10),), user_id="ann")], NOW)[0]
    assert set(ITEMS) - set(ids(answer)) == gone


def test_rebuy_when_due():
    """Coffee bought every ten days stays away for ten days, then returns."""
    bought = [("ann", "coffee", day) for day in range(0, 100, 10)]
    engine = make_window(make_shop(bought, items=["tea"]), {"all": [0, 1]}, one_source(rebuy="when_due"))
    request = Request((Block("p"),), user_id="ann")
    assert ids(engine.recommend([request], Live(now=95 * DAY))[0]) == ["tea"]
    assert ids(engine.recommend([request], Live(now=101 * DAY))[0]) == ["coffee", "tea"]


def test_a_purchase_in_the_session_counts_at_once(dataset):
    """What was bought a minute ago is not offered again where nothing bought may return."""
    engine = make_window(dataset, {"all": range(10)}, one_source(rebuy="never"))
    events = (SessionEvent("i5", "purchase"),)
    assert "i5" not in ids(
        engine.recommend([Request((Block("p"),), visitor_id="new", events=events)], NOW)[0]
    )


def test_retargeting_leaves_out_what_was_viewed_and_bought(dataset):
    """Neither history nor session views return where `viewed` is off."""
    engine = make_window(dataset, {"all": range(10)}, one_source(rebuy="never", viewed=False))
    request = Request((Block("p", limit=10),), user_id="ann", events=(SessionEvent("i7"),))
    assert ids(engine.recommend([request], NOW)[0]) == ["i3", "i4", "i5", "i6", "i8", "i9"]


def test_out_of_stock_never_leaves(dataset):
    """Stock is a hard rule: not even the fallback may show what is sold out."""
    stock = np.arange(10) % 2 == 0
    engine = make_window(
        replace(dataset, catalog=replace(dataset.catalog, in_stock=stock)),
        {"all": range(10), "popular": range(10)},
        one_source(),
    )
    assert ids(engine.recommend([Request((Block("p", limit=10),))], NOW)[0]) == ["i0", "i2", "i4", "i6", "i8"]


def test_availability_follows_the_clock(dataset):
    """An item is listed from its first second until its last."""
    start, end = dataset.catalog.available_from.copy(), dataset.catalog.available_until.copy()
    start[0], end[1] = 50, 60
    catalog = replace(dataset.catalog, available_from=start, available_until=end)
    engine = make_window(replace(dataset, catalog=catalog), {"all": [0, 1]}, one_source())
    shown = [ids(engine.recommend([Request((Block("p"),))], Live(now=now))[0]) for now in (49, 50, 59, 60)]
    assert shown == [["i1"], ["i0", "i1"], ["i0", "i1"], ["i0"]]


def test_the_seed_and_its_variants_stay_away(dataset):
    """A product page never lists the product itself, in any size; a list holds one variant each."""
    product = np.array([0, 0, 1, 1, 2, 3, 4, 5, 6, 7], np.int32)
    engine = make_window(
        replace(dataset, catalog=replace(dataset.catalog, product=product)), {"all": range(10)}, one_source()
    )
    answer = engine.recommend([Request((Block("p", limit=10),), context_item_ids=("i1",))], NOW)[0]
    assert ids(answer) == ["i2", "i4", "i5", "i6", "i7", "i8", "i9"]


def test_no_product_twice_on_a_page(dataset):
    """Blocks are filled in order; what stands above, or was on the page before, does not return."""
    engine = make_window(dataset, {"all": range(10)}, one_source())
    request = Request((Block("p", limit=3), Block("p", limit=3)), page_item_ids=("i0",))
    answer = engine.recommend([request], NOW)[0]
    assert (ids(answer, 0), ids(answer, 1)) == (["i1", "i2", "i3"], ["i4", "i5", "i6"])


def test_fallbacks_fill_in_order_and_say_so(dataset):
    """A short list is filled by the first fallback, then the second; the level tells."""
    engine = make_window(
        dataset,
        {"all": [4], "trending": [5, 4], "popular": range(10)},
        {"p": {"sources": [{"strategy": "all"}], "fallback": ["trending", "popular"]}},
    )
    short, full = engine.recommend([Request((Block("p", limit=4),)), Request((Block("p", limit=1),))], NOW)
    assert ids(short) == ["i4", "i5", "i0", "i1"]
    assert (short.blocks[0].fallback_level, full.blocks[0].fallback_level) == (2, 0)
    assert [one.sources for one in short.blocks[0].items][1:3] == [("trending",), ("popular",)]
    scores = [one.score for one in short.blocks[0].items]
    assert scores == sorted(scores, reverse=True)


def test_soft_rules_give_way_only_when_short_and_are_reported(dataset):
    """Same category first; when there is no more of it, the rest, and the response says so."""
    category = Attribute.of(["a", "a", "b", "b", "a", "b", "b", "b", "b", "b"])
    engine = make_window(
        replace(dataset, catalog=replace(dataset.catalog, category=category)),
        {"all": range(10)},
        one_source(soft=["same_category"]),
    )
    full = engine.recommend([Request((Block("p", limit=2),), context_item_ids=("i0",))], NOW)[0].blocks[0]
    short = engine.recommend([Request((Block("p", limit=3),), context_item_ids=("i0",))], NOW)[0].blocks[0]
    assert ([one.item_id for one in full.items], full.relaxed) == (["i1", "i4"], ())
    assert ([one.item_id for one in short.items], short.relaxed) == (["i1", "i4", "i2"], ("same_category",))


def test_soft_rules_give_way_one_by_one():
    """The leaf first, then its department, then anything: as many rules as were dropped are named."""
    category = Attribute.of(["a\x1fx", "b\x1fz", "a\x1fy", "a\x1fx"])
    shop = make_shop([("ann", "i0", 1)], items=ITEMS[:4])
    engine = make_window(
        replace(shop, catalog=replace(shop.catalog, category=category)),
        {"all": range(4)},
        one_source(soft=["same_department", "same_category"]),
    )
    blocks = [
        engine.recommend([Request((Block("p", limit=limit),), context_item_ids=("i0",))], NOW)[0].blocks[0]
        for limit in (1, 2, 3)
    ]
    assert [[one.item_id for one in block.items] for block in blocks] == [
        ["i3"],
        ["i3", "i2"],
        ["i3", "i2", "i1"],
    ]
    assert [block.relaxed for block in blocks] == [
        (),
        ("same_category",),
        ("same_category", "same_department"),
    ]


def test_candidates_are_ranked_and_nothing_else(dataset):
    """Given ids come back, best first, all of them, the unknown reported."""
    engine = make_window(dataset, {"all": [7, 3], "popular": range(10)}, one_source())
    block = Block("p", candidate_item_ids=("i3", "i9", "i7", "nope"))
    assert ids(engine.recommend([Request((block,))], NOW)[0]) == ["i7", "i3", "i9"]


def test_filters_admit_by_category_brand_and_price(dataset):
    """A filter is applied before sources run, subtree and bounds included."""
    paths = ["food", "food\x1ftea", "food & wine", "toys"] + ["toys\x1fcars"] * 6
    catalog = replace(
        dataset.catalog,
        category=Attribute.of(paths),
        price=np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, np.nan], np.float32),
        attributes={"brand": Attribute.of(["x", "y"] * 5)},
    )
    engine = make_window(replace(dataset, catalog=catalog), {"all": range(10)}, one_source())

    def under(**wanted):
        return ids(engine.recommend([Request((Block("p", limit=10, filter=Filter(**wanted)),))], NOW)[0])

    assert under(categories=("food",)) == ["i0", "i1"]
    assert under(categories=("toys > cars",), brands=("x",)) == ["i4", "i6", "i8"]
    assert under(price=Range(min=3, max=5)) == ["i2", "i3", "i4"]
    assert under(brands=("nobody",)) == []


def test_unknown_things_are_reported_not_fatal(dataset):
    """Unknown items are named; an unknown user is a stranger; an unknown placement is an error."""
    engine = make_window(dataset, {"all": range(10)}, one_source())
    answer = engine.recommend([Request((Block("p"),), user_id="zoe", context_item_ids=("i0", "ghost"))], NOW)[
        0
    ]
    assert (answer.unknown_item_ids, answer.known_user) == (("ghost",), False)
    with pytest.raises(UnknownPlacement, match="known: p"):
        engine.recommend([Request((Block("q"),))], NOW)
    with pytest.raises(InvalidRequest, match="known: purchase"):
        engine.recommend([Request((Block("p"),), events=(SessionEvent("i0", "sneeze"),))], NOW)


def test_a_click_steers_as_a_view_does(dataset):
    """What EventService takes as a click a request may say too, of a shop whose data know views alone."""
    engine = make_window(dataset, {"all": range(10)}, one_source())
    pages = [Request((Block("p"),), events=(SessionEvent("i0", kind),)) for kind in ("click", "view")]
    clicked, viewed = engine.recommend(pages, NOW)
    assert clicked.blocks == viewed.blocks


def test_explain_keeps_what_left_each_stage_and_changes_nothing(dataset):
    """The explained list is the plain list; the trace ends with it."""
    engine = make_window(dataset, {"all": range(10)}, one_source())
    plain, told = engine.recommend(
        [Request((Block("p", limit=3),)), Request((Block("p", limit=3),), explain=True)], NOW
    )
    assert plain.blocks[0].items == told.blocks[0].items
    assert [name for name, _ in told.blocks[0].trace] == [name for name, _ in STAGES]
    assert list(told.blocks[0].trace[-1][1]) == ids(told)


def test_reasons_name_the_source_and_its_seed(dataset):
    """Every item says which source weighed most and what it started from."""
    engine = make_window(dataset, {"all": [5]}, one_source())
    item = engine.recommend([Request((Block("p"),), user_id="bob")], NOW)[0].blocks[0].items[0]
    assert (item.reason.source, item.reason.seed_item_ids) == ("all", ("i3",))


requests = st.builds(
    Request,
    blocks=st.lists(
        st.builds(
            Block,
            placement=st.sampled_from(["free", "new", "ads"]),
            limit=st.integers(0, 12),
            exclude_item_ids=st.lists(st.sampled_from(ITEMS), max_size=3).map(tuple),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
    user_id=st.sampled_from(["", "ann", "bob", "zoe"]),
    context_item_ids=st.lists(st.sampled_from(ITEMS), max_size=2).map(tuple),
    events=st.lists(
        st.builds(SessionEvent, st.sampled_from(ITEMS), st.sampled_from(["view", "cart", "purchase"])),
        max_size=3,
    ).map(tuple),
    page_item_ids=st.lists(st.sampled_from(ITEMS), max_size=2).map(tuple),
)
PLACEMENTS = {
    "free": {"sources": [{"strategy": "a"}, {"strategy": "b", "weight": 0.5}]},
    "new": {"sources": [{"strategy": "a"}], "rebuy": "never", "limit": 6},
    "ads": {"sources": [{"strategy": "b"}], "rebuy": "never", "viewed": False, "blend": "score"},
}


@settings(max_examples=60, deadline=None)
@given(
    batch=st.lists(requests, min_size=1, max_size=4),
    first=st.lists(st.integers(0, 9), unique=True),
    second=st.lists(st.integers(0, 9), unique=True),
    product=st.lists(st.integers(0, 5), min_size=10, max_size=10),
    stock=st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_nothing_excluded_ever_leaves(batch, first, second, product, stock):
    """Whatever the sources say: stock, exclusions, seeds, variants, purchases, views, repeats hold.

    And a request is answered alone as it is answered in a batch.
    """
    happened = [("ann", "i0", 10), ("ann", "i1", 99), ("ann", "i2", 98, "view"), ("bob", "i3", 5)]
    dataset = make_shop(happened, items=ITEMS)
    catalog = replace(dataset.catalog, product=np.array(product, np.int32), in_stock=np.array(stock))
    sources = {"a": first, "b": second, "popular": range(10)}
    engine = make_window(replace(dataset, catalog=catalog), sources, PLACEMENTS)
    answers = engine.recommend(batch, NOW)
    for request, answer in zip(batch, answers, strict=True):
        assert answer == engine.recommend([request], NOW)[0]
        seen = {product[ITEMS.index(one)] for one in (*request.context_item_ids, *request.page_item_ids)}
        done = [one for one in happened if one[0] == request.user_id]
        bought = {one[1] for one in done if len(one) == 3} | {
            e.item_id for e in request.events if e.type == "purchase"
        }
        viewed = {one[1] for one in done if len(one) == 4} | {
            e.item_id for e in request.events if e.type == "view"
        }
        for block, listed in zip(request.blocks, answer.blocks, strict=True):
            barred = set(block.exclude_item_ids)
            barred |= bought if block.placement in ("new", "ads") else set()
            barred |= viewed if block.placement == "ads" else set()
            groups = {product[ITEMS.index(one)] for one in barred}
            for item in listed.items:
                row = ITEMS.index(item.item_id)
                assert stock[row]
                assert product[row] not in seen | groups
                seen.add(product[row])
