"""The supervisor's side of the fork server: a worker asked for, watched and told to end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

from vitrina.server.forkserver import NUMBER
from vitrina.server.log import say

_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of linux/prctl.h."""
_UNSEEN = 255
PATIENCE_S = 600.0
"""How long a fork server may import: the first of an installation compiles kernels, for minutes on a busy
machine."""
_USUAL_S = 10.0
"""After this it is said why it takes so long."""
_CLOSING_S = 2.0


def able() -> bool:
    """Whether this system can do it: Linux 5.4 can, some sandboxes cannot."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def adopt(*, orphans: bool) -> None:
    """Whether orphans among this process's descendants are its children, or those of whoever is above it."""
    ctypes.CDLL(None).prctl(_SUBREAPER, int(orphans), 0, 0, 0)


class Forked:
    """A worker's process, a child of this one: what of `asyncio.subprocess.Process` a keeper needs."""

    def __init__(self, pid: int, stdin: asyncio.WriteTransport, stdout: asyncio.StreamReader) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        loop = asyncio.get_running_loop()
        self._handle = os.pidfd_open(pid)
        self._over: asyncio.Future[int] = loop.create_future()
        loop.add_reader(self._handle, self._ended)

    async def wait(self) -> int:
        """Its exit code, or less than 0 the signal that ended it."""
        return await asyncio.shield(self._over)

    def terminate(self) -> None:
        """Ask it to end."""
        self._tell(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._tell(signal.SIGKILL)

    def _tell(self, what: signal.Signals) -> None:
        if self.returncode is None:
            signal.pidfd_send_signal(self._handle, what)

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        self.returncode = _code(self._handle)
        os.close(self._handle)
        self.stdin.close()
        self._over.set_result(self.returncode)


def _code(handle: int) -> int:
    """How a process ended; _UNSEEN where the system gave it to another parent."""
    try:
        end = os.waitid(os.P_PIDFD, handle, os.WEXITED)
    except ChildProcessError:
        return _UNSEEN
    if end is None:
        return _UNSEEN
    return end.si_status if end.si_code == os.CLD_EXITED else -end.si_status


class Forks:
    """A fork server, kept while workers are asked for, where the system is `able`. From the first on, this
    process adopts orphans."""

    def __init__(self, registry: Path, environment: Mapping[str, str], max_line: int) -> None:
        self._command = (sys.executable, "-m", "vitrina.server.forkserver", str(registry))
        self._environment, self._max_line = dict(environment), max_line
        self._turn = asyncio.Lock()
        self._server: Process | None = None
        self._desk: socket.socket | None = None

    async def worker(self) -> Forked:
        """A new worker, its order still to be written. Another fork server makes it where one has died.

        Raises OSError where that cannot either, or says that there is no room, or nothing for PATIENCE_S.
        """
        async with self._turn:
            try:
                return await self._asked(self._desk or await self._begin())
            except ConnectionError:
                await self._end()
                return await self._asked(await self._begin())
            except (TimeoutError, asyncio.CancelledError):
                self._give_up()  # or its answer would be taken for that to the next message
                raise

    async def renew(self) -> None:
        """Make the next worker from what is installed then."""
        async with self._turn:
            await self._end()

    async def _begin(self) -> socket.socket:
        adopt(orphans=True)
        ours, theirs = socket.socketpair()
        with theirs:
            self._server = await asyncio.create_subprocess_exec(
                *self._command, stdin=theirs.fileno(), env=self._environment
            )
        ours.setblocking(False)
        self._desk = ours
        return ours

    async def _end(self) -> None:
        if self._desk and self._server:
            self._desk.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait(), _CLOSING_S)
        self._give_up()

    def _give_up(self) -> None:
        """Be rid of the fork server, whatever it does."""
        if self._desk and self._server:
            self._desk.close()
            with contextlib.suppress(ProcessLookupError):
                self._server.kill()
        self._desk = self._server = None

    async def _asked(self, desk: socket.socket) -> Forked:
        """A worker of the fork server at a desk. Raises ConnectionError where that is gone."""
        with contextlib.ExitStack() as ours_on_failure, contextlib.ExitStack() as theirs:
            read, told = os.pipe()
            heard, said = os.pipe()
            for one in (read, said):
                theirs.callback(os.close, one)
            for one in (told, heard):
                ours_on_failure.callback(os.close, one)
            socket.send_fds(desk, [b"+"], [read, said])
            number = await asyncio.wait_for(_answer(desk), PATIENCE_S)
            if not number:
                raise ConnectionError("the fork server ended")
            if not any(number):
                raise OSError("there is no room for another process")
            ours_on_failure.pop_all()
        return await self._watched(int.from_bytes(number, "big"), told, heard)

    async def _watched(self, pid: int, told: int, heard: int) -> Forked:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(self._max_line)
        protocol = asyncio.StreamReaderProtocol(reader)
        await loop.connect_read_pipe(lambda: protocol, os.fdopen(heard, "rb", 0))
        stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(told, "wb", 0))
        return Forked(pid, stdin, reader)


async def _answer(desk: socket.socket) -> bytes:
    """What a fork server says next; the log tells of it where that takes long."""
    answer = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(desk, NUMBER))
    try:
        await asyncio.wait((answer,), timeout=_USUAL_S)
        if not answer.done():
            say("worker is being prepared", note="kernels are compiled once per installation, for a minute")
        return await answer
    finally:
        answer.cancel()
