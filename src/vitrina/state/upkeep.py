"""What a store needs now and then: what is old is let go, what the dead held freed, what waits synced, what
somebody asked to be forgotten erased to its end, and its bytes written over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from vitrina.errors import StoreError
from vitrina.state.erasing import purge, resume
from vitrina.state.recording import retained
from vitrina.state.store import Store

TEND_S = 1.0
"""How often what is not on disk yet is put there; a machine's death may cost it where acks are 'written'."""
RETAIN_S = 60.0
"""How often what is old is let go."""
SLICE = 1_000
"""Events let go in one transaction: those that are recorded meanwhile wait for it."""


class Upkeep:
    """Keeps up a store in a thread. Every process of a host may: what one did is done.

    `keep_s`: for how many seconds events are kept, by the time when they were received; `clock`: seconds
    since 1970 UTC as events are received, which may stand still; `wall`: the same as operators forget by.
    """

    def __init__(
        self, store: Store, clock: Callable[[], int], keep_s: int, wall: Callable[[], float] = time.time
    ) -> None:
        self._store, self._clock, self._keep_s, self._wall = store, clock, keep_s, wall
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def retain(self) -> int:
        """Let go of all that is old; how many events. Raises StoreError."""
        before, gone = self._clock() - self._keep_s, 0
        while n := self._store.write(lambda to: retained(to, before, SLICE)).result():
            gone += n
        return gone

    def forget(self) -> None:
        """Erase those who were forgotten to the end, and their bytes when it is time. Raises StoreError."""
        now = int(self._wall())
        resume(self._store, now)
        purge(self._store, now)

    def start(self) -> None:
        """Begin. A store that cannot be kept up now is tried again."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more; what waits for the store is not waited for."""
        self._stop.set()

    def _run(self) -> None:
        turn = 0
        while not self._stop.wait(TEND_S):
            try:
                self._store.tend()
                if turn % int(RETAIN_S / TEND_S) == 0:
                    self.retain()
                    self.forget()
            except StoreError:
                continue
            turn += 1
