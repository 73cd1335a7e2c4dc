"""Time of a search: an end to what takes too long, and none for compiling, which happens once."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from numba.core.event import Event, Listener, install_listener

Clock = Callable[[], float]
"""Seconds that only go up: those of the wall, or of the process where others share the machine."""
LOOK = 0.1
"""Seconds of the processors' after which a clock is looked at again."""
_SOON = 1e-3


@contextmanager
def without_compiling(clock: Clock) -> Iterator[Clock]:
    """The clock, standing still while kernels are compiled: that takes minutes on a new machine, and then no
    more."""
    compiling = _Compiling(clock)
    with install_listener("numba:compile", compiling):
        yield compiling.seconds


class _Compiling(Listener):  # type: ignore[misc]  # Numba has no types
    """A clock less what compiling took; what is compiled for something else counts with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._depth, self._began, self._total = clock, 0, 0.0, 0.0

    def seconds(self) -> float:
        """The clock's, as they were when what is being compiled was begun."""
        return (self._began if self._depth else self._clock()) - self._total

    def on_start(self, event: Event) -> None:
        """Something is compiled."""
        self._began = self._began if self._depth else self._clock()
        self._depth += 1

    def on_end(self, event: Event) -> None:
        """It is."""
        self._depth -= 1
        if not self._depth:
            self._total += self._clock() - self._began


class TooLong(Exception):
    """The time was up."""


@contextmanager
def until_then(moment: float, clock: Clock) -> Iterator[None]:
    """Raise TooLong inside once the clock is at a moment, and the process at work.

    The clock is looked at again and again, as what runs just then may not let it through (a destructor, a
    callback of a library; nothing is printed of that); what a kernel is at is finished first.

    Only the main thread hears the clock: elsewhere there is no limit. What fails because the time was up, or
    because of Ctrl-C, raises those: a kernel that is called just then fails of it with a SystemError, and who
    called it may make something else of that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    rung, inside = False, True

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal rung
        if inside and clock() >= moment:
            rung = True
            raise TooLong

    before = signal.signal(signal.SIGPROF, ring)
    left, again = signal.setitimer(signal.ITIMER_PROF, _SOON, LOOK)
    try:
        with _swallowed_in_silence():
            yield
    except Exception as fault:
        inside = False
        if _came_of(fault, KeyboardInterrupt):
            raise KeyboardInterrupt from fault
        if rung:
            raise TooLong from fault
        raise
    finally:
        inside = False
        signal.setitimer(signal.ITIMER_PROF, left, again)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def _swallowed_in_silence() -> Iterator[None]:
    """Python prints what a destructor or a collector's callback raises; that the time is up is no news."""
    told = sys.unraisablehook

    def hear(swallowed: sys.UnraisableHookArgs) -> None:
        if not _came_of(swallowed.exc_value, TooLong):
            told(swallowed)

    sys.unraisablehook = hear
    try:
        yield
    finally:
        sys.unraisablehook = told


def _came_of(fault: BaseException | None, *kinds: type[BaseException]) -> bool:
    """Whether a fault is of one of these kinds, or whatever it came of is."""
    while fault is not None:
        if isinstance(fault, kinds):
            return True
        fault = fault.__cause__ or fault.__context__
    return False
