"""Hard rules of places and people, and filters, held against what is written out product by product."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, make_window
from vitrina.catalog import Labels
from vitrina.dataset import DAY, Attribute
from vitrina.filters import Filter, Range, Words
from vitrina.live import Live
from vitrina.request import Block, Request, SessionEvent

ITEMS = [f"i{number}" for number in range(10)]
NOW = Live(now=100 * DAY)
BRANDS = ["acme", "bolt", "", "acme", "corn", "bolt", "acme", "", "corn", "acme"]
PATHS = ["a > x", "a > y", "b", "a > x", "b > z", "a", "b > z", "a > y", "b", "a > x"]
PRICES = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
COLOURS = ["red", "blue", "red", "", "blue", "red", "red", "blue", "", "red"]
SIZES = ["S", "M", "", "L", "M", "42", "M", "S", "", "M"]
REGIONS = [("msk",), (), ("spb",), ("msk", "spb"), (), (), ("spb",), (), ("msk",), ()]
FREE = {"p": {"sources": [{"strategy": "all"}], "fallback": [], "limit": 10}}


def window(placements=FREE, happened=(("ann", "i9", 1), ("bob", "i0", 2)), stock=None, more=(), **people):
    """Ten products in order, of whatever is written above; `more`: attributes of theirs; `people`: of ann and bob."""
    dataset = make_shop(list(happened), items=ITEMS)
    catalog = replace(
        dataset.catalog,
        category=Attribute.of([one.replace(" > ", "\x1f") for one in PATHS]),
        price=np.array(PRICES, np.float32),
        regions=Labels.of(REGIONS),
        in_stock=np.array(stock if stock is not None else [True] * 10),
        attributes={
            "brand": Attribute.of(BRANDS),
            "color": Attribute.of(COLOURS),
            "size": Attribute.of(SIZES),
            **{name: Attribute.of(values) for name, values in dict(more).items()},
        },
    )
    told = {name: Attribute.of(values) for name, values in people.items()}
    return make_window(replace(dataset, catalog=catalog, people=told), {"all": range(10)}, placements)


def listed(engine, block=None, **asked):
    """The numbers of the products that one asker is listed."""
    answer = engine.recommend([Request((block or Block("p"),), **asked)], NOW)[0]
    return [int(one.item_id[1:]) for one in answer.blocks[0].items]


def test_stock_is_that_of_the_askers_region():
    """What is stocked elsewhere only is not listed; what names no region is stocked everywhere; the request's region counts before the customer's own."""
    engine = window(region=["spb", "msk"])
    assert listed(engine, region="msk") == [0, 1, 3, 4, 5, 7, 8, 9]
    assert listed(engine, user_id="ann") == [1, 2, 3, 4, 5, 6, 7, 9]
    assert listed(engine, user_id="ann", region="msk") == listed(engine, region="msk")
    assert listed(engine) == list(range(10))


def test_only_my_size():
    """Sizes that the shop was told, for all or below a step of the categories; what has no size fits everybody; a stranger has none."""
    engine = window(sizes=["M", "a:S"])
    assert listed(engine, user_id="ann") == [1, 2, 4, 6, 8, 9]
    assert listed(engine, user_id="bob") == [0, 2, 4, 6, 7, 8]
    assert listed(engine) == list(range(10))
    off = window({"p": {**FREE["p"], "my_size": "off"}}, sizes=["M", "M"])
    assert listed(off, user_id="ann") == list(range(10))


def test_filters_by_what_the_customer_has():
    """The same value as the customer's own, or another; none is as what no item has, until a feed brings it."""
    engine = window(color=["blue", "Bob Smith"])
    same, unlike = Filter(same_as_customer=("color",)), Filter(unlike_customer=("color",))
    assert listed(engine, Block("p", filter=same), user_id="ann") == [1, 4, 7]
    assert listed(engine, Block("p", filter=unlike), user_id="ann") == [0, 2, 5, 6, 9]
    assert listed(engine, Block("p", filter=same), user_id="bob") == []
    assert listed(engine, Block("p", filter=unlike), user_id="bob") == [0, 1, 2, 4, 5, 6, 7, 9]
    fed = engine.told({"i5": {"attributes/color": "Bob Smith"}})
    assert listed(fed, Block("p", filter=same), user_id="bob") == [5]
    assert 5 not in listed(fed, Block("p", filter=unlike), user_id="bob")


