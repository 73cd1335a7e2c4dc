"""The front on gRPC's core: ports, limits of connections, draining; nothing of what a call is.

Pages and health are answered in the transport's own thread; any other method by a coroutine on the loop that
started the front.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from google.rpc import code_pb2

from vitrina.errors import Malformed
from vitrina.server.access import Access
from vitrina.server.calls import BATCHES, NAME, NOTICE_S, Calls, Method, Told
from vitrina.server.certificates import Certificates
from vitrina.server.failures import Failure, failure
from vitrina.server.gate import Gate
from vitrina.server.health import HEALTH, Health
from vitrina.server.reflection import REFLECTION, reflecting
from vitrina.server.service import MAX_BATCH_BYTES
from vitrina.server.tls import credentials
from vitrina.server.transport import Incoming, Taker, Transport

MIN_PING_MS = 10_000

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.so_reuseport", 1),
    ("grpc.max_receive_message_length", MAX_BATCH_BYTES),
    ("grpc.max_concurrent_streams", 100),
    # A backstop while a batch lasts, in which no call is taken in: gRPC's own threads refuse what is far too
    # much, at half of what the gate takes, but with CANCELLED and no word of when to ask again.
    ("grpc.server.max_pending_requests", 1024),
    ("grpc.server.max_pending_requests_hard_limit", 4096),
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
_LONELY = failure(Malformed("the call ended before its message came"))
Way = Callable[[Incoming], Callable[[], None]]
"""How a call is answered; it returns how to forget it when its client leaves."""


class Front:
    """One listening server over calls, behind `access`."""

    def __init__(self, calls: Calls, access: Access) -> None:
        self.calls, self.options = calls, calls.options
        self.health = Health()
        # A backstop far above the limiter of our own, which answers with a reason and spares health.
        self._most = 4 * (self.options.in_flight + BATCHES)
        self.gate = Gate(access, calls.tallies, calls.crowded)
        self._reflection = {REFLECTION: reflecting((NAME, HEALTH))} if self.options.reflection else {}
        self._transport = Transport(calls.admission.step)

    async def start(self, address: str, health_address: str = "") -> int:
        """Listen, say SERVING, and return the port. `health_address`: a port for health alone, if any.

        The running loop is the one on which coroutines answer. Raises ServerError.
        """
        loop, found = asyncio.get_running_loop(), Certificates.of(self.options)
        alone = {path: self._way(one, loop) for path, one in self.health.methods().items()}
        ways = {path: self._way(one, loop) for path, one in self.calls.methods().items()}
        port = self._transport.listen(
            address,
            credentials(found) if found else None,
            CHANNEL_OPTIONS,
            self._door({**ways, **alone, **self._reflection}, self.gate),
        )
        if health_address:
            door = self._door(alone, Gate(self.gate.access, self.calls.tallies))
            self._transport.listen(health_address, None, CHANNEL_OPTIONS, door)
        self.health.serving(NAME)
        self._transport.start()
        return port

    async def drain(self) -> None:
        """Say NOT_SERVING, take no more calls, and let those inside finish within the grace."""
        self.health.ending()
        await asyncio.sleep(NOTICE_S)
        self.health.drained = True
        await asyncio.to_thread(self._transport.stop, self.options.grace_s)
        self.calls.close()

    def _door(self, ways: Mapping[str, Way], gate: Gate) -> Taker:
        """What becomes of a call that has come: it goes its way, or is refused, its message unread.

        Each door counts its own: who crowds one is not in the way at another.
        """
        inside = 0

        def take(call: Incoming) -> None:
            nonlocal inside
            way = ways.get(call.path)
            if way is None:
                call.refuse(Failure(code_pb2.UNIMPLEMENTED, f"no method {call.path} is served here", ""))
            elif failed := gate.refusal(call.path, call.headers):
                call.refuse(failed)
            elif inside >= self._most:
                call.refuse(gate.full)
            else:
                inside += 1
                forget = way(call)

                def closed(left: bool) -> None:
                    nonlocal inside
                    inside -= 1
                    if left:
                        forget()

                call.attend(closed)

        return take

    def _way(self, method: Method | Told, loop: asyncio.AbstractEventLoop) -> Way:
        return self._telling(method) if isinstance(method, Told) else self._attended(method, loop)

    def _telling(self, method: Told) -> Way:
        """Calls that are answered in the transport's thread."""

        def go(call: Incoming) -> Callable[[], None]:
            leave: Callable[[], None] | None = None

            def told(found: bytes | Failure) -> None:
                if isinstance(found, bytes):
                    call.answer(found)
                else:
                    call.end(found)

            def heard(data: bytes | None) -> None:
                nonlocal leave
                if data is None:
                    call.end(_LONELY)
                else:
                    leave = method.begin(data, call.time_remaining(), told)

            call.receive(heard)
            return lambda: leave() if leave else None

        return go

    def _attended(self, method: Method, loop: asyncio.AbstractEventLoop) -> Way:
        """Calls that coroutines answer, on their loop."""

        def go(call: Incoming) -> Callable[[], None]:
            one = _Attended(call, method, loop)
            call.receive(lambda data: _hop(loop, one.start, data))
            return lambda: _hop(loop, one.cancel)

        return go


class _Attended:
    """A call that a coroutine answers; what a method may know of it."""

    def __init__(self, call: Incoming, method: Method, loop: asyncio.AbstractEventLoop) -> None:
        self._call, self._method, self._loop = call, method, loop
        self._task: asyncio.Task[None] | None = None
        self._left = False

    def time_remaining(self) -> float | None:
        return self._call.time_remaining()

    async def write(self, message: bytes) -> None:
        room: asyncio.Future[None] = self._loop.create_future()
        self._call.send(message, lambda: _hop(self._loop, _done, room))
        await room

    def start(self, data: bytes | None) -> None:
        """Begin to answer."""
        if data is None:
            self._call.end(_LONELY)
        elif not self._left:
            self._task = self._loop.create_task(self._answer(data))

    def cancel(self) -> None:
        """Its client left."""
        self._left = True
        if self._task:
            self._task.cancel()

    async def _answer(self, data: bytes) -> None:
        found = await self._method.answer(data, self)
        if isinstance(found, bytes):
            self._call.answer(found)
        else:
            self._call.end(found)


def _hop(loop: asyncio.AbstractEventLoop, work: Callable[..., None], *told: Any) -> None:
    """From the transport's thread to the loop; a loop that was closed meanwhile needs nothing any more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(work, *told)


def _done(room: asyncio.Future[None]) -> None:
    if not room.done():
        room.set_result(None)
