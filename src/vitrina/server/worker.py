"""One worker: `python -m vitrina.server.worker`, started by the supervisor and by nobody else.

Its order comes as a line of JSON on standard input; when that input ends, so has the supervisor, and
the worker stops too. On standard output it says that it serves, or why it does not, and then once a
second what it counted: a line of JSON each.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from vitrina.errors import ServerError, VitrinaError
from vitrina.registry import Registry
from vitrina.server.access import Access
from vitrina.server.audiences import Audiences
from vitrina.server.current import Current
from vitrina.server.front_grpc import Front
from vitrina.server.generations import Generations
from vitrina.server.limits import Visitors
from vitrina.server.log import say, say_fault
from vitrina.server.metrics import Tallies
from vitrina.server.options import Options, Order, address
from vitrina.server.service import Service, forgetful
from vitrina.server.token import Signer
from vitrina.state.lately import Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.opening import Opening
from vitrina.state.store import Store

_LOOK_S = 0.25
"""How often a worker looks whether another bundle is current."""
_REPORT_S = 1.0
_OVERTIME_S = 3.0
"""How long after the grace a worker that will not stop is stopped."""


def main() -> int:
    """Read the order, serve until told to stop, and return the exit code."""
    order = Order.of_json(sys.stdin.readline())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which tells us
    clock = _clock(order.options.as_of)
    current = Current(
        Registry(order.options.registry),
        Generations(order.folder),
        order.options.placements,
        clock,
        Tallies(),
    )
    try:
        current.open()
        store = _store(order.options)
        lately = Lately(store).live if store else forgetful
        service = Service(current, Signer(order.token_key), _pace(order.options), lately)
        audiences = Audiences.of(current, order.options)
        with asyncio.Runner(loop_factory=_loop_factory(uvloop=order.options.uvloop)) as runner:
            runner.run(_serve(order, service, audiences, current, clock, store))
    except VitrinaError as reason:
        return _fail(reason)
    except Exception as fault:
        say_fault("worker failed", fault)
        return _fail(ServerError(f"a worker cannot start: {type(fault).__name__}; its log says more"))
    return 0


async def _serve(
    order: Order,
    service: Service,
    audiences: Audiences,
    current: Current,
    clock: Callable[[], int],
    store: Store | None,
) -> None:
    options = order.options
    access = Access(options.tokens, time.time, time.monotonic, 1 / options.workers)
    access.open()
    front = Front(service, clock, options, current.tallies, access, audiences=audiences, store=store)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin.fileno(), stop.set)
    beside = address(options.host, options.health_port) if options.health_port else ""
    await front.start(address(options.host, order.port), beside)
    watching = asyncio.create_task(_watch(current, front))
    _tell(state=current.state())
    _tell(ready=current().version)
    await stop.wait()
    loop.remove_reader(sys.stdin.fileno())
    _stop_hard(options.grace_s + _OVERTIME_S)
    watching.cancel()
    await front.drain()
    if store:
        store.close()
    _report(current, front)


async def _watch(current: Current, front: Front) -> None:
    """Follow the registry. Checking and warming happen in a thread; calls go on meanwhile."""
    reported = 0.0
    while True:
        if time.monotonic() >= reported + _REPORT_S:
            _report(current, front)
            reported = time.monotonic()
        await asyncio.sleep(_LOOK_S)
        before = current.state()
        try:
            await asyncio.to_thread(current.refresh)
        except Exception as fault:
            say_fault("bundle refused", fault)
        if current.state() != before:
            _tell(state=current.state())


def _report(current: Current, front: Front) -> None:
    current.age()
    if refused := front.door.take_refused():
        say("refused", calls=refused)
    current.tallies.gauges["vitrina_in_flight"] = front.in_flight()
    _tell(metrics=current.tallies.report())


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


def _clock(as_of: int | None) -> Callable[[], int]:
    return (lambda: int(time.time())) if as_of is None else (lambda: as_of)


def _loop_factory(*, uvloop: bool) -> Callable[[], asyncio.AbstractEventLoop]:
    if not uvloop or sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop as fast

    return fast.new_event_loop


def _stop_hard(after_s: float) -> None:
    alarm = threading.Timer(after_s, os._exit, (1,))
    alarm.daemon = True
    alarm.start()


def _fail(reason: VitrinaError) -> int:
    _tell(failed=type(reason).__name__, message=str(reason))
    return reason.exit_code


def _tell(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main()
    say("worker stopped", code=code)
    os._exit(code)  # grpcio may hang while the interpreter takes itself down (grpc/grpc#40989)
