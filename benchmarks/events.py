"""Events on disk a second, beside bare LMDB; and how soon the next list follows from one.

    python benchmarks/events.py             prints tables, writes results/events.json (two minutes)
    python benchmarks/events.py --quick     seconds, nothing written
    python benchmarks/events.py --json      prints the result as JSON instead of the tables

`vitrina serve --store` with two workers and every default: an event is acknowledged once it is fsynced. The
client is the raw HTTP/2 one of serving/load.py; it shares the cores with them, and sleeps while it waits. Batches of 50
events with 64 calls in flight; single events from 64 clients, each with a connection and one call at a time.
Every event has an id of its own and one of 20,000 visitors; the server's own count of accepted ones must be
as many as were sent.

Beside it LMDB with nothing of ours: one process puts the same bytes (an event as the log holds it, its id,
a profile) into three tables and commits, as many in a commit as the server has in flight, fsynced too. The
ratio is ours / bare. The disk decides both: its fsync is measured in the same run.

The delays are of the shipped client, one visitor after the other, alone and while batches of 50 are recorded:
`acknowledged` from sending a click until it is on disk, `list` from sending it until the next list is there,
asked over another connection, which any worker may get. `stock`
is from sending that a product has sold out until ten lists in a row, each over a connection of its own, are
without it, alone and under that load too. `reflected` is the share of those lists that
follow from it: the first product of a stranger's retargeting list is clicked, and does not come again.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import lmdb
import numpy as np
from machine import machine, write
from serving import load, processes, shops
from serving.processes import Served

from vitrina.client import Client
from vitrina.event_calls import METHOD
from vitrina.happening import Happening
from vitrina.request import Block, Request
from vitrina.state.events import Event, encoded, entered
from vitrina.state.lately import Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.profiles import grown, record
from vitrina.state.recording import recording
from vitrina.updates import ItemUpdate
from vitrina.v1 import event_service_pb2 as v1

BATCH, IN_FLIGHT, CLIENTS = 50, (8, 8), 64
VISITORS, ITEMS, NOW = 20_000, 5_000, 1_700_000_000
TARGETS = {"batches": 20_000, "singles": 2_000}
"""Durable events a second that were asked for, in batches and in calls of one."""


def main() -> None:
    """Measure; print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quick", action="store_true", help="one short round, nothing written")
    parser.add_argument("--shop", choices=shops.RECIPES, default="complete_journey", help="whose lists")
    options = parser.parse_args()
    rounds, seconds, clicks = (1, 0.5, 20) if options.quick else (5, 4.0, 400)
    registry = shops.registry(options.shop).folder
    result = measured(registry, rounds, seconds, clicks)
    if not options.quick:
        write("events", result)
    print(json.dumps(result, indent=1) if options.json else said(result))


