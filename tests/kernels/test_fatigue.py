"""What is left of the scores of products that were shown and ignored."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.fatigue import freshness

EVENTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 120)), max_size=6)


def left(rows, shown, done, now=100, rate=0.5, window=50.0):
    """`freshness` from lists of (row, time)."""
    columns = [
        np.array([one[axis] for one in events], dtype)
        for events in (shown, done)
        for axis, dtype in ((0, np.int32), (1, np.int64))
    ]
    return freshness(np.array(rows, np.int32), *columns, now, rate, window)


@settings(deadline=None)
@given(EVENTS, EVENTS)
def test_each_showing_since_the_last_deed_takes_its_part(shown, done):
    """Against plain Python: showings in the future, too old, or followed by a deed take nothing."""
    rows = [0, 1, 2, 3, 4, -1]
    expected = []
    for row in rows:
        kept = 1.0
        for item, when in shown:
            forgiven = any(other == item and at >= when for other, at in done)
            if item == row and 0 <= 100 - when < 50 and not forgiven:
                kept *= 1 - 0.5 * (1 - (100 - when) / 50)
        expected.append(kept)
    assert left(rows, shown, done).tolist() == pytest.approx(expected)


def test_a_showing_is_forgotten_in_time():
    """Just shown takes the whole rate, halfway half of it, after the window nothing."""
    assert [float(left([7], [(7, when)], [])[0]) for when in (100, 75, 50)] == [0.5, 0.75, 1.0]
