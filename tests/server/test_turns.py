"""Turns are kept while too much comes, by every thread, and not a moment longer than calls for it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from vitrina.server import turns

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no SCHED_BATCH")


class Crowd:
    """Is full as often as it is told, and then is not."""

    def __init__(self, *told):
        self.told = list(told)

    def full(self):
        """Whether a call would be refused."""
        return self.told.pop(0) if self.told else False


def followed(monkeypatch, crowd, looks):
    """What is done with threads while a crowd is looked at so often."""
    done, slept = [], iter(range(looks))

    async def sleep(seconds):
        if next(slept, None) is None:
            raise asyncio.CancelledError

    monkeypatch.setattr(turns.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(turns.keeping(crowd, done.append))
    return done


def test_threads_are_left_alone_while_nobody_is_refused(monkeypatch):
    """The policy of a calm worker is the system's."""
    assert followed(monkeypatch, Crowd(), 20) == []


def test_turns_are_kept_from_the_first_refusal_until_it_is_over(monkeypatch):
    """One calm look does not end it: a queue that was just answered is no calm."""
    crowd = Crowd(True, False, True, True)
    assert followed(monkeypatch, crowd, 4) == [True]
    assert followed(monkeypatch, Crowd(True), turns.CALM) == [True]
    assert followed(monkeypatch, Crowd(True), turns.CALM + 1) == [True, False]


PROBE = """
import os, threading
from vitrina.server.turns import keep
done = threading.Event()
threading.Thread(target=done.wait).start()
policies = lambda: {os.sched_getscheduler(int(one)) for one in os.listdir("/proc/self/task")}
before = policies()
keep(True); kept = policies()
keep(False); after = policies()
print(before == {os.SCHED_OTHER}, kept == {os.SCHED_BATCH}, after == {os.SCHED_OTHER})
done.set()
"""


def test_all_threads_keep_turns_and_stop_doing_so():
    """Those that wait already too; in a process of its own, which others do not share."""
    told = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "True", "True"], told.stderr


def test_a_policy_that_somebody_chose_is_kept():
    """A worker that was put under SCHED_IDLE stays there."""
    found = []

    def idle():
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        turns.keep(True)
        turns.keep(False)
        found.append(os.sched_getscheduler(0))

    thread = threading.Thread(target=idle)
    thread.start()
    thread.join()
    assert found == [os.SCHED_IDLE]
