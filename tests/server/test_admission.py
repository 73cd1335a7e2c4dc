"""Admission: batches in order, few waiting, nobody for long, nobody for nothing."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from vitrina.errors import InvalidRequest, Overloaded, TimedOut
from vitrina.server.admission import TOGETHER, Admission


class Shop:
    """Serves by echoing, once its door is open. `batches`: what was asked together."""

    def __init__(self, *, shut=False):
        self.door, self.batches = threading.Event(), []
        if not shut:
            self.door.set()

    def __call__(self, asked):
        """Answer a batch; what is negative is refused, what is no number breaks everything."""
        self.batches.append(list(asked))
        assert self.door.wait(10)
        return [InvalidRequest(str(one)) if one < 0 else b"%d" % one for one in asked]


class Asking:
    """What a front's thread does: lets calls in, and steps until they are answered."""

    def __init__(self, gate, shop):
        self.gate, self.shop, self.found, self.stands = gate, shop, {}, {}

    def put(self, asked, left_s=10.0):
        """Let a call in, and do what is due."""
        self.stands[asked] = self.gate.put(asked, left_s, lambda found: self.told(asked, found))
        self.gate.step()

    def told(self, asked, found):
        """What came of a call."""
        assert asked not in self.found, "told twice"
        self.found[asked] = found

    def leave(self, asked):
        """The client of a call went away."""
        return self.gate.leave(self.stands[asked])

    def until(self, *asked):
        """Step until these are answered; give what they got."""
        end = time.monotonic() + 20
        while not self.found.keys() >= set(asked):
            assert time.monotonic() < end
            due = self.gate.step()
            if self.found.keys() >= set(asked):
                break
            assert due is not None, "nothing is due, though calls wait"
            time.sleep(due)
        return [self.found[one] for one in asked]


@contextmanager
def asking(limit=10, wait_s=5.0, *, shut=False):
    """An admission over its shop, and who asks it."""
    shop = Shop(shut=shut)
    with ThreadPoolExecutor(1) as threads:
        one = Asking(Admission(limit, wait_s, threads, shop), shop)
        try:
            yield one
        finally:
            shop.door.set()
    assert one.gate.in_flight == 0


def test_what_waits_together_is_answered_together_in_order():
    """One call is inside; those that come meanwhile form the next batches, first come first."""
    with asking(limit=100, shut=True) as one:
        numbers = list(range(TOGETHER + 3))
        for number in numbers:
            one.put(number)
        one.shop.door.set()
        assert one.until(*numbers) == [b"%d" % number for number in numbers]
        assert one.shop.batches == [[0], numbers[1 : TOGETHER + 1], numbers[TOGETHER + 1 :]]
        assert one.gate.step() is None


def test_each_gets_its_own_error():
    """One bad call of a batch spoils none of the others; a fault of the whole batch reaches all of it."""
    with asking(shut=True) as one:
        for number in (1, 2, -3, 4):
            one.put(number)
        one.shop.door.set()
        assert [type(found) for found in one.until(1, 2, -3, 4)] == [bytes, bytes, InvalidRequest, bytes]
        one.put("x")
        assert [type(found) for found in one.until("x")] == [TypeError]
        one.put(5)
        assert one.until(5) == [b"5"]


def test_the_limit_is_exact():
    """As many as the limit are admitted at once, the next is refused at once."""
    with asking(limit=3, shut=True) as one:
        for number in range(3):
            one.put(number)
        assert one.gate.full()
        with pytest.raises(Overloaded, match="3 requests are in flight"):
            one.put(9)
        one.shop.door.set()
        one.until(0, 1, 2)
        one.put(9)
        assert one.until(9) == [b"9"]


def test_patience_ends():
    """Who waits too long is refused: overloaded, or out of time if that came first; the engine never knows."""
    with asking(wait_s=0.02, shut=True) as one:
        one.put(0)
        one.put(1, 5.0)
        one.put(2, 0.01)
        overloaded, late = one.until(1, 2)
        assert isinstance(overloaded, Overloaded)
        assert "no turn came within" in str(overloaded)
        assert isinstance(late, TimedOut)
        with pytest.raises(TimedOut):
            one.put(3, 0.0)
        assert one.gate.in_flight == 1
        one.shop.door.set()
        assert one.until(0) == [b"0"]
        one.put(4)
        assert one.until(4) == [b"4"]
        assert one.shop.batches == [[0], [4]]


def test_whose_turn_would_come_too_late_is_refused_at_once():
    """By how long the latest batch took: beyond two batches, who has less time than the queue is not let in."""
    with asking(limit=100, wait_s=600.0, shut=True) as one:
        one.put(-1)
        time.sleep(0.06)
        one.shop.door.set()
        one.until(-1)
        one.shop.door.clear()
        numbers = list(range(2 * TOGETHER))
        for number in numbers:
            one.put(number, 600.0)
        assert one.gate.wait() > 1.0
        with pytest.raises(Overloaded, match="a turn would come in"):
            one.put(100, 1.0)
        assert one.gate.in_flight == 2 * TOGETHER
        assert not one.gate.full()
        one.put(101, 600.0)
        one.shop.door.set()
        assert len(one.until(*numbers, 101)) == 2 * TOGETHER + 1


def test_who_is_inside_is_not_out_of_patience():
    """Patience is for waiting: a call whose batch takes longer than that is answered all the same."""
    with asking(wait_s=0.02, shut=True) as one:
        one.put(0)
        time.sleep(0.1)
        assert one.gate.step()
        one.shop.door.set()
        assert one.until(0) == [b"0"]


def test_who_leaves_the_queue_holds_nobody_up():
    """Those who leave are neither served nor told, and leave one time; those behind them are served."""
    with asking(shut=True) as one:
        for number in range(4):
            one.put(number)
        assert one.leave(1)
        assert one.leave(0)
        assert not one.leave(0)
        one.gate.step()
        assert one.leave(2)
        one.shop.door.set()
        assert one.until(3) == [b"3"]
        assert one.shop.batches == [[0], [3]]
        assert one.found.keys() == {3}
        assert not one.leave(3)


def test_a_batch_that_lasts_keeps_no_step():
    """A step looks after who waits while the engine works: it returns long before a slow batch is answered."""
    with asking(shut=True) as one:
        began = time.monotonic()
        one.put(0)
        one.put(1)
        assert one.gate.step() > 0
        assert time.monotonic() - began < 5  # the door is shut for ten
        one.shop.door.set()
        assert one.until(0, 1) == [b"0", b"1"]


def test_one_who_cannot_be_told_keeps_nothing_from_the_others():
    """A client's call that broke meanwhile: the rest of its batch is told, and the room is free again."""
    shop, told = Shop(), []

    def broken(found):
        raise RuntimeError("its call is gone")

    with ThreadPoolExecutor(1) as threads:
        gate = Admission(9, 1.0, threads, shop)
        gate.put(1, 9.0, broken)
        gate.put(2, 9.0, told.append)
        while gate.in_flight:
            gate.step()
    assert told == [b"2"]
