"""Switches are counted as by hand, chance leaves no hold, and a hold that is put in is read off."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.switching import hold, shares, shuffled, substitutes, switches

ONE = np.zeros(8, np.int32)
"""One stratum."""
BASKETS = st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 6), min_size=1)), max_size=20)


@settings(max_examples=60, deadline=None)
@given(BASKETS)
def test_switches_are_what_only_one_of_two_baskets_holds(baskets):
    """All pairs of what was left out and what came instead, of the later one's worth together; crowds say
    nothing."""
    baskets.sort(key=lambda one: one[0])
    owner = np.array([one for one, _ in baskets], np.int32)
    ends = np.append(0, np.cumsum([len(items) for _, items in baskets])).astype(np.int64)
    flat = np.array([item for _, items in baskets for item in sorted(items)], np.int32)
    worth = np.exp2(-np.arange(len(baskets), dtype=np.float64))
    first, second, weight = switches(owner, ends, flat, worth, 4)
    expected = [
        (a, b, worth[at] / (len(one - other) * len(other - one)))
        for at, ((who, one), (whose, other)) in enumerate(pairwise(baskets), start=1)
        if who == whose and max(len(one), len(other)) <= 4
        for a in sorted(one - other)
        for b in sorted(other - one)
    ]
    assert list(zip(first.tolist(), second.tolist(), weight.tolist(), strict=True)) == expected


def table(share, stay=0.0, codes=None):
    """All switches between items, as many as chance makes; a share of shoppers keep to their code."""
    n = len(share)
    first, second = np.nonzero(~np.eye(n, dtype=bool))
    weight = share[first] * share[second] / (1 - share[first])
    if stay:
        same = codes[first] == codes[second]
        within = np.array([share[(codes == codes[one])].sum() - share[one] for one in range(n)])
        weight = (1 - stay) * weight + stay * share[first] * np.where(same, share[second] / within[first], 0)
    return first.astype(np.int32), second.astype(np.int32), weight


def test_shares_are_those_that_made_the_switches():
    """Quasi-independence is undone: from margins without a diagonal back to the shares."""
    share = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    np.testing.assert_allclose(shares(*table(share), ONE[:5]), share, atol=1e-6)


@pytest.mark.parametrize("stay", [0.0, 0.3, 0.9])
def test_hold_is_the_share_of_shoppers_who_hold(stay):
    """Read off exactly, whatever the values' shares; of what nobody holds to it is 0."""
    share, codes = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1]), np.array([0, 0, 1, 1, 2, 2], np.int32)
    given = np.arange(6, dtype=np.int32)
    found, stays, expected, told = hold(*table(share, stay, codes), share, ONE[:6], codes, given)
    assert found == pytest.approx(stay, abs=1e-9)
    assert stays == pytest.approx(stay * told + (1 - stay) * expected)


def test_strata_are_asked_together_as_they_would_be_alone():
    """Shares are those of each stratum; stays, expected and told add up, whatever the one's share of all."""
    share, codes = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1]), np.array([0, 0, 1, 1, 2, 2], np.int32)
    given, stays = np.arange(6, dtype=np.int32), (0.2, 0.8)
    apart = [table(share, stay, codes) for stay in stays]
    alone = np.array([hold(*one, share, ONE[:6], codes, given) for one in apart])
    first, second = (np.concatenate([apart[0][at], apart[1][at] + 6]).astype(np.int32) for at in (0, 1))
    weight = np.concatenate([apart[0][2], apart[1][2]])
    stratum, nested = np.repeat([0, 1], 6).astype(np.int32), np.append(codes, codes + 3).astype(np.int32)
    both = shares(first, second, weight, stratum)
    np.testing.assert_allclose(both[:6].sum(), 1)
    np.testing.assert_allclose(both[6:], shares(*apart[1], ONE[:6]), atol=1e-9)
    twice = np.append(share, share)
    found = hold(first, second, weight, twice, stratum, nested, np.arange(12, dtype=np.int32))
    np.testing.assert_allclose(found[1:], alone[:, 1:].sum(0))
    assert stays[0] < found[0] < stays[1]


def test_an_unknown_value_tells_nothing():
    """Switches from or to an item without a value are not counted."""
    share, codes = np.full(4, 0.25), np.array([0, 0, 1, -1], np.int32)
    first, second, weight = table(share)
    told = hold(first, second, weight, share, ONE[:4], codes, np.arange(4, dtype=np.int32))[3]
    assert told == pytest.approx(weight[(first < 3) & (second < 3)].sum())


def test_shuffled_is_hold_by_another_order():
    """Row by row and attribute by attribute."""
    random = np.random.default_rng(1)
    share = random.dirichlet(np.ones(8))
    codes = random.integers(-1, 3, (2, 8)).astype(np.int32)
    orders = random.permuted(np.tile(np.arange(8, dtype=np.int32), (5, 1)), axis=1)
    found = shuffled(*table(share), share, ONE[:8], codes, orders)
    for one, order in enumerate(orders):
        for at in range(2):
            same = hold(*table(share), share, ONE[:8], codes[at][order], np.arange(8, dtype=np.int32))[0]
            assert found[one, at] == pytest.approx(same)


def test_substitutes_by_shared_ancestors_then_worth():
    """Own leaf first, best sold first within; never the item nor its own variants."""
    paths = np.array([[0, -1], [0, 1], [0, 2]], np.int32)
    leaf, worth = np.array([1, 2, 1, 1, 2], np.int32), np.array([0.1, 0.5, 0.2, 0.3, 0.4], np.float32)
    order, nodes = np.array([0, 2, 3, 1, 4], np.int32), np.array([1, 2], np.int32)
    ends, spans = np.array([0, 3, 5]), np.array([[0, 5], [0, 5]])
    owner = np.array([0, 1, 0, 2, 3], np.int32)
    counts, rows, scores = substitutes(order, nodes, ends, spans, paths, leaf, worth, owner, 3)
    assert rows[0, : counts[0]].tolist() == [3, 1, 4]
    np.testing.assert_allclose(scores[0], [2.3, 1.5, 1.4])
    assert rows[1, : counts[1]].tolist() == [4, 3, 2]
