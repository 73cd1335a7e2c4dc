"""One worker: forked for the supervisor (`forkserver.py`), or `python -m vitrina.server.worker` where that
cannot be; started by nobody else.

Its order comes as a line of JSON on standard input; what it says on standard output is in `work.py`.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from vitrina.server.log import say
from vitrina.server.options import Order
from vitrina.server.turns import keeping
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
    turns = asyncio.create_task(keeping(front.calls.admission))
    await work.serve(front, stop)
    turns.cancel()


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


if __name__ == "__main__":
    take_name()
    run()
