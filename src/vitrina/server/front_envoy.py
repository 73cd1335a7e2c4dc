"""The front inside Envoy: gRPC over ASGI, as `pyvoy` hands it from Envoy's HTTP/2 to Python.

One request is one call: `grpc-timeout` is its deadline, its body a length-prefixed message, its trailers
the status (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). gRPC-Web and JSON come as
the same, for Envoy's filters translate them (`envoy_config.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import monotonic
from typing import Any

from google.rpc import code_pb2

from vitrina.server.access import Access
from vitrina.server.admission import Admission
from vitrina.server.calls import NAME, NOTICE_S, Call, Calls, Method, Told
from vitrina.server.envoy_admin import Admin
from vitrina.server.failures import Failure
from vitrina.server.framing import framed, message, seconds, status
from vitrina.server.gate import Gate
from vitrina.server.health import Health
from vitrina.server.service import MAX_BATCH_BYTES

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_LOOK_S = 0.1
"""How often a call that takes long looks whether its client is still there: pyvoy tells nobody unasked."""
_TYPE = (b"content-type", b"application/grpc")
_START = {"type": "http.response.start", "status": 200, "headers": [_TYPE], "trailers": True}
_END = {"type": "http.response.body", "body": b"", "more_body": False}
_OK = {"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")], "more_trailers": False}


class Front:
    """Calls behind `access`; `admin` is the Envoy around them. `health_port` answers health alone."""

    def __init__(self, calls: Calls, access: Access, admin: Admin) -> None:
        self.calls, self.options, self.admin = calls, calls.options, admin
        self.health = Health()
        self.gate = Gate(access, calls.tallies, calls.crowded)
        self.alone = self.health.methods()
        self.methods: Mapping[str, Method | Told] = {**calls.methods(), **self.alone}
        self._turns = _Turns(calls.admission)

    async def start(self, address: str, health_address: str = "") -> int:
        """Wait until Envoy listens, say SERVING, and return the port."""
        self.health.serving(NAME)
        await self.admin.ready()
        return int(address.rpartition(":")[2])

    async def drain(self) -> None:
        """Say NOT_SERVING, take no more connections, and let the calls inside finish within the grace."""
        self.health.ending()
        await asyncio.sleep(NOTICE_S)
        self.health.drained = True
        await self.admin.drain(self.options.grace_s)
        self.calls.close()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        try:
            failed = await self._answer(scope, receive, send)
            if failed:
                await _refuse(send, failed)
        except (OSError, asyncio.CancelledError):
            return  # its client went away

    async def _answer(self, scope: dict[str, Any], receive: Receive, send: Send) -> Failure | None:
        headers = dict(scope["headers"])
        if not headers.get(b"content-type", b"").startswith(b"application/grpc"):
            await _elsewhere(send)
            return None
        methods = self.alone if scope["server"][1] == self.options.health_port else self.methods
        method = methods.get(scope["path"])
        if method is None:
            return Failure(code_pb2.UNIMPLEMENTED, f"no method {scope['path']} is served here", "")
        told = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        if failed := self.gate.refusal(scope["path"], told):
            return failed
        call = _Call(send, seconds(headers.get(b"grpc-timeout")))
        body = await _body(receive)
        data = message(body, headers.get(b"grpc-encoding", b"identity"), MAX_BATCH_BYTES)
        if isinstance(data, Failure):
            return data
        if isinstance(method, Told):
            answer: Awaitable[bytes | Failure | None] = self._turns.of(method, data, call)
        else:
            answer = method.answer(data, call)
        found = await _attended(answer, receive)
        if isinstance(found, Failure):
            return await call.end(found)
        if not isinstance(method, Told) and method.streams:
            return await call.end(None)
        assert found is not None
        await send(_START)
        await send({"type": "http.response.body", "body": framed(found), "more_body": False})
        await send(_OK)
        return None


class _Call:
    """What a method may know of its call, and how several answers go out."""

    def __init__(self, send: Send, timeout_s: float | None) -> None:
        self._send, self._begun = send, False
        self._deadline = None if timeout_s is None else monotonic() + timeout_s

    def time_remaining(self) -> float | None:
        return None if self._deadline is None else self._deadline - monotonic()

    async def write(self, message: bytes) -> None:
        await self._begin()
        try:
            await self._send({"type": "http.response.body", "body": framed(message), "more_body": True})
        except OSError:
            raise asyncio.CancelledError from None

    async def end(self, failed: Failure | None) -> Failure | None:
        """Say how it went; where nothing was written yet, a failure is handed back to be said alone."""
        if failed and not self._begun:
            return failed
        await self._begin()
        await self._send(_END)
        trailers = status(failed) if failed else _OK["headers"]
        await self._send({"type": "http.response.trailers", "headers": trailers, "more_trailers": False})
        return None

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            await self._send(_START)


class _Turns:
    """Methods that need no coroutine, for one: they are told on an event loop, which steps the admission."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None

    async def of(self, method: Told, data: bytes, call: Call) -> bytes | Failure:
        """What a call gets; one whose task is cancelled is forgotten."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes | Failure] = loop.create_future()
        leave = method.begin(data, call.time_remaining(), partial(_tell, answer))
        if not answer.done() and self._timer is None:
            self._timer = loop.call_soon(self._step, loop)
        try:
            return await answer
        except asyncio.CancelledError:
            leave()
            raise

    def _step(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do what is due, again and again while anything waits."""
        self._timer = None
        due = self._admission.step()
        self._timer = None if due is None else loop.call_later(due, self._step, loop)


def _tell(answer: asyncio.Future[bytes | Failure], found: bytes | Failure) -> None:
    if not answer.done():
        answer.set_result(found)


async def _body(receive: Receive) -> bytes:
    """The bytes of a request, or more than the largest has. Raises OSError when its client goes."""
    found: bytes = b""
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise OSError("the client went away")
        found += event["body"]
        if not event["more_body"] or len(found) > MAX_BATCH_BYTES + 5:
            return found


async def _attended(answer: Awaitable[Any], receive: Receive) -> Any:
    """What an answer comes to, unless its client goes away before: then it is cancelled."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    over, looking = False, set()

    async def look() -> None:
        # What `receive` gives is never cancelled: pyvoy would set its result all the same.
        while not over:
            gone = (await receive())["type"] == "http.disconnect"
            if gone and not over and task is not None:
                task.cancel()
                return
            await asyncio.sleep(_LOOK_S)

    alarm = loop.call_later(_LOOK_S, lambda: looking.add(loop.create_task(look())))
    try:
        return await answer
    finally:
        over = True
        alarm.cancel()


async def _refuse(send: Send, failed: Failure) -> None:
    """End a call that has no answer: its status is in the headers."""
    await send({"type": "http.response.start", "status": 200, "headers": [_TYPE, *status(failed)]})
    await send(_END)


async def _elsewhere(send: Send) -> None:
    """What is no gRPC, and no JSON that Envoy could read as such."""
    kind = (b"content-type", b"text/plain")
    await send({"type": "http.response.start", "status": 415, "headers": [kind]})
    await send({**_END, "body": b"this port speaks gRPC, gRPC-Web and JSON (POST application/json)\n"})
