"""What the front on grpcio alone does: reflection, and servers that replace one another within a process."""

from __future__ import annotations

import socket
import sys
import threading
import time

import grpc
import pytest
from fronts import refusal
from servers import front, looping, serving, start

from vitrina.client import Client
from vitrina.errors import ServerError
from vitrina.request import Block, Request
from vitrina.server.calls import NAME, RECOMMEND
from vitrina.server.health import HEALTH
from vitrina.server.reflection import REFLECTION


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


def test_reflection_tells_what_is_served():
    """With its package, the server names its services to who asks, one message after the other."""
    pytest.importorskip("grpc_reflection", reason="grpcio-reflection is an extra")
    from grpc_reflection.v1alpha import reflection_pb2

    asked = [reflection_pb2.ServerReflectionRequest(list_services=""), b"\xff"]
    with serving(reflection=True) as address, grpc.insecure_channel(address) as channel:
        call = channel.stream_stream(REFLECTION)(iter([asked[0].SerializeToString(), asked[1]]), timeout=10)
        said = reflection_pb2.ServerReflectionResponse.FromString(next(call))
        assert {NAME, HEALTH} < {one.name for one in said.list_services_response.service}
        assert call.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_call_without_a_message_is_told_so():
    """Who ends a call before its message came is refused, and holds no place."""
    with serving() as address, grpc.insecure_channel(address) as channel:
        for path in (RECOMMEND, f"/{HEALTH}/Check"):
            assert refusal(channel.stream_unary(path), iter(()))[:2] == (
                grpc.StatusCode.INVALID_ARGUMENT,
                "MALFORMED_MESSAGE",
            )


def test_a_port_that_is_taken_is_named(tmp_path):
    """A health port that somebody has is refused with its address."""
    with looping() as loop, socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        one = front()
        with pytest.raises(ServerError, match=taken):
            loop.do(one.start("127.0.0.1:0", taken))
