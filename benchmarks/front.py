"""Which gRPC server carries the service: one thread on the core's queue, grpc.aio, or grpc.server.

    python benchmarks/front.py             prints a table, writes results/front.json (three minutes)
    python benchmarks/front.py --quick     half a second a run, nothing written
    python benchmarks/front.py --json      prints the result as JSON instead of the table

Each server is one process over the same service and an engine that answers with a constant page of 20
items with reasons; `raw` answers constant bytes, which leaves the transport alone. Callers are a second
process of the same machine, closed loop: they slow the server down, so its own CPU time per call is
the figure to compare. The first is the front that Vitrina ships; the others do no more than their library
does. Runs are interleaved, and of each server the one that took least CPU per call is
reported whole: what else runs on a machine only ever adds. In `work` the engine computes for 1 ms, as a
real one does; under `overload` 200 callers who never pause ask it, and refusals count apart.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import uvloop
from machine import machine, write

from vitrina.request import ListedBlock, ListedItem, Reason, Response
from vitrina.server.access import Access
from vitrina.server.calls import NAME, Calls
from vitrina.server.front_grpc import CHANNEL_OPTIONS, Front
from vitrina.server.health import HEALTH
from vitrina.server.options import Options
from vitrina.server.service import Service
from vitrina.server.token import Signer
from vitrina.v1 import recommendation_service_pb2 as v1

SERVERS = ("core's queue", "aio on uvloop", "threads")
SECONDS, REPEATS = 1.5, 5
CALLERS, CHANNELS = 32, 8
CROWD = 200
BUSY_S = 0.001
SERVING = b"\x08\x01"
ASKED = v1.RecommendRequest(
    user_id="u123456",
    blocks=[{"placement": "home", "limit": 20}],
    context_item_ids=["item-0001"],
    events=[{"item_id": f"item-{n:04d}", "type": "view", "time": 1} for n in range(5)],
).SerializeToString()


@dataclass(frozen=True)
class Placements:
    """Placements as far as a service asks."""

    version: str = "1"


class Constant:
    """An engine that gives everybody the same page, after computing for `busy_s`."""

    version = "20260102T030405Z-0123456789ab"
    placements = Placements()

    def __init__(self, busy_s: float) -> None:
        self.busy_s = busy_s
        items = tuple(
            ListedItem(
                f"item-{n:04d}", 1 / (n + 1), ("item_knn", "popular"), Reason("item_knn", ("item-0001",))
            )
            for n in range(20)
        )
        self.page = Response((ListedBlock("home", items),), self.version, (), True)

    def recommend(self, requests: Any, live: Any) -> list[Response]:
        """The page, as often as asked."""
        end = time.thread_time() + self.busy_s
        while self.busy_s and time.thread_time() < end:
            pass
        return [self.page] * len(requests)

    def product(self, item_id: str) -> None:
        """Nothing."""


def service(busy_s: float) -> Service:
    """The service over a constant engine."""
    engine = Constant(busy_s)
    return Service(lambda: engine, Signer(b"sixteen bytes or more"))


class Raw:
    """A service that answers constant bytes: what is left is the transport."""

    def __init__(self) -> None:
        self.page = service(0.0).recommend(ASKED, 0)

    def recommend(self, data: bytes, now: int, note: Any = None) -> bytes:
        """The same bytes."""
        return self.page

    def recommend_many(self, calls: Any, now: int) -> list[bytes]:
        """The same bytes for each."""
        return [self.page] * len(calls)


def main() -> None:
    """Run every contender; print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quick", action="store_true", help="short runs, nothing written")
    parser.add_argument("--serve", nargs=3, metavar=("SERVER", "RAW", "BUSY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve[0], options.serve[1] == "raw", float(options.serve[2]))
        return
    seconds, repeats = (0.5, 1) if options.quick else (SECONDS, REPEATS)
    result: dict[str, Any] = {
        "machine": machine("grpcio", "protobuf", "uvloop"),
        "settings": {
            "seconds": seconds,
            "repeats": repeats,
            "callers": CALLERS,
            "answer_bytes": len(Raw().page),
        },
        "service_us": round(service_us(seconds), 1),
        "page": contest(False, 0.0, CALLERS, seconds, repeats),
        "raw": contest(True, 0.0, CALLERS, seconds, repeats),
        "work": contest(False, BUSY_S, CALLERS, seconds, repeats),
        "overload": contest(False, BUSY_S, CROWD, seconds, repeats),
    }
    print(json.dumps(result, indent=2) if options.json else table(result))
    if not options.quick:
        print(f"written to {write('front', result)}", file=sys.stderr)


def service_us(seconds: float) -> float:
    """CPU microseconds of the service beside its engine, for one page."""
    one, n = service(0.0), 0
    started = time.process_time()
    while time.process_time() - started < seconds:
        for _ in range(100):
            one.recommend(ASKED, 0)
        n += 100
    return (time.process_time() - started) / n * 1e6


def contest(raw: bool, busy_s: float, callers: int, seconds: float, repeats: int) -> dict[str, Any]:
    """The least disturbed of interleaved runs, by server."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in SERVERS}
    for _ in range(repeats):
        for name in SERVERS:
            with server(name, raw, busy_s) as (port, cpu_s):
                asyncio.run(load(port, callers, 0.3))
                before = cpu_s()
                found = asyncio.run(load(port, callers, seconds))
                answered = found["answered"] + found["refused"]
                found["server_cpu_us"] = (cpu_s() - before) / answered * 1e6
            runs[name].append(found)
    best = {name: min(many, key=lambda one: one["server_cpu_us"]) for name, many in runs.items()}
    return {name: {key: round(n, 1) for key, n in one.items()} for name, one in best.items()}


@contextmanager
def server(name: str, raw: bool, busy_s: float) -> Iterator[tuple[int, Callable[[], float]]]:
    """A server process: its port, and how much CPU it has used."""
    flags = ["--serve", name, "raw" if raw else "page", str(busy_s)]
    process = subprocess.Popen([sys.executable, __file__, *flags], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), lambda: used_s(process.pid)
    finally:
        process.kill()
        process.communicate()


def used_s(pid: int) -> float:
    """CPU seconds of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(port: int, callers: int, seconds: float) -> dict[str, float]:
    """Callers who ask again as soon as they are answered, and one health check every 50 ms."""
    private = (("grpc.use_local_subchannel_pool", 1),)
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=private) for _ in range(CHANNELS + 1)]
    calls: list[Any] = [one.unary_unary(f"/{NAME}/Recommend") for one in channels[1:]]
    check: Any = channels[0].unary_unary(f"/{HEALTH}/Check")
    took: list[float] = []
    health: list[float] = []
    codes: Counter[Any] = Counter()
    end = time.perf_counter() + seconds

    async def ask(call: Any, data: bytes, times: list[float]) -> None:
        started = time.perf_counter()
        try:
            await call(data, timeout=5)
        except grpc.aio.AioRpcError as error:
            codes[error.code()] += 1
        else:
            times.append(time.perf_counter() - started)

    async def caller(number: int) -> None:
        while time.perf_counter() < end:
            await ask(calls[number % CHANNELS], ASKED, took)

    async def doctor() -> None:
        while time.perf_counter() < end:
            await ask(check, b"", health)
            await asyncio.sleep(0.05)

    await asyncio.gather(doctor(), *(caller(number) for number in range(callers)))
    for one in channels:
        await one.close()
    assert set(codes) <= {grpc.StatusCode.RESOURCE_EXHAUSTED}, codes
    return {
        "answered": len(took),
        "refused": sum(codes.values()),
        "per_s": len(took) / seconds,
        "p50_ms": quantile(took, 0.5) * 1e3,
        "p99_ms": quantile(took, 0.99) * 1e3,
        "health_p50_ms": quantile(health, 0.5) * 1e3,
        "health_max_ms": quantile(health, 1.0) * 1e3,
    }


