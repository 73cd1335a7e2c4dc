"""The service on gRPC: deadlines, admission, health, errors and draining; nothing of recommending.

Messages arrive as raw bytes: a deserializer given to grpcio answers malformed ones with UNKNOWN and
the name of a Python class.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2
from grpc_status.rpc_status import to_status

from vitrina.errors import Malformed, Overloaded, ServerError, TimedOut
from vitrina.server.admission import Admission
from vitrina.server.failures import Failure, failure
from vitrina.server.log import say_call, say_fault
from vitrina.server.metrics import Tallies
from vitrina.server.options import Options
from vitrina.server.service import MAX_BATCH_BYTES, Note, Service
from vitrina.v1 import recommendation_service_pb2 as v1

NAME: str = v1.DESCRIPTOR.services_by_name["RecommendationService"].full_name
HEALTH: str = health.SERVICE_NAME
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

Context = Any
Answer = Callable[[bytes, Context, Note], Awaitable[bytes | None]]


@dataclass
class Front:
    """One listening server over a service. `clock` gives the seconds since 1970 UTC of answers."""

    service: Service
    clock: Callable[[], int]
    options: Options
    tallies: Tallies = field(default_factory=Tallies)
    health: Any = field(default_factory=health.aio.HealthServicer)

    def __post_init__(self) -> None:
        self._batches = 0
        self._pages = ThreadPoolExecutor(1, "pages")
        self.admission = Admission(self.options.in_flight, self.options.wait_s, self._pages, self._answered)
        self._campaigns = ThreadPoolExecutor(1, "campaigns")
        # A backstop far above the limiter of our own, which answers with a reason and spares health.
        most = 4 * (self.options.in_flight + BATCHES)
        self.server = grpc.aio.server(options=CHANNEL_OPTIONS, maximum_concurrent_rpcs=most)
        self._drained = asyncio.Event()
        self.server.add_generic_rpc_handlers((self._handlers(), _health_handlers(self.health, self._drained)))
        if self.options.reflection:
            _reflect(self.server)

    async def start(self, address: str) -> int:
        """Listen, say SERVING, and return the port."""
        port = self.server.add_insecure_port(address)
        await self.health.set(NAME, health_pb2.HealthCheckResponse.SERVING)
        await self.server.start()
        return int(port)

    async def drain(self) -> None:
        """Say NOT_SERVING, take no more calls, and let those inside finish within the grace."""
        await self.health.enter_graceful_shutdown()
        await asyncio.sleep(_NOTICE_S)
        self._drained.set()
        await self.server.stop(self.options.grace_s)
        for threads in (self._pages, self._campaigns):
            threads.shutdown(wait=False, cancel_futures=True)

    def in_flight(self) -> int:
        """Calls inside or waiting."""
        return self.admission.in_flight + self._batches

    def _handlers(self) -> Any:
        pages = self._observed("Recommend", self._recommend)
        batches = self._observed("BatchRecommend", self._batch_recommend)
        methods: dict[str, Any] = {
            "Recommend": grpc.unary_unary_rpc_method_handler(pages),
            "BatchRecommend": grpc.unary_stream_rpc_method_handler(batches),
        }
        return grpc.method_handlers_generic_handler(NAME, methods)

    async def _recommend(self, data: bytes, context: Context, note: Note) -> bytes:
        return await self.admission.ask((data, note), _left_s(context))

    def _answered(self, calls: list[tuple[bytes, Note]]) -> list[bytes | Exception]:
        return self.service.recommend_many(calls, self.clock())

    async def _batch_recommend(self, data: bytes, context: Context, note: Note) -> None:
        if self._batches >= BATCHES:
            raise Overloaded(f"{BATCHES} batches are in flight already; ask again later")
        self._batches += 1
        try:
            answers = self.service.batch_recommend(data, self.clock(), note)
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


async def refuse(context: Context, failed: Failure) -> NoReturn:
    """End a call with a failure and its details."""
    status = to_status(failed.status)
    await context.abort(status.code, status.details, status.trailing_metadata)
    raise AssertionError("abort returned")


def _left_s(context: Context, otherwise: float = DEADLINE_S) -> float:
    left = context.time_remaining()
    return otherwise if left is None else float(left)


def _health_handlers(servicer: Any, drained: asyncio.Event) -> Any:
    """The standard service, from raw bytes like ours; nobody who watches holds up a stop."""

    async def check(data: bytes, context: Context) -> bytes:
        answer = await servicer.Check(await _health_request(data, context), context)
        return bytes(answer.SerializeToString())

    async def watch(data: bytes, context: Context) -> None:
        request = await _health_request(data, context)
        watching = asyncio.ensure_future(servicer.Watch(request, _Serializing(context)))
        ending = asyncio.ensure_future(drained.wait())
        try:
            await asyncio.wait((watching, ending), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                await watching
        finally:
            watching.cancel()
            ending.cancel()

    methods: dict[str, Any] = {
        "Check": grpc.unary_unary_rpc_method_handler(check),
        "Watch": grpc.unary_stream_rpc_method_handler(watch),
    }
    return grpc.method_handlers_generic_handler(HEALTH, methods)


@dataclass(frozen=True)
class _Serializing:
    """A context that takes messages where the real one takes bytes."""

    context: Context

    async def write(self, message: Any) -> None:
        await self.context.write(message.SerializeToString())


async def _health_request(data: bytes, context: Context) -> Any:
    try:
        return health_pb2.HealthCheckRequest.FromString(data)
    except DecodeError:
        await refuse(context, failure(Malformed("the request is not a HealthCheckRequest message")))


def _reflect(server: Any) -> None:
    try:
        from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]
    except ImportError:
        raise ServerError(
            "reflection needs the package grpcio-reflection; install it, or serve without --reflection"
        ) from None
    reflection.enable_server_reflection((NAME, HEALTH, reflection.SERVICE_NAME), server)
