"""Admission: batches in order, few waiting, nobody for long, nobody for nothing."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

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


def trial(body, limit=10, wait_s=5.0, *, shut=False):
    """Run a coroutine with an admission and its shop."""

    async def run():
        shop = Shop(shut=shut)
        with ThreadPoolExecutor(1) as threads:
            gate = Admission(limit, wait_s, threads, shop)
            try:
                await asyncio.wait_for(body(gate, shop), 20)
            finally:
                shop.door.set()
        assert gate.in_flight == 0

    asyncio.run(run())


async def asking(gate, asked, left_s=10.0):
    """Ask in a task of its own; give it once it stands in the queue."""
    task = asyncio.create_task(gate.ask(asked, left_s))
    await asyncio.sleep(0)
    return task


def test_what_waits_together_is_answered_together_in_order():
    """One call is inside; those that come meanwhile form the next batches, first come first."""

    async def body(gate, shop):
        calls = [await asking(gate, number) for number in range(TOGETHER + 3)]
        shop.door.set()
        assert await asyncio.gather(*calls) == [b"%d" % number for number in range(TOGETHER + 3)]
        assert shop.batches == [[0], list(range(1, TOGETHER + 1)), [TOGETHER + 1, TOGETHER + 2]]

    trial(body, limit=100, shut=True)


def test_each_gets_its_own_error():
    """One bad call of a batch spoils none of the others; a fault of the whole batch reaches all of it."""

    async def body(gate, shop):
        calls = [await asking(gate, one) for one in (1, 2, -3, 4)]
        shop.door.set()
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(one) for one in found] == [bytes, bytes, InvalidRequest, bytes]
        with pytest.raises(TypeError):
            await gate.ask("x", 5.0)
        assert await gate.ask(5, 5.0) == b"5"

    trial(body, shut=True)


def test_the_limit_is_exact():
    """As many as the limit are admitted at once, the next is refused at once."""

    async def body(gate, shop):
        calls = [await asking(gate, number) for number in range(3)]
        with pytest.raises(Overloaded, match="3 requests are in flight"):
            await gate.ask(9, 5.0)
        shop.door.set()
        await asyncio.gather(*calls)
        assert await gate.ask(9, 5.0) == b"9"

    trial(body, limit=3, shut=True)


def test_patience_ends():
    """Who waits too long is refused: overloaded, or out of time if that came first; the engine never knows."""

    async def body(gate, shop):
        inside = await asking(gate, 0)
        with pytest.raises(Overloaded, match="no turn came within"):
            await gate.ask(1, 5.0)
        with pytest.raises(TimedOut):
            await gate.ask(2, 0.01)
        with pytest.raises(TimedOut):
            await gate.ask(3, 0.0)
        assert gate.in_flight == 1
        shop.door.set()
        assert await inside == b"0"
        assert await gate.ask(4, 5.0) == b"4"
        assert shop.batches == [[0], [4]]

    trial(body, wait_s=0.02, shut=True)


def test_whose_turn_would_come_too_late_is_refused_at_once():
    """By how long the latest batch took: beyond two batches, who has less time than the queue is not let in."""

    async def body(gate, shop):
        slow = await asking(gate, 0)
        await asyncio.sleep(0.06)
        shop.door.set()
        await slow
        shop.door.clear()
        calls = [await asking(gate, number, 600.0) for number in range(2 * TOGETHER)]
        assert gate.wait() > 1.0
        with pytest.raises(Overloaded, match="a turn would come in"):
            await gate.ask(1, 1.0)
        assert gate.in_flight == 2 * TOGETHER
        assert not gate.full()
        calls.append(await asking(gate, 1, 600.0))
        shop.door.set()
        assert len(await asyncio.gather(*calls)) == 2 * TOGETHER + 1

    trial(body, limit=100, wait_s=600.0, shut=True)


def test_who_is_inside_is_not_out_of_patience():
    """Patience is for waiting: a call whose batch takes longer than that is answered all the same."""

    async def body(gate, shop):
        inside = await asking(gate, 0)
        await asyncio.sleep(0.1)
        shop.door.set()
        assert await inside == b"0"

    trial(body, wait_s=0.02, shut=True)


def test_who_leaves_the_queue_holds_nobody_up():
    """Cancelled callers are never served, and those behind them are."""

    async def body(gate, shop):
        inside, first, second, third = [await asking(gate, number) for number in range(4)]
        first.cancel()
        inside.cancel()
        await asyncio.sleep(0)
        second.cancel()
        shop.door.set()
        assert await third == b"3"
        assert shop.batches == [[0], [3]]

    trial(body, shut=True)
