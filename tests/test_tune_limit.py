"""What takes too long is ended, by the processors' time or by a clock."""

from __future__ import annotations

import gc
import sys
import threading
import time
from contextlib import suppress

import pytest

from vitrina.tune.limit import TooLong, until_then


def work(seconds):
    """Keep a processor busy for so long; the passes it took."""
    end, passes = time.process_time() + seconds, 0
    while time.process_time() < end:
        passes += 1
    return passes


def test_work_is_ended_once_the_clock_is_at_a_moment():
    """By the clock that is given, however many processors there are; what then fails of it is that too."""
    now = [0.0]

    def clock():
        now[0] += 1.0
        return now[0]

    with pytest.raises(TooLong), until_then(3.0, clock):
        work(60.0)
    assert now[0] == 3.0


def test_a_clock_that_stands_still_ends_nothing():
    """However much the process works meanwhile: it may be compiling."""
    with until_then(1.0, lambda: 0.0):
        assert work(0.5)


def test_work_that_is_done_in_time_is_left_alone():
    """And nothing rings after it."""
    with until_then(time.perf_counter() + 60.0, time.perf_counter):
        assert work(0.3)
    assert work(0.3)


def test_what_fails_of_the_end_is_the_end():
    """A kernel that is called just then fails with something else."""

    def fails():
        try:
            work(60.0)
        except TooLong as late:
            raise SystemError("a kernel failed") from late

    with pytest.raises(TooLong) as told, until_then(0.0, time.perf_counter):
        fails()
    assert isinstance(told.value.__cause__, SystemError)


def test_other_threads_have_no_end():
    """Signals are heard by the main thread alone."""
    done = []

    def elsewhere():
        with until_then(0.0, time.perf_counter):
            done.append(work(0.2))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert done


def test_an_end_that_is_swallowed_comes_again():
    """A destructor or a library's callback lets nothing through, and the time is up all the same."""
    swallowed = []

    def swallows():
        for _ in range(2):
            with suppress(TooLong):
                work(5.0)
            swallowed.append(True)
        work(5.0)

    with pytest.raises(TooLong), until_then(0.0, time.perf_counter):
        swallows()
    assert len(swallowed) == 2


def test_nothing_is_printed_of_an_end_that_is_swallowed(monkeypatch):
    """By the collector's callbacks and by destructors, of which Python tells; other faults of theirs are told."""
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda swallowed: told.append(swallowed.exc_type))

    class Kept:
        def __del__(self):
            work(5.0)

    def collected(phase, info):
        work(5.0)

    class Fails:
        def __del__(self):
            raise ValueError

    def swallows():
        Kept()
        Fails()
        gc.callbacks.append(collected)
        gc.collect()
        gc.callbacks.remove(collected)
        work(5.0)

    with pytest.raises(TooLong), until_then(0.0, time.perf_counter):
        swallows()
    assert told == [ValueError]
