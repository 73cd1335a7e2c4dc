"""What is bought again: the asker's own purchases, counted by days, faded, weighed by who comes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import reasons
from vitrina.dataset import CART, DAY, PURCHASE, VIEW, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.kernels import repeats
from vitrina.strategies.buy_again import BuyAgain, Strategy
from vitrina.strategy import Allow, Query, Seeds

UNTIMED = Strategy(timing=0.0)
PLAIN = Strategy(repeat_power=0.0, timing=0.0)
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


def asks(*histories, now=10**9):
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
    return Query(now, nobody, nobody, seeds)


def lists_of(strategy, shop, *histories, k=9, now=10**9):
    """The rows of each asker, and all scores."""
    source = strategy.open(strategy.fit(shop))
    found = source.top(asks(*histories, now=now), k, Allow.all(len(shop.items), len(histories)))
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
    assert lists_of(UNTIMED, shop_of(coffee + kettles), history)[0] == [[1, 2]]


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
    """No days; orders tell purchases apart in the fit."""
    shop = shop_of([(0, 0, 1), (0, 0, 1), (0, 0, 2)], timed=False)
    history = [(0, 1), (0, 1), (0.5, 2)]
    lasting = replace(PLAIN, half_life_purchases=0.0)
    assert lists_of(lasting, shop, history)[1].tolist() == [2.0, 1.0]
    assert lists_of(replace(PLAIN, half_life_purchases=1.0), shop, history)[1].tolist() == [1.0, 0.75]
    one_order = replace(shop, events=replace(shop.events, visit=np.zeros(3, np.int32)))
    assert lists_of(replace(lasting, timing=0.5), shop, history)[1].tolist() == [2.0, 1.0]
    assert Strategy(repeat_power=1.0).fit(one_order)["weights"].tolist() == [1.0] * 6
    apart = Strategy(repeat_power=1.0).fit(shop)["weights"]
    assert apart[1] > apart[2]


def test_the_reason_is_the_purchase_itself():
    """Each row's seed is the row; a row never bought has none."""
    source = PLAIN.open(PLAIN.fit(shop_of([])))
    told = reasons(source, asks([(0, 1), (1, 2, VIEW)]), np.array([1, 2, 5], np.int32))
    assert [one.seeds for one in told] == [(1,), (), ()]


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


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.sampled_from([PURCHASE, VIEW])), max_size=15), max_size=4
    ),
    st.sampled_from([np.inf, 4.0]),
)
def test_without_times_a_purchase_fades_by_those_after_it(histories, half_life):
    """Each event counts as one, halved by how many purchases of the asker came later; views fade nothing."""
    source = BuyAgain(np.ones(6, np.float32), -half_life, 1)
    told = [[(0, row, kind) for row, kind in history] for history in histories]
    found = source.top(asks(*told), 6, Allow.all(6, len(histories)))
    for asker, history in enumerate(histories):
        bought = [row for row, kind in history if kind == PURCHASE]
        wanted = dict.fromkeys(bought, 0.0)
        for place, row in enumerate(bought):
            wanted[row] += 0.5 ** ((len(bought) - 1 - place) / half_life)
        scores = found.scores[found.indptr[asker] : found.indptr[asker + 1]].tolist()
        assert dict(zip(found.of(asker).tolist(), scores, strict=True)) == pytest.approx(wanted, rel=1e-5)


def every(gap, user, item, times=8, start=0):
    """A habit: purchases of one item, a fixed number of days apart."""
    return [(start + gap * turn, user, item) for turn in range(times)]


COFFEE = [line for user in range(20) for item in (1, 2) for line in every(28, user, item, start=user)]
"""Two coffees that everybody buys every 28 days."""


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(0, 4), st.integers(25, 30), st.integers(1, 3), st.booleans())
def test_what_is_due_stands_above_what_was_just_bought(days, fresh, away, items, swapped):
    """Of two items with gaps of 28 days, bought equally often, the one bought 27 days ago comes first and
    that of two days ago after it, whichever is which; without timing the later one leads."""
    due, new = (2, 1) if swapped else (1, 2)
    now = 1000
    history = [(now - away - 28 * turn, due) for turn in range(days)]
    history += [(now - fresh - 28 * turn, new) for turn in range(days)]
    history = sorted(history)
    shop = shop_of(COFFEE + every(7, 25, 3, times=items))
    rows, _ = lists_of(Strategy(), shop, history, now=now * DAY)
    assert rows == [[due, new]]
    assert lists_of(replace(UNTIMED, half_life_days=20.0), shop, history, now=now * DAY)[0] == [[new, due]]


def test_one_who_drinks_faster_is_due_sooner():
    """A customer's own gaps, where there are enough, outweigh the item's."""
    shop = shop_of(COFFEE)
    quick = [(1000 - 7 * turn, 1) for turn in range(10, 0, -1)]
    slow = [(1000 - 7 - 28 * turn, 1) for turn in range(9, -1, -1)]
    strategy = Strategy(half_life_days=0.0, timing=1.0)
    source = strategy.open(strategy.fit(shop))
    found = source.top(asks(quick, slow, now=1000 * DAY), 3, Allow.all(6, 2))
    assert found.scores[0] > 2 * found.scores[1]


def test_who_stayed_away_for_long_counts_as_lost():
    """The chance rises until an item is due and falls again when it long was."""
    strategy = Strategy(half_life_days=0.0, timing=1.0)
    source = strategy.open(strategy.fit(shop_of(COFFEE)))
    histories = [[(1000 - away - 28, 1), (1000 - away, 1)] for away in (2, 21, 300)]
    scores = source.top(asks(*histories, now=1000 * DAY), 3, Allow.all(6, 3)).scores
    assert scores[1] > 3 * scores[0]
    assert scores[1] > 3 * scores[2]


def test_without_times_nothing_is_due():
    """No times, or nobody who came back: timing changes nothing, and no rhythm is learned."""
    history = [(0, 1), (5, 1), (9, 2)]
    for shop in (shop_of(COFFEE, timed=False), shop_of([(0, 0, 1), (1, 1, 2)])):
        assert len(Strategy().fit(shop)["usual"]) == 0
        for one in (Strategy(), UNTIMED):
            assert lists_of(one, shop, history)[0] == [[1, 2]]
        assert lists_of(Strategy(), shop, history)[1].tolist() == lists_of(UNTIMED, shop, history)[1].tolist()


def test_a_bundle_from_before_timing_opens():
    """Parts without a rhythm answer by frequency and recency."""
    parts = Strategy().fit(shop_of(COFFEE))
    old = {name: parts[name] for name in ("weights", "timed")}
    found = [
        one.top(asks([(1, 1), (2, 2)]), 3, Allow.all(6, 1))
        for one in (Strategy().open(old), UNTIMED.open(parts))
    ]
    assert found[0].scores.tolist() == found[1].scores.tolist()


def test_nothing_compiles_after_import():
    """One machine code for all requests."""
    for kernel in (repeats.purchases, repeats.habits):
        assert len(kernel.signatures) == 1
        assert not kernel._can_compile
