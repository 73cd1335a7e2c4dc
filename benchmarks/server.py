"""A worker over gRPC beside servers that answer constant bytes of the same size: closed loop, open loop.

    python benchmarks/server.py             prints tables, writes results/server.json (ten minutes)
    python benchmarks/server.py --quick     seconds, nothing written
    python benchmarks/server.py --json      prints the result as JSON instead of the tables
    python benchmarks/server.py --shop complete_journey     one shop only; needs no shared data

Ours is one `vitrina serve` worker with every default, answering lists of 20 items with reasons; nothing is
cached between calls and no two requests in a row are one customer's. The lists (serving/lists.toml): `home`
as written, from seven sources; `home_weighed`, what weighing leaves of it, where that was found out;
`typical`, three sources, rules and what happened in the visit. The rivals do no work at all: grpc.server with
threads, grpc.aio on asyncio and on uvloop, sending one real answer of median size, of the first list. The server has a core of its own, the client another; the client
is the raw HTTP/2 one of serving/load.py. Contenders take turns; medians, least and most are over rounds. The ratio is
ours / fastest constant server, by rate, and, which no neighbour on the machine disturbs, by CPU. Six lists
of one page, asked for in one call, stand beside the same six in six calls.

Closed loop: 32 calls in flight, each customer in turn; `busy` is the share of its core that the server
got, below 1 where somebody else, or the client, was in the way. Open loop: the first list, Poisson arrivals at 1,000 a
second and at shares of the fastest constant server's rate, customers by Zipf's law, latency from when a call was due. h2load checks
the closed loop with one payload; it counts refusals as successes, so the server's own counts stand beside it.

dozen is made up: 20,000 customers of a dozen events in the median and fifty at most, 50,000 products, two clicks
in each request. amazon_toys has 19,412 customers. complete_journey has 2,467 households: 10,000 requests are theirs
in turn, each with two clicks of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from shutil import which
from statistics import median
from typing import Any

import numpy as np
from machine import machine, write
from serving import load, processes, shops
from serving.constant_server import KINDS
from serving.processes import Served

from vitrina.engine import Engine
from vitrina.request import Block
from vitrina.server.service import Service
from vitrina.server.token import Signer

OURS = "vitrina"
ASKED = {"dozen": (20_000, 2), "amazon_toys": (19_412, 0), "complete_journey": (10_000, 2), "small": (600, 2)}
"""Of each shop: how many requests, and clicks in each."""
LISTS = {
    "dozen": ("typical", "home"),
    "amazon_toys": ("typical", "home"),
    "complete_journey": ("home_weighed", "typical", "home"),
    "small": ("home_weighed", "typical", "home"),
}
PAGE = ("typical", "home_weighed", "product_similar", "cart", "session_next", "post_purchase")
"""The lists of one page; asked for with one product looked at and two clicks."""
SHOPS = ("dozen", "amazon_toys", "complete_journey")
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
RATE = 1_000.0
"""Calls a second that are offered whatever the fastest could take."""
LIMIT, CONNECTIONS, STREAMS = 20, 8, 4
Rounds = dict[str, list[dict[str, Any]]]


def main() -> None:
    """Every shop; print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quick", action="store_true", help="one short round, nothing written")
    parser.add_argument("--shop", choices=ASKED, help="one shop only")
    options = parser.parse_args()
    rounds, seconds, open_s = (1, 0.3, 0.5) if options.quick else (4, 2.0, 6.0)
    result: dict[str, Any] = {
        "machine": machine("grpcio", "protobuf", "uvloop"),
        "settings": {
            "rounds": rounds,
            "seconds": seconds,
            "open_seconds": open_s,
            "in_flight": CONNECTIONS * STREAMS,
            "limit": LIMIT,
        },
        "shops": {},
    }
    server, client = processes.cores()
    os.sched_setaffinity(0, client)
    for shop in [options.shop] if options.shop else SHOPS:
        shares = SHARES[1:2] if options.quick else SHARES
        result["shops"][shop] = measured(shop, server, rounds, seconds, open_s, shares)
        if not options.json:
            print(table(shop, result["shops"][shop]), flush=True)
    if options.json:
        print(json.dumps(result, indent=2))
    if not options.quick and not options.shop:
        print(f"\nwritten to {write('server', result)}", file=sys.stderr)


