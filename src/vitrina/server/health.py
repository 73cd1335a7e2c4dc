"""The standard health service on gRPC, from raw bytes like ours; open to everybody.

It stands beside the methods of a server, and may have a port of its own: there nothing that crowds the
server can crowd it out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2

from vitrina.errors import Malformed
from vitrina.server.door import Context, refuse
from vitrina.server.failures import failure

HEALTH: str = health.SERVICE_NAME


@dataclass
class Health:
    """What a server says of itself; nobody who watches holds up a stop."""

    servicer: Any = field(default_factory=health.aio.HealthServicer)
    drained: asyncio.Event = field(default_factory=asyncio.Event)

    async def serving(self, name: str) -> None:
        """Say that the service of a name is there."""
        await self.servicer.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def ending(self) -> None:
        """Say NOT_SERVING from now on."""
        await self.servicer.enter_graceful_shutdown()

    def methods(self) -> Mapping[str, Any]:
        """Its handlers by their paths."""
        return {
            f"/{HEALTH}/Check": grpc.unary_unary_rpc_method_handler(self._check),
            f"/{HEALTH}/Watch": grpc.unary_stream_rpc_method_handler(self._watch),
        }

    async def _check(self, data: bytes, context: Context) -> bytes:
        answer = await self.servicer.Check(await _request(data, context), context)
        return bytes(answer.SerializeToString())

    async def _watch(self, data: bytes, context: Context) -> None:
        request = await _request(data, context)
        watching = asyncio.ensure_future(self.servicer.Watch(request, _Serializing(context)))
        ending = asyncio.ensure_future(self.drained.wait())
        try:
            await asyncio.wait((watching, ending), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                await watching
        finally:
            watching.cancel()
            ending.cancel()


@dataclass(frozen=True)
class _Serializing:
    """A context that takes messages where the real one takes bytes."""

    context: Context

    async def write(self, message: Any) -> None:
        await self.context.write(message.SerializeToString())


async def _request(data: bytes, context: Context) -> Any:
    try:
        return health_pb2.HealthCheckRequest.FromString(data)
    except DecodeError:
        await refuse(context, failure(Malformed("the request is not a HealthCheckRequest message")))
