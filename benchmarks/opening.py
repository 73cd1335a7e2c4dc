"""From a bundle on disk to its first answer, in a worker that serves meanwhile; and what workers weigh.

    python benchmarks/opening.py            prints tables, writes results/opening.json (a minute)
    python benchmarks/opening.py --quick    one swap each, nothing written
    python benchmarks/opening.py --json     prints the result as JSON instead of the tables

Swap: a second bundle of the same size becomes current while a worker answers one caller who never
stops. Measured from the moment the file CURRENT is replaced to the first answer that names the new version;
a worker looks every quarter of a second, so up to that much of it is waiting. `fresh` bundles are
copied and checked first, `known` ones the worker's host has a copy of. `slowest` is the longest that
the caller waited for one answer meanwhile. The steps are those of the same work in this process, by hand.

Memory is that of each worker after four seconds of a thousand customers' calls: what it shares with nobody, and
its proportional part of what it shares, from /proc/PID/smaps_rollup.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import grpc
from machine import machine, write
from serving import load, processes, shops

from vitrina import bundle
from vitrina.engine import Engine
from vitrina.live import Live
from vitrina.registry import Registry
from vitrina.server.current import warm
from vitrina.v1 import recommendation_service_pb2 as v1

SHOP = "complete_journey"
LOOK_S = 0.25
"""How often a worker looks which bundle is current."""
PATIENCE_S = 60.0


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quick", action="store_true", help="one swap each, nothing written")
    parser.add_argument("--shop", choices=shops.RECIPES, default=SHOP, help="another shop; nothing written")
    options = parser.parse_args()
    source = shops.registry(options.shop)
    opened, n = source.open(), 1 if options.quick else 3
    engine = Engine.of(opened)
    asked = list(shops.messages(shops.requests(engine, 100 if options.quick else 1000)))
    size = sum(file.stat().st_size for file in source.path().rglob("*") if file.is_file())
    swapping = swaps(opened, asked, n)
    weight = {"1 worker": swapping.pop("memory_mb")}
    with processes.vitrina(source.folder, workers=2) as served:
        weight["2 workers"] = memory(served, asked)
    result = {
        "machine": machine("grpcio"),
        "settings": {"shop": options.shop, "swaps": n, "look_s": LOOK_S},
        "bundle_mb": round(size / 2**20, 1),
        "steps_s": steps(source.path(), n),
        "swaps": swapping,
        "memory_mb": weight,
    }
    print(json.dumps(result, indent=2) if options.json else table(result))
    if not options.quick and options.shop == SHOP:
        written = write("opening", result)
        if not options.json:
            print(f"\nwritten to {written}")


def steps(path: Path, n: int) -> dict[str, dict[str, float]]:
    """Seconds of checking every byte, of opening, of replaying the probes, of the first answer after."""
    found: dict[str, list[float]] = {"verify": [], "open": [], "warm": [], "first answer": []}
    for _ in range(n):
        started = [time.perf_counter()]
        checked = bundle.verify(path)
        started.append(time.perf_counter())
        engine = Engine.of(checked)
        started.append(time.perf_counter())
        warm(engine, engine.last_event)
        started.append(time.perf_counter())
        engine.recommend(shops.requests(engine, 1), Live(engine.last_event))
        started.append(time.perf_counter())
        for name, a, b in zip(found, started, started[1:], strict=False):
            found[name].append(b - a)
    return {name: _spread(seconds) for name, seconds in found.items()}


def swaps(opened: bundle.Bundle, asked: list[bytes], n: int) -> dict[str, Any]:
    """Bundles that the host has never seen, then those that it holds a copy of, one after the other."""
    with tempfile.TemporaryDirectory(dir=shops.CACHE) as folder:
        registry = Registry(Path(folder))
        versions = [registry.publish(_younger(opened, n - age)).manifest.version for age in range(n + 1)]
        first = versions.pop()
        with processes.vitrina(registry.folder) as served:
            weight = memory(served, asked)
            with asking(served.port, asked) as heard:
                fresh = [swapped(registry, one, heard) for one in versions]
                turns = ([first, *versions][-2:] * n)[:n]  # the host keeps two
                known = [swapped(registry, one, heard) for one in turns]
    return {"memory_mb": weight, "fresh": _table(fresh), "known": _table(known)}


def _younger(opened: bundle.Bundle, seconds: int) -> bundle.Bundle:
    """The same content, trained that much later: another version."""
    created = opened.manifest.created + seconds
    return replace(opened, manifest=replace(opened.manifest, created=created, version=""))


@dataclass
class Heard:
    """What a caller who never stops was told: the version of the latest answer, and when each first came."""

    first: dict[str, float] = field(default_factory=dict)
    latest: str = ""
    slowest_s: float = 0.0
    failed: int = 0

    def take(self, version: str, seconds: float) -> None:
        """One answer."""
        if version != self.latest:
            self.first[version] = time.time()
            self.latest = version
        self.slowest_s = max(self.slowest_s, seconds)


@contextmanager
def asking(port: int, asked: list[bytes]) -> Iterator[Heard]:
    """A caller in a thread, one call after the other, until the block ends."""
    heard, stop = Heard(), threading.Event()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Any = channel.unary_unary(load.METHOD)
        thread = threading.Thread(target=_ask, args=(call, asked, heard, stop))
        thread.start()
        try:
            _until(lambda: bool(heard.latest))
            yield heard
        finally:
            stop.set()
            thread.join()


def _ask(call: Any, asked: list[bytes], heard: Heard, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        started = time.perf_counter()
        try:
            answer = call(asked[number % len(asked)], timeout=10)
        except grpc.RpcError:
            heard.failed += 1
        else:
            version = v1.RecommendResponse.FromString(answer).bundle_version
            heard.take(version, time.perf_counter() - started)
        number += 1


def swapped(registry: Registry, version: str, heard: Heard) -> dict[str, float]:
    """Seconds from the replacement of CURRENT to the first answer by `version`."""
    time.sleep(2 * LOOK_S)
    heard.slowest_s, heard.failed = 0.0, 0
    registry.activate(version)
    replaced = (registry.folder / "CURRENT").stat().st_ctime
    _until(lambda: heard.latest == version)
    seconds = heard.first[version] - replaced
    return {"seconds": seconds, "slowest_s": heard.slowest_s, "failed": heard.failed}


def _until(so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not so():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing changed within {PATIENCE_S:.0f} s")
        time.sleep(0.002)


def _table(runs: list[dict[str, float]]) -> dict[str, Any]:
    seconds = _spread([one["seconds"] for one in runs])
    return {
        "to_first_answer_s": seconds,
        "less_mean_wait_s": round(max(0.0, seconds["median"] - LOOK_S / 2), 3),
        "slowest_answer_s": _spread([one["slowest_s"] for one in runs]),
        "failed": sum(one["failed"] for one in runs),
    }


def memory(served: processes.Served, asked: list[bytes]) -> dict[str, Any]:
    """MB of each worker after a load that every worker gets its part of; and the seconds of the start."""
    connections = 8 * len(served.pids)
    run = load.closed(served.port, asked, len(asked) / 250, connections=connections, streams=2)
    return {"start_s": round(served.started_s, 2), "answered": len(run.took), "each": served.memory_mb()}


def _spread(seconds: list[float]) -> dict[str, float]:
    figures = {"median": median(seconds), "min": min(seconds), "max": max(seconds)}
    return {name: round(one, 4) for name, one in figures.items()}


def table(result: dict[str, Any]) -> str:
    """All of it, for a terminal."""
    lines = [f"a bundle of {result['bundle_mb']} MB", f"{'seconds':32}{'median':>9}{'min':>9}{'max':>9}"]
    rows = {f"by hand: {name}": row for name, row in result["steps_s"].items()}
    for kind in ("fresh", "known"):
        rows[f"swap, {kind}: to first answer"] = result["swaps"][kind]["to_first_answer_s"]
        rows[f"swap, {kind}: slowest answer"] = result["swaps"][kind]["slowest_answer_s"]
    for name, row in rows.items():
        lines.append(f"{name:32}{row['median']:9.3f}{row['min']:9.3f}{row['max']:9.3f}")
    for workers, found in result["memory_mb"].items():
        each = "; ".join(", ".join(f"{name} {mb}" for name, mb in one.items()) for one in found["each"])
        lines.append(f"{workers}, MB after {found['answered']:,} answers: {each}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
