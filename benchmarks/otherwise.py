"""What a shop would run otherwise: FastAPI around implicit, and Serenade by its published figures.

    python benchmarks/otherwise.py            prints tables, writes results/otherwise.json (two minutes)
    python benchmarks/otherwise.py --quick    one short round each, nothing written

FastAPI: lists of 20 for the customers of amazon_toys, each asked in turn, one worker on a core, 32 calls
in flight from another. Ours over gRPC has the whole of `home` and of `typical` (three sources), rules, reasons
and tokens; theirs (`serving/otherwise_server.py`, in .venv-referees) has the neighbours of one model as JSON, asked
by h2load over HTTP/1.1. Rounds are interleaved.

Serenade (Kersbergen, Sprangers, Schelter, SIGMOD 2022) publishes 1,000 requests a second with the 90th percentile
below 7 ms on two virtual cores, for next clicks. Ours: every click of the last day of Yoochoose's sample, the
visit up to it in the request, 21 items, on ONE core, Poisson arrivals without coordinated omission. It is another
machine and a smaller catalogue than theirs: an order of magnitude, not a race.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from machine import machine, shared, write
from scipy.sparse import csr_matrix, save_npz
from server import spread, turn
from serving import load, processes, shops

from vitrina.engine import Engine
from vitrina.request import Block, Request, SessionEvent

SHOP, CLICKS = "amazon_toys", "yoochoose"
LISTS = ("home", "typical")
CONNECTIONS, STREAMS, LIMIT = 8, 4, 20
OK = 200
OFFERED, NEXT, VISIT = (500, 1000, 1500), 21, 9
"""Requests a second; items of a list, as Serenade's; the latest clicks of a visit that are sent."""
THEIRS = "FastAPI + implicit BM25"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round each, nothing written")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    told = parser.parse_args()
    rounds, seconds = (1, 1.0) if told.quick else (5, 3.0)
    result = {
        "machine": machine("grpcio", "uvloop"),
        "fastapi": beside_fastapi(rounds, seconds),
        "serenade": beside_serenade(5 * seconds),
    }
    print(json.dumps(result, indent=2) if told.json else table(result))
    if not told.quick:
        print(f"\nwritten to {write('otherwise', result)}", file=sys.stderr)


def beside_fastapi(rounds: int, seconds: float) -> dict[str, Any]:
    """Rates and CPU of both, taking turns."""
    core, _ = processes.cores()
    engine = shops.opened(SHOP)
    asked = {
        name: list(shops.messages(shops.requests(engine, engine.n_users, limit=LIMIT, placement=name)))
        for name in LISTS
    }
    runs: dict[str, list[dict[str, Any]]] = {f"vitrina, {name}": [] for name in LISTS} | {THEIRS: []}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        matrix = _matrix(engine, folder)
        del engine
        registry = shops.registry(SHOP)
        ours = stack.enter_context(processes.vitrina(registry.folder, on=core, placements=shops.LISTS))
        theirs = stack.enter_context(processes.otherwise(matrix, on=core))
        paths = _paths(theirs.port, len(asked["home"]), folder)
        for place in range(rounds):
            for name in LISTS:
                messages = asked[name][place * 1000 :] + asked[name][: place * 1000]
                runs[f"vitrina, {name}"].append(turn(ours, messages, seconds))
            runs[THEIRS].append(_h2load(theirs, paths, seconds))
    rows = {name: spread(found) for name, found in runs.items()}
    rates = {
        name: round(rows[f"vitrina, {name}"]["rate"]["median"] / rows[THEIRS]["rate"]["median"], 2)
        for name in LISTS
    }
    return {"shop": SHOP, "rows": rows, "ours_over_theirs": rates}


def _matrix(engine: Engine, folder: Path) -> Path:
    """What every customer took how often, as scipy keeps it."""
    history = engine.askers.history
    users = np.repeat(np.arange(engine.n_users), np.diff(history.indptr[: engine.n_users + 1]))
    rows = history.rows[: len(users)]
    shape = (engine.n_users, engine.n_items)
    save_npz(folder / "matrix.npz", csr_matrix((np.ones(len(users), np.float32), (users, rows)), shape))
    return folder / "matrix.npz"


