"""Rules over baskets: exact figures, the right reasons, and the same numbers as mlxtend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import reasons
from vitrina.dataset import DAY, RETURN, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.kernels.association import measures, wilson
from vitrina.strategies.bought_together import Strategy
from vitrina.strategy import Allow, Query, Seeds

ALL = Strategy(min_count=1, min_llr=-1e9, itemset_support=1e-9)
"""Every rule there is."""


def shop_of(baskets, n_items=10, **columns):
    """A dataset of anonymous baskets of item rows; `columns` replaces columns of its events."""
    visit = np.repeat(np.arange(len(baskets)), [len(one) for one in baskets]).astype(np.int32)
    item = np.array([row for one in baskets for row in one], np.int32)
    n = len(item)
    events = Events(
        user=np.full(n, UNKNOWN, np.int32),
        item=item,
        visit=visit,
        time=np.arange(n, dtype=np.int64),
        type=np.zeros(n, np.uint8),
        quantity=np.ones(n, np.float32),
        price=np.full(n, np.nan, np.float32),
    )
    items = Ids.of(f"{row:03}" for row in range(n_items))
    users = Ids.of(f"{row:03}" for row in range(max(columns.get("user", [0])) + 1))
    return Dataset(users, items, replace(events, **columns), Catalog.bare(n_items), timed=False)


def asks(*carts, kinds=None):
    """One query; an asker a cart of item rows."""
    rows = np.array([row for one in carts for row in one], np.int32)
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in carts])]).astype(np.int64)
    types = np.zeros(len(rows), np.uint8) if kinds is None else np.array(kinds, np.uint8)
    nobody = np.full(len(carts), UNKNOWN, np.int32)
    return Query(0, nobody, nobody, Seeds(indptr, rows, types, np.zeros(len(rows), np.int64)))


def rules_of(parts):
    """{(antecedent rows, consequent): (baskets with both, with the antecedent)} of fitted parts."""
    found = {}
    for at in range(len(parts["indptr"]) - 1):
        key = int(np.searchsorted(parts["starts"], at, side="right")) - 1
        sides = frozenset([key, *parts["companions"][at].tolist()]) - {UNKNOWN}
        for place in range(parts["indptr"][at], parts["indptr"][at + 1]):
            counts = int(parts["counts"][place]), int(parts["antecedent_counts"][at])
            assert (sides, int(parts["indices"][place])) not in found
            found[sides, int(parts["indices"][place])] = counts
    return found


LINES = st.lists(st.lists(st.integers(0, 7), max_size=6), min_size=1, max_size=20)


@settings(deadline=None, max_examples=40)
@given(LINES)
def test_every_rule_is_counted_as_by_hand(lines):
    """With nothing gated, rules of one to three antecedents are all there, each with its true counts."""
    parts = ALL.fit(shop_of(lines))
    sets = [set(one) for one in lines if one]
    for (sides, row), counts in rules_of(parts).items():
        holding = [one for one in sets if sides <= one]
        assert counts == (sum(row in one for one in holding), len(holding))
    assert parts["baskets"].tolist() == [len(sets)]
    assert parts["item_counts"].tolist() == [sum(row in one for one in sets) for row in range(10)]
    pairs = {(frozenset([a]), b) for one in sets for a in one for b in one if a != b}
    assert {rule for rule in rules_of(parts) if len(rule[0]) == 1} == pairs
    triples = {
        (frozenset([a, b]), c) for one in sets for a in one for b in one for c in one if len({a, b, c}) == 3
    }
    assert {rule for rule in rules_of(parts) if len(rule[0]) == 2} == triples


def test_rules_that_fire_add_up_and_the_strongest_is_the_reason():
    """A cart is asked for whole antecedents; strengths join by their power norm; figures are those of counts."""
    baskets = [[0, 1, 2]] * 6 + [[0]] * 6 + [[1]] * 6 + [[0, 3]] * 4 + [[4]] * 10
    parts = ALL.fit(shop_of(baskets))
    source = ALL.open(parts)
    query = asks([0, 1])
    found = source.top(query, 5, Allow.all(10, 1))
    assert found.rows.tolist() == [2, 0, 1, 3]
    strengths = [wilson(6, left, ALL.z) / (6 / 32) ** ALL.discount for left in (6, 16, 12)]
    assert found.scores[0] == pytest.approx(
        sum(one**ALL.power for one in strengths) ** (1 / ALL.power), rel=1e-5
    )
    reason = reasons(source, query, found.rows)[0]
    assert set(reason.seeds) == {0, 1}
    assert reason.rule == pytest.approx((6 / 32, 1.0, 1 / (6 / 32)))
    alone = reasons(source, asks([0]), np.array([2, 9], np.int32))
    assert alone[0].seeds == (0,)
    assert alone[0].rule[1] == 6 / 16
    assert alone[1] == ((), None)


def test_a_batch_is_its_askers_one_by_one():
    """Strangers with empty carts, carts of unknown company and full ones, together or apart."""
    rng = np.random.default_rng(2)
    baskets = [rng.choice(30, 5, replace=False).tolist() for _ in range(200)]
    source = Strategy(min_count=2).open(Strategy(min_count=2).fit(shop_of(baskets, 31)))
    carts = [[], [30], [1, 2, 3], [4], list(range(20))]
    query = asks(*carts)
    together = source.top(query, 7, Allow.all(31, len(carts)))
    for asker in range(len(carts)):
        apart = source.top(query.one(asker), 7, Allow.all(31, 1))
        assert together.of(asker).tolist() == apart.rows.tolist()
    assert len(together.of(0)) == len(together.of(1)) == 0
    assert len(together.of(4)) == 7


def test_what_was_put_back_fires_nothing():
    """An item removed from the cart, or sent back, is no seed."""
    source = ALL.open(ALL.fit(shop_of([[0, 1]] * 5 + [[2, 3]] * 5)))
    query = asks([0, 2, 2], kinds=[2, 2, RETURN])
    assert source.top(query, 5, Allow.all(10, 1)).rows.tolist() == [1]


def test_a_huge_basket_counts_nowhere():
    """Above max_basket a basket is in no figure: not in N, not in an item's, not in a pair's."""
    strategy = replace(ALL, max_basket=3)
    with_huge = strategy.fit(shop_of([[0, 1], [0, 1, 2], [0, 1, 2, 3], [0]]))
    without = strategy.fit(shop_of([[0, 1], [0, 1, 2], [0]]))
    assert with_huge["baskets"].tolist() == [3]
    for name, part in without.items():
        assert np.array_equal(part, with_huge[name]), name


@pytest.mark.parametrize("days", [0.0, 0.5, 2.5, 3.5, 100.0])
def test_a_window_counts_its_baskets_alone(days):
    """Rules are those of the latest baskets, each whole: one that reaches into the window counts all its lines."""
    lines = [[0, 1], [1, 2, 3], [0, 1, 2], [2, 3]]
    time = DAY * np.array([0, 0, 1, 1, 4, 6, 6, 6, 7, 7], np.int64)  # the second reaches from day 1 to day 4
    shop = replace(shop_of(lines, time=time), timed=True)
    windowed = replace(ALL, window_days=days).fit(shop)
    kept = [one for one, end in zip(lines, (0, 4, 6, 7), strict=True) if not days or end > 7 - days]
    assert windowed["baskets"].tolist() == [len(kept)]
    assert rules_of(windowed) == rules_of(ALL.fit(shop_of(kept)))
    assert rules_of(replace(ALL, window_days=days).fit(replace(shop, timed=False))) == rules_of(ALL.fit(shop))


def test_without_orders_a_customers_day_is_a_basket():
    """With times a day, without times all they ever bought; strangers' purchases make no basket."""
    user = np.array([0, 0, 0, 1, 1, -1, -1], np.int32)
    nowhere = np.full(7, UNKNOWN, np.int32)
    time = np.array([5, 9, DAY, DAY + 1, DAY + 2, DAY + 3, DAY + 4], np.int64)
    untimed = shop_of([[0, 1, 2, 0, 1, 3, 4]], user=user, visit=nowhere, time=time)
    assert {(*sides, row) for sides, row in rules_of(replace(ALL, itemset_support=0.0).fit(untimed))} == {
        (0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)
    }  # fmt: skip
    timed = replace(untimed, timed=True)
    parts = ALL.fit(timed)
    assert rules_of(parts) == {(frozenset([0]), 1): (2, 2), (frozenset([1]), 0): (2, 2)}
    assert parts["baskets"].tolist() == [3]


