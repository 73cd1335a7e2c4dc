"""What the front on grpcio alone does: reflection, and servers that replace one another within a process."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from servers import front, looping, start

from vitrina.client import Client
from vitrina.errors import ServerError
from vitrina.request import Block, Request


def test_reflection_needs_its_package(monkeypatch):
    """Asked for without its package, the server says what to install rather than start."""
    monkeypatch.setitem(sys.modules, "grpc_reflection", None)

    async def make():
        front(reflection=True)

    with looping() as loop, pytest.raises(ServerError, match="grpcio-reflection"):
        loop.do(make())


def test_restarts_under_load_fail_no_call():
    """Servers on one port are replaced one after the other; a client of ours sees no failure."""
    request = Request((Block("home"),))
    with looping() as loop:
        made, address = start(loop)
        port = int(address.rpartition(":")[2])
        done, failed = threading.Event(), []
        counts = [0, 0, 0]

        def load(number):
            with Client(address) as client:
                while not done.is_set():
                    try:
                        assert len(client.recommend(request).blocks[0].items) == 3
                        counts[number] += 1
                    except Exception as error:
                        failed.append(error)

        threads = [threading.Thread(target=load, args=(number,)) for number in range(len(counts))]
        for one in threads:
            one.start()
        for _ in range(5):
            time.sleep(0.2)
            new, _ = start(loop, None, port)
            loop.do(made.drain())
            made = new
        done.set()
        for one in threads:
            one.join()
        loop.do(made.drain())
    assert failed == []
    assert min(counts) > 20
