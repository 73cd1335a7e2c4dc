"""One worker: forked for the supervisor (`forkserver.py`), or `python -m vitrina.server.worker` where that
cannot be; started by nobody else.

Its order comes as a line of JSON on standard input; what it says on standard output is in `work.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from vitrina.server.log import say
from vitrina.server.options import Order
from vitrina.server.work import Work, failed

NAME = b"vitrina-worker"
_SET_NAME = 15
"""PR_SET_NAME of linux/prctl.h."""


def main() -> int:
    """Read the order, serve until told to stop, and return the exit code."""
    told = sys.stdin.readline()
    if not told:
        return 0  # the supervisor ended meanwhile
    order = Order.of_json(told)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which tells us
    try:
        if order.options.front == "envoy":
            from vitrina.server.envoy import become

            become(order)
        keep_turns()
        with asyncio.Runner(loop_factory=_loop_factory(uvloop=order.options.uvloop)) as runner:
            runner.run(serve(Work(order)))
    except Exception as fault:
        return failed(fault)
    return 0


async def serve(work: Work) -> None:
    """Serve on grpcio until SIGTERM. Raises VitrinaError where it cannot begin."""
    from vitrina.server.front_grpc import Front

    stop = asyncio.Event()
    front = Front(*work.open())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await work.serve(front, stop)


def _loop_factory(*, uvloop: bool) -> Callable[[], asyncio.AbstractEventLoop]:
    if not uvloop or sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop as fast

    return fast.new_event_loop


def run() -> NoReturn:
    """Serve as a process of its own, to its end."""
    code = main()
    say("worker stopped", code=code)
    os._exit(code)  # grpcio may hang while the interpreter takes itself down (grpc/grpc#40989)


def take_name() -> None:
    """Be called so by `ps` and `top`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_NAME, NAME, 0, 0, 0)


def keep_turns() -> None:
    """Let no thread of this one's take a core from another by waking up: all those begun later do as it does.

    gRPC's threads would at every packet, and read one by one what has come; they find it together at the end
    of a turn. Where a core is free nothing waits. Sandboxes that forbid it lose a tenth of their best rate.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


if __name__ == "__main__":
    take_name()
    run()
