"""The door of a gRPC server: a call's handler, or one that refuses it as the gate says, message unread.

A refusal here costs a fraction of one that has a message, a deadline and a line in the log of its own:
that is how a crowded worker stays useful.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import grpc
from grpc_status.rpc_status import to_status

from vitrina.server.failures import Failure
from vitrina.server.gate import Gate

Context = Any


class Door(grpc.GenericRpcHandler):
    """The methods of a server by their paths, behind a gate."""

    def __init__(self, methods: Mapping[str, Any], gate: Gate) -> None:
        self.methods, self.gate = dict(methods), gate
        self._full_handler = _refusing(gate.full)

    def service(self, details: Any) -> Any:
        """The handler of a call, or the one that refuses it; None where there is no such method."""
        handler = self.methods.get(details.method)
        if handler is None:
            return None
        failed = self.gate.refusal(details.method, details.invocation_metadata)
        if failed is None:
            return handler
        return self._full_handler if failed is self.gate.full else _refusing(failed)


async def refuse(context: Context, failed: Failure) -> NoReturn:
    """End a call with a failure and its details."""
    await _abort(context, to_status(failed.status))
    raise AssertionError("abort returned")


def _refusing(failed: Failure) -> Any:
    """A handler that ends a call with a failure. It asks for a stream, so no message is waited for."""
    status = to_status(failed.status)

    async def call(messages: Any, context: Context) -> None:
        await _abort(context, status)

    return grpc.stream_unary_rpc_method_handler(call)


async def _abort(context: Context, status: Any) -> None:
    await context.abort(status.code, status.details, status.trailing_metadata)
