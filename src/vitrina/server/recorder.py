"""How a worker records events: what waits together is one write, so one fsync acknowledges many calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from vitrina.errors import Overloaded, StoreError, TimedOut
from vitrina.state.events import Event
from vitrina.state.people import Tombstones
from vitrina.state.recording import Outcome, recording
from vitrina.state.store import Store

TOGETHER = 2_000
"""Events of one write; the calls that hold them are answered together."""
WAITING = 50_000
"""Events that wait for the disk in one worker, at most: beyond, a disk that stalls would fill the memory."""


@dataclass(eq=False)
class Waiting:
    """The events of a call, when it came, in seconds since 1970 UTC, and where its answer goes."""

    events: Sequence[Event]
    now: int
    answer: asyncio.Future[list[Outcome]]


class Recorder:
    """Records events in a store, a write at a time; None where the server was given no store."""

    def __init__(self, store: Store | None, tombstones: Tombstones | None = None) -> None:
        self.store, self.tombstones = store, tombstones
        self.waiting = 0
        self._queue: deque[Waiting] = deque()
        self._busy = False

    async def record(self, events: Sequence[Event], now: int, left_s: float) -> list[Outcome]:
        """What became of events, known once they are on disk. `now`: seconds since 1970 UTC.

        What is not acknowledged within `left_s` seconds may be on disk all the same: its ids make it safe
        to repeat. Raises StoreError, StoreFull, Overloaded and TimedOut.
        """
        if self.store is None:
            raise StoreError("this server keeps no events; start it with --store DIR")
        if not events:
            return []
        if self.waiting + len(events) > WAITING:
            raise Overloaded(f"{self.waiting:,} events wait for the disk; send them again later")
        loop = asyncio.get_running_loop()
        call = Waiting(events, now, loop.create_future())
        alarm = loop.call_later(max(0.0, left_s), _late, call.answer)
        self._queue.append(call)
        self.waiting += len(events)
        try:
            if not self._busy:
                self._write(loop)
            return await call.answer
        finally:
            alarm.cancel()
            self.waiting -= len(events)

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write what waits and is still wanted, as of when the latest of it came."""
        batch: list[Waiting] = []
        events: list[Event] = []
        while self._queue and len(events) < TOGETHER:
            one = self._queue.popleft()
            if not one.answer.done():
                batch.append(one)
                events += one.events
        self._busy = bool(batch)
        if not batch or self.store is None:
            return
        now = max(one.now for one in batch)
        try:
            done = self.store.write(recording(events, now, self.tombstones))
        except StoreError as reason:
            done = Future()
            done.set_exception(reason)
        done.add_done_callback(partial(_back, loop, self._finish, batch))

    def _finish(
        self, loop: asyncio.AbstractEventLoop, batch: list[Waiting], done: Future[list[Outcome]]
    ) -> None:
        reason, start = done.exception(), 0
        for one in batch:
            stop = start + len(one.events)
            if not one.answer.done():
                if reason:
                    one.answer.set_exception(reason)
                else:
                    one.answer.set_result(done.result()[start:stop])
            start = stop
        self._write(loop)


def _late(answer: asyncio.Future[list[Outcome]]) -> None:
    if not answer.done():
        answer.set_exception(TimedOut("the deadline passed before the events were on disk; send them again"))


def _back(loop: asyncio.AbstractEventLoop, finish: Any, *told: Any) -> None:
    """From the thread that writes to the loop; a loop that was closed meanwhile needs no answers any more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(finish, loop, *told)
