"""The front on grpcio: ports, limits of connections, draining; nothing of what a call is.

Messages arrive as raw bytes: a deserializer given to grpcio answers malformed ones with UNKNOWN and
the name of a Python class.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from vitrina.errors import ServerError
from vitrina.server.access import Access
from vitrina.server.calls import BATCHES, NAME, NOTICE_S, Calls
from vitrina.server.certificates import Certificates
from vitrina.server.door import Door, handlers
from vitrina.server.gate import Gate
from vitrina.server.health import HEALTH, Health
from vitrina.server.options import Options
from vitrina.server.service import MAX_BATCH_BYTES
from vitrina.server.tls import credentials

MIN_PING_MS = 10_000

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


class Front:
    """One listening server over calls, behind `access`."""

    def __init__(self, calls: Calls, access: Access) -> None:
        self.calls, self.options = calls, calls.options
        self.health = Health()
        # A backstop far above the limiter of our own, which answers with a reason and spares health.
        most = 4 * (self.options.in_flight + BATCHES)
        self.server = grpc.aio.server(options=CHANNEL_OPTIONS, maximum_concurrent_rpcs=most)
        self.gate = Gate(access, calls.tallies, calls.crowded)
        methods = {**calls.methods(), **self.health.methods()}
        self.server.add_generic_rpc_handlers((Door(handlers(methods), self.gate),))
        self.reserve = grpc.aio.server(options=CHANNEL_OPTIONS)
        alone = Door(handlers(self.health.methods()), Gate(access, calls.tallies))
        self.reserve.add_generic_rpc_handlers((alone,))
        if self.options.reflection:
            _reflect(self.server)

    async def start(self, address: str, health_address: str = "") -> int:
        """Listen, say SERVING, and return the port. `health_address`: a port for health alone, if any."""
        port = _listen(self.server, address, self.options)
        self.health.serving(NAME)
        await self.server.start()
        if health_address:
            self.reserve.add_insecure_port(health_address)
            await self.reserve.start()
        return port

    async def drain(self) -> None:
        """Say NOT_SERVING, take no more calls, and let those inside finish within the grace."""
        self.health.ending()
        await asyncio.sleep(NOTICE_S)
        self.health.drained = True
        await self.server.stop(self.options.grace_s)
        await self.reserve.stop(0)
        self.calls.close()


def _listen(server: Any, address: str, options: Options) -> int:
    """Bind a port, encrypted where there is a certificate. Raises ServerError."""
    found = Certificates.of(options)
    return int(
        server.add_secure_port(address, credentials(found)) if found else server.add_insecure_port(address)
    )


def _reflect(server: Any) -> None:
    try:
        from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]
    except ImportError:
        raise ServerError(
            "reflection needs the package grpcio-reflection; install it, or serve without --reflection"
        ) from None
    reflection.enable_server_reflection((NAME, HEALTH, reflection.SERVICE_NAME), server)
