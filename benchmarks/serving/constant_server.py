"""The floor under any server on grpcio: it answers every call with the same bytes, made beforehand.

    python benchmarks/serving/constant_server.py KIND FILE     KIND: threads, asyncio or uvloop

Prints its port and serves the contents of FILE until it is killed. What it costs is the transport alone.
"""

from __future__ import annotations

import argparse
import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import uvloop

KINDS = ("threads", "asyncio", "uvloop")
SERVICE, METHOD = "vitrina.v1.RecommendationService", "Recommend"
THREADS = 4


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("file", type=Path)
    told = parser.parse_args()
    answer = told.file.read_bytes()
    if told.kind == "threads":
        with_threads(answer)
    elif told.kind == "uvloop":
        uvloop.run(on_loop(answer))
    else:
        asyncio.run(on_loop(answer))


def with_threads(answer: bytes) -> None:
    """grpc.server over a pool of threads."""
    server = grpc.server(ThreadPoolExecutor(THREADS))
    server.add_generic_rpc_handlers((_handlers(lambda data, context: answer),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


async def on_loop(answer: bytes) -> None:
    """grpc.aio.server on the running loop."""

    async def recommend(data: bytes, context: Any) -> bytes:
        return answer

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_handlers(recommend),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()


def _handlers(recommend: Any) -> Any:
    methods: dict[str, Any] = {METHOD: grpc.unary_unary_rpc_method_handler(recommend)}
    return grpc.method_handlers_generic_handler(SERVICE, methods)


if __name__ == "__main__":
    main()
