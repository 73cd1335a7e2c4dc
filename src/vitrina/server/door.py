"""The door of a gRPC server: what is decided about a call before its message is read.

Is there such a method, may its caller call it, and is there room? A refusal here costs a fraction of one
that has a message, a deadline and a line in the log of its own: that is how a crowded worker stays useful.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import grpc
from grpc_status.rpc_status import to_status

from vitrina.errors import Overloaded, VitrinaError
from vitrina.server.access import Access
from vitrina.server.failures import Failure, failure
from vitrina.server.metrics import Tallies

Context = Any


class Door(grpc.GenericRpcHandler):
    """The methods of a server by their paths, behind `access`.

    `crowded`: whether a method has no room now. What is refused is counted in `tallies` and `refused`, by
    method and code, not logged call by call: whoever floods a server shall not fill its disk.
    """

    def __init__(
        self,
        methods: Mapping[str, Any],
        access: Access,
        tallies: Tallies,
        crowded: Callable[[str], bool] = lambda path: False,
    ) -> None:
        self.methods, self.access, self.tallies, self.crowded = dict(methods), access, tallies, crowded
        self.refused: Counter[tuple[str, str]] = Counter()
        self._full = failure(Overloaded("more requests are waiting than can be answered; ask again later"))
        self._full_handler = _refusing(self._full)

    def service(self, details: Any) -> Any:
        """The handler of a call, or the one that refuses it; None where there is no such method."""
        handler = self.methods.get(details.method)
        if handler is None:
            return None
        try:
            self.access.check(details.method, details.invocation_metadata)
        except VitrinaError as reason:
            failed = failure(reason)
            self._count(details.method, failed.name)
            return _refusing(failed)
        if self.crowded(details.method):
            self._count(details.method, self._full.name)
            return self._full_handler
        return handler

    def take_refused(self) -> dict[str, int]:
        """What was refused since the last time: calls by method and code."""
        found = {f"{method} {code}": n for (method, code), n in self.refused.items()}
        self.refused.clear()
        return found

    def _count(self, path: str, code: str) -> None:
        method = path.rpartition("/")[2]
        self.refused[method, code] += 1
        self.tallies.refused(method, code)


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
