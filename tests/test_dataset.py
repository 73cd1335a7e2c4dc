"""Returns: what was sent back is not what a customer likes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.dataset import PURCHASE, RETURN, VIEW, Catalog, Dataset, Events
from vitrina.ids import Ids

Line = tuple[int, int, int, int, float]
"""user, item, visit, type, quantity"""

lines = st.lists(
    st.tuples(
        st.integers(-1, 3),
        st.integers(0, 3),
        st.integers(-1, 2),
        st.sampled_from([PURCHASE, PURCHASE, RETURN, VIEW]),
        st.integers(1, 4).map(float),
    ),
    max_size=40,
)


def shop(events: list[Line]) -> Dataset:
    """A shop of four users and four items with these events, one a second."""
    columns = list(zip(*events, strict=True)) or [()] * 5
    user, item, visit = (np.array(column, np.int32) for column in columns[:3])
    quantity = np.array(columns[4], np.float32)
    kinds = np.array(columns[3], np.uint8)
    time = np.arange(len(events), dtype=np.int64)
    happened = Events(user, item, visit, time, kinds, quantity, np.full(len(events), np.nan, np.float32))
    return Dataset(Ids.of("abcd"), Ids.of("wxyz"), happened, Catalog.bare(4))


def seen(dataset: Dataset) -> list[tuple[int, int, int, float]]:
    """What is left, as (time, item, type, quantity)."""
    left = dataset.events
    return list(
        zip(left.time.tolist(), left.item.tolist(), left.type.tolist(), left.quantity.tolist(), strict=True)
    )


def settled_slowly(events: list[Line]) -> list[tuple[int, int, int, float]]:
    """The twin: walk the events, and let each return eat the latest purchase lines before it."""
    left: list[list[float]] = []
    for time, (user, item, visit, kind, quantity) in enumerate(events):
        actor = user if user >= 0 else (100 + visit if visit >= 0 else None)
        if kind == RETURN:
            for line in reversed(left):
                if actor is not None and line[4] == actor and line[1] == item and line[2] == PURCHASE:
                    taken = min(quantity, line[3])
                    line[3] -= taken
                    quantity -= taken
        else:
            left.append([time, item, kind, quantity, -1 if actor is None else actor])
    return [(int(t), int(i), int(k), q) for t, i, k, q, _ in left if q > 0]


@settings(deadline=None)
@given(lines)
def test_settled_does_what_the_slow_twin_does(events: list[Line]) -> None:
    """Promise: returns cancel the latest earlier purchases of the same actor and item, by quantity."""
    assert seen(shop(events).settled()) == settled_slowly(events)


@settings(deadline=None)
@given(lines, st.integers(0, 40))
def test_settling_a_past_knows_no_later_return(events: list[Line], time: int) -> None:
    """Promise: before(T).settled() is what the shop would have settled at T."""
    assert seen(shop(events).before(time).settled()) == settled_slowly(events[:time])


@settings(deadline=None)
@given(lines)
def test_settling_twice_changes_nothing(events: list[Line]) -> None:
    """Promise: nothing is left to settle after settling."""
    once = shop(events).settled()
    assert seen(once.settled()) == seen(once)


def test_a_shop_without_returns_is_itself() -> None:
    """Promise: no copy and no work where nothing was sent back."""
    dataset = shop([(0, 0, 0, PURCHASE, 1.0)])
    assert dataset.settled() is dataset


@pytest.mark.parametrize(
    ("bought", "returned", "left"),
    [(3.0, 1.0, [2.0]), (1.0, 5.0, []), (0.3, 0.1, [0.2])],
)
def test_part_of_a_line_may_stay(bought: float, returned: float, left: list[float]) -> None:
    """Promise: leftover quantity stays, as closely as float32 can say it."""
    dataset = shop([(0, 0, 0, PURCHASE, bought), (0, 0, 1, RETURN, returned)]).settled()
    assert dataset.events.quantity.tolist() == pytest.approx(left)


def test_dust_is_not_a_purchase() -> None:
    """Promise: weights that add up to what was bought leave nothing behind."""
    dataset = shop([(0, 0, 0, PURCHASE, 0.3), (0, 0, 1, RETURN, 0.1), (0, 0, 1, RETURN, 0.2)])
    assert len(dataset.settled().events) == 0


def test_settling_leaves_the_original_alone() -> None:
    """Promise: a dataset is frozen; settling hands back another."""
    dataset = shop([(0, 0, 0, PURCHASE, 2.0), (0, 0, 1, RETURN, 1.0)])
    before = replace(dataset, events=dataset.events.take(slice(None)))
    dataset.settled()
    assert seen(dataset) == seen(before)


@given(lines)
def test_without_times_visits_of_a_customer_are_spread_over_the_span(events: list[Line]) -> None:
    """Evenly, whoever came most coming daily; a stranger's, and what is of no visit, is of the last day."""
    events = [(user, item, visit + 3 * user + 3, *rest) for user, item, visit, *rest in events if visit >= 0]
    events = [*events, (0, 0, -1, PURCHASE, 1.0)]
    began = {visit: (at, user) for at, (user, _, visit, _, _) in reversed([*enumerate(events)]) if visit >= 0}
    came = Counter(user for _, user in began.values() if user >= 0)
    most = max(came.values(), default=0)
    age = [
        sum(at >= began[visit][0] for at, other in began.values() if other == user)
        / (came[user] + 1)
        * (most + 1)
        - 1
        if user >= 0 and visit >= 0 and most > 1
        else 0
        for user, _, visit, _, _ in events
    ]
    known = replace(shop(events), timed=False)
    assert known.age_days().tolist() == pytest.approx(age)
    assert known.age_days(np.arange(1)).tolist() == pytest.approx(age[:1])


def test_a_till_makes_no_calendar() -> None:
    """An account with a thousand orders, beside customers of five, is no more of late than they are."""
    theirs = [(user, 0, user * 5 + at, PURCHASE, 1.0) for user in range(150) for at in range(5)]
    till = [(150, 0, 750 + at, PURCHASE, 1.0) for at in range(1000)]
    age = replace(shop([*theirs, *till]), timed=False).age_days()
    assert age[:5].tolist() == [4, 3, 2, 1, 0]
    assert age.min() == 0
    assert (age[750:] <= 1).sum() == pytest.approx(2 / 6 * 1000, abs=2)
    assert (np.diff(age[750:]) <= 0).all()


def test_who_comes_often_came_lately() -> None:
    """Of nine daily visits the last is the latest; the only one of another may be of any day."""
    often = [(0, 0, visit, PURCHASE, 1.0) for visit in range(9)]
    known = replace(shop([*often, (1, 0, 9, PURCHASE, 1.0)]), timed=False)
    assert known.age_days().tolist() == [8, 7, 6, 5, 4, 3, 2, 1, 0, 4]


def test_with_times_age_is_in_days() -> None:
    """Of the last event none."""
    known = shop([(0, 0, -1, PURCHASE, 1.0)] * 3)
    days = replace(known, events=replace(known.events, time=np.array([0, 86_400, 3 * 86_400])))
    assert days.age_days().tolist() == [3, 2, 0]
    assert days.weights({"purchase": 1.0}, 1.0).tolist() == [0.125, 0.25, 1.0]
