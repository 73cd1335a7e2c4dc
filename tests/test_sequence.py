"""Rows without times: in an order that means something, drawn by lot, or sorted by product."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shops import make_shop
from vitrina.sequence import in_order
from vitrina.splits import another, split


def untimed(dataset):
    """The same order of events, at no time."""
    return replace(dataset, events=replace(dataset.events, time=np.arange(len(dataset.events))), timed=False)


def walks(users=400, numbers=False):
    """Each customer takes some neighbours on a ring of a hundred products, one after the other, then elsewhere."""
    random, happened = np.random.default_rng(3), []
    for user in range(users):
        for trip in range(3):
            start = int(random.integers(100))
            for step in range(4):
                item = (start + step * 37) % 100
                happened.append((f"u{user}", f"{item}" if numbers else f"i{item:03}", trip * 4 + step))
    return untimed(make_shop(happened))


def rearranged(dataset, keys):
    """The same events by customer, then by these keys."""
    order = np.lexsort((keys, dataset.events.user))
    return untimed(replace(dataset, events=dataset.events.take(order)))


def test_what_follows_what_is_seen():
    """Of walks along a ring, the next product is alike; of the same walks by lot, it is not."""
    shop = walks()
    assert in_order(shop)
    assert not in_order(rearranged(shop, np.random.default_rng(1).random(len(shop.events))))


@pytest.mark.parametrize("numbers", [True, False])
def test_sorted_rows_tell_nothing(numbers):
    """By product, rising or falling; ids that are numbers are compared as numbers, '9' before '10'."""
    shop = walks(numbers=numbers)
    ids = np.array([int(one.lstrip("i")) for one in shop.items.names(shop.events.item)])
    assert not in_order(rearranged(shop, ids))
    assert not in_order(rearranged(shop, -ids))


def test_the_same_again_neither_rises_nor_falls():
    """Where most steps are to what was had just before, the others tell."""
    shop = walks()
    events = shop.events.take(np.repeat(np.arange(len(shop.events)), 3))
    again = untimed(replace(shop, events=replace(events, visit=np.full(len(events), -1, np.int32))))
    assert in_order(again)
    ids = np.array([int(one.lstrip("i")) for one in again.items.names(again.events.item)])
    assert not in_order(rearranged(again, ids))


def baskets(users=400):
    """Each customer buys four baskets, each of four neighbours further along a ring; lines stand by product."""
    random, happened = np.random.default_rng(3), []
    for user in range(users):
        start = int(random.integers(100))
        for trip in range(4):
            held = sorted((start + trip * 4 + step) * 37 % 100 for step in range(4))
            happened += [(f"u{user}", f"i{one:03}", trip) for one in held]
    return of_visits(happened)


def larder(users=400):
    """Each customer buys of two shelves in turn, and of each what is next to what they had of it before."""
    random, happened = np.random.default_rng(3), []
    for user in range(users):
        starts = random.integers(100, size=2).tolist()
        for trip in range(30):
            held = sorted(
                (starts[trip % 2] + trip // 2 * 2 + step) * 37 % 100 + 100 * (trip % 2) for step in range(3)
            )
            happened += [(f"u{user}", f"i{one:03}", trip) for one in held]
    return of_visits(happened)


def of_visits(happened):
    """At no time; what a customer did on one day is one visit, and later ones have higher numbers."""
    shop = make_shop(happened)
    day = shop.events.time.astype(np.int32) // 86_400
    return untimed(replace(shop, events=replace(shop.events, visit=shop.events.user * (day.max() + 1) + day)))


def test_baskets_tell_by_what_the_next_one_holds_not_by_their_lines():
    """Lines sorted within a basket hide no order of baskets, and what goes together in one shows none."""
    shop = baskets()
    ids = np.array([int(one.lstrip("i")) for one in shop.items.names(shop.events.item)])
    by_visit = np.random.default_rng(1).random(shop.events.visit.max() + 1)[shop.events.visit]
    by_user = np.lexsort((ids, shop.events.visit, shop.events.user))
    assert in_order(untimed(replace(shop, events=shop.events.take(by_user))))
    assert not in_order(rearranged(shop, by_visit))


def habits(users=400):
    """Each customer draws thirty baskets of five from forty products; every fourth trip one gives way to another."""
    random, happened = np.random.default_rng(3), []
    for user in range(users):
        liked = random.permutation(200)
        for trip in range(30):
            held = random.choice(liked[trip // 4 : trip // 4 + 40], 5, replace=False)
            happened += [(f"u{user}", f"i{one:03}", trip) for one in held]
    return of_visits(happened)


def test_habits_that_change_slowly_are_seen():
    """Baskets mostly of the same products: what is new in one for a while is in the next more often than later."""
    shop = habits()
    by_visit = np.random.default_rng(1).random(shop.events.visit.max() + 1)[shop.events.visit]
    assert in_order(rearranged(shop, shop.events.visit))
    assert not in_order(rearranged(shop, by_visit))


def test_few_customers_are_taken_at_their_word():
    """Where nothing can be told, rows are in the order of time, as the contract says."""
    shop = walks(users=50)
    assert in_order(rearranged(shop, np.random.default_rng(1).random(len(shop.events))))


def test_without_order_a_tenth_is_held_out_by_lot():
    """Everybody's, at least one event of two; nothing is lost, the rule says so, and the next cut is another."""
    shop = walks()
    lot = rearranged(shop, np.random.default_rng(1).random(len(shop.events)))
    found = split(lot, 28)
    assert "a tenth of each customer's orders, by lot, is held out; rows stand in no order" in found.rule
    assert len(found.train.events) + len(found.test.events) == len(lot.events)
    sizes, held = (np.bincount(one.events.user, minlength=400) for one in (lot, found.test))
    np.testing.assert_array_equal(held, np.maximum(sizes // 10, 1))
    assert np.array_equal(split(lot, 28).test.events.item, found.test.events.item)
    more = another(lot, found, 28)
    assert len(more.train.events) + len(more.test.events) == len(lot.events)
    assert not set(more.test.events.time.tolist()) & set(found.test.events.time.tolist())
    places = np.flatnonzero(np.isin(np.arange(len(lot.events)), found.test.events.time))
    assert np.mean(places % 2) == pytest.approx(0.5, abs=0.1)
    assert "the last order of each customer is held out" in split(shop, 28).rule


def test_orders_are_held_out_whole():
    """A visit is on one side of a cut by lot, whatever it holds; who came once is learned from."""
    random, happened = np.random.default_rng(3), []
    for user in range(400):
        for trip in range(1 + user % 8):
            happened += [(f"u{user}", f"i{one:03}", trip) for one in random.choice(100, 4, replace=False)]
    shop = make_shop(happened)
    lot = untimed(replace(shop, events=replace(shop.events, visit=shop.events.user * 8 + shop.events.time.astype(np.int32) // 86_400)))  # fmt: skip
    found = split(lot, 28)
    assert "by lot" in found.rule
    assert not set(found.train.events.visit.tolist()) & set(found.test.events.visit.tolist())
    once = np.flatnonzero(np.bincount(lot.events.user, minlength=400) == 4)
    assert not np.isin(found.test.events.user, once).any()


def test_what_is_at_home_is_bought_the_time_after():
    """Where the next basket holds other things, the one after it still is like the one before."""
    shop = larder()
    by_visit = np.random.default_rng(1).random(shop.events.visit.max() + 1)[shop.events.visit]
    assert in_order(shop)
    assert not in_order(rearranged(shop, by_visit))
