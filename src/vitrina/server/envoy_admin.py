"""The Envoy around a worker, asked and told by its admin interface: a socket that only this user can open."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic

_AGAIN_S = 0.02
_LAST_S = 0.1
"""How long connections outlive their last answer. A client that reads it writes a ping or a window's update;
a socket that is closed by then resets the connection, and what was not read yet is lost with it."""
_BUSY = "(downstream_rq_active|downstream_cx_tx_bytes_buffered)$"
"""Calls that are inside, and bytes that clients have not taken yet."""


class Admin:
    """Envoy's admin interface on a Unix socket."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    async def ready(self) -> None:
        """Wait until Envoy listens on its ports."""
        while "LIVE" not in await self._asked("GET", "/ready"):
            await asyncio.sleep(_AGAIN_S)

    async def drain(self, grace_s: float) -> None:
        """Close the ports, send clients elsewhere, and wait until none is served, or for the grace."""
        end = monotonic() + grace_s
        await self._asked("POST", "/healthcheck/fail")  # answers from now on say that the connection ends
        await self._asked("POST", "/drain_listeners")
        while monotonic() < end and await self._busy():
            await asyncio.sleep(_AGAIN_S)
        await asyncio.sleep(_LAST_S)

    async def _busy(self) -> bool:
        lines = (await self._asked("GET", f"/stats?filter={_BUSY}")).splitlines()
        said = [line.rpartition(": ")[2] for line in lines if line.startswith("http.vitrina")]
        return any(one != "0" for one in said)

    async def _asked(self, verb: str, path: str) -> str:
        """What Envoy answers; nothing while it does not listen yet."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.socket))
        except OSError:
            return ""
        try:
            writer.write(f"{verb} {path} HTTP/1.1\r\nhost: envoy\r\nconnection: close\r\n\r\n".encode())
            return (await reader.read()).decode("latin-1")
        except OSError:
            return ""
        finally:
            writer.close()
