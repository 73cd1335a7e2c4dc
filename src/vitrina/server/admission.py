"""How much work a worker takes on: what it cannot answer in time is refused at once.

The engine answers one batch at a time, so a queue always forms somewhere. Here it is visible, bounded in
length and in time, and what stands in it can be dropped when its client goes away. What waits together is
answered together: the busier a worker, the less each call costs.

How long a newcomer would wait is known from how long the latest batches took: one that would lose its
patience, or its deadline, is refused before it costs anything. So goodput does not fall with the load.

It has no thread and no clock of its own: one thread of a front puts calls in and asks it to `step`, which
says when it wants to be asked again.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

from vitrina.errors import Overloaded, TimedOut
from vitrina.server.log import say_fault

TOGETHER = 32
"""Calls answered at once: those beyond would wait longer for the batch than they win by it."""
GATHER_S = 0.0003
"""While calls keep coming closer than this, a busy worker takes them in before it answers."""
STEP_ASIDE_S = 0.05
"""How long a step sleeps for its batch, so that the two do not fight over the interpreter's lock."""
LOOK_S = 0.005
"""How often who waits, and a batch that takes long, are looked after."""
_REMEMBERED = 15
"""Batches by which the next ones are judged; their median, so that a machine's hiccup refuses nobody."""
_NO_TIME = "the deadline passed before the engine was asked"

Found = bytes | BaseException
Tell = Callable[[Found], None]


@dataclass(eq=False, slots=True)
class Waiting:
    """A call in the queue or in the engine: what it asks, and who is told of its answer.

    Moments of `perf_counter`: until when an answer is worth giving, and how long a turn is waited for.
    """

    asked: Any
    told: Tell
    until: float
    patient: float
    gone: bool = False


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
        self._queue: deque[Waiting] = deque()
        self._batch: list[Waiting] = []
        self._work: Future[Sequence[bytes | Exception]] | None = None
        self._each_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._usual_s = 0.0
        self._crowded, self._came, self._began = False, 0.0, 0.0

    def wait(self) -> float:
        """Seconds that a call which came now would wait for its turn, by the latest batches.

        0 while it would be in one of the next two: an estimate is no reason to refuse those.
        """
        return 0.0 if self.in_flight < 2 * TOGETHER else self.in_flight * self._usual_s

    def full(self) -> bool:
        """Whether a call that came now would be refused, whatever its deadline."""
        return self.in_flight >= self.limit or self.wait() > self.wait_s

    def put(self, asked: Any, left_s: float, told: Tell) -> Waiting:
        """Let a call in that has `left_s` seconds; `told` gets what comes of it, once.

        Raises Overloaded and TimedOut where it is not let in.
        """
        if left_s <= 0:
            raise TimedOut(_NO_TIME)
        if self.in_flight >= self.limit:
            raise Overloaded(f"{self.in_flight} requests are in flight already; ask again later")
        if (wait := self.wait()) > min(left_s, self.wait_s):
            raise Overloaded(f"a turn would come in {wait:.2g} s only; ask again later")
        self._came = now = perf_counter()
        one = Waiting(asked, told, now + left_s, now + min(left_s, self.wait_s))
        self._queue.append(one)
        self.in_flight += 1
        return one

    def leave(self, one: Waiting) -> bool:
        """Forget a call whose client went away: nobody is told of it any more. False if it was over."""
        if one.gone:
            return False
        self._end(one)
        return True

    def step(self) -> float | None:
        """Do what is due; seconds after which to ask again, None while nothing waits.

        What waits is answered at once in quiet times, else when no more comes or a batch is full.
        """
        if self._work is not None and not self._finished(self._work, 0.0):
            self._tidy()
            return LOOK_S
        if not self._queue:
            return None
        now = perf_counter()
        if self._crowded and now - self._came < GATHER_S and len(self._queue) < TOGETHER:
            return GATHER_S / 2
        self._start(now)
        if self._work is not None and not self._finished(self._work, STEP_ASIDE_S):
            return LOOK_S
        return 0.0 if self._queue else None

    def _start(self, began: float) -> None:
        """Take from the queue what waits together, and let a thread answer it."""
        batch = self._batch
        while self._queue and len(batch) < TOGETHER:
            one = self._queue.popleft()
            if one.gone:
                continue
            if refusal := self._refusal(one, began, self._usual_s * len(batch)):
                self._end(one, refusal)
            else:
                batch.append(one)
        if batch:
            self._crowded, self._began = len(batch) > 1, began
            # In a thread: if this lasts, the front goes on refusing, noticing who left, and answering health.
            self._work = self._threads.submit(self._serve, [one.asked for one in batch])

    def _finished(self, work: Future[Sequence[bytes | Exception]], patience_s: float) -> bool:
        """Whether the batch is answered within some seconds; if so, those in it are told."""
        if patience_s:
            with contextlib.suppress(TimeoutError):
                work.exception(patience_s)
        if not work.done():
            return False
        batch, self._batch, self._work = self._batch, [], None
        self._came = ended = perf_counter()  # those who were answered may ask again at once
        self._each_s.append((ended - self._began) / len(batch))
        self._usual_s = median(self._each_s)
        fault = work.exception()
        answers: Sequence[Found] = [fault] * len(batch) if fault else work.result()
        for one, found in zip(batch, answers, strict=True):
            if not one.gone:
                self._end(one, found)
        return True

    def _tidy(self) -> None:
        """Refuse who waited for a turn as long as they may, and forget who left."""
        now = perf_counter()
        for one in self._queue:
            if not one.gone and (refusal := self._refusal(one, now, 0.0)):
                self._end(one, refusal)
        self._queue = deque(one for one in self._queue if not one.gone)

    def _refusal(self, one: Waiting, now: float, first_s: float) -> Exception | None:
        """Why a call is not answered any more, where others take `first_s` seconds before it."""
        if one.until < now + first_s:
            return TimedOut(_NO_TIME)
        if one.patient < now:
            return Overloaded(f"no turn came within {self.wait_s:g} s; ask again later")
        return None

    def _end(self, one: Waiting, found: Found | None = None) -> None:
        one.gone = True
        self.in_flight -= 1
        if found is None:
            return
        try:
            one.told(found)
        except Exception as fault:  # its own: the others of a batch are told all the same
            say_fault("fault", fault)
