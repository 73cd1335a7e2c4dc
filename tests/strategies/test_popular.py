"""Orders of the whole catalogue: what sells, rises or is new, here and everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shops import reasons
from vitrina.dataset import DAY, PURCHASE, REMOVE, VIEW, Attribute, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.strategies.popular import Strategy
from vitrina.strategy import Allow, Query, Seeds


def shop_of(lines, n_items=6, n_users=30, regions=None):
    """A dataset of lines (day, user, item[, type[, quantity]]); `regions`: one name a user."""
    lines = sorted(lines, key=lambda one: one[0])
    filled = [(*one, *(PURCHASE, 1.0)[len(one) - 3 :]) for one in lines]
    day, user, item, kind, quantity = (
        (np.array(column) for column in zip(*filled, strict=True)) if lines else (np.zeros(0),) * 5
    )
    n = len(lines)
    events = Events(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        visit=np.full(n, UNKNOWN, np.int32),
        time=(day * DAY).astype(np.int64),
        type=kind.astype(np.uint8),
        quantity=quantity.astype(np.float32),
        price=np.full(n, np.nan, np.float32),
    )
    users, items = (Ids.of(f"{row:04}" for row in range(many)) for many in (n_users, n_items))
    people = {} if regions is None else {"region": Attribute.of(regions)}
    return Dataset(users, items, events, Catalog.bare(n_items), people=people)


def order_of(shop, **params):
    """The overall order."""
    return Strategy(**params).fit(shop)["order"].tolist()


def asks(*regions):
    """A query of strangers of these regions."""
    n = len(regions)
    nothing = Seeds(
        np.zeros(n + 1, np.int64), *(np.zeros(0, kind) for kind in (np.int32, np.uint8, np.int64))
    )
    return Query(0, np.full(n, UNKNOWN, np.int32), np.array(regions, np.int32), nothing)


def test_buyers_count_not_pieces():
    """One wholesale order, or one customer all day long, is one buyer; two customers are two."""
    lines = [(1, 0, 0, PURCHASE, 1000.0), *[(1, 1, 1)] * 50, (1, 2, 2), (1, 3, 2)]
    parts = Strategy().fit(shop_of(lines))
    assert parts["order"][0] == 2
    assert parts["scores"][:3].tolist() == [2.0, 1.0, 1.0]


def test_a_sale_fades_by_its_half_life():
    """A sale a half-life ago is half of one today; with no half-life all are alike."""
    lines = [(0, 0, 0), (0, 1, 0), (0, 2, 0), (30, 3, 1), (30, 4, 1)]
    faded = Strategy(half_life_days=30).fit(shop_of(lines))
    assert (faded["order"][:2].tolist(), faded["scores"][:2].tolist()) == ([1, 0], [2.0, 1.5])
    level = Strategy(half_life_days=0).fit(shop_of(lines))
    assert (level["order"][:2].tolist(), level["scores"][:2].tolist()) == ([0, 1], [3.0, 2.0])


def test_only_the_window_sells():
    """The last seven days alone score; what sold before follows by all that happened to it."""
    lines = [*[(1, user, 0) for user in range(9)], *[(2, user, 1) for user in range(5)], (20, 0, 2)]
    parts = Strategy(window_days=7, half_life_days=0).fit(shop_of(lines))
    assert parts["order"].tolist() == [2, 0, 1, 3, 4, 5]
    assert parts["scores"].tolist() == [1.0, 0, 0, 0, 0, 0]


def test_every_item_is_in_every_order():
    """Sales, velocity or newness, each item stands once, and scores never rise."""
    rng = np.random.default_rng(4)
    lines = [(rng.integers(0, 60), rng.integers(0, 30), rng.integers(0, 40)) for _ in range(300)]
    for by in ("sales", "velocity", "newness"):
        parts = Strategy(by=by).fit(shop_of(lines, n_items=50))
        assert sorted(parts["order"].tolist()) == list(range(50))
        assert (parts["order"][parts["rank"]] == np.arange(50)).all()
        assert (np.diff(parts["scores"]) <= 0).all()


def test_a_trend_is_growth_and_not_size():
    """Doubling beats being large, and the only sale of a new item is no trend."""
    steady = [(day, user, 0) for day in range(36) for user in range(20)]
    rising = [(day, user, 1) for day in range(36) for user in range(4 if day < 29 else 12)]
    once = [(35, 25, 2)]
    gone = [(day, user, 3) for day in range(20) for user in range(10)]
    parts = Strategy(by="velocity").fit(shop_of(steady + rising + once + gone))
    assert parts["order"][0] == 1
    assert parts["scores"][0] > 1.5
    scores = dict(zip(parts["order"].tolist(), parts["scores"].tolist(), strict=True))
    assert scores[2] < scores[1]
    assert 0.9 < scores[2] < 1.15
    assert scores[3] == 0


def test_new_is_what_came_last_and_then_what_sells():
    """First seen or available within the month; among those of one age the one with more buyers."""
    old = [(day, user, 0) for day in range(100) for user in range(9)]
    new = [(98, 0, 1), (98, 0, 2), (98, 1, 2), (72, 2, 3)]
    shop = shop_of(old + new)
    assert order_of(shop, by="newness")[:4] == [2, 1, 3, 0]
    born = shop.catalog.available_from.copy()
    born[4], born[2] = 99 * DAY, 10 * DAY
    shop = replace(shop, catalog=replace(shop.catalog, available_from=born))
    assert order_of(shop, by="newness")[:4] == [1, 4, 3, 0]


def test_buyers_fade_in_every_order():
    """A buyer a half-life ago is half of one, in a trend on both sides, and among what is new beside its age."""
    lines = [(0, 0, 0), (5, 1, 0), (10, 2, 0), (10, 3, 1)]
    rising = Strategy(by="velocity", half_life_days=5.0, prior=1.0).fit(shop_of(lines))
    # All earlier sales were the first item's, so all recent ones, 1.5 and 1, were to be its.
    np.testing.assert_allclose(rising["scores"][:2], [(1 + 1) / (0 + 1), (1.5 + 1) / (2.5 + 1)], rtol=1e-6)
    new = Strategy(by="newness", half_life_days=5.0).fit(shop_of(lines))
    expected = [1 + np.log2(1 + 1), (1 + np.log2(1 + 1.75)) / 4]
    np.testing.assert_allclose(new["scores"][:2], expected, rtol=1e-6)


def test_a_trend_is_divided_by_something():
    """Without a prior what never sold before would rise without end; other orders need none."""
    with pytest.raises(ValueError, match="prior must be above 0"):
        Strategy(by="velocity", prior=0.0)
    assert Strategy(prior=0.0).prior == 0


def test_a_region_has_its_own_order_first():
    """What sells in the region leads there; elsewhere, and in a region nobody bought in, the whole shop's."""
    regions = ["north"] * 10 + ["south"] * 19 + ["west"]
    lines = [(1, user, 0) for user in range(10, 29)] + [(1, user, 1) for user in range(10)]
    strategy = Strategy(regional_prior=5.0)
    source = strategy.open(strategy.fit(shop_of(lines, regions=regions)))
    found = source.top(asks(0, 1, 2, UNKNOWN), 6, Allow.all(6, 4))
    assert [found.of(asker).tolist() for asker in range(4)] == [
        [1, 0, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5],
    ]
    for asker in range(4):
        assert (np.diff(found.scores[found.indptr[asker] : found.indptr[asker + 1]]) <= 0).all()


