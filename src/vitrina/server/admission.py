"""How much work a worker takes on: what it cannot answer in time is refused at once.

The engine answers one batch at a time, so a queue always forms somewhere. Here it is visible, bounded in
length and in time, and what stands in it can be dropped when its client goes away. What waits together is
answered together: the busier a worker, the less each call costs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from vitrina.errors import Overloaded, TimedOut

TOGETHER = 16
"""Calls answered at once: those beyond would wait longer for the batch than they win by it."""


@dataclass(eq=False)
class Waiting:
    """A call in the queue: what it asks, and where its answer goes."""

    asked: Any
    answer: asyncio.Future[bytes]
    alarm: asyncio.TimerHandle


class Admission:
    """A bounded queue before one engine. `limit`: calls inside or waiting; `wait_s`: seconds of patience.

    `serve` answers a batch in `threads`: for each thing asked its bytes, or the exception it failed with.
    """

    def __init__(
        self,
        limit: int,
        wait_s: float,
        threads: Executor,
        serve: Callable[[list[Any]], Sequence[bytes | Exception]],
    ) -> None:
        self.limit, self.wait_s = limit, wait_s
        self.in_flight = 0
        self._threads, self._serve = threads, serve
        self._busy = False
        self._queue: deque[Waiting] = deque()

    async def ask(self, asked: Any, left_s: float) -> bytes:
        """Answer a call that has `left_s` seconds. Raises Overloaded, TimedOut, and what `serve` says."""
        if left_s <= 0:
            raise TimedOut("the deadline passed before the engine was asked")
        if self.in_flight >= self.limit:
            raise Overloaded(f"{self.in_flight} requests are in flight already; ask again later")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        alarm = loop.call_later(min(left_s, self.wait_s), _refuse, answer, left_s <= self.wait_s, self.wait_s)
        self._queue.append(Waiting(asked, answer, alarm))
        self.in_flight += 1
        try:
            if not self._busy:
                self._start(loop)
            return await answer
        finally:
            self.in_flight -= 1
            alarm.cancel()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take from the queue what waits together, and let a thread answer it."""
        batch: list[Waiting] = []
        while self._queue and len(batch) < TOGETHER:
            one = self._queue.popleft()
            if not one.answer.done():
                one.alarm.cancel()
                batch.append(one)
        self._busy = bool(batch)
        if batch:
            # In a thread: the loop goes on refusing, noticing who went away, and answering health.
            work = loop.run_in_executor(self._threads, self._serve, [one.asked for one in batch])
            work.add_done_callback(lambda done: self._finish(loop, batch, done))

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[Waiting],
        done: asyncio.Future[Sequence[bytes | Exception]],
    ) -> None:
        fault = asyncio.CancelledError() if done.cancelled() else done.exception()
        answers: Sequence[Any] = [fault] * len(batch) if fault else done.result()
        for one, found in zip(batch, answers, strict=True):
            if one.answer.done():
                continue  # its client went away
            if isinstance(found, BaseException):
                one.answer.set_exception(found)
            else:
                one.answer.set_result(found)
        self._start(loop)


def _refuse(answer: asyncio.Future[bytes], too_late: bool, wait_s: float) -> None:
    if answer.done():
        return
    if too_late:
        answer.set_exception(TimedOut("the deadline passed before the engine was asked"))
    else:
        answer.set_exception(Overloaded(f"no turn came within {wait_s:g} s; ask again later"))
