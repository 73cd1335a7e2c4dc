"""gRPC's core driven by one thread: calls are events of its queue, without a thread or a task each.

grpc.server gives every call a thread and grpc.aio a task, which cost twice and four times what the core does
(benchmarks/front.py). Both are Python over `grpc._cython.cygrpc`, and so is this; it is not public, so it is
spoken of in this file alone, and the promises of fronts are tests.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from threading import Event, Lock, Thread
from typing import Any, NamedTuple

from grpc._cython import cygrpc  # type: ignore[attr-defined]  # not public: see above

from vitrina.errors import ServerError
from vitrina.server.failures import Failure
from vitrina.server.log import say_fault

IDLE_S = 1.0
"""How long the queue is waited at when nothing is due."""
BETWEEN = 2_000
"""Events after which what is due is done even though more have come: some four to a call. Whoever waits here
has no turn yet and is not refused, so that it must be far more than come during a batch."""
DETAILS = "grpc-status-details-bin"
_NO_FLAGS = 0
_AT_ONCE = 0.0
"""A moment long past: the queue is looked at, and not waited at."""
_SHORT_S = 0.001
"""The queue's own clock ticks in milliseconds; what is shorter is slept."""
_FOREVER_S = 1e9
_TIMEOUT, _SHUTDOWN = cygrpc.CompletionType.queue_timeout, cygrpc.CompletionType.queue_shutdown

Settings = Sequence[tuple[str, int]]
Heard = Callable[[bytes | None], None]


class _Queue:
    """gRPC's completion queue, and whether it still takes anything: what is begun on one that was shut aborts
    the process. Whoever answers from another thread may be that late."""

    __slots__ = ("_lock", "_shut", "core")

    def __init__(self) -> None:
        self.core = cygrpc.CompletionQueue()
        self._lock, self._shut = Lock(), False

    def begin(self, call: Any, operations: tuple[Any, ...], came: Callable[[Any], None]) -> None:
        """Have the operations of a call done, then `came` called; of a queue that is shut, neither."""
        with self._lock:
            if not self._shut:
                call.start_server_batch(operations, came)

    def shut(self) -> None:
        """Take nothing any more."""
        with self._lock:
            self._shut = True
            self.core.shutdown()


class Incoming:
    """A call that has come: what its headers say, and how it is read, answered and ended.

    Its methods may be used from any thread; after the transport's end they do nothing.
    """

    __slots__ = ("_begun", "_call", "_deadline", "_over", "_queue", "headers", "path")

    def __init__(self, event: Any, queue: _Queue) -> None:
        self._call, self._queue = event.call, queue
        self.path: str = event.call_details.method.decode("latin-1")
        self._deadline = event.call_details.deadline
        self.headers: Iterable[tuple[str, Any]] = event.invocation_metadata
        self._begun = self._over = False

    def time_remaining(self) -> float | None:
        """Seconds until its deadline; None where it has none."""
        left = self._deadline - time.time()
        return left if left < _FOREVER_S else None

    def attend(self, closed: Callable[[bool], None]) -> None:
        """Go on with a call; `closed` is called when it is over: did its client leave before?"""

        def came(event: Any) -> None:
            left = not self._over and event.batch_operations[0].cancelled()
            self._over = True
            closed(left)

        self._queue.begin(self._call, (cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),), came)

    def receive(self, heard: Heard) -> None:
        """Ask for the next message; `heard` gets it, or None where there is no more."""

        def came(event: Any) -> None:
            heard(event.batch_operations[0].message() if event.success else None)

        self._queue.begin(self._call, (cygrpc.ReceiveMessageOperation(_NO_FLAGS),), came)

    def answer(self, message: bytes) -> None:
        """Send the one answer, and end well."""
        if not self._over:
            self._finish((*self._opening(), cygrpc.SendMessageOperation(message, _NO_FLAGS), _well()))

    def send(self, message: bytes, sent: Callable[[], None]) -> None:
        """Send one of several answers; `sent` is called when the client has room for the next."""
        operations = (*self._opening(), cygrpc.SendMessageOperation(message, _NO_FLAGS))
        self._queue.begin(self._call, operations, lambda event: sent())

    def end(self, failed: Failure | None) -> None:
        """End after several answers: well, or with a failure."""
        if not self._over:
            self._finish((*self._opening(), _badly(failed) if failed else _well()))

    def refuse(self, failed: Failure) -> None:
        """End a call that nobody attends, its message unread."""
        self._over = True
        closed = cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS)
        self._queue.begin(self._call, (*self._opening(), closed, _badly(failed)), _ignored)

    def _finish(self, operations: tuple[Any, ...]) -> None:
        self._over = True
        self._queue.begin(self._call, operations, _ignored)

    def _opening(self) -> tuple[Any, ...]:
        """The headers of the answer, if they were not sent yet."""
        if self._begun:
            return ()
        self._begun = True
        return (cygrpc.SendInitialMetadataOperation(None, _NO_FLAGS),)