@pytest.mark.parametrize(
    ("name", "own", "same", "unlike"),
    [
        ("category", "a > x", [0, 3, 9], [1, 2, 4, 5, 6, 7, 8]),
        ("category", " b ", [2, 8], [0, 1, 3, 4, 5, 6, 7, 9]),
        ("department", "a", [0, 1, 3, 5, 7, 9], [2, 4, 6, 8]),
        ("department", " b > z", [2, 4, 6, 8], [0, 1, 3, 5, 7, 9]),
        ("department", "c", [], list(range(10))),
    ],
)
def test_filters_by_where_the_customer_s_own_stand(name, own, same, unlike):
    """A category as people write it, or the first step of one."""
    engine = window(**{name: [own, ""]})
    assert listed(engine, Block("p", filter=Filter(same_as_customer=(name,))), user_id="ann") == same
    assert listed(engine, Block("p", filter=Filter(unlike_customer=(name,))), user_id="ann") == unlike
    assert listed(engine, Block("p", filter=Filter(same_as_customer=(name,))), user_id="bob") == list(
        range(10)
    )


def test_a_shop_s_own_word_for_departments_counts_for_customers():
    """Where items have an attribute of that name; what a page's products share stays the first step of the path."""
    own = {"department": ["men", "women", "", "a", "men", "men", "b > z", "a", "b", "women"]}
    engine = window(more=own, department=["men", "b > z"])
    same, unlike = Filter(same_as_customer=("department",)), Filter(unlike_customer=("department",))
    assert listed(engine, Block("p", filter=same), user_id="ann") == [0, 4, 5]
    assert listed(engine, Block("p", filter=unlike), user_id="ann") == [1, 3, 6, 7, 8, 9]
    assert listed(engine, Block("p", filter=same), user_id="bob") == [6]
    seed = Block("p", filter=Filter(same_as_seed=("department",)))
    assert listed(engine, seed, context_item_ids=("i2",)) == [4, 6, 8]


def test_a_size_is_learned_from_what_was_kept():
    """Two purchases of one size in one category say it there, one says nothing; what is given back does not count."""
    learned = {"p": {**FREE["p"], "my_size": "learned", "rebuy": "always"}}
    twice = [("ann", "i6", 1), ("ann", "i4", 2), ("bob", "i3", 3)]
    assert listed(window(learned, twice), user_id="ann") == list(range(10))  # b > z holds the size M alone
    engine = window(learned, [("ann", "i9", 1), ("ann", "i9", 2)])
    assert listed(engine, user_id="ann") == [1, 2, 4, 5, 6, 7, 8, 9]  # of a > x, i0 is S and i3 is L
    back = (SessionEvent("i9", "return"),)
    assert listed(engine, user_id="ann", events=back) == list(range(10))


@pytest.mark.parametrize(
    ("asked", "contextual"),
    [
        ({"user_id": "ann"}, False),
        ({"user_id": "ann", "channel": "email"}, True),
        ({"user_id": "bob"}, True),
        ({"user_id": "bob", "channel": "push"}, False),
        ({"user_id": "bob", "consent": "given"}, False),
        ({"user_id": "ann", "consent": "refused"}, True),
        ({"visitor_id": "v"}, False),
    ],
)
def test_without_consent_the_page_alone_counts(asked, contextual):
    """By purpose of the channel, or as the caller knows: the answer says so, and is what a stranger gets."""
    engine = window(
        {"p": {**FREE["p"], "rebuy": "never"}},
        consent=["site", "email"],
        sizes=["M", "M"],
        region=["msk", "msk"],
    )
    answer, stranger = engine.recommend(
        [Request((Block("p"),), **asked), Request((Block("p"),), channel=asked.get("channel", "site"))], NOW
    )
    assert answer.contextual == contextual
    if contextual:
        assert answer.blocks == stranger.blocks
        assert not answer.known_user
    elif "user_id" in asked:
        assert answer.blocks != stranger.blocks


ranges = st.builds(
    Range,
    min=st.none() | st.sampled_from([2.0, 5.0]),
    max=st.none() | st.sampled_from([5.0, 8.0]),
    above=st.none() | st.just(2.0),
    below=st.none() | st.just(8.0),
).filter(lambda one: one != Range())
leaves = st.one_of(
    st.builds(
        Filter, categories=st.lists(st.sampled_from(["a", "a > x", "b > z", "c"]), min_size=1).map(tuple)
    ),
    st.builds(Filter, brands=st.lists(st.sampled_from(["acme", "bolt", "none"]), min_size=1).map(tuple)),
    st.builds(Filter, price=ranges),
    st.builds(Filter, price_to_seed=ranges),
    st.builds(Filter, stocked_in=st.lists(st.sampled_from(["msk", "spb", "ekb"]), min_size=1).map(tuple)),
    st.builds(
        Filter,
        attributes=st.builds(
            Words, st.just("color"), st.lists(st.sampled_from(["red", "blue"]), min_size=1).map(tuple)
        ).map(lambda one: (one,)),
    ),
    st.builds(Filter, same_as_seed=st.just(("color",)) | st.just(("category",))),
    st.builds(Filter, item_ids=st.lists(st.sampled_from(ITEMS), min_size=1).map(tuple)),
)
filters = st.recursive(
    leaves,
    lambda inner: st.builds(
        Filter,
        all=st.lists(inner, max_size=2).map(tuple),
        any=st.lists(inner, max_size=2).map(tuple),
        none=st.lists(inner, max_size=2).map(tuple),
    ),
    max_leaves=6,
)


