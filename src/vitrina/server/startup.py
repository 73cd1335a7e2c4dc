"""What a server needs before its first worker: the key that signs tokens, and ports that are free."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vitrina.errors import ServerError
from vitrina.server.log import say

KEY_VARIABLE = "VITRINA_TOKEN_KEY"
MIN_KEY_BYTES = 16


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
