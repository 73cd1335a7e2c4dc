"""How much work a worker takes on: what it cannot answer in time is refused at once.

The engine answers one batch at a time, so a queue always forms somewhere. Here it is visible, bounded in
length and in time, and what stands in it can be dropped when its client goes away. What waits together is
answered together: the busier a worker, the less each call costs.

How long a newcomer would wait is known from how long the latest batches took: one that would lose its
patience, or its deadline, is refused before it costs anything. So goodput does not fall with the load.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from vitrina.errors import Overloaded, TimedOut

TOGETHER = 32
"""Calls answered at once: those beyond would wait longer for the batch than they win by it."""
GATHER_S = 0.0003
"""While calls keep coming closer than this, a busy worker takes them in before it answers."""
STEP_ASIDE_S = 0.05
"""How long the loop sleeps for a batch, so that the two do not fight over the interpreter's lock."""
_REMEMBERED = 15
"""Batches by which the next ones are judged; their median, so that a machine's hiccup refuses nobody."""
_NO_TIME = "the deadline passed before the engine was asked"


@dataclass(eq=False)
class Waiting:
    """A call in the queue: what it asks, where its answer goes, and until when it is worth giving."""

    asked: Any
    answer: asyncio.Future[bytes]
    alarm: asyncio.TimerHandle
    until: float


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
        self._each_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._usual_s = 0.0
        self._crowded, self._came, self._ended = False, 0.0, 0.0

    def wait(self) -> float:
        """Seconds that a call which came now would wait for its turn, by the latest batches.

        0 while it would be in one of the next two: an estimate is no reason to refuse those.
        """
        return 0.0 if self.in_flight < 2 * TOGETHER else self.in_flight * self._usual_s

    def full(self) -> bool:
        """Whether a call that came now would be refused, whatever its deadline."""
        return self.in_flight >= self.limit or self.wait() > self.wait_s

    async def ask(self, asked: Any, left_s: float) -> bytes:
        """Answer a call that has `left_s` seconds. Raises Overloaded, TimedOut, and what `serve` says."""
        self._came = perf_counter()
        if left_s <= 0:
            raise TimedOut(_NO_TIME)
        if self.in_flight >= self.limit:
            raise Overloaded(f"{self.in_flight} requests are in flight already; ask again later")
        if (wait := self.wait()) > min(left_s, self.wait_s):
            raise Overloaded(f"a turn would come in {wait:.2g} s only; ask again later")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        alarm = loop.call_later(min(left_s, self.wait_s), _refuse, answer, left_s <= self.wait_s, self.wait_s)
        self._queue.append(Waiting(asked, answer, alarm, perf_counter() + left_s))
        self.in_flight += 1
        try:
            if not self._busy:
                self._busy = True
                self._gather(loop)
            return await answer
        finally:
            self.in_flight -= 1
            alarm.cancel()

    def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer what waits: at once in quiet times, else when no more comes or a batch is full."""
        now = perf_counter()
        quiet = not self._crowded and now - self._ended > GATHER_S
        if quiet or now - self._came > GATHER_S or len(self._queue) >= TOGETHER:
            self._start(loop)
        else:
            loop.call_later(GATHER_S / 2, self._gather, loop)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take from the queue what waits together, and let a thread answer it."""
        batch: list[Waiting] = []
        began = perf_counter()
        while self._queue and len(batch) < TOGETHER:
            one = self._queue.popleft()
            if one.answer.done():
                continue
            one.alarm.cancel()
            if one.until < began + self._usual_s * len(batch):
                one.answer.set_exception(TimedOut(_NO_TIME))
                continue
            batch.append(one)
        self._busy = bool(batch)
        if not batch:
            return
        self._crowded = len(batch) > 1
        # In a thread: if this lasts, the loop goes on refusing, noticing who left, and answering health.
        work = self._threads.submit(self._serve, [one.asked for one in batch])
        with contextlib.suppress(TimeoutError, CancelledError):
            work.exception(STEP_ASIDE_S)
        if work.done():
            self._finish(loop, batch, began, work)
        else:
            back = partial(_back, loop, self._finish, batch, began)
            work.add_done_callback(back)

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[Waiting],
        began: float,
        done: Future[Sequence[bytes | Exception]],
    ) -> None:
        self._ended = perf_counter()
        self._each_s.append((self._ended - began) / len(batch))
        self._usual_s = median(self._each_s)
        fault = asyncio.CancelledError() if done.cancelled() else done.exception()
        answers: Sequence[Any] = [fault] * len(batch) if fault else done.result()
        for one, found in zip(batch, answers, strict=True):
            if one.answer.done():
                continue  # its client went away
            if isinstance(found, BaseException):
                one.answer.set_exception(found)
            else:
                one.answer.set_result(found)
        self._came = self._ended
        self._busy = bool(self._queue)
        if self._busy:
            loop.call_soon(self._gather, loop)


def _refuse(answer: asyncio.Future[bytes], too_late: bool, wait_s: float) -> None:
    if answer.done():
        return
    if too_late:
        answer.set_exception(TimedOut(_NO_TIME))
    else:
        answer.set_exception(Overloaded(f"no turn came within {wait_s:g} s; ask again later"))


def _back(loop: asyncio.AbstractEventLoop, finish: Callable[..., None], *told: Any) -> None:
    """From the thread to the loop; a loop that was closed meanwhile needs no answers any more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(finish, loop, *told)
