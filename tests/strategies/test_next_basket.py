"""The next basket equals the arithmetic written out whole: own habits, and the nearest customers' mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, reasons
from vitrina.dataset import DAY, PURCHASE, VIEW, Dataset
from vitrina.history import History
from vitrina.ids import UNKNOWN
from vitrina.strategies.next_basket import Strategy
from vitrina.strategy import Allow, Query, Seeds

N_ITEMS = 12


def random_shop(seed: int, n: int = 300) -> Dataset:
    """Fifteen customers, their purchases and views over 90 days."""
    random = np.random.default_rng(seed)
    columns = zip(
        random.integers(0, 15, n), random.integers(0, N_ITEMS, n), random.integers(0, 90, n), strict=True
    )
    kinds = random.choice(["purchase", "view"], n, p=[0.7, 0.3])
    lines = [
        (f"u{user:02}", f"i{item:02}", int(day), str(kind))
        for (user, item, day), kind in zip(columns, kinds, strict=True)
    ]
    return make_shop(lines, items=[f"i{item:02}" for item in range(N_ITEMS)])


def vectors_of(dataset: Dataset, half_life: float) -> np.ndarray:
    """Customers x items: distinct days bought on, halved by age at the customer's last purchase."""
    events = dataset.events
    whole = np.zeros((len(dataset.users), len(dataset.items)))
    for user in range(len(dataset.users)):
        own = (events.user == user) & (events.type == PURCHASE)
        days = {
            (int(item), int(time) // DAY)
            for item, time in zip(events.item[own], events.time[own], strict=True)
        }
        last = max((day for _, day in days), default=0)
        for item, day in days:
            whole[user, item] += 2.0 ** (-(last - day) / half_life) if half_life else 1.0
    return whole


def customers(dataset: Dataset) -> Query:
    """All customers with all that they did."""
    past, n = History.of(dataset), len(dataset.users)
    seeds = Seeds(past.indptr, past.rows, past.types, past.times)
    return Query(dataset.end, np.arange(n, dtype=np.int32), np.full(n, UNKNOWN, np.int32), seeds)


def stranger(rows: list[int], kinds: list[int]) -> Query:
    """Nobody known, with events of one moment."""
    n, nobody = len(rows), np.full(1, UNKNOWN, np.int32)
    seeds = Seeds(
        np.array([0, n]), np.array(rows, np.int32), np.array(kinds, np.uint8), np.full(n, 100 * DAY)
    )
    return Query(100 * DAY, nobody, nobody, seeds)


def mean_of_nearest(asker: np.ndarray, whole: np.ndarray, k: int, but: int | None = None) -> np.ndarray:
    """The vectors of the k nearest by cosine, each times its share of their closeness."""
    closeness = whole @ asker / np.maximum(np.linalg.norm(whole, axis=1), 1e-12)
    if but is not None:
        closeness[but] = 0
    nearest = np.argsort(-closeness, kind="stable")[:k]
    return closeness[nearest] @ whole[nearest] / max(closeness[nearest].sum(), 1e-12)


def assert_scores(found, asker: int, expected: np.ndarray) -> None:
    cut = slice(found.indptr[asker], found.indptr[asker + 1])
    assert set(found.of(asker).tolist()) == set(np.flatnonzero(expected > 1e-9).tolist())
    np.testing.assert_allclose(found.scores[cut], expected[found.of(asker)], rtol=1e-4)


@settings(deadline=None, max_examples=15)
@given(
    st.integers(0, 50),
    st.sampled_from([0.0, 0.3, 0.9, 1.0]),
    st.integers(1, 14),
    st.sampled_from([17.0, 30.0]),
)
def test_customers_lists_are_those_by_hand(seed, alpha, k, half_life) -> None:
    """alpha of a customer's own vector and 1 - alpha of the mean of the k nearest, for every customer."""
    dataset = random_shop(seed)
    strategy = Strategy(alpha=alpha, neighbours=k, half_life_days=half_life, repeat_power=0.0, timing=0.0)
    found = strategy.open(strategy.fit(dataset)).top(customers(dataset), N_ITEMS, Allow.all(N_ITEMS, 15))
    whole = vectors_of(dataset, half_life)
    for user in range(len(dataset.users)):
        near = mean_of_nearest(whole[user], whole, k, user)
        assert_scores(found, user, alpha * whole[user] + (1 - alpha) * near)


@pytest.mark.parametrize("half_life", [0.0, 3.0])
def test_without_times_vectors_fade_by_later_purchases(half_life) -> None:
    """Customers' own vectors and their neighbours' alike: each purchase counts, halved by those after it."""
    dataset = replace(random_shop(3), timed=False)
    strategy = Strategy(
        alpha=0.4, neighbours=4, repeat_power=0.0, half_life_days=1.0, half_life_purchases=half_life
    )
    found = strategy.open(strategy.fit(dataset)).top(customers(dataset), N_ITEMS, Allow.all(N_ITEMS, 15))
    events, whole = dataset.events, np.zeros((len(dataset.users), N_ITEMS))
    for user in range(len(dataset.users)):
        own = events.item[(events.user == user) & (events.type == PURCHASE)]
        for later, item in enumerate(own[::-1]):
            whole[user, item] += 2.0 ** (-later / half_life) if half_life else 1.0
    for user in range(len(dataset.users)):
        near = mean_of_nearest(whole[user], whole, 4, user)
        assert_scores(found, user, 0.4 * whole[user] + 0.6 * near)


def test_strangers_lists_are_those_by_hand() -> None:
    """A visitor's events lead to the customers who have the habit; only purchases are habits of theirs."""
    dataset = random_shop(3)
    strategy = Strategy(alpha=0.4, neighbours=4, repeat_power=0.0, timing=0.0, half_life_days=0.0)
    source, whole = strategy.open(strategy.fit(dataset)), vectors_of(dataset, 0.0)
    found = source.top(stranger([2, 5], [PURCHASE, VIEW]), N_ITEMS, Allow.all(N_ITEMS, 1))
    asker, own = np.zeros(N_ITEMS), np.zeros(N_ITEMS)
    asker[[2, 5]], own[2] = [1.0, 0.25], 1.0
    assert_scores(found, 0, 0.4 * own + 0.6 * mean_of_nearest(asker, whole, 4))


def test_a_customer_who_is_like_nobody_is_asked_as_a_stranger() -> None:
    """Who only looked at things yet gets a stranger's list; who alone buys a thing is no neighbour of theirs."""
    pairs = [(f"u{user}", item, day) for user in range(4) for day in (0, 7, 14) for item in ("milk", "bread")]
    dataset = make_shop([*pairs, ("new", "milk", 9, "view"), ("odd", "hat", 3), ("odd", "milk", 4, "view")])
    source = Strategy(alpha=0.0).open(Strategy().fit(dataset))
    query, allow = customers(dataset), Allow.all(len(dataset.items), 1)
    for user in ("new", "odd"):
        asked = query.one(dataset.users.row(user))
        other = source.top(replace(asked, users=np.full(1, UNKNOWN, np.int32)), 5, allow)
        found = source.top(asked, 5, allow)
        assert dataset.items.names(found.rows) == ["bread", "milk"]
        assert user == "odd" or found.rows.tolist() == other.rows.tolist()
        assert (source.why(asked, found.indptr, found.rows).seeds == UNKNOWN).all()


def test_all_of_own_habits_is_buying_again() -> None:
    """With alpha 1 the lists are those of the asker's own habits, due ones first."""
    from vitrina.strategies.buy_again import Strategy as BuyAgain

    dataset, again, basket = random_shop(5), BuyAgain(), Strategy(alpha=1.0)
    lists = [
        one.open(one.fit(dataset)).top(customers(dataset), 5, Allow.all(N_ITEMS, 15))
        for one in (again, basket)
    ]
    same = basket.open(basket.fit(dataset))
    again_source = again.open(again.fit(dataset))
    np.testing.assert_array_equal(lists[0].rows, lists[1].rows)
    rows = lists[0].of(2)
    assert reasons(same, customers(dataset).one(2), rows) == reasons(
        again_source, customers(dataset).one(2), rows
    )


def test_neighbours_bring_what_the_asker_never_bought() -> None:
    """Who buys as others do is shown their habit; who did nothing is shown nothing."""
    pairs = [(f"u{user}", item, day) for user in range(4) for day in (0, 7, 14) for item in ("milk", "bread")]
    dataset = make_shop([*pairs, ("u9", "milk", 1), ("u9", "milk", 8), ("zz", "hat", 3)])
    source = Strategy().open(Strategy().fit(dataset))
    query, row = customers(dataset), dataset.users.row("u9")
    found = source.top(query, 5, Allow.all(len(dataset.items), len(query)))
    assert dataset.items.names(found.of(row)) == ["milk", "bread"]
    assert len(source.top(stranger([], []), 5, Allow.all(len(dataset.items), 1)).rows) == 0


@pytest.mark.parametrize("wrong", [{"alpha": 1.5}, {"neighbours": 0}, {"timing": -1.0}, {"ahead_days": 0.0}])
def test_what_cannot_be_is_refused(wrong) -> None:
    """Settings out of bounds raise, naming themselves."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Strategy(**wrong)
