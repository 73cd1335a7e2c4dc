"""What is looked at again: the latest looks that no purchase followed, by what was learned of looking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shops import reasons
from vitrina.dataset import CART, DAY, PURCHASE, REMOVE, TYPES, VIEW, Catalog, Dataset, Events
from vitrina.errors import DataError
from vitrina.ids import UNKNOWN, Ids
from vitrina.strategies.look_again import LookAgain, Strategy
from vitrina.strategy import Allow, Query, Seeds

PLAIN = Strategy(often=0.0, half_life_days=0.0, return_power=0.0)
"""How lately alone."""
SEARCH, WISH = len(TYPES), len(TYPES) + 1


def shop_of(*histories, n_items=9, types=TYPES):
    """A shop where each customer did one history of (item, type), a step a minute."""
    lines = [(user, *one) for user, some in enumerate(histories) for one in some]
    n = len(lines)
    user, item, kind = (np.array([one[at] for one in lines], np.int32) for at in range(3))
    events = Events(
        user=user,
        item=item,
        visit=np.full(n, UNKNOWN, np.int32),
        time=np.arange(n, dtype=np.int64) * 60,
        type=kind.astype(np.uint8),
        quantity=np.ones(n, np.float32),
        price=np.full(n, np.nan, np.float32),
    )
    users, items = (Ids.of(f"{row:04}" for row in range(many)) for many in (len(histories), n_items))
    return Dataset(users, items, events, Catalog.bare(n_items), types=types)


def asks(*histories, now=10**6):
    """A query of histories of (item, type[, time])."""
    lines = [one for some in histories for one in some]
    indptr = np.cumsum([0, *(len(some) for some in histories)]).astype(np.int64)
    nobody = np.full(len(histories), UNKNOWN, np.int32)
    rows = np.array([one[0] for one in lines], np.int32)
    kinds = np.array([one[1] for one in lines], np.uint8)
    times = np.array([one[2] if len(one) > 2 else now for one in lines], np.int64)
    return Query(now, nobody, nobody, Seeds(indptr, rows, kinds, times))


def lists_of(strategy, shop, *histories, now=10**6):
    """The rows of each asker, and all scores."""
    source = strategy.open(strategy.fit(shop))
    found = source.top(asks(*histories, now=now), 9, Allow.all(len(shop.items), len(histories)))
    return [found.of(asker).tolist() for asker in range(len(histories))], found.scores


BACK = [[(1, VIEW), (2, VIEW), (1, VIEW), (3, VIEW)]] * 50
"""Customers who go back to the look before the last, never to the last one."""


def test_the_latest_look_comes_first_where_nothing_else_is_known():
    """A shop that sells by phone learns nothing of looks, and its site may still send them."""
    sold = shop_of([(1, PURCHASE), (2, PURCHASE)])
    rows, scores = lists_of(PLAIN, sold, [(4, VIEW), (5, VIEW), (6, CART)], [])
    assert rows == [[6, 5, 4], []]
    assert (scores > 0).all()


def test_what_was_bought_or_dropped_is_no_longer_looked_at():
    """Until it is looked at once more; a purchase alone is no look."""
    history = [(1, VIEW), (2, CART), (3, VIEW), (1, PURCHASE), (2, REMOVE), (5, PURCHASE)]
    again = [*history, (1, VIEW)]
    assert lists_of(PLAIN, shop_of([(1, PURCHASE)]), history, again)[0] == [[3], [1, 3]]


def test_how_looks_end_is_learned():
    """Where people go back to the look before the last, that one leads."""
    learned = Strategy().fit(shop_of(*BACK))
    curve = np.asarray(learned["curve"])
    assert curve[1] > 2 * curve[0]
    assert lists_of(PLAIN, shop_of(*BACK), [(5, VIEW), (6, VIEW)])[0] == [[5, 6]]


def test_a_cart_says_more_where_it_does():
    """Of two like places the cart's item is come back to, the viewed one is not."""
    carts = [[(1, VIEW), (2, CART), (3, VIEW), (2, PURCHASE)]] * 50
    views = [[(1, VIEW), (2, VIEW), (3, VIEW), (4, VIEW)]] * 50
    factors = np.asarray(Strategy().fit(shop_of(*carts, *views))["factors"])
    assert factors[CART] > 3 * factors[VIEW]
    assert lists_of(PLAIN, shop_of(*carts, *views), [(5, CART), (6, VIEW)])[0] == [[5, 6]]


