"""The supervisor's side of the operators' process: it is kept running, and told what the workers say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from typing import Any

from vitrina.errors import ServerError
from vitrina.server.log import say
from vitrina.server.options import Order

_PAUSE_S = 1.0


class Operators:
    """One process that serves ModelService; without an admin port, none."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.states: dict[int, Mapping[str, Any]] = {}
        self._process: Process | None = None

    def heard(self, number: int, pid: int, state: Mapping[str, Any]) -> None:
        """Take what a worker says of itself."""
        self.states[number] = {"pid": pid, **state}
        self._tell()

    def gone(self, number: int, pid: int) -> None:
        """Forget a worker that died, unless another has its number already."""
        if self.states.get(number, {}).get("pid") == pid:
            del self.states[number]
            self._tell()

    async def keep(self, ready: asyncio.Future[str], stopping: asyncio.Event) -> None:
        """Keep the process running until told to stop; `ready` gets its address, or ServerError."""
        if not self.order.options.admin_port:
            ready.set_result("")
        while self.order.options.admin_port and not stopping.is_set():
            code = await self._live(ready, stopping)
            if not ready.done():
                ready.set_exception(ServerError(f"the operators' process died with code {code} at its start"))
            if stopping.is_set() or ready.exception():
                break
            say("operators' process died", code=code, restart_in_s=_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _PAUSE_S)

    async def _live(self, ready: asyncio.Future[str], stopping: asyncio.Event) -> int:
        command = (sys.executable, "-m", "vitrina.server.admin")
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
        assert process.stdin is not None
        process.stdin.write(self.order.to_json().encode() + b"\n")
        self._process = process
        self._tell()
        listening = asyncio.create_task(self._listen(process, ready))
        ended, stop = asyncio.ensure_future(process.wait()), asyncio.ensure_future(stopping.wait())
        await asyncio.wait((ended, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        self._process = None
        process.stdin.close()
        if not (await asyncio.wait((ended,), timeout=3.0))[0]:
            process.kill()
        await listening
        return await ended

    async def _listen(self, process: Process, ready: asyncio.Future[str]) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            words = json.loads(line)
            if ready.done():
                continue
            if "ready" in words:
                ready.set_result(words["ready"])
            else:
                ready.set_exception(ServerError(words["message"]))

    def _tell(self) -> None:
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps(self.states).encode() + b"\n")
