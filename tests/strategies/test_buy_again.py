"""What is bought again: the asker's own purchases, counted by days, faded, weighed by who comes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.dataset import CART, DAY, PURCHASE, VIEW, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.kernels import repeats
from vitrina.strategies.buy_again import BuyAgain, Strategy
from vitrina.strategy import Allow, Query, Seeds

PLAIN = Strategy(repeat_power=0.0)
"""Frequency and recency alone."""


def shop_of(lines, n_items=6, n_users=30, timed=True):
    """A dataset of purchases (day, user, item)."""
    lines = sorted(lines)
    n = len(lines)
    day, user, item = (np.array([one[at] for one in lines]) for at in range(3))
    events = Events(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        visit=np.full(n, UNKNOWN, np.int32),
        time=(day * DAY).astype(np.int64),
        type=np.full(n, PURCHASE, np.uint8),
        quantity=np.ones(n, np.float32),
        price=np.full(n, np.nan, np.float32),
    )
    users, items = (Ids.of(f"{row:04}" for row in range(many)) for many in (n_users, n_items))
    return Dataset(users, items, events, Catalog.bare(n_items), timed=timed)


def asks(*histories):
    """A query of histories, each of (day, item[, type])."""
    lines = [one for some in histories for one in some]
    indptr = np.concatenate([[0], np.cumsum([len(some) for some in histories])]).astype(np.int64)
    nobody = np.full(len(histories), UNKNOWN, np.int32)
    seeds = Seeds(
        indptr,
        np.array([one[1] for one in lines], np.int32),
        np.array([one[2] if len(one) > 2 else PURCHASE for one in lines], np.uint8),
        np.array([round(one[0] * DAY) for one in lines], np.int64),
    )
    return Query(10**9, nobody, nobody, seeds)


def lists_of(strategy, shop, *histories, k=9):
    """The rows of each asker, and all scores."""
    source = strategy.open(strategy.fit(shop))
    found = source.top(asks(*histories), k, Allow.all(len(shop.items), len(histories)))
    return [found.of(asker).tolist() for asker in range(len(histories))], found.scores


def test_days_count_and_fade():
    """Three lines of one day are one purchase; each half-life before the last purchase halves it."""
    history = [(0, 1), (0, 1), (0, 1), (45, 2), (90, 3), (90, 1)]
    rows, scores = lists_of(replace(PLAIN, half_life_days=45.0), shop_of([]), history)
    assert rows == [[1, 3, 2]]
    assert scores.tolist() == [1.25, 1.0, 0.5]


def test_only_what_was_bought_comes_back():
    """Views and carts are no purchases; a stranger gets nothing."""
    rows, _ = lists_of(PLAIN, shop_of([]), [(0, 1, VIEW), (1, 2, CART), (2, 3)], [], [(0, 1, VIEW)])
    assert rows == [[3], [], []]


def test_min_count_asks_for_a_habit():
    """Bought on fewer days than that is not shown."""
    history = [(0, 1), (0, 1), (1, 2), (2, 2)]
    assert lists_of(replace(PLAIN, min_count=2), shop_of([]), history)[0] == [[2]]


def test_what_nobody_comes_back_for_stands_below():
    """A kettle of last week stands below last month's coffee, once the shop knows the two."""
    coffee = [(day, user, 1) for user in range(25) for day in (0, 20, 40)]
    kettles = [(10, user, 2) for user in range(25)]
    history = [(0, 1), (25, 2)]
    assert lists_of(PLAIN, shop_of(coffee + kettles), history)[0] == [[2, 1]]
    assert lists_of(Strategy(), shop_of(coffee + kettles), history)[0] == [[1, 2]]


def test_the_share_that_comes_back_is_smoothed():
    """(back + prior x overall) / (buyers + prior), a second purchase of one day being none."""
    lines = [(0, 0, 1), (5, 0, 1), (0, 1, 1), (0, 1, 1), (0, 2, 3)]
    weights = Strategy(repeat_power=1.0, repeat_prior=4.0).fit(shop_of(lines))["weights"]
    overall = 1 / 3
    wanted = [overall, (1 + 4 * overall) / 6, overall, 4 * overall / 5]
    assert weights[:4].tolist() == pytest.approx(wanted)
    assert Strategy(repeat_prior=0.0).fit(shop_of(lines))["weights"][0] == 0
    assert Strategy().fit(shop_of(lines[:1]))["weights"].tolist() == [1.0] * 6


def test_without_times_each_purchase_counts():
    """No days, no decay; orders tell purchases apart in the fit."""
    shop = shop_of([(0, 0, 1), (0, 0, 1), (0, 0, 2)], timed=False)
    history = [(0, 1), (0, 1), (0.5, 2)]
    assert lists_of(PLAIN, shop, history)[1].tolist() == [2.0, 1.0]
    one_order = replace(shop, events=replace(shop.events, visit=np.zeros(3, np.int32)))
    assert Strategy(repeat_power=1.0).fit(one_order)["weights"].tolist() == [1.0] * 6
    apart = Strategy(repeat_power=1.0).fit(shop)["weights"]
    assert apart[1] > apart[2]


def test_the_reason_is_the_purchase_itself():
    """Each row's seed is the row; a row never bought has none."""
    source = PLAIN.open(PLAIN.fit(shop_of([])))
    reasons = source.why(asks([(0, 1), (1, 2, VIEW)]), np.array([1, 2, 5], np.int32))
    assert [one.seeds for one in reasons] == [(1,), (), ()]


@settings(deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 400), st.integers(0, 5), st.sampled_from([PURCHASE, VIEW])), max_size=15
        ),
        max_size=4,
    ),
    st.sampled_from([0.0, 30.0]),
    st.integers(1, 3),
)
def test_sums_are_those_of_brute_force(histories, half_life, least):
    """Distinct days per row, each 2^(-age / half-life), rows bought on enough days."""
    histories = [sorted(one, key=lambda line: line[0]) for one in histories]
    source = BuyAgain(np.ones(6, np.float32), half_life, least)
    found = source.top(asks(*histories), 6, Allow.all(6, len(histories)))
    for asker, history in enumerate(histories):
        bought = [(day, row) for day, row, kind in history if kind == PURCHASE]
        last = max((day for day, _ in bought), default=0)
        wanted = {}
        for row in {row for _, row in bought}:
            days = {day for day, other in bought if other == row}
            if len(days) >= least:
                wanted[row] = sum(0.5 ** ((last - day) / half_life) if half_life else 1.0 for day in days)
        cut = slice(found.indptr[asker], found.indptr[asker + 1])
        scores = found.scores[cut].tolist()
        assert dict(zip(found.of(asker).tolist(), scores, strict=True)) == pytest.approx(wanted, rel=1e-5)
        assert scores == sorted(scores, reverse=True)


def test_nothing_compiles_after_import():
    """One machine code for all requests."""
    assert len(repeats.purchases.signatures) == 1
    assert not repeats.purchases._can_compile