def quantile(times: list[float], share: float) -> float:
    """The time that this share of calls did not exceed; not a number where there are none."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] if times else float("nan")


def serve(name: str, raw: bool, busy_s: float) -> None:
    """One server in this process, until it is killed."""
    carried = Raw() if raw else service(busy_s)
    if name == "threads":
        serve_threads(carried)
    else:
        uvloop.run(serve_aio(carried) if name == "aio on uvloop" else serve_ours(carried))


async def serve_ours(carried: Any) -> None:
    """The front that Vitrina ships."""
    calls = Calls(carried, lambda: 0, Options(Path("unused"), log_calls=False, in_flight=64))
    front = Front(calls, Access(None, time.time, time.monotonic))
    print(await front.start("127.0.0.1:0"), flush=True)
    await asyncio.Event().wait()


async def serve_aio(carried: Any) -> None:
    """The same on grpc.aio: its own limit refuses, a call is answered in the loop."""

    async def recommend(data: bytes, context: Any) -> bytes:
        return bytes(carried.recommend(data, 0))

    async def check(data: bytes, context: Any) -> bytes:
        return SERVING

    one = grpc.aio.server(options=CHANNEL_OPTIONS, maximum_concurrent_rpcs=64)
    one.add_generic_rpc_handlers(handlers(recommend, check))
    print(one.add_insecure_port("127.0.0.1:0"), flush=True)
    await one.start()
    await one.wait_for_termination()


def serve_threads(carried: Any) -> None:
    """The same on the synchronous server: its own limit refuses, health is a call like any other."""
    one = grpc.server(ThreadPoolExecutor(4), options=CHANNEL_OPTIONS, maximum_concurrent_rpcs=64)
    served = handlers(lambda data, context: carried.recommend(data, 0), lambda data, context: SERVING)
    one.add_generic_rpc_handlers(served)
    print(one.add_insecure_port("127.0.0.1:0"), flush=True)
    one.start()
    one.wait_for_termination()


def handlers(recommend: Any, check: Any) -> list[Any]:
    """Both methods, raw bytes in and out."""
    pages = {"Recommend": grpc.unary_unary_rpc_method_handler(recommend)}
    health = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    return [grpc.method_handlers_generic_handler(*pair) for pair in ((NAME, pages), (HEALTH, health))]


def table(result: dict[str, Any]) -> str:
    """All of it, for a terminal."""
    lines = [f"the service beside its engine: {result['service_us']} us a page"]
    for name in ("page", "raw", "work", "overload"):
        lines += ["", f"{name:<16}" + "".join(f"{key:>15}" for key in next(iter(result[name].values())))]
        lines += [
            f"{server:<16}" + "".join(f"{n:>15}" for n in row.values())
            for server, row in result[name].items()
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