def test_a_small_region_is_not_left_to_chance():
    """One customer does not overturn what everybody buys."""
    regions = ["north"] * 29 + ["south"]
    lines = [(1, user, 0) for user in range(29)] + [(1, 29, 1)]
    source = Strategy().open(Strategy().fit(shop_of(lines, regions=regions)))
    assert source.top(asks(1), 2, Allow.all(6, 1)).rows.tolist() == [0, 1]


def test_a_category_is_the_same_order_masked():
    """Bestsellers of a category are the overall bestsellers that the mask admits, less what is barred."""
    lines = [(1, user, item) for item in range(6) for user in range(10 - item)]
    source = Strategy().open(Strategy().fit(shop_of(lines)))
    mask = np.array([False, True, True, False, True, True])
    allow = Allow(mask, np.array([0, 1]), np.array([2], np.int32))
    assert source.top(asks(UNKNOWN), 9, allow).rows.tolist() == [1, 4, 5]


@pytest.mark.parametrize("by", ["sales", "velocity", "newness"])
def test_without_times_orders_are_plain_counts(by):
    """Row order as time decays nothing and makes nothing new."""
    lines = [(0, 0, 0), (1, 1, 0), (2, 2, 0), (400 * DAY, 3, 1)]
    parts = Strategy(by=by).fit(replace(shop_of(lines), timed=False))
    assert parts["order"][:2].tolist() == [0, 1]
    assert parts["scores"][:3].tolist() == [3.0, 1.0, 0.0]


