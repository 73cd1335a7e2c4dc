"""What a call costs that comes alone: after a rest, and at low rates, beside a server of constant bytes.

    python benchmarks/resting.py             prints tables, writes results/resting.json (two minutes)
    python benchmarks/resting.py --quick     seconds, nothing written
    python benchmarks/resting.py --json      prints the result as JSON instead of the tables

A closed loop keeps code and data near the processor, and calls that wait together share work; a quiet shop has
neither. First one process alone: the whole service, from bytes to bytes, one call after the other, each after a
rest, and each after as long a time of idle counting, which tells a processor that was given back from one whose
caches others have filled. Then a worker and the fastest constant server at rates from a few calls a second on, in
the open loop of serving/load.py: microseconds of CPU a call, all threads. The shop is dozen of server.py, its list
`typical`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine, write
from serving import load, processes, shops
from serving.processes import Served

from vitrina.engine import Engine
from vitrina.server.service import Service
from vitrina.server.token import Signer

SHOP, LIST, ASKED, CLICKS, LIMIT = "dozen", "typical", 4_000, 2, 20
RESTS_MS = (1, 5, 20)
RATES = (20, 50, 100, 200, 500, 1_000)
SEED, CONNECTIONS = 7, 8
Spend = Callable[[float], None]
KIND = "threads"
"""The fastest constant server, by server.py."""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quick", action="store_true", help="seconds, nothing written")
    options = parser.parse_args()
    server, client = processes.cores()
    registry = shops.registry(SHOP)
    engine = Engine.open(registry.path(), shops.LISTS)
    asked = list(shops.messages(shops.requests(engine, ASKED, clicks=CLICKS, limit=LIMIT, placement=LIST)))
    service = Service(lambda: engine, Signer(b"sixteen bytes or more"))
    n, seconds = (20, 0.5) if options.quick else (300, 6.0)
    os.sched_setaffinity(0, server)
    result: dict[str, Any] = {
        "machine": machine("grpcio"),
        "settings": {"shop": SHOP, "list": LIST, "calls": n, "seconds": seconds, "constant": KIND},
        "alone": alone(service, engine.last_event, asked, n),
    }
    answer = service.recommend(asked[0], engine.last_event)
    os.sched_setaffinity(0, client)
    result["rates"] = rates(registry.folder, answer, asked, server, seconds)
    print(json.dumps(result, indent=2) if options.json else table(result))
    if not options.quick:
        print(f"\nwritten to {write('resting', result)}", file=sys.stderr)


def alone(service: Service, now: int, asked: list[bytes], n: int) -> list[dict[str, Any]]:
    """CPU of a call after a rest, and after as long a time of counting."""
    for one in asked[:n]:
        service.recommend(one, now)
    ways: list[tuple[int, str, Spend]] = [(0, "nothing", time.sleep)]
    for rest_ms in RESTS_MS:
        ways += [(rest_ms, "rest", time.sleep), (rest_ms, "counting", _count)]
    return [
        {"after_ms": rest_ms, "of": how, **_cost(service, now, asked[n : 2 * n], spend, rest_ms / 1000)}
        for rest_ms, how, spend in ways
    ]


def _cost(service: Service, now: int, asked: list[bytes], spend: Spend, rest_s: float) -> dict[str, float]:
    spent = []
    for one in asked:
        spend(rest_s)
        began = time.thread_time_ns()
        service.recommend(one, now)
        spent.append((time.thread_time_ns() - began) / 1000)
    low, median, high = np.percentile(spent, (10, 50, 90)).round().tolist()
    return {"p10_us": low, "p50_us": median, "p90_us": high}


def _count(seconds: float) -> None:
    """Keep the processor, and touch nothing."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def rates(
    registry: Path, answer: bytes, asked: list[bytes], core: set[int], seconds: float
) -> list[dict[str, Any]]:
    """CPU of a call by the rate at which calls come, of a worker and of the constant server."""
    with ExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "answer"
        file.write_bytes(answer)
        servers = {
            "vitrina": stack.enter_context(processes.vitrina(registry, on=core, placements=shops.LISTS)),
            KIND: stack.enter_context(processes.constant(KIND, file, on=core)),
        }
        for one in servers.values():
            load.closed(one.port, asked, min(1.0, seconds))
        return [
            {"offered": rate, "server": name, **_at(one, asked, rate, seconds)}
            for rate in RATES
            for name, one in servers.items()
        ]


def _at(server: Served, asked: list[bytes], rate: float, seconds: float) -> dict[str, Any]:
    due = load.poisson(rate, seconds, SEED)
    messages = [asked[at] for at in load.zipf(len(asked), len(due), SEED)]
    before = server.cpu_s()
    found = load.opened(server.port, messages, due, connections=CONNECTIONS).figures()
    cpu_us = round((server.cpu_s() - before) / len(due) * 1e6)
    return {"cpu_us": cpu_us, **{name: found[name] for name in ("p50_ms", "p99_ms", "failed")}}


def table(result: dict[str, Any]) -> str:
    """For people."""
    lines = [f"{'a call after':24}{'p10 us':>8}{'p50':>8}{'p90':>8}"]
    for one in result["alone"]:
        name = f"{one['after_ms']} ms of {one['of']}" if one["after_ms"] else "another"
        lines.append(f"{name:24}{one['p10_us']:8.0f}{one['p50_us']:8.0f}{one['p90_us']:8.0f}")
    lines.append(f"\n{'calls/s':>8}  {'server':10}{'CPU us':>8}{'p50 ms':>8}{'p99 ms':>8}")
    for one in result["rates"]:
        times = f"{one['p50_ms']:8.1f}{one['p99_ms']:8.1f}"
        lines.append(f"{one['offered']:8}  {one['server']:10}{one['cpu_us']:8}{times}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
