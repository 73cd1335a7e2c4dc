"""Any front over a shelf, in a process of its own, as a worker is: for promises that all fronts must keep.

What a test cannot reach into goes through files of a folder: the engine notes there how many it answered
together, and holds those of user "first" until there is a file `go`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from servers import KEY, NOW, Shelf, free_port, service, wait_for

from vitrina.errors import UnknownPlacement
from vitrina.server.access import Access
from vitrina.server.calls import Calls
from vitrina.server.options import Options, Order
from vitrina.server.work import Work

SLOW = "VITRINA_TEST_SLOW_S"
HERE = Path(__file__).parent


class Noted(Shelf):
    """A shelf that writes down what it is asked; 'lost' names no placement, 'broken' breaks it."""

    folder = Path()

    def recommend(self, requests, live):
        """Answer a batch."""
        users = {one.user_id for one in requests}
        if "first" in users:
            (self.folder / "inside").touch()
            wait_for((self.folder / "go").exists, 60)
            return [self.answer(one) for one in requests]
        if "lost" in users:
            raise UnknownPlacement("unknown placement 'hom'; known: home")
        if "broken" in users:
            raise RuntimeError("the secret path")
        with (self.folder / "asked").open("a") as notes:
            notes.write(f"{len(requests)}\n")
        time.sleep(self.slow_s)
        return [self.answer(one) for one in requests]


class Shelved(Work):
    """The work of a worker whose engine is a shelf."""

    def __init__(self, order):
        self.order, self.options = order, order.options
        self.shelf = Noted(slow_s=float(os.environ.get(SLOW, "0")))
        self.shelf.folder = order.options.registry
        state = {"state": lambda: {}, "age": lambda: None, "refresh": lambda: None}
        self.current = type("Shown", (SimpleNamespace,), {"__call__": lambda one: self.shelf})(**state)

    def open(self):
        """Calls over the shelf, and who may make them."""
        self.calls = Calls(service(self.shelf), lambda: NOW, self.options)
        access = Access(self.options.tokens, time.time, time.monotonic)
        access.open()
        return self.calls, access


@dataclass(frozen=True)
class Served:
    """A front in its process. `asked`: how many were answered together, in turn."""

    address: str
    folder: Path
    process: subprocess.Popen
    health: str = ""

    def asked(self):
        """The sizes of batches so far."""
        notes = self.folder / "asked"
        return [int(one) for one in notes.read_text().split()] if notes.exists() else []

    def log(self):
        """What it logged."""
        return (self.folder / "log").read_text()


@contextmanager
def fronting(front, folder, slow_s=0.0, port=0, **options):
    """A front of a name, until the block ends."""
    folder.mkdir(exist_ok=True)
    port = port or free_port()
    chosen = {"registry": folder, "front": front, "grace_s": 5.0, "log_calls": False, **options}
    order = Order(Options(**chosen), port, KEY, folder)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(HERE), SLOW: str(slow_s)},
        )
    listening = threading.Thread(target=process.stdout.read)  # it reports every second
    try:
        process.stdin.write(order.to_json().encode() + b"\n")
        process.stdin.flush()
        said = {}
        while "ready" not in said:
            line = process.stdout.readline()
            assert line, (folder / "log").read_text()[-3000:]
            said = json.loads(line)
            assert "failed" not in said, said
        listening.start()
        beside = f"127.0.0.1:{chosen['health_port']}" if chosen.get("health_port") else ""
        yield Served(f"127.0.0.1:{port}", folder, process, beside)
        assert "Exception in callback" not in (folder / "log").read_text()
    finally:
        process.terminate()
        process.wait(timeout=30)
        if listening.is_alive():
            listening.join()
        process.stdin.close()
        process.stdout.close()


def unary(channel, method, data, timeout=5.0):
    """Send bytes; give the answer's bytes."""
    return channel.unary_unary(method)(data, timeout=timeout)


def stream(channel, method, data, timeout=5.0):
    """Send bytes; give all answers' bytes."""
    return list(channel.unary_stream(method)(data, timeout=timeout))


def refusal(call, *asked):
    """(code, reason, message) of a call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*asked)
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    if status is not None and status.details:
        assert status.details[0].Unpack(info)
        assert info.domain == "vitrina"
    return caught.value.code(), info.reason, caught.value.details()


def main():
    """What a worker does, over a shelf."""
    order = Order.of_json(sys.stdin.readline())
    if order.options.front == "envoy":
        from vitrina.server.envoy import become

        become(order, "fronts:app")
    from vitrina.server.worker import serve

    asyncio.run(serve(Shelved(order)))


if __name__ == "__main__":
    main()
    os._exit(0)
elif "VITRINA_ORDER" in os.environ:
    from vitrina.server.envoy_worker import Application

    app = Application(Shelved)