def measured(registry: Path, rounds: int, seconds: float, clicks: int) -> dict[str, Any]:
    """Rates by round, delays, and what they were measured on."""
    with tempfile.TemporaryDirectory(prefix="vitrina-") as scratch:
        folder = Path(scratch)
        with processes.vitrina(registry, workers=2, store=folder / "store") as server:
            found: dict[str, list[dict[str, Any]]] = {"batches": [], "singles": [], "bare": []}
            for _ in range(rounds):
                found["batches"].append(recorded(server, BATCH, *IN_FLIGHT, seconds))
                found["singles"].append(recorded(server, 1, CLIENTS, 1, seconds))
                found["bare"].append(bare(folder, BATCH * IN_FLIGHT[0] * IN_FLIGHT[1], seconds))
            delays = {"alone": delayed(server, clicks)}
            delays["alone"]["stock_ms"] = sold_out(server, clicks // 10)
            with others_record(server):
                delays["while recording"] = delayed(server, clicks)
                delays["while recording"]["stock_ms"] = sold_out(server, clicks // 10)
        profile_reads_us = read_us(folder)
        fsync = fsynced(folder, 10 if rounds == 1 else 200)
    rates = {name: float(np.median([one["events_s"] for one in runs])) for name, runs in found.items()}
    return {
        "machine": machine("grpcio", "protobuf", "lmdb"),
        "rounds": found,
        "events_s": rates,
        "ratio_to_bare": round(rates["batches"] / rates["bare"], 3),
        "fsync_ms": fsync,
        "delays": delays,
        "profile_reads_us": profile_reads_us,
        "targets": TARGETS,
    }


def messages(n: int, size: int) -> list[bytes]:
    """Requests of `size` events each, every one with an id of its own."""
    rng = np.random.default_rng(secrets.randbits(64))
    visitors, items = rng.integers(VISITORS, size=n * size), rng.integers(ITEMS, size=n * size)
    events = (
        {"event_id": secrets.token_hex(12), "visitor_id": f"visitor-{visitor}", "item_id": f"i{item}"}
        for visitor, item in zip(visitors.tolist(), items.tolist(), strict=True)
    )
    return [v1.RecordRequest(events=islice(events, size)).SerializeToString() for _ in range(n)]


def recorded(server: Served, size: int, connections: int, streams: int, seconds: float) -> dict[str, Any]:
    """One closed loop; raises where an event was lost, or counted that was not sent."""
    ready = messages(int(seconds * (1_600 if size > 1 else 12_000)), size)
    before, cpu = accepted(server), server.cpu_s()
    run = load.closed(
        server.port, ready, seconds, connections=connections, streams=streams, method=METHOD, spin=False
    )
    cpu = server.cpu_s() - cpu
    if run.sent > len(ready):
        raise RuntimeError(f"{run.sent} calls were sent and {len(ready)} made: some were duplicates")
    time.sleep(2.5)  # the counts are a second old
    if (counted := accepted(server) - before) != len(run.took) * size:
        raise RuntimeError(f"{len(run.took) * size} events were acknowledged, and {counted} counted")
    events_s = run.rate * size
    return {"events_s": round(events_s), "cpu_us": round(cpu / max(counted, 1) * 1e6, 1), **run.figures()}


def accepted(server: Served) -> int:
    """Events that the server says it accepted."""
    lines = urlopen(server.metrics).read().decode().splitlines()
    return sum(
        int(float(one.split()[1])) for one in lines if 'vitrina_events_total{outcome="accepted"}' in one
    )


def bare(folder: Path, together: int, seconds: float) -> dict[str, Any]:
    """LMDB alone: the same bytes, `together` events a commit."""
    where = Path(tempfile.mkdtemp(dir=folder))
    env = lmdb.open(str(where), map_size=8 << 30, max_dbs=3)
    log, seen, profiles = (env.open_db(name) for name in (b"log", b"seen", b"profiles"))
    rng = np.random.default_rng(1)
    number, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        with env.begin(write=True) as transaction:
            for visitor in rng.integers(VISITORS, size=together).tolist():
                number += 1
                key, who = number.to_bytes(8, "big"), f"vvisitor-{visitor}".encode()
                transaction.put(secrets.token_hex(12).encode(), key, db=seen)
                transaction.put(key, ENTRY, db=log, append=True)
                transaction.put(who, grown(transaction.get(who, db=profiles) or b"", [RECORD]), db=profiles)
    spent = time.perf_counter() - started
    env.close()
    return {"events_s": round(number / spent)}


ENTRY = entered(
    encoded(Event("0" * 24, "view", "", "visitor-12345", "i1234", 1_700_000_000)), 1_700_000_000, False
)
RECORD = record(1, 1_700_000_000, 1, 1)


def fsynced(folder: Path, n: int) -> dict[str, float]:
    """What the disk takes to make 4 KiB durable, in milliseconds."""
    took = []
    with (folder / "fsync").open("wb") as stream:
        for _ in range(n):
            stream.write(b"x" * 4096)
            started = time.perf_counter()
            stream.flush()
            os.fsync(stream.fileno())
            took.append((time.perf_counter() - started) * 1e3)
    return quantiles(took)


def delayed(server: Served, clicks: int) -> dict[str, Any]:
    """From a click to the list that follows from it, in milliseconds."""
    address = f"127.0.0.1:{server.port}"
    acknowledged, listed, reflected = [], [], 0
    with Client(address) as shop:
        for _ in range(clicks):
            visitor = secrets.token_hex(8)
            request = Request((Block("retargeting", limit=5),), visitor_id=visitor)
            with Client(address) as other:
                first = other.recommend(request).blocks[0].items[0].item_id
                started = time.perf_counter()
                shop.record([Happening(first, visitor_id=visitor)], timeout_s=30.0)
                acknowledged.append((time.perf_counter() - started) * 1e3)
                then = {one.item_id for one in other.recommend(request).blocks[0].items}
                listed.append((time.perf_counter() - started) * 1e3)
                reflected += first not in then
    return {
        "acknowledged_ms": quantiles(acknowledged),
        "list_ms": quantiles(listed),
        "reflected": reflected / clicks,
    }


def read_us(folder: Path) -> dict[str, dict[str, float]]:
    """CPU microseconds to read what a visitor did, by how much it is, one alone and of 32 at once."""
    store = LmdbStore(folder / "profiles", create=True, ack="written")
    lately, found = Lately(store), {}
    for n in (0, 1, 5, 20, 120):
        people = [("", f"{n}-{visitor}") for visitor in range(480)]
        for _, visitor in people:
            did = [
                Event(f"{visitor}:{at}", "view", "", visitor, f"i{at}", NOW + 1000 * at) for at in range(n)
            ]
            store.write(recording(did, NOW)).result()
        each = [least_us(lately, people, size) for size in (1, 1, 32)]
        found[str(n)] = {"alone": min(each[:2]), "of_32": each[2]}
    store.close()
    return found


def least_us(lately: Lately, people: list[tuple[str, str]], size: int) -> float:
    """The least of seven runs: what else the machine does only ever adds."""
    took = []
    for _ in range(7):
        started = time.process_time()
        for at in range(0, len(people), size):
            lately.live(people[at : at + size], NOW)
        took.append((time.process_time() - started) / len(people) * 1e6)
    return round(min(took), 1)


def sold_out(server: Served, times: int) -> dict[str, float]:
    """From a product that sells out to lists without it on every worker, in milliseconds."""
    address, took = f"127.0.0.1:{server.port}", []
    request = Request((Block("retargeting", limit=5),), visitor_id="nobody")

    def listed() -> list[str]:
        with Client(address) as shop:
            return [one.item_id for one in shop.recommend(request).blocks[0].items]

    with Client(address) as shop:
        for _ in range(times):
            item_id = listed()[0]
            started = gone = time.perf_counter()
            shop.update_items([ItemUpdate(item_id, 0, {"in_stock": False})], timeout_s=30.0)
            without = 0
            while without < 10:
                if item_id in listed():
                    without = 0
                else:
                    without += 1
                    gone = time.perf_counter() if without == 1 else gone
            took.append((gone - started) * 1e3)
    return quantiles(took)


@contextmanager
def others_record(server: Served) -> Iterator[None]:
    """Others record batches of 50 meanwhile, one call at a time."""
    stop = threading.Event()

    def work() -> None:
        with Client(f"127.0.0.1:{server.port}", timeout_s=30.0) as shop:
            while not stop.is_set():
                shop.record([Happening(f"i{n}", visitor_id=secrets.token_hex(4)) for n in range(BATCH)])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def quantiles(took: list[float]) -> dict[str, float]:
    """Median, p90, p99 and most."""
    shares = (("p50", 50), ("p90", 90), ("p99", 99), ("max", 100))
    return {name: round(float(np.percentile(took, share)), 2) for name, share in shares}


def said(result: dict[str, Any]) -> str:
    """For a person."""
    lines = [f"{'':10}{'events/s':>10}{'least':>10}{'most':>10}{'CPU us':>8}{'p50 ms':>8}{'p99 ms':>8}"]
    for name, runs in result["rounds"].items():
        rates = [one["events_s"] for one in runs]
        middle = sorted(runs, key=lambda one: one["events_s"])[len(runs) // 2]
        figures = "".join(f"{middle.get(key, '-'):>8}" for key in ("cpu_us", "p50_ms", "p99_ms"))
        lines.append(
            f"{name:10}{result['events_s'][name]:>10,.0f}{min(rates):>10,}{max(rates):>10,}{figures}"
        )
    lines.append(f"batches / bare LMDB: {result['ratio_to_bare']}; fsync of 4 KiB, ms: {result['fsync_ms']}")
    for name, one in result["delays"].items():
        told = f"acknowledged {one['acknowledged_ms']}, list {one['list_ms']}"
        told += f", stock {one['stock_ms']}" if "stock_ms" in one else ""
        lines.append(f"{name}: {told}, reflected {one['reflected']:.1%}")
    lines.append(f"CPU us to read what a visitor did, by events: {result['profile_reads_us']}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
