"""Visits like this one: VSTAN's scores by hand, what the index keeps, and where visits come from."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, reasons
from vitrina.dataset import DAY, VIEW, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.strategies.session_knn import Strategy
from vitrina.strategy import Allow, Query, Seeds

N = 12
NOTHING_SPECIAL: dict[str, Any] = {
    "seed_decay": 0.0, "echo_decay": 0.0, "age_days": 0.0, "step_decay": 0.0, "backward": 1.0, "idf": 0.0, "length": 0.0,
}  # fmt: skip


def clicks(visits: list[tuple[int, list[int]]], n_items: int = N) -> Dataset:
    """A shop of anonymous visits: (day it began, rows clicked, a minute apart)."""
    happened = sorted(
        (day * DAY + 60 * at, number, row)
        for number, (day, rows) in enumerate(visits)
        for at, row in enumerate(rows)
    )
    n = len(happened)
    time, visit, item = (np.array(column, np.int64) for column in zip(*happened, strict=True))
    nobody, price = np.full(n, UNKNOWN, np.int32), np.full(n, np.nan, np.float32)
    events = Events(
        nobody, item.astype(np.int32), visit.astype(np.int32), time, np.full(n, VIEW, np.uint8),
        np.ones(n, np.float32), price,
    )  # fmt: skip
    names = Ids.of(f"{row:03d}" for row in range(n_items))
    return Dataset(Ids.of([]), names, events, Catalog.bare(n_items))


def asked(*sessions: list[int], now: int = 400 * DAY) -> Query:
    """Strangers who clicked these rows in this order."""
    rows = np.array([row for one in sessions for row in one], np.int32)
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in sessions])]).astype(np.int64)
    seeds = Seeds(indptr, rows, np.full(len(rows), VIEW, np.uint8), np.full(len(rows), now))
    nobody = np.full(len(sessions), UNKNOWN, np.int32)
    return Query(now, nobody, nobody, seeds)


def scores_of(strategy: Strategy, dataset: Dataset, session: list[int]) -> dict[int, float]:
    """All that the strategy lists, by row."""
    n_items = len(dataset.items)
    found = strategy.open(strategy.fit(dataset)).top(asked(session), n_items, Allow.all(n_items, 1))
    return dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))


def vstan(visits: list[tuple[int, list[int]]], session: list[int], strategy: Strategy) -> dict[int, float]:
    """The published formulae over all visits of two clicks or more, in plain Python."""
    visits = [(day, rows) for day, rows in visits if len(rows) > 1]
    length, scores = len(session), dict.fromkeys(range(N), 0.0)
    weight = {row: exp((at + 1 - length) / strategy.seed_decay) for at, row in enumerate(session)}
    for day, rows in visits:
        shared = set(rows) & set(session)
        if not shared:
            continue
        seconds = 400 * DAY - (day * DAY + 60 * (len(rows) - 1))
        likeness = sum(weight[row] for row in shared) / len(set(rows)) ** strategy.length
        likeness *= exp(-seconds / DAY / strategy.age_days)
        star = max(at for at, row in enumerate(rows) if row in shared)
        latest = max(at for at, row in enumerate(session) if row in shared)
        echo = exp((latest + 1 - length) / strategy.echo_decay)
        for row in set(rows):
            at = max(place for place, one in enumerate(rows) if one == row)
            near = exp(-abs(at - star) / strategy.step_decay) * (strategy.backward if at < star else 1)
            holders = sum(row in other for _, other in visits)
            scores[row] += likeness * echo * near * (1 + strategy.idf * log(len(visits) / holders))
    return {row: score for row, score in scores.items() if score > 0}


visits_of = st.lists(
    st.tuples(st.integers(350, 390), st.lists(st.integers(0, N - 1), min_size=1, max_size=7)),
    min_size=2, max_size=14,
)  # fmt: skip


@settings(deadline=None, max_examples=80)
@given(
    visits_of,
    st.lists(st.integers(0, N - 1), min_size=1, max_size=6),
    st.sampled_from([0.5, 2.0]), st.sampled_from([1.0, 8.0]), st.sampled_from([10.0, 90.0]),
    st.sampled_from([1.0, 5.0]), st.sampled_from([0.3, 1.0]), st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 2.0]),
)  # fmt: skip
def test_scores_are_vstans(visits, session, seed, echo, age, step, backward, length, idf) -> None:
    """In proportion: the age of a visit is counted from the end of the data, which changes no order."""
    strategy = Strategy(
        seed_decay=seed,
        echo_decay=echo,
        age_days=age,
        step_decay=step,
        backward=backward,
        length=length,
        idf=idf,
    )
    found, expected = scores_of(strategy, clicks(visits), session), vstan(visits, session, strategy)
    assert found.keys() == expected.keys()
    if found:
        ratios = [found[row] / expected[row] for row in found]
        np.testing.assert_allclose(ratios, ratios[0], rtol=1e-4)


def test_only_the_most_alike_vote() -> None:
    """Of `near` visits; of those alike the latest."""
    dataset = clicks([(1, [0, 1, 5]), (2, [0, 6]), (3, [0, 7]), (4, [0, 8])])
    for near, expected in ((1, {5}), (2, {5, 8}), (3, {5, 7, 8}), (9, {5, 6, 7, 8})):
        found = scores_of(Strategy(**NOTHING_SPECIAL, near=near), dataset, [1, 0])
        assert found.keys() - {0, 1} == expected


def test_the_index_keeps_the_latest_visits_of_each_item() -> None:
    """`recent` of them; visits that no item keeps are not stored."""
    strategy = Strategy(**NOTHING_SPECIAL, recent=2)
    dataset = clicks([(1, [0, 5]), (2, [0, 6]), (3, [0, 7]), (4, [1, 2])])
    assert scores_of(strategy, dataset, [0]).keys() == {0, 6, 7}
    parts = strategy.fit(clicks([(1, [0, 1]), (2, [0, 1]), (3, [0, 1])]))
    assert len(parts["credit"]) == 2


def test_a_long_visit_keeps_its_end() -> None:
    """`longest` distinct items: a robot's visit is not everybody's neighbour."""
    strategy = Strategy(**NOTHING_SPECIAL, longest=3)
    dataset = clicks([(1, [0, 1, 2, 3, 4, 3])])
    assert scores_of(strategy, dataset, [3]).keys() == {2, 3, 4}
    assert scores_of(strategy, dataset, [0]) == {}


def test_only_the_latest_seeds_count() -> None:
    """`seeds` distinct items."""
    dataset = clicks([(1, [0, 5]), (1, [1, 6]), (1, [2, 7])])
    assert scores_of(Strategy(**NOTHING_SPECIAL, seeds=2), dataset, [0, 1, 2, 2]).keys() == {1, 2, 6, 7}


def test_what_happened_at_once_is_no_step_apart() -> None:
    """The lines of an order are equally near to the match, in whatever order they are stored."""
    happened = [("u", f"i{row}", 1) for row in range(4)]
    dataset = make_shop([*happened, ("v", "i0", 2), ("v", "i5", 2)])
    found = scores_of(Strategy(**{**NOTHING_SPECIAL, "step_decay": 0.5, "backward": 0.1}), dataset, [2])
    assert found == {row: pytest.approx(1.0) for row in range(4)}


def test_rows_of_sessions_are_in_order_also_where_times_are_days() -> None:
    """As where a minute lies between them."""
    timed = clicks([(1, [0, 1, 2, 3]), (2, [0, 3, 5])])
    days = replace(timed.events, time=timed.events.time // DAY * DAY)
    strategy = Strategy(**{**NOTHING_SPECIAL, "step_decay": 0.5, "backward": 0.1})
    found = scores_of(strategy, replace(timed, events=days, sessions=True), [0])
    assert found == scores_of(strategy, timed, [0])
    assert found != scores_of(strategy, replace(timed, events=days), [0])


def test_a_customer_without_visits_makes_one_a_day() -> None:
    """And where nobody and no visit is known of an event it teaches nothing."""
    happened = [
        ("u", "a", 1),
        ("u", "b", 1),
        ("u", "c", 2),
        ("v", "a", 2),
        ("v", "c", 2),
        ("", "a", 3),
        ("", "d", 3),
    ]
    dataset = make_shop(happened, visits=False)
    assert scores_of(Strategy(**NOTHING_SPECIAL), dataset, [0]).keys() == {0, 1, 2}
    assert scores_of(Strategy(**NOTHING_SPECIAL), dataset, [1]).keys() == {0, 1}


def test_types_of_no_weight_are_not_seen() -> None:
    """Neither in training nor among the seeds."""
    dataset = make_shop([("u", "a", 1), ("u", "b", 1), ("u", "c", 1, "view")])
    strategy = Strategy(**NOTHING_SPECIAL, event_weights={"purchase": 1.0})
    assert scores_of(strategy, dataset, [0]) == {}
    both = Strategy(**NOTHING_SPECIAL, event_weights={"purchase": 1.0, "view": 0.5})
    assert scores_of(both, dataset, [0]) == dict.fromkeys(range(3), 0.5)


def test_the_seed_that_visits_share_is_the_reason() -> None:
    """The greater first: by what the voting visits share with the asker."""
    dataset = clicks([(1, [0, 5]), (1, [0, 5]), (1, [1, 5]), (1, [2, 6])])
    strategy = Strategy(**NOTHING_SPECIAL)
    source = strategy.open(strategy.fit(dataset))
    found = reasons(source, asked([0, 1, 2]), np.array([5, 6, 9], np.int32))
    assert [one.seeds for one in found] == [(0, 1), (2,), ()]


def test_an_answer_leaves_nothing_behind() -> None:
    """The same question after others, and after its reasons, has the same answer."""
    dataset = clicks([(day, [day % N, (day * 5) % N, (day * 7 + 1) % N]) for day in range(60)])
    strategy = Strategy()
    source, allow = strategy.open(strategy.fit(dataset)), Allow.all(N, 1)
    first = source.top(asked([1, 2, 3]), N, allow)
    source.top(asked([5], [6, 7, 7]), 2, Allow.all(N, 2))
    reasons(source, asked([1, 2, 3]), first.rows)
    again = source.top(asked([1, 2, 3]), N, allow)
    assert (first.rows.tolist(), first.scores.tolist()) == (again.rows.tolist(), again.scores.tolist())


@pytest.mark.parametrize("wrong", [{"near": 0}, {"seeds": 0}, {"age_days": -1.0}, {"idf": -1.0}])
def test_hyperparameters_are_judged(wrong) -> None:
    """Before anything is fitted."""
    with pytest.raises(ValueError, match="must"):
        Strategy(**wrong)
