"""The methods of a server, whatever front carries them: bytes to bytes, admission, deadlines, tallies.

Knows no transport. A front reads a message, says how much time its call has, takes the answers, and puts
a failure into its transport's words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol, cast

from vitrina.engine import Engine
from vitrina.errors import Overloaded, TimedOut, VitrinaError
from vitrina.server.admission import Admission, Found
from vitrina.server.audiences import Audiences
from vitrina.server.events import Reader
from vitrina.server.explanations import explained
from vitrina.server.failures import Failure, failure
from vitrina.server.items import Updater, listed
from vitrina.server.log import say_call, say_fault
from vitrina.server.metrics import Tallies
from vitrina.server.options import Options
from vitrina.server.recorder import Recorder
from vitrina.server.service import Note, Service
from vitrina.state.people import Tombstones
from vitrina.state.store import Store
from vitrina.v1 import audience_service_pb2 as audience
from vitrina.v1 import catalog_service_pb2 as catalog
from vitrina.v1 import event_service_pb2 as event
from vitrina.v1 import recommendation_service_pb2 as v1

NAME: str = v1.DESCRIPTOR.services_by_name["RecommendationService"].full_name
AUDIENCES: str = audience.DESCRIPTOR.services_by_name["AudienceService"].full_name
CATALOGUE: str = catalog.DESCRIPTOR.services_by_name["CatalogService"].full_name
EVENTS: str = event.DESCRIPTOR.services_by_name["EventService"].full_name
RECOMMEND = f"/{NAME}/Recommend"
DEADLINE_S = 2.0
"""What a Recommend without a deadline gets."""
BATCHES = 4
"""Batch calls, exports and explanations that one worker serves at once."""
NOTICE_S = 0.1
"""Between saying NOT_SERVING and taking no more calls, for those who listen."""


class Call(Protocol):
    """What a method needs to know of the call that it answers. One whose client leaves is cancelled."""

    def time_remaining(self) -> float | None:
        """Seconds until its deadline; None where it has none."""

    async def write(self, message: bytes) -> None:
        """Send one of several answers; returns when the client has room for the next."""


Answer = Callable[[bytes, Call, Note], Awaitable[bytes | None]]


@dataclass(frozen=True)
class Method:
    """`answer` returns what a unary call gets, nothing for one that `streams`, or why there is none."""

    answer: Callable[[bytes, Call], Awaitable[bytes | Failure | None]]
    streams: bool


@dataclass(frozen=True)
class Told:
    """A method without a coroutine: `begin` tells, once, now or later, what a call gets or why it does not.

    It is given the message and the seconds that the call has, None for as many as it takes; it returns how to
    forget the call. Only the thread that steps the admission may ask it, and it is told there.
    """

    begin: Callable[[bytes, float | None, Callable[[bytes | Failure], None]], Callable[[], None]]


@dataclass
class Calls:
    """The methods over a service. `clock` gives the seconds since 1970 UTC of answers."""

    service: Service
    clock: Callable[[], int]
    options: Options
    tallies: Tallies = field(default_factory=Tallies)
    audiences: Audiences | None = None
    store: Store | None = None

    def __post_init__(self) -> None:
        self._batches = 0
        self.recorder = Recorder(self.store, Tombstones(self.options.store) if self.options.store else None)
        self.updater = Updater(self.store)
        self._pages = ThreadPoolExecutor(1, "pages")
        self._campaigns = ThreadPoolExecutor(1, "campaigns")
        self.admission = Admission(self.options.in_flight, self.options.wait_s, self._pages, self._answered)

    def methods(self) -> Mapping[str, Method | Told]:
        """All of them, by their paths."""
        return {
            RECOMMEND: Told(self._recommend),
            f"/{NAME}/BatchRecommend": Method(
                self._observed("BatchRecommend", self._batch_recommend), streams=True
            ),
            f"/{NAME}/Explain": Method(self._observed("Explain", self._explain), streams=False),
            f"/{EVENTS}/Record": Method(self._observed("Record", self._record), streams=False),
            f"/{CATALOGUE}/UpdateItems": Method(self._observed("UpdateItems", self._update), streams=False),
            f"/{CATALOGUE}/ListItemUpdates": Method(
                self._observed("ListItemUpdates", self._list_updates), streams=False
            ),
            f"/{AUDIENCES}/Export": Method(self._observed("Export", self._export), streams=True),
        }

    def crowded(self, path: str) -> bool:
        """Whether a method has no room now."""
        return path == RECOMMEND and self.admission.full()

    def in_flight(self) -> int:
        """Calls inside or waiting."""
        return self.admission.in_flight + self._batches

    def close(self) -> None:
        """Let the threads end; what still waits for them is dropped."""
        for threads in (self._pages, self._campaigns):
            threads.shutdown(wait=False, cancel_futures=True)

    def _recommend(
        self, data: bytes, left_s: float | None, tell: Callable[[bytes | Failure], None]
    ) -> Callable[[], None]:
        started, note = perf_counter(), Note()

        def told(found: Found) -> None:
            failed = None if isinstance(found, bytes) else self._failed("Recommend", found)
            self._finish("Recommend", failed.name if failed else "OK", perf_counter() - started, note)
            tell(failed or cast(bytes, found))

        try:
            one = self.admission.put((data, note), DEADLINE_S if left_s is None else left_s, told)
        except VitrinaError as reason:
            told(reason)
            return lambda: None

        def leave() -> None:
            if self.admission.leave(one):
                self._finish("Recommend", "CANCELLED", perf_counter() - started, note)

        return leave

    def _answered(self, calls: list[tuple[bytes, Note]]) -> list[bytes | Exception]:
        return self.service.recommend_many(calls, self.clock())

    async def _record(self, data: bytes, call: Call, note: Note) -> bytes:
        now = self.clock()
        read = Reader(self.service.signer).read(data, now)
        if self.service.pace:
            read.pace(self.service.pace)
        return read.answer(await self.recorder.record(read.events, now, _left_s(call)), note.events)

    async def _update(self, data: bytes, call: Call, note: Note) -> bytes:
        read = self.updater.read(data, self.clock())
        return read.answer(await self.updater.update(read, _left_s(call)), note.items)

    async def _list_updates(self, data: bytes, call: Call, note: Note) -> bytes:
        with self._apart():
            return await asyncio.get_running_loop().run_in_executor(self._campaigns, listed, self.store, data)

    async def _explain(self, data: bytes, call: Call, note: Note) -> bytes:
        with self._apart():
            return await asyncio.get_running_loop().run_in_executor(
                self._campaigns, explained, self.service, data, self.clock(), note
            )

    async def _batch_recommend(self, data: bytes, call: Call, note: Note) -> None:
        await self._streamed(lambda: self.service.batch_recommend(data, self.clock(), note), call)

    async def _export(self, data: bytes, call: Call, note: Note) -> None:
        audiences = self.audiences or Audiences(cast(Callable[[], Engine], self.service.engine))
        await self._streamed(lambda: audiences.export(data, self.clock()), call)

    async def _streamed(self, begin: Callable[[], Iterator[list[bytes]]], call: Call) -> None:
        """Write what is ready, when the client has taken what was before, until there is no more."""
        with self._apart():
            answers = begin()
            loop = asyncio.get_running_loop()
            # In a thread of its own: pages are answered while a campaign runs.
            while (ready := await loop.run_in_executor(self._campaigns, next, answers, None)) is not None:
                for one in ready:
                    await call.write(one)
                if _left_s(call, float("inf")) <= 0:
                    raise TimedOut("the deadline passed before every asker was answered")

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """Count a call that is answered apart from pages. Raises Overloaded where there are too many."""
        if self._batches >= BATCHES:
            raise Overloaded(f"{BATCHES} batches are in flight already; ask again later")
        self._batches += 1
        try:
            yield
        finally:
            self._batches -= 1

    def _observed(
        self, method: str, answer: Answer
    ) -> Callable[[bytes, Call], Awaitable[bytes | Failure | None]]:
        async def observed(data: bytes, call: Call) -> bytes | Failure | None:
            started, note, code = perf_counter(), Note(), "OK"
            try:
                return await answer(data, call, note)
            except asyncio.CancelledError:
                code = "CANCELLED"
                raise
            except Exception as error:
                failed = self._failed(method, error)
                code = failed.name
                return failed
            finally:
                self._finish(method, code, perf_counter() - started, note)

        return observed

    def _failed(self, method: str, error: BaseException) -> Failure:
        """What a caller is told of an error; the log has the cause where it is a fault of ours."""
        failed = failure(error)
        if failed.id:
            say_fault("fault", error, id=failed.id, method=method)
        return failed

    def _finish(self, method: str, code: str, total_s: float, note: Note) -> None:
        self.tallies.call(method, code, total_s, note)
        if self.options.log_calls:
            shown = note.shown.values()
            items, fallback = sum([one.items for one in shown]), sum([one.fallback for one in shown])
            times = (total_s * 1e3, note.engine_s * 1e3)
            say_call(method, code, note.asked, note.bundle, *times, note.users, items, fallback)


def _left_s(call: Call, otherwise: float = DEADLINE_S) -> float:
    left = call.time_remaining()
    return otherwise if left is None else float(left)