def _paths(port: int, n: int, folder: Path) -> Path:
    """The addresses that h2load asks in turn: every customer once, in a seeded order."""
    order = np.random.default_rng(shops.SEED).permutation(n)
    lines = [f"http://127.0.0.1:{port}/recommend/{user}?n={LIMIT}" for user in order]
    (folder / "paths").write_text("\n".join(lines) + "\n")
    return folder / "paths"


def _h2load(server: processes.Served, paths: Path, seconds: float) -> dict[str, Any]:
    """One closed run by h2load over HTTP/1.1, as a row of `server.turn`; by its log, a line a request."""
    log = paths.with_name("log")
    log.unlink(missing_ok=True)
    shape = ["--h1", "-c", str(CONNECTIONS * STREAMS), "-t", "1", "-D", str(round(seconds))]
    before = server.cpu_s()
    subprocess.run(["h2load", *shape, "-i", str(paths), f"--log-file={log}"], capture_output=True, check=True)
    cpu = server.cpu_s() - before
    _, status, took_us = np.loadtxt(log, dtype=np.int64, ndmin=2).T
    took_ms = took_us[status == OK] / 1e3
    return {
        "rate": round(len(took_ms) / seconds, 1),
        "cpu_us": round(cpu / len(status) * 1e6, 1),
        "core_busy": round(cpu / seconds, 2),
        "p50_ms": round(float(np.percentile(took_ms, 50)), 3),
        "p99_ms": round(float(np.percentile(took_ms, 99)), 3),
        "mean_bytes": 0,
        "answered": len(took_ms),
        "failed": {"status": int((status != OK).sum())} if (status != OK).any() else {},
    }


def beside_serenade(seconds: float) -> dict[str, Any]:
    """Our quantiles at rates around the published one."""
    core, _ = processes.cores()
    registry, asked = shops.registry(CLICKS), list(shops.messages(visits()))
    rows = []
    with processes.vitrina(registry.folder, on=core) as ours:
        load.closed(ours.port, asked[:500], 0.5, connections=CONNECTIONS, streams=STREAMS)
        for rate in OFFERED:
            due = load.poisson(rate, seconds, shops.SEED + rate)
            before = ours.cpu_s()
            run = load.opened(
                ours.port, [asked[n % len(asked)] for n in range(len(due))], due, connections=CONNECTIONS
            )
            cpu_us = round((ours.cpu_s() - before) / len(due) * 1e6, 1)
            rows.append({"offered": rate, "cpu_us": cpu_us, **run.figures()})
    return {"visits": len(asked), "rows": rows, "published": {"rate": 1000, "p90_ms": 7, "cores": 2}}


def visits() -> list[Request]:
    """A request after each click of the last day, with the visit up to it."""
    table = pq.read_table(shared("yoochoose_clicks_100k/clicks.parquet"))
    test = table.filter(np.array(table["split"].to_pylist()) == "test").sort_by("Time")
    visited: dict[str, list[str]] = {}
    asked = []
    for visit, item in zip(
        map(str, test["SessionId"].to_pylist()), map(str, test["ItemId"].to_pylist()), strict=True
    ):
        clicks = [*visited.get(visit, []), item][-VISIT:]
        visited[visit] = clicks
        events = tuple(SessionEvent(one, "view") for one in clicks)
        asked.append(Request((Block("session_next", limit=NEXT),), visitor_id=visit, events=events))
    return asked


def table(result: dict[str, Any]) -> str:
    """Both, for a terminal."""
    lines = [f"{'closed loop':28}{'lists/s':>9}{'CPU us':>9}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}"]
    for name, row in result["fastapi"]["rows"].items():
        figures = (row[one]["median"] for one in ("rate", "cpu_us", "p50_ms", "p99_ms"))
        lines.append(f"{name:28}" + "".join(f"{one:9.1f}" for one in figures) + f"{row['failed']:8}")
    lines.append(f"ours over theirs, by rate: {result['fastapi']['ours_over_theirs']}")
    lines.append(
        f"\n{'next clicks, offered/s':28}{'p50 ms':>9}{'p90 ms':>9}{'p99 ms':>9}{'CPU us':>9}  failed"
    )
    for row in result["serenade"]["rows"]:
        figures = (row[one] for one in ("p50_ms", "p90_ms", "p99_ms", "cpu_us"))
        lines.append(
            f"{row['offered']:<28}" + "".join(f"{one:9.1f}" for one in figures) + f"  {row['failed'] or 0}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
