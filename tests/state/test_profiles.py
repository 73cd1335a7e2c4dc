"""Profiles as bytes: what is read is what was put in, in order of time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vitrina.state.profiles import KEPT, columns, grown, record, records

FIELD = st.integers(0, 2**32 - 1)
EVENTS = st.lists(st.tuples(st.integers(0, 2**63), st.integers(-9, 9), FIELD, FIELD), max_size=KEPT)


@given(EVENTS.filter(bool))
def test_columns_are_what_numpy_reads_by_time(events):
    """Times, items and types of one profile, in order of time, those of one second in order of arrival."""
    value = grown(b"", [record(*one) for one in events])
    held = sorted(records(value).tolist(), key=lambda one: one[1])
    assert columns([value]) == tuple(tuple(one[at] for one in held) for at in (1, 2, 3, 0))


@given(EVENTS, EVENTS)
def test_profiles_of_one_person_are_joined(some, others):
    """A record in two profiles comes once; what is of one second stands in order of arrival."""
    values = [grown(b"", [record(*one) for one in events]) for events in (some, others) if events]
    held = sorted({*some, *others}, key=lambda one: (one[1], one[0], *one[2:]))
    assert columns([*values, *values]) == tuple(tuple(one[at] for one in held) for at in (1, 2, 3, 0))