def measured(
    shop: str, core: set[int], rounds: int, seconds: float, open_s: float, shares: tuple[float, ...]
) -> dict[str, Any]:
    """One shop: all servers up at once, those that are not asked idle."""
    engine = shops.opened(shop)
    lists = {name: asked_for(engine, shop, name) for name in LISTS[shop]}
    answer = typical(engine, lists[LISTS[shop][0]])
    facts = {
        "requests": ASKED[shop][0],
        "customers": min(ASKED[shop][0], engine.n_users),
        "items": engine.n_items,
        "median_history": int(np.median(shops.lengths(engine))),
        "sources": {name: mixed(engine, name) for name in lists},
        "answer_bytes": len(answer),
    }
    calls = pages(engine, shop)
    del engine
    registry = shops.registry(shop)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "answer").write_bytes(answer)
        ours = stack.enter_context(processes.vitrina(registry.folder, on=core, placements=shops.LISTS))
        rivals = {
            kind: stack.enter_context(processes.constant(kind, folder / "answer", on=core)) for kind in KINDS
        }
        closed = closed_loop(ours, rivals, lists, rounds, seconds)
        fastest = closed["fastest_constant"]
        capacity = closed["servers"][fastest]["rate"]["median"]
        pair, asked = {OURS: ours, fastest: rivals[fastest]}, lists[LISTS[shop][0]]
        return {
            **facts,
            "closed": closed,
            "page": page(ours, calls, rounds, seconds),
            "open": open_loop(pair, asked, capacity, sorted((*shares, RATE / capacity)), open_s),
            "h2load": h2load(pair, asked[0], folder, seconds) if rounds > 1 else {},
        }


def asked_for(engine: Engine, shop: str, placement: str) -> list[bytes]:
    """Requests for one list, each another's."""
    n, clicks = ASKED[shop]
    return list(shops.messages(shops.requests(engine, n, clicks=clicks, limit=LIMIT, placement=placement)))


def mixed(engine: Engine, placement: str) -> list[str]:
    """The sources that a placement mixes, as far as the bundle has them."""
    return [
        one.strategy for one in engine.placements.named(placement).sources if one.strategy in engine.sources
    ]


def pages(engine: Engine, shop: str) -> dict[str, list[bytes]]:
    """The same pages as one call each and as a call for each of their lists."""
    rng = np.random.default_rng(shops.SEED)
    n = min(ASKED[shop][0], 1000)
    seen = engine.items.names(rng.integers(0, engine.n_items, n).astype(np.int32))
    blocks = tuple(Block(name, limit=LIMIT) for name in PAGE)
    asked = shops.requests(engine, n, clicks=2, limit=LIMIT)
    whole = [
        replace(one, blocks=blocks, context_item_ids=(item,)) for one, item in zip(asked, seen, strict=True)
    ]
    single = [replace(one, blocks=(block,)) for one in whole for block in one.blocks]
    return {"one call": list(shops.messages(whole)), "six calls": list(shops.messages(single))}


def page(ours: Served, calls: dict[str, list[bytes]], rounds: int, seconds: float) -> dict[str, Any]:
    """Pages a second and CPU microseconds of a page, both ways, taking turns."""
    runs: Rounds = {name: [] for name in calls}
    for name in list(calls) * rounds:
        runs[name].append(turn(ours, calls[name], seconds))
    found: dict[str, Any] = {}
    for name, many in (("one call", 1), ("six calls", len(PAGE))):
        rows = spread(runs[name])
        found[name] = {
            "pages_s": round(rows["rate"]["median"] / many, 1),
            "cpu_us": round(rows["cpu_us"]["median"] * many, 1),
            "failed": rows["failed"],
        }
    one, six = found["one call"], found["six calls"]
    ratios = {"by_rate": one["pages_s"] / six["pages_s"], "by_cpu": six["cpu_us"] / one["cpu_us"]}
    return {"lists": PAGE, **found, **{name: round(ratio, 3) for name, ratio in ratios.items()}}


