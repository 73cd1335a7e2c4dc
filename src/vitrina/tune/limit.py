"""An end to what takes too long: one setting must not eat the time of all others."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from numba import get_num_threads

Clock = Callable[[], float]
"""Seconds that only go up: those of the wall, or of the process where others share the machine."""


class TooLong(Exception):
    """The time was up."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TooLong inside once the process has taken so many seconds of its processors for each of its
    threads, so that a busy machine is held against nobody; what a kernel is at is finished first.

    Only the main thread hears the clock: elsewhere there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGPROF, ring)
    left, again = signal.setitimer(signal.ITIMER_PROF, max(seconds * get_num_threads(), 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, left, again)
        signal.signal(signal.SIGPROF, before)
