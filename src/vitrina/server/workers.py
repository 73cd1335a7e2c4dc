"""The supervisor: several workers on one port. It serves no calls and never imports grpc.

Workers are started fresh, not forked, and share the port by SO_REUSEPORT. One that dies is replaced,
later each time if it keeps dying; the others answer meanwhile, and clients retry what it held.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from vitrina import errors
from vitrina.errors import ServerError, VitrinaError
from vitrina.registry import Registry
from vitrina.server import metrics
from vitrina.server.generations import run_folder
from vitrina.server.log import say
from vitrina.server.operators import Operators
from vitrina.server.options import Options, Order

KEY_VARIABLE = "VITRINA_TOKEN_KEY"
MIN_KEY_BYTES = 16
_BACKOFF_S = (0.1, 10.0)
_STEADY_S = 10.0
"""A worker that lived this long did not die of its start."""
_MAX_LINE = 4 << 20


def serve(options: Options, announce: Callable[[str], None] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return 0 once every worker has drained.

    When all workers are ready, `announce` is given one line of JSON; by default it is printed. Raises
    VitrinaError where the server cannot start: a registry without a bundle, a port that is taken, a
    key that is too short.
    """
    if options.workers < 1:
        raise ServerError(f"{options.workers} workers cannot serve; give --workers 1 or more")
    Registry(options.registry).current()
    key = token_key(options.token_key_file)
    with reserved(options.host, options.port) as port, run_folder(options.run_dir) as folder:
        return asyncio.run(_Supervisor(Order(options, port, key, folder), announce or _print).run())


def _print(line: str) -> None:
    print(line, flush=True)


def token_key(file: Path | None) -> bytes:
    """The key that signs tokens: from the file, from VITRINA_TOKEN_KEY, or made for this run."""
    if file:
        try:
            key = file.read_bytes().strip()
        except OSError as reason:
            raise ServerError(f"cannot read the token key {file}: {reason}") from None
    elif KEY_VARIABLE in os.environ:
        key = os.environ[KEY_VARIABLE].encode().strip()
    else:
        say("token key made", note="tokens of this run are refused after a restart; give --token-key-file")
        return secrets.token_bytes(32)
    if len(key) < MIN_KEY_BYTES:
        raise ServerError(f"the token key has {len(key)} bytes; give at least {MIN_KEY_BYTES} random ones")
    return key


@contextlib.contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """Hold a port for the workers: asked for and free, or any free one for port 0.

    The socket never listens, so it takes no connections; it keeps strangers off the port.
    """
    family, _, _, _, address = _resolved(host, port)
    with (
        socket.socket(family, socket.SOCK_STREAM) as probe,
        socket.socket(family, socket.SOCK_STREAM) as held,
    ):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind(address)
            probe.close()
            held.bind(address)
        except OSError as reason:
            raise ServerError(f"cannot listen on {host}:{port}: {reason}; choose another --port") from None
        yield held.getsockname()[1]


def _resolved(host: str, port: int) -> Any:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as reason:
        raise ServerError(f"cannot listen on {host}: {reason}; give an address of this machine") from None


class _Supervisor:
    def __init__(self, order: Order, announce: Callable[[str], None]) -> None:
        self.order, self.announce = order, announce
        self.collected = metrics.Collected()
        self.operators = Operators(order)
        self.stopping = asyncio.Event()
        self.living: set[Process] = set()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._stop)
        with contextlib.ExitStack() as closing:
            where = self._expose(closing)
            ready = [loop.create_future() for _ in range(self.order.options.workers)]
            keeping = [asyncio.create_task(self._keep(number, one)) for number, one in enumerate(ready)]
            ready.append(loop.create_future())
            keeping.append(asyncio.create_task(self.operators.keep(ready[-1], self.stopping)))
            try:
                await self._announced(ready, where)
                await asyncio.gather(*keeping)
            finally:
                self._stop()
                await asyncio.gather(*keeping, return_exceptions=True)
        return 0

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

    async def _keep(self, number: int, ready: asyncio.Future[str]) -> None:
        """Keep one worker running until told to stop."""
        pause_s = _BACKOFF_S[0]
        while not self.stopping.is_set():
            started = monotonic()
            code = await self._live(number, ready)
            if self.stopping.is_set():
                break
            if not ready.done():
                ready.set_exception(ServerError(f"a worker died with code {code} before it was ready"))
            if ready.exception():
                break
            pause_s = _BACKOFF_S[0] if monotonic() - started > _STEADY_S else min(2 * pause_s, _BACKOFF_S[1])
            say("worker died", worker=number, code=code, restart_in_s=pause_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), pause_s)

    async def _live(self, number: int, ready: asyncio.Future[str]) -> int:
        """One life of a worker, from its order to its exit code."""
        command = (sys.executable, "-m", "vitrina.server.worker")
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, env=_environment(), limit=_MAX_LINE
        )
        self.living.add(process)
        if self.stopping.is_set():
            process.terminate()
        assert process.stdin is not None
        process.stdin.write(self.order.to_json().encode() + b"\n")
        listening = asyncio.create_task(self._listen(number, process, ready))
        try:
            return await self._ended(process)
        finally:
            if process.returncode is None:
                process.kill()
            await listening
            self.living.discard(process)
            self.collected.gone(process.pid)
            self.operators.gone(number)

    async def _listen(self, number: int, process: Process, ready: asyncio.Future[str]) -> None:
        """Hear what a worker says until it is silent."""
        assert process.stdout is not None
        async for line in process.stdout:
            words = json.loads(line)
            if "metrics" in words:
                self.collected.heard(process.pid, words["metrics"])
            elif "state" in words:
                self.operators.heard(number, process.pid, words["state"])
            elif "ready" in words and not ready.done():
                ready.set_result(words["ready"])
            elif "failed" in words:
                say("worker failed", worker=number, reason=words["message"])
                if not ready.done():
                    ready.set_exception(_error(words["failed"], words["message"]))

    async def _ended(self, process: Process) -> int:
        """Wait for the end; after a stop, not for ever."""
        ended = asyncio.ensure_future(process.wait())
        stop = asyncio.ensure_future(self.stopping.wait())
        await asyncio.wait((ended, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not ended.done():
            patience = self.order.options.grace_s + 5.0
            if not (await asyncio.wait((ended,), timeout=patience))[0]:
                process.kill()
        return await ended

    def _stop(self) -> None:
        self.stopping.set()
        for process in self.living:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()


def _error(name: str, message: str) -> VitrinaError:
    kind = getattr(errors, name, VitrinaError)
    return kind(message) if issubclass(kind, VitrinaError) else VitrinaError(message)


def _environment() -> dict[str, str]:
    """A worker is one thread of work: more would fight over the cores with the other workers."""
    threads = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**threads, **os.environ, "GRPC_ENABLE_FORK_SUPPORT": "0"}
