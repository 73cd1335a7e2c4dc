"""The worker inside Envoy: the application that pyvoy runs on an event loop of its own thread."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vitrina.server.certificates import Certificates
from vitrina.server.envoy import ORDER, place
from vitrina.server.envoy_admin import Admin
from vitrina.server.front_envoy import Front, Receive, Send
from vitrina.server.log import say
from vitrina.server.options import Order
from vitrina.server.renewal import Renewal
from vitrina.server.work import Work, failed


class Application:
    """ASGI: its life is that of a worker. The process ends with it, and Envoy, which has drained, too.

    Envoy begins a life for every port, in turn: the first is the worker's.
    """

    def __init__(self, work: Callable[[Order], Work] = Work) -> None:
        self.work = work
        self.front: Front | None = None
        self._lives: list[asyncio.Task[Any] | None] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Live, or answer one request."""
        if scope["type"] == "http":
            assert self.front is not None
            await self.front(scope, receive, send)
            return
        # Nobody else holds on to a life while it waits: whoever collected garbage then would end it.
        self._lives.append(asyncio.current_task())
        await receive()
        if self.front is None:
            await self._live(send)
        await send({"type": "lifespan.startup.complete"})  # a second port, on a loop of its own

    async def _live(self, send: Send) -> None:
        code = 0
        try:
            order = _order()
            folder = place(order, os.getpid())
            work, stop = self.work(order), asyncio.Event()
            self.front = Front(*work.open(), Admin(folder / "admin"))
            _on_term(stop.set)
            await send({"type": "lifespan.startup.complete"})
            following = _renewing(order, folder)
            await work.serve(self.front, stop)
            following.cancel()
        except Exception as fault:
            code = failed(fault)
        say("worker stopped", code=code)
        os._exit(code)


def _order() -> Order:
    with open(int(os.environ.pop(ORDER))) as told:  # noqa: PTH123 - a number, not a path
        return Order.of_json(told.read())


def _renewing(order: Order, folder: Path) -> asyncio.Future[None]:
    """Follow the certificates, if there are any."""
    files = Certificates.of(order.options)
    if files is None:
        return asyncio.get_running_loop().create_future()
    return asyncio.ensure_future(Renewal(files, folder).follow())


def _on_term(told: Callable[[], None]) -> None:
    """Call on SIGTERM, which is blocked in every thread, so one may wait for it."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        signal.sigwait({signal.SIGTERM})
        loop.call_soon_threadsafe(told)

    threading.Thread(target=wait, daemon=True).start()


app = Application()
