"""A buyer counts once a day for an item, by the dearest of that day's events."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.buyers import first_seen, once_a_day

EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3), st.integers(0, 4), st.integers(1, 9)))


@settings(deadline=None)
@given(EVENTS)
def test_a_buyer_stands_once_a_day_and_strangers_each_time(told: list[tuple[int, int, int, int]]) -> None:
    """As a dictionary of item, actor and day has it, in the order of events; nobody known is everybody else."""
    told = sorted(told, key=lambda one: (one[0], one[2]))
    item, actor, day, worth = np.array(told, np.int64).reshape(-1, 4).T.copy()
    ends = np.searchsorted(item, np.arange(5))
    due: dict[tuple[int, ...], float] = {}
    for place, (one, who, when, much) in enumerate(told):
        key = (one, who, when) if who >= 0 else (one, who, place)
        due[key] = max(due.get(key, 0.0), float(much))
    stands, most = once_a_day(ends, actor.astype(np.int32), day, worth.astype(np.float64), 4)
    assert stands.sum() == len(due)
    assert most.tolist() == list(due.values())
    assert [(item[at], actor[at]) for at in np.flatnonzero(stands)] == [key[:2] for key in due]


def test_first_seen_is_the_least_time() -> None:
    """Infinite for what was never seen."""
    assert first_seen(np.array([2, 0, 2], np.int32), np.array([5, 7, 9]), 4).tolist() == [
        7,
        np.inf,
        5,
        np.inf,
    ]
