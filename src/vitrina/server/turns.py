"""Who takes a core from whom: while more comes than can be answered, no thread of a worker does by waking up.

gRPC's threads would at every packet, and read one by one calls that are then refused; under SCHED_BATCH they
find them together at the end of a turn, so that what is refused costs less of what is answered. In other
times it would cost a call ten milliseconds wherever others want the core as well, since the scheduler lets
them end their turns too. A sandbox may forbid it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

LOOK_S = 0.25
CALM = 4
"""Looks in a row at which nobody is refused, after which it is over."""


class Crowd(Protocol):
    """Says whether too much comes; `Admission` does."""

    def full(self) -> bool:
        """Whether a call that came now would be refused."""


def keep(turns: bool) -> None:
    """Let all threads of this process, and those begun later, keep turns, or do as others do.

    A thread that somebody gave another policy keeps it.
    """
    new, old = (os.SCHED_BATCH, os.SCHED_OTHER) if turns else (os.SCHED_OTHER, os.SCHED_BATCH)
    for thread in [int(one.name) for one in Path("/proc/self/task").iterdir()]:
        with contextlib.suppress(OSError):  # it has ended, or may not
            if os.sched_getscheduler(thread) == old:
                os.sched_setscheduler(thread, new, os.sched_param(0))


async def keeping(crowd: Crowd, keep: Callable[[bool], None] = keep) -> None:
    """Follow the crowd until cancelled."""
    left = 0
    while sys.platform == "linux":
        await asyncio.sleep(LOOK_S)
        before, left = left, CALM if crowd.full() else max(0, left - 1)
        if bool(before) != bool(left):
            keep(bool(left))