def inside(value, bounds):
    """Whether a number is within bounds."""
    return (
        (bounds.min is None or value >= bounds.min)
        and (bounds.max is None or value <= bounds.max)
        and (bounds.above is None or value > bounds.above)
        and (bounds.below is None or value < bounds.below)
    )


def meets(one, wanted, seed):
    """Whether a product meets a filter, said plainly; `seed`: the product of the page, or None."""
    path, own = PATHS[one], {"color": COLOURS, "category": PATHS}
    held = [
        not wanted.categories or any(path == at or path.startswith(at + " > ") for at in wanted.categories),
        not wanted.brands or BRANDS[one] in wanted.brands,
        wanted.price is None or inside(PRICES[one], wanted.price),
        wanted.price_to_seed is None
        or seed is None
        or inside(PRICES[one] / PRICES[seed], wanted.price_to_seed),
        not wanted.stocked_in or not REGIONS[one] or bool(set(REGIONS[one]) & set(wanted.stocked_in)),
        all(COLOURS[one] in words.values for words in wanted.attributes),
        not wanted.item_ids or ITEMS[one] in wanted.item_ids,
        *(
            seed is None or not own[name][seed] or own[name][one] == own[name][seed]
            for name in wanted.same_as_seed
        ),
        all(meets(one, inner, seed) for inner in wanted.all),
        not wanted.any or any(meets(one, inner, seed) for inner in wanted.any),
        not any(meets(one, inner, seed) for inner in wanted.none),
    ]
    return all(held)


@settings(max_examples=150, deadline=None)
@given(
    wanted=filters,
    seed=st.none() | st.integers(0, 9),
    stock=st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_a_filter_admits_what_it_says(wanted, seed, stock):
    """Any tree of conditions, with and without a seed: exactly the products that meet it, in the source's order."""
    engine = window(stock=stock)
    context = () if seed is None else (ITEMS[seed],)
    expected = [one for one in range(10) if stock[one] and one != seed and meets(one, wanted, seed)]
    assert listed(engine, Block("p", filter=wanted), context_item_ids=context) == expected


@settings(max_examples=100, deadline=None)
@given(
    soft=st.lists(leaves, min_size=1, max_size=3),
    limit=st.integers(1, 10),
    seeds=st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=4),
)
def test_relaxations_reported_are_those_made(soft, limit, seeds):
    """Rules are given up last first, no more of them than the list needed, and named; alone or in a batch."""
    tables = [{"name": f"s{place}", **told(one)} for place, one in enumerate(soft)]
    engine = window({"p": {**FREE["p"], "soft": tables}})
    batch = [
        Request((Block("p", limit=limit),), context_item_ids=() if one is None else (ITEMS[one],))
        for one in seeds
    ]
    answers = engine.recommend(batch, NOW)
    for request, answer, seed in zip(batch, answers, seeds, strict=True):
        assert answer == engine.recommend([request], NOW)[0]
        (block,) = answer.blocks
        rows = [int(one.item_id[1:]) for one in block.items]
        kept = len(soft) - len(block.relaxed)
        assert list(block.relaxed) == [f"s{place}" for place in reversed(range(kept, len(soft)))]
        assert all(meets(row, one, seed) for row in rows for one in soft[:kept])
        assert len(rows) == min(limit, 10 - (seed is not None))
        if block.relaxed:
            stricter = [
                one
                for one in range(10)
                if one != seed and all(meets(one, each, seed) for each in soft[: kept + 1])
            ]
            assert len(stricter) < limit


def told(wanted):
    """A filter as a placements file has it."""
    found = {}
    for name in wanted.given:
        value = getattr(wanted, name)
        if isinstance(value, Range):
            found[name] = {key: bound for key, bound in vars(value).items() if bound is not None}
        elif name == "attributes":
            found[name] = {one.name: list(one.values) for one in value}
        else:
            found[name] = list(value)
    return found