def test_without_times_later_orders_count_more():
    """What customers took in their last two orders stands before what more of them took long ago; who came
    twice of ten times did so on the fourth day and the seventh."""
    orders = [(order, user) for order in range(10) for user in range(3) if order > 7 or user]
    shop = shop_of([(at, user, int(order > 7)) for at, (order, user) in enumerate(orders)])
    visit = np.array([order * 3 + user for order, user in orders], np.int32)
    shop = replace(shop, events=replace(shop.events, visit=visit), timed=False)
    scores = Strategy(half_life_days=2.0).fit(shop)["scores"][:2]
    fading, seldom = 0.5 ** (np.arange(10) / 2), 0.5 ** (np.array([11 / 3 - 1, 22 / 3 - 1]) / 2)
    late, early = 2 * fading[:2].sum() + seldom.sum(), 2 * fading[2:].sum()
    np.testing.assert_allclose(scores, [late, early], rtol=1e-5)
    assert Strategy(half_life_days=0.0).fit(shop)["order"][:2].tolist() == [0, 1]


def test_views_alone_make_an_order():
    """A shop that sells nothing yet is ordered by what is looked at; what is put back is no liking."""
    lines = [(1, 0, 3, VIEW), (1, 1, 3, VIEW), (1, 0, 1, VIEW), *[(1, user, 2, REMOVE) for user in range(5)]]
    assert order_of(shop_of(lines))[:3] == [3, 1, 0]


def test_what_did_not_sell_follows_by_interest():
    """Below the sellers stand the viewed, then the untouched by row."""
    lines = [(1, 0, 5), (1, 0, 4, VIEW), (1, 1, 4, VIEW), (1, 0, 2, VIEW)]
    assert order_of(shop_of(lines)) == [5, 4, 2, 0, 1, 3]


def test_strangers_buy_by_their_visit():
    """Anonymous orders count one buyer a visit; an event of nobody at all is a buyer of its own."""
    shop = shop_of([(1, UNKNOWN, 0)] * 3 + [(1, UNKNOWN, 1)] * 4)
    visit = np.array([0, 0, 1, 2, 2, 2, 2], np.int32)
    parts = Strategy().fit(replace(shop, events=replace(shop.events, visit=visit)))
    assert parts["scores"][:2].tolist() == [2.0, 1.0]
    assert Strategy().fit(shop)["scores"][:2].tolist() == [4.0, 3.0]


def test_an_empty_shop_and_an_unknown_order():
    """No events: the catalogue by row. A misspelt order names those there are."""
    assert order_of(shop_of([])) == [0, 1, 2, 3, 4, 5]
    source = Strategy().open(Strategy().fit(shop_of([], n_items=0)))
    assert len(source.top(asks(UNKNOWN), 5, Allow.all(0, 1)).rows) == 0
    with pytest.raises(ValueError, match="known: sales, velocity, newness"):
        Strategy(by="sails")


def test_why_is_silent():
    """Everybody's lists have no seeds."""
    source = Strategy().open(Strategy().fit(shop_of([(1, 0, 0)])))
    assert [one.seeds for one in reasons(source, asks(UNKNOWN), np.array([0, 3], np.int32))] == [(), ()]
