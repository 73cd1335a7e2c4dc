"""What was looked at and not taken since, beside a walk in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.dataset import DAY
from vitrina.kernels.viewed import DROP, LOOK, OTHER, TAKE, comebacks, looks, returns

ACTS = np.array([TAKE, LOOK, LOOK, DROP, OTHER], np.uint8)
"""Of the event types that are drawn."""
DEPTH = 3

steps = st.lists(st.tuples(st.integers(0, 5), st.integers(0, len(ACTS) - 1)), max_size=14)


def ragged(histories):
    """(indptr, rows, types) of histories of (row, type)."""
    lines = [one for some in histories for one in some]
    indptr = np.cumsum([0, *(len(one) for one in histories)]).astype(np.int64)
    return indptr, *(
        np.array([one[at] for one in lines], kind) for at, kind in ((0, np.int32), (1, np.uint8))
    )


def walked(histories):
    """`returns` by lists: the open looks of each actor, the latest first."""
    hits, chances = (np.zeros((len(ACTS), DEPTH), np.int64) for _ in range(2))
    for history in histories:
        open_looks: list[tuple[int, int]] = []
        for row, kind in history:
            if ACTS[kind] == OTHER:
                continue
            if ACTS[kind] != DROP:
                for at, (other, last) in enumerate(open_looks):
                    chances[last, at] += 1
                    hits[last, at] += other == row
            open_looks = [one for one in open_looks if one[0] != row]
            if ACTS[kind] == LOOK:
                open_looks = [(row, kind), *open_looks][:DEPTH]
    return hits, chances


@settings(max_examples=200)
@given(st.lists(steps, max_size=4))
def test_returns_are_counted_by_place_and_type(histories):
    """The same hits and chances as by lists."""
    found = returns(*ragged(histories), ACTS, DEPTH)
    for one, other in zip(found, walked(histories), strict=True):
        assert one.tolist() == other.tolist()


@settings(max_examples=200)
@given(st.lists(steps, max_size=4))
def test_who_looked_first_and_came_back(histories):
    """By the acts of each actor on each item."""
    lookers, again = comebacks(*ragged(histories), ACTS, 6)
    for row in range(6):
        own = [
            [ACTS[kind] for one, kind in some if one == row and ACTS[kind] in (LOOK, TAKE)]
            for some in histories
        ]
        began = [acts for acts in own if acts and acts[0] == LOOK]
        assert (lookers[row], again[row]) == (len(began), sum(len(acts) > 1 for acts in began))


def remembered(history):
    """Open looks of one asker by walking forward: row -> (looks, type and place of the latest)."""
    known: dict[int, tuple[int, int, int]] = {}
    for place, (row, kind) in enumerate(history):
        if ACTS[kind] in (TAKE, DROP):
            known.pop(row, None)
        elif ACTS[kind] == LOOK:
            known[row] = (known.get(row, (0, 0, 0))[0] + 1, kind, place)
    return known


@settings(max_examples=200)
@given(st.lists(steps, min_size=1, max_size=4), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 2.0]))
def test_looks_are_what_a_walk_forward_leaves_open(histories, often, half_life):
    """Rows, the latest look first, and their worth: a day lies between two steps."""
    indptr, rows, types = ragged(histories)
    times = np.concatenate([np.arange(len(one)) for one in histories]).astype(np.int64) * DAY
    curve, factors = np.array([0.5, 0.25], np.float32), np.arange(1, 6, dtype=np.float32)
    now = 20 * DAY
    ends, found, worth = looks(indptr, rows, types, times, ACTS, curve, factors, often, half_life, now)
    for asker, history in enumerate(histories):
        known = remembered(history)
        order = sorted(known, key=lambda row: -known[row][2])
        own = slice(ends[asker], ends[asker + 1])
        assert found[own].tolist() == order
        due = []
        for at, row in enumerate(order):
            many, kind, place = known[row]
            fade = 0.5 ** ((20 - place) / half_life) if half_life else 1.0
            due.append(curve[min(at, 1)] * factors[kind] * fade * many**often)
        assert worth[own] == pytest.approx(due, rel=1e-5)


def test_an_event_of_later_than_now_is_of_now():
    """A clock that runs ahead makes nothing worth more than it is."""
    one = ragged([[(3, 1)]])
    ends, rows, worth = looks(
        *one, np.array([9 * DAY]), ACTS, np.ones(1, np.float32), np.ones(5, np.float32), 1.0, 1.0, DAY
    )
    assert (ends.tolist(), rows.tolist(), worth.tolist()) == ([0, 1], [3], [1.0])
