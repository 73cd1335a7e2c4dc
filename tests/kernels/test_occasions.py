"""What customers buy again, and how their purchases fall into trips, by the arithmetic written out whole."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.occasions import DAY, gaps, met, repeats, sums_of

OWNERS = 4
PURCHASES = st.lists(
    st.tuples(st.integers(0, OWNERS - 1), st.integers(-1, 3), st.integers(-1, 3), st.integers(0, 6 * DAY)),
    max_size=40,
).map(lambda told: sorted(told, key=lambda one: (one[0], one[3])))
"""Customer, row (or kind), visit, time; by customer, oldest first."""
Told = list[tuple[int, int, int, int]]


def columns(told: Told) -> tuple[np.ndarray, ...]:
    """Ends, rows, visits, times."""
    owner, row, visit, time = np.array(told, np.int64).reshape(-1, 4).T.copy()
    ends = np.searchsorted(owner, np.arange(OWNERS + 1))
    return ends, row.astype(np.int32), visit.astype(np.int32), time


def moments(told: Told) -> list[tuple[str, int]]:
    """What tells one occasion from another: a visit, or a time without one."""
    return [("visit", one[2]) if one[2] >= 0 else ("time", one[3]) for one in told]


@settings(deadline=None)
@given(PURCHASES)
def test_gaps_lie_between_days_of_the_same_thing(told: Told) -> None:
    """Of each customer and row, the days between one day of purchase and the next."""
    told = [(owner, max(row, 0), visit, time) for owner, row, visit, time in told]
    days = sorted({(owner, row, time // DAY) for owner, row, _, time in told})
    due = [
        (*pair, after[2] - before[2])
        for pair, some in groupby(days, key=lambda one: one[:2])
        for before, after in pairwise(some)
    ]
    ends, rows, _, times = columns(told)
    assert list(zip(*(one.tolist() for one in gaps(ends, rows, times)), strict=True)) == due


@settings(deadline=None)
@given(PURCHASES)
def test_repeats_count_pairs_and_their_occasions(told: Told) -> None:
    """Sets of customer and row, and of these and the visit, or the moment of what has none."""
    told = [(owner, max(row, 0), visit, time) for owner, row, visit, time in told]
    pairs = {one[:2] for one in told}
    apart = {(*one[:2], when) for one, when in zip(told, moments(told), strict=True)}
    assert repeats(*columns(told)) == (len(pairs), len(apart))


@settings(deadline=None)
@given(PURCHASES)
def test_kinds_are_met_on_trips_counted_as_they_began(told: Told) -> None:
    """Distinct trips of each customer and kind, and the first of them."""
    trips: dict[int, list[int]] = {owner: [] for owner in range(OWNERS)}
    found: dict[tuple[int, int], list[int]] = {}
    for owner, kind, visit, time in told:
        named = visit if visit >= 0 else -1 - time // DAY
        if named not in trips[owner]:
            trips[owner].append(named)
        if kind >= 0:
            found.setdefault((owner, kind), []).append(trips[owner].index(named))
    due = [[*pair, len(set(on)), min(on)] for pair, on in sorted(found.items())]
    ends, kinds, visits, times = columns(told)
    pairs, counts = met(ends, kinds, np.where(visits >= 0, visits, -1 - times // DAY).astype(np.int64))
    assert pairs.tolist() == due
    assert counts.tolist() == [len(trips[owner]) for owner in range(OWNERS)]


@settings(deadline=None)
@given(PURCHASES, st.lists(st.tuples(st.integers(0, OWNERS - 1), st.integers(-1, 3)), max_size=10))
def test_sums_are_dot_products_of_what_owners_have(told: Told, asked: list[tuple[int, int]]) -> None:
    """A row of amounts times a column of the table; nothing for a column below 0."""
    told = [(owner, max(row, 0), visit, time) for owner, row, visit, time in told]
    ends, rows, _, _ = columns(told)
    random = np.random.default_rng(len(told))
    amounts, table = (
        random.integers(1, 5, len(rows)).astype(float),
        random.integers(0, 9, (4, 4)).astype(float),
    )
    has = np.zeros((OWNERS, 4))
    np.add.at(has, (np.array([one[0] for one in told], np.intp), rows), amounts)
    owners, wanted = np.array(asked, np.int32).reshape(-1, 2).T.copy()
    due = [has[owner] @ table[:, column] if column >= 0 else 0.0 for owner, column in asked]
    assert sums_of(ends, rows, amounts, table, owners, wanted).tolist() == due
