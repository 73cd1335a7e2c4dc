"""What a process takes while it works, stage by stage: seconds, and memory that it shares with nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

WATCH = """
import sys, select
peak, file = 0, f"/proc/{sys.argv[1]}/status"
while True:
    told = next((line.split()[1] for line in open(file) if line.startswith("RssAnon")), "0")
    peak = max(peak, int(told))
    if select.select([sys.stdin], [], [], 0.01)[0]:
        if not sys.stdin.readline():
            break
        print(peak, flush=True)
        peak = 0
"""
"""A process that looks at another a hundred times a second, and says what it held at most when asked."""


class Stages:
    """Seconds and peak memory of each stage of a fit, which says a line when one is over."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        command = [sys.executable, "-c", WATCH, str(os.getpid())]
        self._watch = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._start()

    def say(self, line: str) -> None:
        """A stage is over."""
        words = line.split()
        name = words[1] if words[0] == "fitted" else words[0]
        self.found.append(
            {
                "stage": name,
                "seconds": round(time.perf_counter() - self._wall, 2),
                "cpu_s": round(time.process_time() - self._cpu, 2),
                "peak_mb": round(self._peak()),
                "resident_mb": round(status("VmHWM")),
            }
        )
        print(self.found[-1], file=sys.stderr, flush=True)
        self._start()

    def _start(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        self._peak()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def _peak(self) -> float:
        """MB of private memory at most since this was last asked."""
        assert self._watch.stdin
        assert self._watch.stdout
        self._watch.stdin.write("\n")
        self._watch.stdin.flush()
        return float(self._watch.stdout.readline()) / 1024


def status(name: str) -> float:
    """MB of this process, by the name of a line of its status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(name))) / 1024
