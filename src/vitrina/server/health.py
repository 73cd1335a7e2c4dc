"""The standard health service, from raw bytes like ours; open to everybody. Knows no transport.

It stands beside the methods of a server, and may have a port of its own: there nothing that crowds the
server can crowd it out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2

from vitrina.errors import Malformed
from vitrina.server.calls import Call, Method, Told
from vitrina.server.failures import Failure, failure

HEALTH: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
_LOOK_S = 0.02
_SAYS = health_pb2.HealthCheckResponse


@dataclass
class Health:
    """What a server says of itself, as a whole ('') and by the names of its services.

    Nobody who watches holds up a stop: once `drained` is set, no call of theirs goes on.
    """

    names: set[str] = field(default_factory=lambda: {""})
    ended: bool = False
    drained: bool = False

    def serving(self, name: str) -> None:
        """Say that the service of a name is there."""
        self.names.add(name)

    def ending(self) -> None:
        """Say NOT_SERVING from now on."""
        self.ended = True

    def methods(self) -> Mapping[str, Method | Told]:
        """Its methods by their paths."""
        return {
            f"/{HEALTH}/Check": Told(self._check),
            f"/{HEALTH}/Watch": Method(self._watch, streams=True),
        }

    def _check(
        self, data: bytes, left_s: float | None, tell: Callable[[bytes | Failure], None]
    ) -> Callable[[], None]:
        name = _service(data)
        if isinstance(name, Failure):
            tell(name)
        elif name not in self.names:
            tell(Failure(code_pb2.NOT_FOUND, f"no service {name!r} is served here", ""))
        else:
            tell(self._status())
        return lambda: None

    async def _watch(self, data: bytes, call: Call) -> Failure | None:
        name = _service(data)
        if isinstance(name, Failure):
            return name
        if name in self.names:
            said = self._status()
            await call.write(said)
            await _until(lambda: self.ended)
            if self._status() != said:  # it may have changed while the first was on its way
                await call.write(self._status())
        else:
            await call.write(_bytes(_SAYS.SERVICE_UNKNOWN))
        await _until(lambda: self.drained)
        return None

    def _status(self) -> bytes:
        return _bytes(_SAYS.NOT_SERVING if self.ended else _SAYS.SERVING)


async def _until(true: Callable[[], bool]) -> None:
    """Looked at again and again: several event loops may ask, and an event belongs to one."""
    while not true():
        await asyncio.sleep(_LOOK_S)


def _bytes(status: Any) -> bytes:
    return bytes(_SAYS(status=status).SerializeToString())


def _service(data: bytes) -> str | Failure:
    try:
        return str(health_pb2.HealthCheckRequest.FromString(data).service)
    except DecodeError:
        return failure(Malformed("the request is not a HealthCheckRequest message"))
