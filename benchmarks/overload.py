"""A worker far beyond what it can carry: goodput, memory, health and recovery at three times its peak.

    python benchmarks/overload.py               five minutes, writes results/overload.json
    python benchmarks/overload.py --quick       seconds, nothing written
    python benchmarks/overload.py --registry DIR    a registry of yours instead of the shop's

One `vitrina serve` worker with every default has a core, the client another. Peak: the best of several
open-loop rates that rise to what a closed loop reaches. Then that, three times over, for a minute: Poisson
arrivals, customers by Zipf's law, a deadline of half a second that the server is told, on 8 connections of at
most the streams that the server admits. Goodput is answers within their deadline; all else is a refusal, late,
or never left the client. Meanwhile its health port is asked ten times a second. After it, a second of
load at half the peak again and again: recovered is the first in which 99 % were answered in time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from machine import machine, write
from serving import load, processes, shops
from serving.processes import Served

from vitrina.engine import Engine
from vitrina.registry import Registry

SHOP, ASKED, CLICKS, LIMIT = "complete_journey", 4_000, 2, 20
DEADLINE_S = 0.5
TIMES = 3
RISING = (0.7, 1.0, 1.2, 1.4)
"""Shares of the closed loop's rate among which the peak is looked for."""
HEALTH_GAP_S = 0.1


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="seconds, nothing written")
    parser.add_argument("--registry", type=Path, help="bundles to serve")
    parser.add_argument("--connections", type=int, default=8)
    told = parser.parse_args()
    server, client = processes.cores()
    os.sched_setaffinity(0, client)
    registry = Registry(told.registry) if told.registry else shops.registry(SHOP)
    engine = Engine.open(registry.path())
    asked = list(shops.messages(shops.requests(engine, ASKED, clicks=CLICKS, limit=LIMIT)))
    with processes.vitrina(registry.folder, on=server) as one:
        found = measured(one, asked, told.connections, 4.0 if told.quick else 60.0)
    print(json.dumps(found, indent=1))
    if not told.quick:
        told_by = machine("grpcio", "uvloop")
        print(f"written to {write('overload', {'machine': told_by, **found})}", file=sys.stderr)


def measured(server: Served, asked: list[bytes], connections: int, seconds: float) -> dict[str, Any]:
    """The peak, the overload, and how it ends."""
    load.closed(server.port, asked[-300:], 1.0)
    closed = load.closed(server.port, asked, min(seconds, 6.0), connections=8, streams=4).rate
    steps = [offered(server, asked, share * closed, min(seconds, 8.0), connections) for share in RISING]
    best = max(steps, key=lambda one: one["goodput"])
    peak = best["goodput"]
    before = server.memory_mb()[0]["resident"]
    with health(server.health) as took, resident(server) as memory:
        crowded = offered(server, asked, TIMES * peak, seconds, connections)
    recovered = recovery(server, asked, peak / 2, connections)
    return {
        "deadline_s": DEADLINE_S,
        "connections": connections,
        "closed_rate": round(closed, 1),
        "rising": steps,
        "peak_goodput": peak,
        "crowded": crowded,
        "goodput_of_peak": round(crowded["goodput"] / peak, 3),
        "by_cpu": round(crowded["goodput_per_cpu_s"] / best["goodput_per_cpu_s"], 3),
        "health_ms": {"p50": _quantile(took, 50), "p99": _quantile(took, 99), "max": _quantile(took, 100)},
        "health_failed": took.count(float("inf")),
        "memory_mb": {"before": before, "most": max(memory), "last": memory[-1]},
        "recovered_s": recovered,
    }


def offered(
    server: Served, asked: list[bytes], rate: float, seconds: float, connections: int
) -> dict[str, Any]:
    """One open run at a rate: goodput, latency of what was answered, and what became of the rest."""
    due = load.poisson(rate, seconds, shops.SEED)
    messages = [asked[one] for one in load.zipf(len(asked), len(due), shops.SEED)]
    before = server.cpu_s()
    run = load.opened(server.port, messages, due, connections=connections, deadline_s=DEADLINE_S)
    cpu = server.cpu_s() - before
    figures = run.figures()
    return {
        "offered": round(rate, 1),
        "goodput": round(len(run.took) / seconds, 1),
        "core_busy": round(cpu / run.seconds, 2),
        "goodput_per_cpu_s": round(len(run.took) / max(cpu, 0.01), 1),
        **{name: figures[name] for name in ("p50_ms", "p99_ms", "failed")},
    }


def recovery(server: Served, asked: list[bytes], rate: float, connections: int) -> float:
    """Seconds from the end of the overload to the end of the first second that went well."""
    began = time.perf_counter()
    for _ in range(20):
        one = offered(server, asked, rate, 1.0, connections)
        if sum(one["failed"].values()) <= 0.01 * rate:
            return round(time.perf_counter() - began, 2)
    return float("inf")


@contextmanager
def health(port: int) -> Any:
    """Ask for health again and again; seconds that each took are in the list, inf where it failed."""
    took: list[float] = []
    done = threading.Event()

    def probe() -> None:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            while not done.wait(HEALTH_GAP_S):
                began = time.perf_counter()
                try:
                    check(b"", timeout=2.0)
                    took.append(time.perf_counter() - began)
                except grpc.RpcError:
                    took.append(float("inf"))

    with _beside(probe, done):
        yield took


@contextmanager
def resident(server: Served) -> Any:
    """The worker's resident memory in MB, twice a second."""
    found: list[float] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.5):
            found.append(server.memory_mb()[0]["resident"])

    with _beside(look, done):
        yield found


@contextmanager
def _beside(work: Any, done: threading.Event) -> Any:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _quantile(took: list[float], share: float) -> float:
    return round(float(np.percentile(took, share)) * 1e3, 1) if took else float("nan")


if __name__ == "__main__":
    main()
