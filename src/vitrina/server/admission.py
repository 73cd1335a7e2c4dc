"""How much work a worker takes on: what it cannot answer in time is refused at once.

The engine answers one call at a time, so a queue always forms somewhere. Here it is visible, bounded in
length and in time, and what stands in it can be dropped when its client goes away.
"""

from __future__ import annotations

import asyncio
from collections import deque

from vitrina.errors import Overloaded, TimedOut


class Admission:
    """A bounded queue before one engine. `limit`: calls inside or waiting; `wait_s`: seconds of patience."""

    def __init__(self, limit: int, wait_s: float) -> None:
        self.limit = limit
        self.wait_s = wait_s
        self.in_flight = 0
        self._taken = False
        self._queue: deque[asyncio.Future[None]] = deque()

    async def enter(self, left_s: float) -> None:
        """Wait for a turn, for `left_s` seconds at most. Raises Overloaded and TimedOut.

        Whoever entered must leave.
        """
        if left_s <= 0:
            raise TimedOut("the deadline passed before the engine was asked")
        if self.in_flight >= self.limit:
            raise Overloaded(f"{self.in_flight} requests are in flight already; ask again later")
        self.in_flight += 1
        try:
            if self._taken:
                await self._turn(left_s)
            self._taken = True
        except BaseException:
            self.in_flight -= 1
            raise

    def leave(self) -> None:
        """Give the turn back: to the first in the queue, if anybody waits."""
        self.in_flight -= 1
        self._pass_on()

    async def _turn(self, left_s: float) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._queue.append(turn)
        alarm = loop.call_later(min(left_s, self.wait_s), _refuse, turn, left_s <= self.wait_s, self.wait_s)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.exception():
                self._pass_on()  # the turn had just been given to a caller who is gone
            raise
        finally:
            alarm.cancel()

    def _pass_on(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False


def _refuse(turn: asyncio.Future[None], too_late: bool, wait_s: float) -> None:
    if turn.done():
        return
    if too_late:
        turn.set_exception(TimedOut("the deadline passed before the engine was asked"))
    else:
        turn.set_exception(Overloaded(f"no turn came within {wait_s:g} s; ask again later"))