def test_products_that_are_come_back_to_lead():
    """Many look at 7 twice and at 8 once: of two old looks 7 leads, unless that is asked to count nothing."""
    shop = shop_of(*[[(8, VIEW), (7, VIEW), (1, VIEW), (7, VIEW), (2, VIEW)]] * 60)
    history = [(7, VIEW), (8, VIEW), (3, VIEW), (4, VIEW)]
    strong = replace(PLAIN, return_power=2.0)
    assert lists_of(strong, shop, history)[0][0].index(7) < lists_of(PLAIN, shop, history)[0][0].index(7)


def test_looks_add_up_and_fade():
    """Twice looked at counts twice as the power; a half-life before now halves."""
    fading, now = replace(PLAIN, half_life_days=2.0), 10 * DAY
    shop = shop_of(*BACK)
    _, once = lists_of(PLAIN, shop, [(1, VIEW)])
    _, twice = lists_of(replace(PLAIN, often=1.0), shop, [(1, VIEW), (1, VIEW)])
    _, old = lists_of(fading, shop, [(1, VIEW, 8 * DAY)], now=now)
    assert twice == pytest.approx(2 * once)
    assert old == pytest.approx(once / 2)


def test_only_what_weighs_is_a_look():
    """A search is none; a wish of the shop's own is one where the recipe weighs it."""
    types = (*TYPES, "search", "wish")
    shop = shop_of(*BACK, types=types)
    history = [(1, SEARCH), (2, WISH), (3, VIEW)]
    assert lists_of(PLAIN, shop, history)[0] == [[3]]
    weighed = replace(PLAIN, event_weights={"view": 1.0, "wish": 9.0})
    assert lists_of(weighed, shop, history)[0] == [[2, 3]]


def test_rows_of_sessions_without_a_type_are_looks():
    """They come as purchases, and then a purchase ends no look; where looks are told apart it does."""
    untyped = [[(item, PURCHASE) for item, _ in some] for some in BACK]
    history = [(5, PURCHASE), (6, PURCHASE)]
    for sessions, found in ((True, [[5, 6]]), (False, [[]])):
        assert lists_of(PLAIN, replace(shop_of(*untyped), sessions=sessions), history)[0] == found
    assert lists_of(PLAIN, replace(shop_of(*BACK), sessions=True), history)[0] == [[]]


def test_each_row_says_that_it_was_looked_at():
    """A purchase among the seeds is nobody's reason here."""
    source = PLAIN.open(PLAIN.fit(shop_of(*BACK)))
    query = asks([(1, VIEW), (2, PURCHASE), (3, CART)])
    found = source.top(query, 9, Allow.all(9, 1))
    assert sorted(found.rows.tolist()) == [1, 3]
    told = [one.seeds for one in reasons(source, query, found.rows)]
    assert told == [(row,) for row in found.rows.tolist()]


def test_what_came_since_training_is_looked_at_again():
    """An added item counts as all do on average: more than what nobody came back to, less than what all did."""
    strong = replace(PLAIN, return_power=1.0)
    source = strong.open(strong.fit(shop_of(*BACK)))
    assert isinstance(source, LookAgain)
    grown = source.extended(Catalog.bare(12), None)

    def worth(row):
        return grown.top(asks([(row, VIEW)]), 9, Allow.all(12, 1)).scores[0]

    assert worth(2) < worth(11) < worth(1)
    with pytest.raises(DataError, match="give these first"):
        source.extended(Catalog.bare(5), None)


@pytest.mark.parametrize("name", ["often", "half_life_days", "return_power", "return_prior"])
def test_powers_and_lives_are_not_negative(name):
    """The error names what is wrong."""
    with pytest.raises(ValueError, match=name):
        Strategy(**{name: -1.0})