@pytest.mark.parametrize("strategy", [Strategy(), ALL, Strategy(itemset_support=0.0)])
@pytest.mark.parametrize("baskets", [[], [[0]], [[0, 1]], [[0], [1]]])
def test_next_to_nothing_gives_next_to_nothing(strategy, baskets):
    """No baskets, or none with company: no rules, no crash."""
    source = strategy.open(strategy.fit(shop_of(baskets)))
    found = source.top(asks([0], []), 5, Allow.all(10, 2))
    assert found.rows.tolist() == ([1] if strategy is ALL and baskets == [[0, 1]] else [])


def test_itemsets_too_many_are_left_out_size_by_size():
    """Above max_itemsets candidates rules stay short; the pairs are there as ever."""
    lines = [list(range(9))] * 5
    lengths = {
        most: {len(sides) for sides, _ in rules_of(replace(ALL, max_itemsets=most).fit(shop_of(lines)))}
        for most in (10, 100, 1000)
    }
    assert lengths == {10: {1}, 100: {1, 2}, 1000: {1, 2, 3}}


def test_sent_back_is_not_bought():
    """A return cancels its purchase before baskets are counted."""
    shop = shop_of([[0, 1], [0, 1], [1]])
    kind = np.array([0, 0, 0, 0, RETURN], np.uint8)
    user = np.array([0, 0, 1, 1, 1], np.int32)
    events = replace(shop.events, type=kind, user=user)
    parts = ALL.fit(replace(shop, users=Ids.of(["000", "001"]), events=events))
    assert rules_of(parts)[frozenset([0]), 1] == (1, 2)


