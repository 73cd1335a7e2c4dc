"""Visits: whose an event is, what a visit keeps, which visits hold an item."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.sessions import FAR, holders, latest_items, visit_keys

ragged = st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=9), max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3), st.integers(-5, 5)), max_size=30))
def test_keys_are_visits_or_days_of_customers(events) -> None:
    """Two events share a key where they share a visit, or where neither has one, customer and day."""
    visit, user, day = (
        (np.array(column, np.int64) for column in zip(*events, strict=True))
        if events
        else [np.zeros(0, np.int64)] * 3
    )
    keys = visit_keys(visit.astype(np.int32), user.astype(np.int32), day)
    meant = [
        ("visit", one) if one >= 0 else ("day", whose, when) if whose >= 0 else None
        for one, whose, when in events
    ]
    assert (keys.dtype, len(keys)) == (np.int32, len(events))
    for one, key in zip(meant, keys.tolist(), strict=True):
        assert (key == -1) == (one is None)
        assert [other == one for other in meant] == (keys == key).tolist()


@settings(deadline=None)
@given(ragged, st.integers(1, 5))
def test_a_visit_keeps_its_latest_distinct_items(visits, longest) -> None:
    """Latest first, aged by the moments after their last event."""
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in visits])]).astype(np.int64)
    items = np.array([row for one in visits for row, _ in one], np.int32)
    times = np.array([step for one in visits for step in np.cumsum([pause for _, pause in one])], np.int64)
    order = np.arange(len(visits))[::-1].copy()
    ends, rows, ages = latest_items(indptr, items, times, order, longest, 7)
    assert (rows.dtype, ages.dtype) == (np.int32, np.uint8)
    for at, visit in enumerate(order.tolist()):
        own, clock = (
            slice(indptr[visit], indptr[visit + 1]),
            times[indptr[visit] : indptr[visit + 1]].tolist(),
        )
        last = dict(zip(items[own].tolist(), clock, strict=True))
        latest = list(dict.fromkeys(items[own].tolist()[::-1]))[:longest]
        assert rows[ends[at] : ends[at + 1]].tolist() == latest
        expected = [len({time for time in clock if time > last[row]}) for row in latest]
        assert ages[ends[at] : ends[at + 1]].tolist() == expected


def test_a_visit_of_a_thousand_steps_is_no_longer_than_far() -> None:
    """Ages stop counting; they do not come round again."""
    steps = np.arange(1000)
    found = latest_items(
        np.array([0, 1000]), steps.astype(np.int32), steps, np.zeros(1, np.int64), 1000, 1000
    )
    assert found[2].tolist() == [min(step, FAR) for step in steps]


@settings(deadline=None)
@given(st.lists(st.sets(st.integers(0, 6)), max_size=12), st.integers(1, 5))
def test_holders_are_the_first_visits_of_an_item(visits, most) -> None:
    """In order, `most` at most."""
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in visits])]).astype(np.int64)
    rows = np.array([row for one in visits for row in sorted(one)], np.int32)
    ends, found = holders(indptr, rows, 7, most)
    for row in range(7):
        expected = [visit for visit, one in enumerate(visits) if row in one][:most]
        assert found[ends[row] : ends[row + 1]].tolist() == expected