Taker = Callable[[Incoming], None]


class _Next(NamedTuple):
    """Asks for the next call of a server."""

    server: Any
    take: Taker


class Transport:
    """Listening servers on one queue, and the thread that takes what comes of it.

    `step` does what is due whenever nothing more has come; it returns the seconds after which to call it
    again, None if not before something comes.
    """

    def __init__(self, step: Callable[[], float | None]) -> None:
        self._step = step
        self._queue = _Queue()
        self._servers: list[tuple[Any, Taker]] = []
        self._thread = Thread(target=self._run, name="front", daemon=True)

    def listen(self, address: str, credentials: Any, settings: Settings, take: Taker) -> int:
        """Bind a port for calls that `take` gets; `credentials` None for plain text. Raises ServerError."""
        server = cygrpc.Server(tuple(settings), False)
        server.register_completion_queue(self._queue.core)
        chosen = () if credentials is None else (credentials._credentials,)
        port = int(server.add_http2_port(address.encode(), *chosen))
        if not port:
            raise ServerError(f"cannot listen on {address}; choose another port")
        self._servers.append((server, take))
        return port

    def start(self) -> None:
        """Let calls in."""
        for server, take in self._servers:
            server.start()
            self._ask(server, take)
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """Let nobody in any more, wait for the calls inside as long as the grace, then cancel them.

        Servers go in the order in which they were bound; the grace is the first one's: the others answer on.
        """
        for server, _ in self._servers:
            over = Event()
            server.shutdown(self._queue.core, over)
            if not over.wait(grace_s):
                server.cancel_all_calls()
                over.wait()
            server.destroy()
            grace_s = 0.0
        self._queue.shut()
        self._thread.join()

    def _ask(self, server: Any, take: Taker) -> None:
        """Ask for the next call, unless the server is being shut down."""
        with contextlib.suppress(ValueError):
            server.request_call(self._queue.core, self._queue.core, _Next(server, take))

    def _run(self) -> None:
        poll, since = self._queue.core.poll, 0
        until = _AT_ONCE
        while True:
            event = poll(until)
            kind = event.completion_type
            if kind == _SHUTDOWN:
                return
            if kind != _TIMEOUT:
                self._take(event)
                until, since = _AT_ONCE, since + 1
            del event  # a call that is over must not live on in it
            if kind == _TIMEOUT or since >= BETWEEN:
                until, since = _until(self._due()), 0

    def _due(self) -> float | None:
        try:
            return self._step()
        except Exception as fault:
            say_fault("fault", fault)
            return IDLE_S

    def _take(self, event: Any) -> None:
        tag = event.tag
        try:
            if isinstance(tag, _Next):
                if event.success:
                    self._ask(tag.server, tag.take)
                    tag.take(Incoming(event, self._queue))
            elif isinstance(tag, Event):
                tag.set()
            else:
                tag(event)
        except Exception as fault:
            say_fault("fault", fault)


def _until(due_s: float | None) -> float:
    """Until when the queue is waited at, in seconds since 1970 UTC, if something is due in some seconds."""
    if due_s is None or due_s >= _SHORT_S:
        return time.time() + (IDLE_S if due_s is None else due_s)
    if due_s:
        time.sleep(due_s)
    return _AT_ONCE


def _well() -> Any:
    return cygrpc.SendStatusFromServerOperation(None, cygrpc.StatusCode.ok, b"", _NO_FLAGS)


def _badly(failed: Failure) -> Any:
    message = failed.message.encode()
    return cygrpc.SendStatusFromServerOperation(_trailers(failed), failed.code, message, _NO_FLAGS)


@lru_cache(maxsize=64)
def _trailers(failed: Failure) -> tuple[tuple[str, bytes], ...]:
    """The details of a failure; a crowded worker says the same to many."""
    return ((DETAILS, failed.status.SerializeToString()),)


def _ignored(event: Any) -> None:
    """Nothing follows from it."""