@pytest.mark.parametrize("field", ["max_basket", "min_count", "rules", "max_seeds", "power"])
def test_senseless_hyperparameters_are_refused(field):
    """Zero of anything, with the field's name."""
    with pytest.raises(ValueError, match=field):
        Strategy(**{field: 0})


@pytest.fixture(scope="module")
def groceries(shared):
    """9,835 baskets of a grocery outlet (Hahsler, Hornik and Reutterer 2006)."""
    table = pq.read_table(shared / "groceries" / "baskets.parquet")
    names, visit = table["item_id"].to_pylist(), table["basket_id"].to_numpy()
    items = Ids.of(names)
    lines = [[] for _ in range(visit.max())]
    for basket, row in zip(visit, items.rows(names).tolist(), strict=True):
        lines[basket - 1].append(row)
    return items, lines


@pytest.mark.shared
def test_groceries_are_counted_as_published(groceries, shared):
    """9,835 baskets, whole milk in 2,513 of them, other vegetables in 1,903, rolls/buns in 1,809."""
    items, lines = groceries
    parts = Strategy(itemset_support=0.0).fit(shop_of(lines, len(items)))
    named = pq.read_table(shared / "groceries" / "items.parquet").to_pylist()
    rows = {one["item"]: items.row(one["item_id"]) for one in named}
    counts = [
        int(parts["item_counts"][rows[one]]) for one in ("whole milk", "other vegetables", "rolls/buns")
    ]
    assert parts["baskets"].tolist() == [9835]
    assert counts == [2513, 1903, 1809]


@pytest.mark.shared
def test_groceries_agree_with_mlxtend(groceries):
    """Every rule of one to three antecedents above a support has mlxtend's five measures to 1e-9."""
    from mlxtend.frequent_patterns import association_rules, fpgrowth
    from pandas import DataFrame

    items, lines = groceries
    support = 0.002
    parts = replace(ALL, rules=len(items), itemset_support=support, max_itemsets=10**6).fit(
        shop_of(lines, len(items))
    )
    seen = np.zeros((len(lines), len(items)), bool)
    for basket, line in enumerate(lines):
        seen[basket, line] = True
    frame = fpgrowth(DataFrame(seen), min_support=support, max_len=4)
    theirs = association_rules(frame, num_itemsets=len(lines), min_threshold=0.0)
    theirs = theirs[theirs.consequents.map(len) == 1]
    ours = rules_of(parts)
    holding = parts["item_counts"]
    frequent = {
        (sides, row) for (sides, row), (both, _) in ours.items() if both >= np.ceil(support * len(lines))
    }
    assert len(theirs) == len(frequent) > 10_000
    for one in theirs.itertuples(index=False):
        row = min(one.consequents)
        both, left = ours[frozenset(one.antecedents), row]
        found = measures(both, left, int(holding[row]), len(lines))
        for name in ("support", "confidence", "lift", "leverage", "conviction"):
            assert float(getattr(found, name)) == pytest.approx(getattr(one, name), abs=1e-9, rel=1e-9), name
