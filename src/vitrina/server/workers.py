"""The supervisor: several workers on one port. It serves no calls and never imports grpc.

Workers are forked by a process that serves nothing either (`forkserver.py`), and share the port by
SO_REUSEPORT. One that dies is replaced, later each time if it keeps dying; the others answer meanwhile, and
clients retry what it held. SIGHUP restarts them in turn: the new one serves before the old one drains, so
there is no gap.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable
from typing import Any

from vitrina.errors import ServerError
from vitrina.registry import Registry
from vitrina.server import metrics
from vitrina.server.access import Tokens
from vitrina.server.generations import run_folder
from vitrina.server.keeper import Keeper, beginning
from vitrina.server.log import say
from vitrina.server.operators import Operators
from vitrina.server.options import FRONTS, Options, Order
from vitrina.server.startup import reserved, token_key
from vitrina.state.lmdb_store import LmdbStore


def serve(options: Options, announce: Callable[[str], None] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return 0 once every worker has drained.

    When all workers are ready, `announce` is given one line of JSON; by default it is printed. Raises
    VitrinaError where the server cannot start: a registry without a bundle, a port that is taken, a
    key that is too short, a tokens file that is none, a store that cannot be opened.
    """
    _check(options)
    Registry(options.registry).current()
    key = token_key(options.token_key_file)
    with contextlib.ExitStack() as held:
        port = held.enter_context(reserved(options.host, options.port))
        if options.health_port:
            held.enter_context(reserved(options.host, options.health_port))
        folder = held.enter_context(run_folder(options.run_dir))
        return asyncio.run(_Supervisor(Order(options, port, key, folder), announce or _print).run())


def _check(options: Options) -> None:
    if options.workers < 1:
        raise ServerError(f"{options.workers} workers cannot serve; give --workers 1 or more")
    if options.front not in FRONTS:
        raise ServerError(f"there is no front {options.front!r}; give --front {' or '.join(FRONTS)}")
    if options.front == "envoy":
        from vitrina.server.envoy import check

        check(options)
        say("front envoy", note="experimental; ARCHITECTURE.md, Two fronts, says what it does otherwise")
    elif options.web_origins:
        raise ServerError("pages of browsers are answered by the front envoy only; give --front envoy")
    if options.tokens:
        Tokens.read(options.tokens)
    if options.store:
        LmdbStore(options.store, create=True).close()
    if bool(options.tls_cert) != bool(options.tls_key) or (options.tls_client_ca and not options.tls_cert):
        raise ServerError("TLS needs a certificate and its key; give both --tls-cert and --tls-key")


def _print(line: str) -> None:
    print(line, flush=True)


class _Supervisor:
    def __init__(self, order: Order, announce: Callable[[str], None]) -> None:
        self.order, self.announce = order, announce
        self.collected = metrics.Collected()
        self.begin, self.renew = beginning(order.options)
        self.operators = Operators(order)
        self.stopping = asyncio.Event()
        self.keepers: list[Keeper] = []
        self.tasks: dict[Keeper, asyncio.Task[None]] = {}
        self.turn = asyncio.Lock()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._stop)
        rolls: set[asyncio.Task[None]] = set()
        loop.add_signal_handler(signal.SIGHUP, lambda: rolls.add(asyncio.create_task(self._roll())))
        with contextlib.ExitStack() as closing:
            where = self._expose(closing)
            self.keepers = [self._start(number) for number in range(self.order.options.workers)]
            ready = [*(one.ready for one in self.keepers), loop.create_future()]
            desk = asyncio.create_task(self.operators.keep(ready[-1], self.stopping))
            try:
                await self._announced(ready, where)
                await self.stopping.wait()
            finally:
                self._stop()
                await asyncio.gather(desk, *self.tasks.values(), *rolls, return_exceptions=True)
                await self.renew()
        return 0

    def _start(self, number: int) -> Keeper:
        keeper = Keeper(number, self.order, self.begin, self._heard, self._gone)
        self.tasks[keeper] = asyncio.create_task(keeper.keep())
        return keeper

    async def _roll(self) -> None:
        """Replace every worker by a fresh one, in turn; stop where one cannot start, and keep the old."""
        async with self.turn:
            say("rolling restart", workers=len(self.keepers))
            await self.renew()
            for place, old in enumerate(self.keepers):
                new = self._start(old.number)
                stop = asyncio.ensure_future(self.stopping.wait())
                await asyncio.wait((new.ready, stop), return_when=asyncio.FIRST_COMPLETED)
                stop.cancel()
                if self.stopping.is_set():
                    return
                if reason := new.ready.exception():
                    say("rolling restart stopped", worker=old.number, reason=str(reason))
                    return
                self.keepers[place] = new
                old.retire()
                await self.tasks.pop(old)
            say("rolling restart done", workers=len(self.keepers))

    def _heard(self, number: int, pid: int, name: str, value: Any) -> None:
        if name == "metrics":
            self.collected.heard(pid, value)
        elif name == "state":
            self.operators.heard(number, pid, value)

    def _gone(self, number: int, pid: int) -> None:
        self.collected.gone(pid)
        self.operators.gone(number, pid)

    def _expose(self, closing: contextlib.ExitStack) -> str:
        """Serve metrics, if asked to, until `closing` closes; say where."""
        host, port = self.order.options.host, self.order.options.metrics_port
        if not port:
            return ""
        closing.callback(metrics.expose(host, port, self.collected))
        return f"http://{host}:{port}/metrics"

    async def _announced(self, ready: list[asyncio.Future[str]], where: str) -> None:
        """Wait until all serve, and say so; or until the first cannot, and raise why."""
        stop = asyncio.ensure_future(self.stopping.wait())
        versions = asyncio.gather(*ready)
        await asyncio.wait((stop, versions), return_when=asyncio.FIRST_COMPLETED)
        if self.stopping.is_set():
            versions.cancel()
            return
        stop.cancel()
        version, admin = versions.result()[0], versions.result()[-1]
        address = f"{self.order.options.host}:{self.order.port}"
        n = self.order.options.workers
        words = f"Vitrina answers on {address}: {n} worker{'s' * (n > 1)}, bundle {version}"
        line = {"event": "ready", "message": words, "address": address, "workers": n, "bundle": version}
        also = {"metrics": where, "admin": admin}
        self.announce(json.dumps(line | {name: one for name, one in also.items() if one}))

    def _stop(self) -> None:
        self.stopping.set()
        for one in self.tasks:
            one.retire()
