"""User-based filtering equals the arithmetic written out whole, and a library's neighbours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from customers import and_since, assert_scores, random_shop, stranger, vectors_of, whole_history

from shops import make_shop, reasons
from vitrina.dataset import DAY, VIEW
from vitrina.history import History
from vitrina.kernels.customers import digest
from vitrina.strategies.user_knn import Strategy
from vitrina.strategy import Allow


def by_hand(asker: np.ndarray, others: np.ndarray, k: int, self_row: int | None = None) -> np.ndarray:
    """Scores of all items: the k nearest customers' scaled vectors, each times its dot product."""
    lengths = np.sqrt((others**2).sum(axis=1, keepdims=True))
    scaled = np.divide(others, lengths, where=lengths > 0, out=np.zeros_like(others))
    closeness = scaled @ asker
    if self_row is not None:
        closeness[self_row] = 0
    nearest = np.argsort(-closeness, kind="stable")[:k]
    return closeness[nearest] @ scaled[nearest]


@pytest.mark.parametrize("half_life", [0.0, 20.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_customers_lists_are_those_by_hand(seed: int, half_life: float) -> None:
    """Known customers, from the learned lists: cosine, the 7 nearest, their scaled weights."""
    dataset = random_shop(seed)
    strategy = Strategy(neighbours=7, half_life_days=half_life)
    source, whole = strategy.open(strategy.fit(dataset)), vectors_of(dataset, half_life)
    for user in range(len(dataset.users)):
        found = source.top(whole_history(dataset, user), 30, Allow.all(30, 1))
        assert_scores(found, by_hand(whole[user], whole, 7, user))


@pytest.mark.parametrize("each", [1, 3, 1000])
def test_an_item_counts_its_nearest_customers(each: int) -> None:
    """LensKit's way: of the circle, item by item, the nearest of those who have it; more than there are, all."""
    dataset = random_shop(2)
    strategy = Strategy(neighbours=20, each=each)
    source, whole = strategy.open(strategy.fit(dataset)), vectors_of(dataset, 0.0)
    scaled = whole / np.maximum(np.sqrt((whole**2).sum(axis=1, keepdims=True)), 1e-12)
    for user in range(len(dataset.users)):
        closeness = scaled @ whole[user]
        closeness[user] = 0
        circle = np.argsort(-closeness, kind="stable")[:20]
        ranks = np.cumsum(scaled[circle] > 0, axis=0)
        due = closeness[circle] @ np.where(ranks <= each, scaled[circle], 0)
        query = whole_history(dataset, user)
        assert_scores(source.top(query, 30, Allow.all(30, 1)), due)
        assert_scores(source.top(query, 30, Allow.all(30, 1)), due)  # nothing is left of the first


@pytest.mark.parametrize("half_life", [0.0, 20.0])
def test_customers_nobody_listed_get_the_same_lists(half_life: float) -> None:
    """Through the takers of all they had, all of them kept: cosine, the 7 nearest, their scaled weights."""
    dataset = random_shop(2)
    strategy = Strategy(neighbours=7, half_life_days=half_life, listed=len(dataset.users) - 1)
    parts, whole = strategy.fit(dataset), vectors_of(dataset, half_life)
    source = strategy.open(parts)
    assert not len(parts["alike/rows"])
    assert not len(parts["events"])
    for user in range(len(dataset.users)):
        found = source.top(whole_history(dataset, user), 30, Allow.all(30, 1))
        own = dataset.events.user == user
        newest = dataset.events.time[own & (dataset.events.type < 3)].max()
        age = (dataset.end - newest) / DAY
        asker = whole[user] * (2.0 ** (age / half_life) if half_life else 1)
        assert_scores(found, by_hand(asker, whole, 7, user))


def test_up_to_so_many_customers_are_listed() -> None:
    """A shop of as many customers as `listed` keeps the nearest of each, and what they are known by."""
    dataset = random_shop(2)
    parts = Strategy(listed=len(dataset.users)).fit(dataset)
    assert (np.diff(parts["alike/indptr"]) > 0).all()
    history = History.of(dataset)
    spans = [history.span(user) for user in range(len(dataset.users))]
    assert parts["events"].tolist() == np.diff(history.indptr).tolist()
    assert parts["digests"].tolist() == [digest(history.rows[one], history.types[one]) for one in spans]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("most", [1, 4, 1000])
def test_takers_are_those_that_came_last(seed: int, most: int) -> None:
    """Of each item the customers of its latest events that count, most recent first, each once."""
    dataset = random_shop(seed)
    parts = Strategy(takers=most).fit(dataset)
    for item in range(len(dataset.items)):
        counted = (dataset.events.item == item) & (dataset.events.type < 3)
        latest = list(dict.fromkeys(dataset.events.user[counted][::-1].tolist()))[:most]
        low, high = parts["takers/indptr"][item : item + 2]
        assert parts["takers/rows"][low:high].tolist() == sorted(latest)


@pytest.mark.parametrize("half_life", [0.0, 20.0])
def test_visitors_lists_are_those_by_hand(half_life: float) -> None:
    """Strangers, through the takers of their items; all takers kept, so nothing is lost."""
    dataset = random_shop(3)
    strategy = Strategy(neighbours=9, half_life_days=half_life)
    source, whole = strategy.open(strategy.fit(dataset)), vectors_of(dataset, half_life)
    random = np.random.default_rng(3)
    for _ in range(20):
        rows, kinds = random.integers(0, 30, 6), random.integers(0, 4, 6)
        times = np.sort(random.integers(80, 120, 6)) * DAY
        worth = np.array([1.0, 0.25, 0.6, 0.0])[kinds]
        newest = max(times[worth > 0], default=0)
        asker = np.zeros(30)
        np.add.at(asker, rows, worth * (2.0 ** (-(newest - times) / DAY / half_life) if half_life else 1))
        found = source.top(stranger(rows, kinds, times), 30, Allow.all(30, 1))
        assert_scores(found, by_hand(asker, whole, 9))


def test_what_a_customer_does_today_joins_what_was_learned() -> None:
    """With neighbours enough to lose nobody, history and session are one vector."""
    dataset = random_shop(4)
    strategy = Strategy(neighbours=40, half_life_days=15.0)
    source, whole = strategy.open(strategy.fit(dataset)), vectors_of(dataset, 15.0)
    query = and_since(whole_history(dataset, 5), [1, 2], [0, VIEW], dataset.end + 10 * DAY)
    asker = whole[5] * 2.0 ** (-10 / 15)
    asker[[1, 2]] += [1.0, 0.25]
    found = source.top(query, 30, Allow.all(30, 1))
    assert_scores(found, by_hand(asker, whole, 40, 5))


def test_a_part_of_a_history_is_taken_at_its_word() -> None:
    """A customer who asks from some events only gets what those events say, less what is their own doing."""
    dataset = random_shop(5)
    strategy = Strategy(neighbours=9)
    source, whole = strategy.open(strategy.fit(dataset)), vectors_of(dataset, 0)
    query = replace(stranger([3, 4], [0, 0], [dataset.end, dataset.end]), users=np.array([7], np.int32))
    asker = np.zeros(30)
    asker[[3, 4]] = 1
    assert_scores(source.top(query, 30, Allow.all(30, 1)), by_hand(asker, whole, 9, 7))


def test_the_latest_takers_are_kept() -> None:
    """Of an item's customers the latest stand for all, so a fashion is followed."""
    old = [(f"old{user}", item, day) for user, day in ((0, 1), (1, 2)) for item in ("seen", "then")]
    new = [("new", item, 9) for item in ("seen", "now")]
    dataset = make_shop([*old, *new])
    strategy = Strategy(takers=1)
    source = strategy.open(strategy.fit(dataset))
    seen = dataset.items.row("seen")
    found = source.top(stranger([seen], [0], [10 * DAY]), 5, Allow.all(3, 1))
    assert dataset.items.names(found.rows) == ["now", "seen"]


def test_an_item_everybody_took_tells_nobody_apart() -> None:
    """Beyond `crowd` customers an item is no bond between them."""
    everybody = [(f"u{user}", "bag", 1) for user in range(6)]
    dataset = make_shop([*everybody, ("u0", "a", 1), ("u1", "a", 1), ("u1", "b", 2), ("u2", "c", 2)])
    for crowd, others in ((6, 5), (5, 1)):
        parts = Strategy(crowd=crowd).fit(dataset)
        first = dataset.users.row("u0")
        assert np.diff(parts["alike/indptr"])[first] == others


def test_reasons_are_what_was_taken_together() -> None:
    """The item beside which the nearest customers took a row most comes first."""
    pairs = [
        ("a", "tent"),
        ("a", "stove"),
        ("b", "tent"),
        ("b", "stove"),
        ("c", "book"),
        ("c", "lamp"),
        ("a", "map"),
    ]
    dataset = make_shop([(user, item, day) for day, (user, item) in enumerate(pairs)])
    strategy = Strategy()
    source = strategy.open(strategy.fit(dataset))
    tent, stove, book, lamp = (dataset.items.row(one) for one in ("tent", "stove", "book", "lamp"))
    query = stranger([book, tent], [0, 0], [90 * DAY, 91 * DAY])
    why = reasons(source, query, np.array([stove, lamp], np.int32))
    assert [one.seeds[0] for one in why] == [tent, book]


@pytest.mark.parametrize(
    "wrong", [{"neighbours": 0}, {"takers": 0}, {"seeds": 0}, {"crowd": 0}, {"listed": -1}]
)
def test_wrong_hyperparameters_are_refused(wrong: dict[str, int]) -> None:
    """Before anything is fitted."""
    with pytest.raises(ValueError):
        Strategy(**wrong)
