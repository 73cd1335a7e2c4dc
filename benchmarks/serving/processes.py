"""Server processes under measurement: started on one core, their CPU, memory and own counters read."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from serving.constant_server import __file__ as constant_server

WORKERS = ("vitrina-worker", "envoy")
START_S = 60.0
ROOT = Path(__file__).resolve().parents[2]
REFEREES = ROOT / ".venv-referees" / "bin" / "python"


@dataclass(frozen=True)
class Served:
    """A running server: its port, the processes that answer, where it tells its counters, its start in seconds,
    the port of its health alone, the process that keeps the others, and where operators ask."""

    port: int
    pids: tuple[int, ...]
    metrics: str = ""
    started_s: float = 0.0
    health: int = 0
    supervisor: int = 0
    admin: str = ""

    def cpu_s(self) -> float:
        """CPU seconds so far of those who answer, user and system; the kernel counts hundredths."""
        return sum(_used_s(pid) for pid in self.pids)

    def codes(self) -> dict[str, int]:
        """Its own count of Recommend calls by status, as old as a second; empty where it keeps none."""
        text = urlopen(self.metrics).read().decode() if self.metrics else ""
        found = re.findall(r'^vitrina_requests_total\{code="(\w+)",method="Recommend"\} (\S+)', text, re.M)
        return {code: int(float(n)) for code, n in found}

    def memory_mb(self) -> list[dict[str, float]]:
        """Of each process, in MB: resident, proportional, and what it shares with nobody."""
        return [_memory(pid) for pid in self.pids]


def cores() -> tuple[set[int], set[int]]:
    """The cores of the server and of the client: one and the rest, or the same where there is one only."""
    allowed = sorted(os.sched_getaffinity(0))
    return {allowed[0]}, set(allowed[1:] or allowed)


@contextmanager
def vitrina(
    registry: Path,
    *,
    workers: int = 1,
    on: set[int] | None = None,
    placements: Path | None = None,
    store: Path | None = None,
    front: str = "grpc",
    operators: bool = False,
) -> Iterator[Served]:
    """`vitrina serve` over a registry, as of its last event; every default, calls logged to a file.

    `operators`: they may ask, and the clock counts.
    """
    metrics, health = _free_port(), _free_port()
    command = [sys.executable, "-m", "vitrina", "serve", "--registry", str(registry), "--port", "0"]
    command += ["--workers", str(workers), "--open", "--front", front]
    command += ["--metrics-port", str(metrics), "--health-port", str(health)]
    command += ["--admin-port", str(_free_port())] if operators else ["--as-of", "last"]
    command += ["--placements", str(placements)] if placements else []
    command += ["--store", str(store)] if store else []
    began = time.perf_counter()
    with tempfile.TemporaryFile() as log, _process(command, on, log.fileno()) as process:
        ready = json.loads(_line(process))
        port = int(ready["address"].rpartition(":")[2])
        took = time.perf_counter() - began
        pid = process.pid
        yield Served(port, workers_of(pid), ready["metrics"], took, health, pid, ready.get("admin", ""))


@contextmanager
def constant(kind: str, answer: Path, *, on: set[int] | None = None) -> Iterator[Served]:
    """A server that answers everything with the bytes of a file."""
    command = [sys.executable, constant_server, kind, str(answer)]
    with _process(command, on, subprocess.DEVNULL) as process:
        yield Served(int(_line(process)), (process.pid,))


@contextmanager
def otherwise(matrix: Path, *, on: set[int] | None = None) -> Iterator[Served]:
    """FastAPI around implicit, over customers x items. Raises RuntimeError where .venv-referees is not made."""
    if not REFEREES.exists():
        raise RuntimeError(f"{REFEREES} is missing; run make referees")
    port = _free_port()
    command = [str(REFEREES), "-m", "serving.otherwise_server", str(matrix), str(port)]
    with _process(command, on, subprocess.DEVNULL, ROOT / "benchmarks") as process:
        _line(process)
        _until_open(port)
        yield Served(port, (process.pid,))


def _until_open(port: int) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


@contextmanager
def _process(
    command: list[str], on: set[int] | None, log: int, folder: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    if on:
        command = ["taskset", "-c", ",".join(map(str, sorted(on))), *command]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(START_S)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a server ended before it served: {process.args!r}")
    return line


def workers_of(pid: int) -> tuple[int, ...]:
    """The workers among the processes that a supervisor started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return tuple(int(one) for one in found if Path(f"/proc/{one}/comm").read_text().strip() in WORKERS)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _used_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kb = {one.partition(":")[0]: int(one.split()[1]) for one in lines}
    mb = {
        "resident": kb["Rss"],
        "proportional": kb["Pss"],
        "private": kb["Private_Dirty"] + kb["Private_Clean"],
        "private_dirty": kb["Private_Dirty"],
    }
    return {name: round(one / 1024, 1) for name, one in mb.items()}
