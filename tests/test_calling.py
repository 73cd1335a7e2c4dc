"""Calling a server: what happens to a call whose connection breaks at the worst moment."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import grpc
import pytest
from servers import looping

from vitrina.calling import ask, connect
from vitrina.errors import ServerError, Unreachable


class Road:
    """A port that carries bytes to another, until it is cut: all who travel then are thrown off."""

    def __init__(self, port: int) -> None:
        self._to, self._open, self._carrying = port, [], set()

    async def begin(self) -> str:
        """Its address."""
        self._door = await asyncio.start_server(self._welcome, "127.0.0.1", 0)
        return f"127.0.0.1:{self._door.sockets[0].getsockname()[1]}"

    async def _welcome(self, reader, writer) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._open += [writer, far_writer]
        await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))

    async def cut(self) -> None:
        """Break every connection."""
        for one in self._open:
            one.transport.abort()
        self._open.clear()

    async def end(self) -> None:
        """Carry nobody any more."""
        self._door.close()
        await self.cut()
        await asyncio.sleep(0.05)


async def _carry(reader, writer) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
    writer.close()


@contextmanager
def served(cuts):
    """A call over a road that is cut within each of the first `cuts` answers, after their headers."""
    came = []

    def answer(data, context):
        came.append(data)
        context.send_initial_metadata((("x", "1"),))
        if len(came) <= cuts:
            threading.Event().wait(0.1)  # the headers arrive
            loop.do(road.cut())
        return data

    handler = grpc.method_handlers_generic_handler(
        "a.Service", {"Ask": grpc.unary_unary_rpc_method_handler(answer)}
    )
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((handler,))
    with looping() as loop:
        road = Road(server.add_insecure_port("127.0.0.1:0"))
        server.start()
        try:
            with connect(loop.do(road.begin())) as channel:
                yield channel.unary_unary("/a.Service/Ask"), came
        finally:
            loop.do(road.end())
            server.stop(0).wait()


def test_a_call_cut_off_within_its_answer_is_made_again():
    """gRPC itself gives such a call up, for it has seen the headers of its answer."""
    with served(cuts=1) as (call, came):
        assert ask(call, b"hello", 5.0) == b"hello"
        assert came == [b"hello", b"hello"]


def test_a_call_cut_off_again_and_again_is_given_up():
    """Once more, not for ever."""
    with served(cuts=9) as (call, came):
        with pytest.raises(Unreachable):
            ask(call, b"hello", 5.0)
        assert len(came) == 2


def test_a_port_of_other_methods_says_where_operators_are_served():
    """Whoever asks the shop's port for what is for operators is told of the other port."""
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with connect(f"127.0.0.1:{port}") as channel, pytest.raises(ServerError, match="--admin-port"):
            ask(channel.unary_unary("/vitrina.v1.ModelService/ListModels"), b"", 5.0)
    finally:
        server.stop(0)