def typical(engine: Engine, asked: list[bytes]) -> bytes:
    """The answer of median size among a hundred, as the service writes it."""
    service = Service(lambda: engine, Signer(b"sixteen bytes or more"))
    answers = [service.recommend(one, engine.last_event) for one in asked[:101]]
    return sorted(answers, key=len)[len(answers) // 2]


def closed_loop(
    ours: Served, rivals: dict[str, Served], lists: dict[str, list[bytes]], rounds: int, seconds: float
) -> dict[str, Any]:
    """Rates and CPU of all, taking turns: each of our lists, a constant server, our lists again, the next."""
    contenders = {**{f"{OURS}, {name}": (ours, asked) for name, asked in lists.items()}}
    contenders |= {kind: (server, next(iter(lists.values()))) for kind, server in rivals.items()}
    found: Rounds = {name: [] for name in contenders}
    turns = [name for kind in KINDS for name in (*(f"{OURS}, {one}" for one in lists), kind)]
    for server, asked in contenders.values():
        load.closed(server.port, asked[-200:], 0.3, connections=CONNECTIONS, streams=STREAMS)
    at = dict.fromkeys(contenders, 0)
    for name in turns * rounds:
        server, asked = contenders[name]
        found[name].append(turn(server, asked[at[name] :] + asked[: at[name]], seconds))
        at[name] = (at[name] + found[name][-1]["answered"]) % len(asked)
    rows = {name: spread(runs) for name, runs in found.items()}
    fastest = max(KINDS, key=lambda kind: rows[kind]["rate"]["median"])
    cheapest = min(KINDS, key=lambda kind: rows[kind]["cpu_us"]["median"])
    rates = {
        name: rows[f"{OURS}, {name}"]["rate"]["median"] / rows[fastest]["rate"]["median"] for name in lists
    }
    cpus = {
        name: rows[cheapest]["cpu_us"]["median"] / rows[f"{OURS}, {name}"]["cpu_us"]["median"]
        for name in lists
    }
    return {
        "servers": rows,
        "fastest_constant": fastest,
        "cheapest_constant": cheapest,
        "ratio_by_rate": {name: round(one, 3) for name, one in rates.items()},
        "ratio_by_cpu": {name: round(one, 3) for name, one in cpus.items()},
        "server_counts": counted(ours),
    }


def turn(server: Served, asked: list[bytes], seconds: float) -> dict[str, Any]:
    """One closed run of one server."""
    before = server.cpu_s()
    run = load.closed(server.port, asked, seconds, connections=CONNECTIONS, streams=STREAMS)
    cpu = server.cpu_s() - before
    each = cpu / max(len(run.took) + sum(run.failed.values()), 1)
    return {**run.figures(), "cpu_us": round(each * 1e6, 1), "core_busy": round(cpu / run.seconds, 2)}


def spread(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Median, least and most of each figure over rounds; failures added up."""
    rows: dict[str, Any] = {}
    for name in ("rate", "cpu_us", "core_busy", "p50_ms", "p99_ms", "mean_bytes"):
        values = [one[name] for one in runs]
        rows[name] = {"median": round(median(values), 3), "min": min(values), "max": max(values)}
    rows["answered"] = sum(one["answered"] for one in runs)
    rows["failed"] = sum(sum(one["failed"].values()) for one in runs)
    return rows


def counted(server: Served) -> dict[str, int]:
    """What the server itself counted, after its next report."""
    time.sleep(1.6)
    return server.codes()


def open_loop(
    servers: dict[str, Served],
    asked: list[bytes],
    capacity: float,
    shares: list[float],
    seconds: float,
) -> list[dict[str, Any]]:
    """Ours and the fastest constant server under the same arrivals, from quiet to crowded."""
    rows = []
    for number, share in enumerate(shares):
        due = load.poisson(share * capacity, seconds, shops.SEED + number)
        order = load.zipf(len(asked), len(due), shops.SEED + number)
        messages = [asked[one] for one in order]
        for name, server in servers.items():
            run = load.opened(server.port, messages, due, connections=CONNECTIONS)
            told = {"share": round(share, 3), "offered": round(len(due) / seconds, 1)}
            rows.append({"server": name, **told, "customers": len(set(order)), **run.figures()})
            time.sleep(0.3)
    return rows


def h2load(servers: dict[str, Served], message: bytes, folder: Path, seconds: float) -> dict[str, Any]:
    """The closed loop again by h2load, with one payload; empty where it is not installed."""
    if not which("h2load"):
        return {}
    file = folder / "request"
    file.write_bytes(struct.pack(">BI", 0, len(message)) + message)
    found = {}
    for name, server in servers.items():
        before, codes = server.cpu_s(), counted(server) if server.metrics else {}
        shape = ["-c", str(CONNECTIONS), "-m", str(STREAMS), "-t", "1", "-D", str(max(1, round(seconds)))]
        url = f"http://127.0.0.1:{server.port}{load.METHOD}"
        headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        command = ["h2load", *shape, "-d", str(file), *headers, url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        done, rate = _said(r"(\d+) done", said), _said(r"([\d.]+) req/s", said)
        spent = (server.cpu_s() - before) / max(done, 1) * 1e6
        after = counted(server) if server.metrics else {}
        own = {code: n - codes.get(code, 0) for code, n in after.items()}
        found[name] = {"rate": rate, "done": int(done), "cpu_us": round(spent, 1), "server_counts": own}
    return found


def _said(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else float("nan")


def table(shop: str, one: dict[str, Any]) -> str:
    """One shop, for a terminal."""
    closed = one["closed"]
    lines = [
        f"== {shop}: {one['requests']:,} requests of {one['customers']:,} customers, {one['median_history']} events in "
        f"the median history, {one['items']:,} items, {one['answer_bytes']:,} bytes an answer",
        f"{'closed loop':24}{'calls/s':>10}{'min':>9}{'max':>9}{'CPU us':>9}{'min':>8}{'max':>8}{'busy':>6}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}",
    ]
    for name, row in closed["servers"].items():
        rate, cpu = row["rate"], row["cpu_us"]
        lines.append(
            f"{name:24}{rate['median']:10.0f}{rate['min']:9.0f}{rate['max']:9.0f}{cpu['median']:9.0f}{cpu['min']:8.0f}"
            f"{cpu['max']:8.0f}{row['core_busy']['median']:6.2f}{row['p50_ms']['median']:9.1f}{row['p99_ms']['median']:9.1f}{row['failed']:8}"
        )
    lines.append(
        f"ratios by rate {closed['ratio_by_rate']} of {closed['fastest_constant']}, by CPU {closed['ratio_by_cpu']} of "
        f"{closed['cheapest_constant']}; the server counted {closed['server_counts']}"
    )
    lines.append(f"page: {one['page']}")
    lines += [f"h2load, {name}: {row}" for name, row in one["h2load"].items()]
    heads = ("offered", "rate", "p50_ms", "p90_ms", "p99_ms", "p999_ms")
    lines.append(f"{'open loop':16}{'share':>7}" + "".join(f"{head:>11}" for head in heads) + "  failed")
    for row in one["open"]:
        figures = "".join(f"{row[head]:11.1f}" for head in heads)
        lines.append(f"{row['server']:16}{row['share']:7.2f}{figures}  {row['failed'] or ''}")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
