"""Admission: one at a time, few waiting, nobody for long, nobody for nothing."""

from __future__ import annotations

import asyncio

import pytest

from vitrina.errors import Overloaded, TimedOut
from vitrina.server.admission import Admission


async def pass_through(gate, log, name, left_s=5.0):
    """Enter, note it, leave."""
    await gate.enter(left_s)
    log.append(name)
    gate.leave()


async def settle():
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_first_come_first_served():
    """Callers get their turn in the order they came."""

    async def run():
        gate, log = Admission(10, 1.0), []
        await asyncio.gather(*(pass_through(gate, log, number) for number in range(8)))
        assert log == list(range(8))
        assert gate.in_flight == 0

    asyncio.run(run())


def test_the_limit_is_exact():
    """As many as the limit are admitted at once, the next is refused at once."""

    async def run():
        gate, log = Admission(3, 1.0), []
        await gate.enter(5.0)
        waiting = [asyncio.create_task(pass_through(gate, log, number)) for number in range(2)]
        await settle()
        with pytest.raises(Overloaded, match="3 requests are in flight"):
            await gate.enter(5.0)
        gate.leave()
        await asyncio.gather(*waiting)
        assert log == [0, 1]
        await pass_through(gate, log, 2)

    asyncio.run(run())


def test_patience_ends():
    """Who waits too long is refused: overloaded, or out of time if that came first."""

    async def run():
        gate, log = Admission(10, 0.02), []
        await gate.enter(5.0)
        with pytest.raises(Overloaded, match="no turn came within"):
            await gate.enter(5.0)
        with pytest.raises(TimedOut):
            await gate.enter(0.01)
        with pytest.raises(TimedOut):
            await gate.enter(0.0)
        assert gate.in_flight == 1
        gate.leave()
        await pass_through(gate, log, "next")
        assert log == ["next"]

    asyncio.run(run())


def test_who_leaves_the_queue_holds_nobody_up():
    """A cancelled caller gives its place to the next, even when its turn had just come."""

    async def run():
        gate, log = Admission(10, 1.0), []
        await gate.enter(5.0)
        first = asyncio.create_task(pass_through(gate, log, "first"))
        second = asyncio.create_task(pass_through(gate, log, "second"))
        third = asyncio.create_task(pass_through(gate, log, "third"))
        await settle()
        first.cancel()
        gate.leave()  # gives the turn to `second`, who has not run yet
        second.cancel()
        await settle()
        assert await asyncio.wait_for(third, 1) is None
        assert log == ["third"]
        assert gate.in_flight == 0
        await pass_through(gate, log, "later")

    asyncio.run(run())
