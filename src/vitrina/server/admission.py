"""How much work a worker takes on: what it cannot answer in time is refused at once.

An event loop runs one engine call at a time, so a queue always forms somewhere; here it is visible,
bounded in length and in time, and what stands in it can be dropped when its client goes away.

grpcio takes in calls one after the other, a few rounds of the loop each. A loop that went from one
engine call to the next would leave the queue inside grpcio, where nobody is refused and health checks
wait like the rest. So between turns the calls that are coming in are heard, a few at most: to hear and
refuse one costs about a third of an answer, and some turns must be left for answers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from vitrina.errors import Overloaded, TimedOut

HEARD = 2
"""Calls taken in between two turns, at most."""
_QUIET_S, _QUIET_SHARE = 0.0001, 0.05
"""Seconds, or share of the turn that ended, without another call, after which none is coming in."""
_UNHEARD = 4
"""Turns that pass straight on after nobody was heard: listening is not free either."""


class Admission:
    """A bounded queue before one engine. `limit`: calls inside or waiting; `wait_s`: seconds of patience."""

    def __init__(self, limit: int, wait_s: float) -> None:
        self.limit = limit
        self.wait_s = wait_s
        self.in_flight = 0
        self._taken = False
        self._queue: deque[asyncio.Future[None]] = deque()
        self._heard = 0
        self._unheard = 0
        self._entered = 0.0

    def expect(self) -> None:
        """A call's headers are here; it is going to enter when its message is, too."""
        self._heard += 1

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
            self._entered = monotonic()
        except BaseException:
            self.in_flight -= 1
            raise

    def leave(self) -> None:
        """Give the turn back."""
        self.in_flight -= 1
        self._heard = 0
        if self._unheard:
            self._unheard -= 1
            asyncio.get_running_loop().call_soon(self._pass_on)
        else:
            self._hear(0, max(_QUIET_S, _QUIET_SHARE * (monotonic() - self._entered)), monotonic())

    def _hear(self, heard: int, quiet_s: float, since: float) -> None:
        """Pass the turn on once nobody was heard for a while, or enough were."""
        now = monotonic()
        if self._heard < HEARD and (self._heard > heard or now < since + quiet_s):
            last = now if self._heard > heard else since
            asyncio.get_running_loop().call_soon(self._hear, self._heard, quiet_s, last)
        else:
            self._unheard = 0 if self._heard >= HEARD else _UNHEARD
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
