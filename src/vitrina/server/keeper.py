"""One worker process kept running: started, heard, started again when it dies, told to end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from vitrina import errors
from vitrina.errors import ServerError, VitrinaError
from vitrina.server.forked import Forked, Forks, able
from vitrina.server.log import say
from vitrina.server.options import Options, Order

_BACKOFF_S = (0.1, 10.0)
_STEADY_S = 10.0
"""A worker that lived this long did not die of its start."""
_MAX_LINE = 4 << 20

Heard = Callable[[int, int, str, Any], None]
"""Takes the worker's number, its process id, and a thing said: its name and value."""
Gone = Callable[[int, int], None]
"""Takes the number and the process id of a worker that has ended."""
Begin = Callable[[], Awaitable[Process | Forked]]
"""Starts the process of a worker, its order still to be written."""


@dataclass(eq=False)
class Keeper:
    """Keeps the worker of a number running until `retire`. `ready`: its first bundle, or why none."""

    number: int
    order: Order
    begin: Begin
    heard: Heard
    gone: Gone
    ready: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    process: Process | Forked | None = None

    async def keep(self) -> None:
        """Start the worker, again and again if it dies; return when it was told to end and did."""
        pause_s = _BACKOFF_S[0]
        while not self.ending.is_set():
            started = monotonic()
            code = await self._live()
            if self.ending.is_set():
                break
            if not self.ready.done():
                self.ready.set_exception(ServerError(f"a worker died with code {code} before it was ready"))
            if self.ready.exception():
                break
            pause_s = _BACKOFF_S[0] if monotonic() - started > _STEADY_S else min(2 * pause_s, _BACKOFF_S[1])
            say("worker died", worker=self.number, code=code, restart_in_s=pause_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), pause_s)

    def retire(self) -> None:
        """Tell the worker to drain and end, and start it no more."""
        self.ending.set()
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()

    async def _live(self) -> int:
        """One life of a worker, from its order to its exit code."""
        process = await self._begun()
        if process is None:
            return 1
        self.process = process
        if self.ending.is_set():
            process.terminate()
        assert process.stdin is not None
        process.stdin.write(self.order.to_json().encode() + b"\n")
        listening = asyncio.create_task(self._listen(process))
        try:
            return await self._ended(process)
        finally:
            if process.returncode is None:
                process.kill()
            await listening
            self.process = None
            self.gone(self.number, process.pid)

    async def _begun(self) -> Process | Forked | None:
        """The process, started; None where it cannot be, or where the end comes first."""
        start = asyncio.ensure_future(self.begin())
        told = asyncio.ensure_future(self.ending.wait())
        await asyncio.wait((start, told), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not start.done():
            start.cancel()
        try:
            return await start
        except (OSError, asyncio.CancelledError) as reason:
            say("worker not started", worker=self.number, reason=str(reason) or type(reason).__name__)
            return None

    async def _listen(self, process: Process | Forked) -> None:
        """Hear what a worker says until it is silent."""
        assert process.stdout is not None
        async for line in process.stdout:
            words: Mapping[str, Any] = json.loads(line)
            if "ready" in words and not self.ready.done():
                self.ready.set_result(words["ready"])
            elif "failed" in words:
                say("worker failed", worker=self.number, reason=words["message"])
                if not self.ready.done():
                    self.ready.set_exception(_error(words["failed"], words["message"]))
            else:
                for name, value in words.items():
                    self.heard(self.number, process.pid, name, value)

    async def _ended(self, process: Process | Forked) -> int:
        """Wait for the end; once told to end, not for ever."""
        ended = asyncio.ensure_future(process.wait())
        told = asyncio.ensure_future(self.ending.wait())
        await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not ended.done():
            patience = self.order.options.grace_s + 5.0
            if not (await asyncio.wait((ended,), timeout=patience))[0]:
                process.kill()
        return await ended


def _error(name: str, message: str) -> VitrinaError:
    kind = getattr(errors, name, VitrinaError)
    return kind(message) if issubclass(kind, VitrinaError) else VitrinaError(message)


def beginning(options: Options) -> tuple[Begin, Callable[[], Awaitable[None]]]:
    """How workers are started here; and what makes the next ones be of what is installed then.

    Forked where the system can: most of a worker's memory is then all workers'. A worker that turns into
    Envoy would keep nothing of that.
    """
    if options.front == "grpc" and able():
        forks = Forks(options.registry, _environment(), _MAX_LINE)
        return forks.worker, forks.renew
    return _spawned, _nothing


async def _spawned() -> Process:
    command = (sys.executable, "-m", "vitrina.server.worker")
    return await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, env=_environment(), limit=_MAX_LINE
    )


async def _nothing() -> None:
    """A process that is started anew has what is installed."""


def _environment() -> dict[str, str]:
    """A worker is one thread of work: more would fight over the cores with the other workers."""
    threads = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**threads, **os.environ, "GRPC_ENABLE_FORK_SUPPORT": "0"}
