"""gRPC's reflection: a client that has no proto files asks the server what its services are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.protobuf.message import DecodeError

from vitrina.errors import Malformed, ServerError
from vitrina.server.failures import failure
from vitrina.server.transport import Incoming

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


def reflecting(names: Sequence[str]) -> Callable[[Incoming], Callable[[], None]]:
    """What answers calls of reflection, message by message. Raises ServerError without its package."""
    try:
        from grpc_reflection.v1alpha import reflection, reflection_pb2  # type: ignore[import-untyped]  # it says no types
    except ImportError:
        raise ServerError(
            "reflection needs the package grpcio-reflection; install it, or serve without --reflection"
        ) from None
    servicer = reflection.ReflectionServicer((*names, reflection.SERVICE_NAME))

    def go(call: Incoming) -> Callable[[], None]:
        def heard(data: bytes | None) -> None:
            if data is None:
                call.end(None)
                return
            try:
                asked = reflection_pb2.ServerReflectionRequest.FromString(data)
            except DecodeError:
                call.end(failure(Malformed("the request is not a ServerReflectionRequest message")))
                return
            (said,) = servicer.ServerReflectionInfo(iter((asked,)), None)
            call.send(said.SerializeToString(), lambda: call.receive(heard))

        call.receive(heard)
        return lambda: None

    return go
