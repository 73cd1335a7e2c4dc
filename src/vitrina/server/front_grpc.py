"""The service on gRPC: deadlines, admission, health, errors and draining; nothing of recommending.

Messages arrive as raw bytes: a deserializer given to grpcio answers malformed ones with UNKNOWN and
the name of a Python class.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic, perf_counter, time
from typing import Any, cast

import grpc

from vitrina.engine import Engine
from vitrina.errors import Overloaded, ServerError, TimedOut
from vitrina.server.access import Access
from vitrina.server.admission import Admission
from vitrina.server.audiences import Audiences
from vitrina.server.door import Context, Door, refuse
from vitrina.server.events import Reader
from vitrina.server.failures import failure
from vitrina.server.health import HEALTH, Health
from vitrina.server.log import say_call, say_fault
from vitrina.server.metrics import Tallies
from vitrina.server.options import Options
from vitrina.server.recorder import Recorder
from vitrina.server.service import MAX_BATCH_BYTES, Note, Service
from vitrina.server.tls import Certificates, credentials
from vitrina.state.store import Store
from vitrina.v1 import audience_service_pb2 as audience
from vitrina.v1 import event_service_pb2 as event
from vitrina.v1 import recommendation_service_pb2 as v1

NAME: str = v1.DESCRIPTOR.services_by_name["RecommendationService"].full_name
_RECOMMEND = f"/{NAME}/Recommend"
_RECORD = f"/{event.DESCRIPTOR.services_by_name['EventService'].full_name}/Record"
_EXPORT = f"/{audience.DESCRIPTOR.services_by_name['AudienceService'].full_name}/Export"
DEADLINE_S = 2.0
"""What a Recommend without a deadline gets."""
BATCHES = 4
"""Batch calls that one worker serves at once."""
MIN_PING_MS = 10_000
_NOTICE_S = 0.1
"""Between saying NOT_SERVING and taking no more calls, for those who listen."""

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.so_reuseport", 1),
    ("grpc.max_receive_message_length", MAX_BATCH_BYTES),
    ("grpc.max_concurrent_streams", 100),
    # While a batch is answered no call is taken in. Of what waits at the door meanwhile, gRPC's own threads
    # refuse what is too much, at a third of what that would cost in Python.
    ("grpc.server.max_pending_requests", 64),
    ("grpc.server.max_pending_requests_hard_limit", 192),
    ("grpc.max_metadata_size", 8 << 10),
    ("grpc.absolute_max_metadata_size", 16 << 10),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", MIN_PING_MS),
    # SO_REUSEPORT spreads connections, not calls: those that live for ever never even out.
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
)

Answer = Callable[[bytes, Context, Note], Awaitable[bytes | None]]


@dataclass
class Front:
    """One listening server over a service. `clock` gives the seconds since 1970 UTC of answers."""

    service: Service
    clock: Callable[[], int]
    options: Options
    tallies: Tallies = field(default_factory=Tallies)
    access: Access = field(default_factory=lambda: Access(None, time, monotonic))
    health: Health = field(default_factory=Health)
    audiences: Audiences | None = None
    store: Store | None = None

    def __post_init__(self) -> None:
        self._batches = 0
        self.recorder = Recorder(self.store)
        self._pages = ThreadPoolExecutor(1, "pages")
        self.admission = Admission(self.options.in_flight, self.options.wait_s, self._pages, self._answered)
        self._campaigns = ThreadPoolExecutor(1, "campaigns")
        # A backstop far above the limiter of our own, which answers with a reason and spares health.
        most = 4 * (self.options.in_flight + BATCHES)
        self.server = grpc.aio.server(options=CHANNEL_OPTIONS, maximum_concurrent_rpcs=most)
        self.door = Door(
            {**self._methods(), **self.health.methods()}, self.access, self.tallies, self._crowded
        )
        self.server.add_generic_rpc_handlers((self.door,))
        self.reserve = grpc.aio.server(options=CHANNEL_OPTIONS)
        self.reserve.add_generic_rpc_handlers((Door(self.health.methods(), self.access, self.tallies),))
        if self.options.reflection:
            _reflect(self.server)

    async def start(self, address: str, health_address: str = "") -> int:
        """Listen, say SERVING, and return the port. `health_address`: a port for health alone, if any."""
        port = _listen(self.server, address, self.options)
        await self.health.serving(NAME)
        await self.server.start()
        if health_address:
            self.reserve.add_insecure_port(health_address)
            await self.reserve.start()
        return port

    async def drain(self) -> None:
        """Say NOT_SERVING, take no more calls, and let those inside finish within the grace."""
        await self.health.ending()
        await asyncio.sleep(_NOTICE_S)
        self.health.drained.set()
        await self.server.stop(self.options.grace_s)
        await self.reserve.stop(0)
        for threads in (self._pages, self._campaigns):
            threads.shutdown(wait=False, cancel_futures=True)

    def in_flight(self) -> int:
        """Calls inside or waiting."""
        return self.admission.in_flight + self._batches

    def _methods(self) -> dict[str, Any]:
        pages = self._observed("Recommend", self._recommend)
        batches = self._observed("BatchRecommend", self._batch_recommend)
        return {
            _RECOMMEND: grpc.unary_unary_rpc_method_handler(pages),
            f"/{NAME}/BatchRecommend": grpc.unary_stream_rpc_method_handler(batches),
            _RECORD: grpc.unary_unary_rpc_method_handler(self._observed("Record", self._record)),
            _EXPORT: grpc.unary_stream_rpc_method_handler(self._observed("Export", self._export)),
        }

    def _crowded(self, path: str) -> bool:
        return path == _RECOMMEND and self.admission.full()

    async def _recommend(self, data: bytes, context: Context, note: Note) -> bytes:
        return await self.admission.ask((data, note), _left_s(context))

    def _answered(self, calls: list[tuple[bytes, Note]]) -> list[bytes | Exception]:
        return self.service.recommend_many(calls, self.clock())

    async def _record(self, data: bytes, context: Context, note: Note) -> bytes:
        now = self.clock()
        read = Reader(self.service.signer).read(data, now)
        return read.answer(await self.recorder.record(read.events, now, _left_s(context)), note.events)

    async def _batch_recommend(self, data: bytes, context: Context, note: Note) -> None:
        await self._streamed(lambda: self.service.batch_recommend(data, self.clock(), note), context)

    async def _export(self, data: bytes, context: Context, note: Note) -> None:
        audiences = self.audiences or Audiences(cast(Callable[[], Engine], self.service.engine))
        await self._streamed(lambda: audiences.export(data, self.clock()), context)

    async def _streamed(self, begin: Callable[[], Iterator[list[bytes]]], context: Context) -> None:
        """Write what is ready, when the client has taken what was before, until there is no more."""
        if self._batches >= BATCHES:
            raise Overloaded(f"{BATCHES} streams are in flight already; ask again later")
        self._batches += 1
        try:
            answers = begin()
            loop = asyncio.get_running_loop()
            # In a thread of its own: pages are answered while a campaign runs.
            while (ready := await loop.run_in_executor(self._campaigns, next, answers, None)) is not None:
                for one in ready:
                    await context.write(one)
                if _left_s(context, float("inf")) <= 0:
                    raise TimedOut("the deadline passed before every asker was answered")
        finally:
            self._batches -= 1

    def _observed(self, method: str, answer: Answer) -> Any:
        async def call(data: bytes, context: Context) -> bytes | None:
            started, note, code = perf_counter(), Note(), "OK"
            try:
                return await answer(data, context, note)
            except asyncio.CancelledError:
                code = "CANCELLED"
                raise
            except Exception as error:
                failed = failure(error)
                code = failed.name
                if failed.id:
                    say_fault("fault", error, id=failed.id, method=method)
                await refuse(context, failed)
            finally:
                self._finish(method, code, perf_counter() - started, note)

        return call

    def _finish(self, method: str, code: str, total_s: float, note: Note) -> None:
        self.tallies.call(method, code, total_s, note)
        if self.options.log_calls:
            shown = note.shown.values()
            items, fallback = sum(one.items for one in shown), sum(one.fallback for one in shown)
            times = (total_s * 1e3, note.engine_s * 1e3)
            say_call(method, code, note.asked, note.bundle, *times, note.users, items, fallback)


def _left_s(context: Context, otherwise: float = DEADLINE_S) -> float:
    left = context.time_remaining()
    return otherwise if left is None else float(left)


def _listen(server: Any, address: str, options: Options) -> int:
    """Bind a port, encrypted where there is a certificate. Raises ServerError."""
    if not options.tls_cert or not options.tls_key:
        return int(server.add_insecure_port(address))
    found = Certificates(options.tls_cert, options.tls_key, options.tls_client_ca)
    return int(server.add_secure_port(address, credentials(found)))


def _reflect(server: Any) -> None:
    try:
        from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]
    except ImportError:
        raise ServerError(
            "reflection needs the package grpcio-reflection; install it, or serve without --reflection"
        ) from None
    reflection.enable_server_reflection((NAME, HEALTH, reflection.SERVICE_NAME), server)
