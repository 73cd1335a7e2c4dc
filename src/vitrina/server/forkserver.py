"""Where workers come from: a process that has read all that they read, and forks them.

Machine code of kernels and modules lie in memory once for all workers of a host, and a worker is there in no
time. No thread is started and no grpc imported here: neither survives a fork.

`python -m vitrina.server.forkserver REGISTRY`, started by the supervisor and by nobody else (`forked.py`).
Standard input is its socket: a message brings two files, a worker's standard input and output, and is
answered with the worker's number, 0 where there is no room for one. The worker is forked twice, so that it is
no child of this process but, the one between having ended, of the supervisor. When the socket ends, so has
the supervisor, and this process ends too.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from vitrina import strategies
from vitrina.errors import VitrinaError
from vitrina.registry import Registry
from vitrina.server import worker

AHEAD = ("uvloop", "vitrina.server.current", "vitrina.server.framing")
"""What a worker imports without grpc, beside the strategies of its bundle."""
NUMBER = 8
"""Bytes of a worker's number in an answer."""


def main() -> int:
    """Import, then fork a worker for each message until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which closes the socket
    read_ahead(Path(sys.argv[1]))
    gc.collect()
    gc.freeze()  # a collection would write to pages that are shared
    desk = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    while True:
        word, files, _, _ = socket.recv_fds(desk, 1, 2)
        if not word:
            return 0
        desk.send(_forked(desk, files).to_bytes(NUMBER, "big"))
        for one in files:
            os.close(one)


def read_ahead(registry: Path) -> None:
    """Import what workers over a registry will. What cannot be read here is theirs to say."""
    for name in AHEAD:
        importlib.import_module(name)
    with contextlib.suppress(VitrinaError):
        for one in Registry(registry).open().manifest.strategies.values():
            strategies.make(str(one["is"]), one["params"])


def _forked(desk: socket.socket, files: list[int]) -> int:
    """Fork a worker; its number. When this returns, it is the supervisor's child."""
    ear, mouth = os.pipe()
    try:
        between = os.fork()
    except OSError:
        os.close(ear)
        os.close(mouth)
        return 0
    if not between:
        desk.close()
        _between(files, mouth)
    os.close(mouth)
    number = os.read(ear, NUMBER)
    os.close(ear)
    os.waitpid(between, 0)
    return int.from_bytes(number, "big")


def _between(files: list[int], mouth: int) -> NoReturn:
    """Fork again and end; whoever was forked tells its number and lives as a worker."""
    try:
        if os.fork():
            os._exit(0)
        worker.take_name()
        os.write(mouth, os.getpid().to_bytes(NUMBER, "big"))
        os.close(mouth)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        worker.run()
    finally:
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
