"""Limits: whatever the order of calls, no more than rate * t + burst; one flood does not touch another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrina.errors import TooFast
from vitrina.server import limits
from vitrina.server.limits import Bucket, Visitors

GAPS = st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=80)


@given(GAPS, st.floats(0.1, 50), st.floats(1, 20))
def test_never_above_rate_and_burst(gaps, rate, burst):
    """In every window of the simulated clock a bucket admits at most rate * t + burst calls."""
    bucket, now, taken = Bucket(rate, burst), 100.0, []
    for gap in gaps:
        now += gap
        if bucket.take(now) == 0:
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= rate * (taken[last] - taken[first]) + burst + 1e-6


@given(GAPS, st.floats(0.1, 50), st.floats(1, 5))
def test_the_wait_that_is_told_is_enough(gaps, rate, burst):
    """Whoever waits as long as told is admitted; whoever never asks too fast is never refused."""
    bucket, now = Bucket(rate, burst), 0.0
    for gap in gaps:
        now += gap
        if wait_s := bucket.take(now):
            now += wait_s * (1 + 1e-9) + 1e-9
            assert bucket.take(now) == 0
    slow = Bucket(rate, burst)
    assert all(slow.take(n * 1.001 / rate) == 0 for n in range(60))


def test_a_clock_that_stands_or_steps_back_gives_nothing():
    """Time that does not pass fills no bucket, and none is emptied by it."""
    bucket = Bucket(1.0, 2.0)
    assert [bucket.take(now) > 0 for now in (10.0, 9.0, 10.0, 9.5)] == [False, False, True, True]
    assert bucket.take(11.0) == 0


def test_no_rate_no_limit():
    """A rate of 0 refuses nobody."""
    bucket = Bucket(0.0, 0.0)
    assert not any(bucket.take(0.0) for _ in range(1000))


def test_visitors_are_strangers(monkeypatch):
    """One who floods is refused, the others and the nameless are not; of too many the oldest are forgotten."""
    monkeypatch.setattr(limits, "REMEMBERED", 3)
    visitors = Visitors(1.0, 2.0)
    visitors.check("a", 0.0)
    visitors.check("a", 0.0)
    with pytest.raises(TooFast, match="more than 1 times") as refused:
        visitors.check("a", 0.5)
    assert refused.value.retry_s == pytest.approx(0.5)
    visitors.check("b", 0.5)
    for _ in range(10):
        visitors.check("", 0.5)
    visitors.check("c", 0.5)
    visitors.check("d", 0.5)
    assert list(visitors.buckets) == ["b", "c", "d"]
