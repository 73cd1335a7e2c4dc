"""What a worker does beside answering: opens a bundle, follows the registry, tells the supervisor, and stops.

It says on standard output that it serves, or why it does not, and then once a second what it counted: a
line of JSON each. When its standard input ends, so has the supervisor, and the worker stops too.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol

from vitrina.errors import ServerError, VitrinaError
from vitrina.registry import Registry
from vitrina.server.access import Access
from vitrina.server.audiences import Audiences
from vitrina.server.calls import Calls
from vitrina.server.current import Current
from vitrina.server.gate import Gate
from vitrina.server.generations import Generations
from vitrina.server.limits import Visitors
from vitrina.server.log import say, say_fault
from vitrina.server.metrics import Tallies
from vitrina.server.options import Options, Order, address
from vitrina.server.service import Service, forgetful
from vitrina.server.token import Signer
from vitrina.state.items import Following
from vitrina.state.lately import Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.opening import Opening
from vitrina.state.people import Tombstones
from vitrina.state.store import Store
from vitrina.state.upkeep import Upkeep
from vitrina.wording import Wording

_LOOK_S = 0.25
"""How often a worker looks whether another bundle is current."""
_REPORT_S = 1.0
_OVERTIME_S = 3.0
"""How long after the grace a worker that will not stop is stopped."""


class Front(Protocol):
    """What carries calls to and fro."""

    @property
    def gate(self) -> Gate:
        """What every call passes."""

    async def start(self, address: str, health_address: str = "") -> int:
        """Listen, and return the port."""

    async def drain(self) -> None:
        """Take no more calls, let those inside finish, and stop listening."""


class Work:
    """The work of one order: what is current, and the calls that it answers."""

    def __init__(self, order: Order) -> None:
        self.order, self.options = order, order.options
        as_of = self.options.as_of
        self.clock: Callable[[], int] = (lambda: int(time.time())) if as_of is None else (lambda: as_of)
        self.current = Current(
            Registry(self.options.registry),
            Generations(order.folder),
            self.options.placements,
            self.clock,
            Tallies(),
        )

    def open(self) -> tuple[Calls, Access]:
        """The methods over the current bundle, and who may call them. Raises VitrinaError."""
        gc.collect()
        gc.freeze()  # modules stay: looking through them again would hold up calls for 50 ms
        if self.options.sentences:
            self.current.wording = Wording.open(self.options.sentences)
        self.current.open()
        store = _store(self.options)
        folder = self.options.store
        lately = Lately(store, Tombstones(folder)) if store and folder else None
        if store:
            Following(store, self.current.tell).start()
            Upkeep(store, self.clock, 86_400 * self.options.keep_days).start()
        service = Service(
            self.current,
            Signer(self.order.token_key),
            _pace(self.options),
            lately.live if lately else forgetful,
        )
        audiences = Audiences.of(self.current, self.options, store, lately)
        self.calls = Calls(service, self.clock, self.options, self.current.tallies, audiences, store)
        access = Access(self.options.tokens, time.time, time.monotonic, 1 / self.options.workers)
        access.open()
        return self.calls, access

    async def serve(self, front: Front, stop: asyncio.Event) -> None:
        """Serve on a front until told to stop, or until the supervisor is gone."""
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), stop.set)
        health_port = self.options.health_port
        beside = address(self.options.host, health_port) if health_port else ""
        await front.start(address(self.options.host, self.order.port), beside)
        watching = asyncio.create_task(self._watch(front))
        tell(state=self.current.state())
        tell(ready=self.current().version)
        await stop.wait()
        loop.remove_reader(sys.stdin.fileno())
        _stop_hard(self.options.grace_s + _OVERTIME_S)
        watching.cancel()
        await front.drain()
        if self.calls.store:
            self.calls.store.close()
        self._report(front)

    async def _watch(self, front: Front) -> None:
        """Follow the registry. Checking and warming happen in a thread; calls go on meanwhile."""
        reported = 0.0
        while True:
            if time.monotonic() >= reported + _REPORT_S:
                self._report(front)
                reported = time.monotonic()
            await asyncio.sleep(_LOOK_S)
            before = self.current.state()
            try:
                await asyncio.to_thread(self.current.refresh)
            except Exception as fault:
                say_fault("bundle refused", fault)
            if self.current.state() != before:
                tell(state=self.current.state())

    def _report(self, front: Front) -> None:
        self.current.age()
        if refused := front.gate.take_refused():
            say("refused", calls=refused)
        self.calls.tallies.gauges["vitrina_in_flight"] = self.calls.in_flight()
        tell(metrics=self.calls.tallies.report())


def failed(fault: Exception) -> int:
    """Tell the supervisor why a worker ends; its exit code."""
    if not isinstance(fault, VitrinaError):
        say_fault("worker failed", fault)
        fault = ServerError(f"a worker cannot start: {type(fault).__name__}; its log says more")
    tell(failed=type(fault).__name__, message=str(fault))
    return fault.exit_code


def tell(**words: object) -> None:
    """Say a line to the supervisor. Where it is gone nobody listens, and the worker ends in a moment."""
    try:
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _pace(options: Options) -> Callable[[str], None] | None:
    """What bounds how often a visitor is answered; nothing where everybody may ask everything."""
    if not options.tokens:
        return None
    share = 1 / options.workers
    visitors = Visitors(options.visitor_rate * share, options.visitor_burst * share)
    return lambda visitor: visitors.check(visitor, time.monotonic())


def _store(options: Options) -> Store | None:
    """The store, which may turn out to be gone: then lists do without it."""
    folder = options.store
    return Opening(lambda: LmdbStore(folder, ack=options.ack)) if folder else None


def _stop_hard(after_s: float) -> None:
    alarm = threading.Timer(after_s, os._exit, (1,))
    alarm.daemon = True
    alarm.start()
