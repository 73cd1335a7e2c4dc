"""Following a feed: what any process appended reaches this one, off the path of requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from vitrina.errors import StoreError
from vitrina.state.store import Store

LOOK_S = 0.1
"""How often it is looked whether there is more: a transaction of a few microseconds."""
PAGE = 1_000

Appended = Sequence[tuple[int, bytes]]
"""Sequence numbers and values, oldest first."""


class Tailer:
    """Gives `take` whatever a feed holds beyond what it was given already, in order, a page at a time.

    What `take` makes of it, such as a frozen view swapped by one assignment, is seen by the next request.
    Where the store cannot be read it waits until it can, and misses nothing. `after`: the last sequence
    number that is known already.
    """

    def __init__(self, store: Store, table: str, take: Callable[[Appended], None], after: int = 0) -> None:
        self.after = after
        self._store, self._table, self._take = store, table, take
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tailer of {table}", daemon=True)

    def turn(self) -> None:
        """Take all there is now. Raises StoreError."""
        while True:
            with self._store.read() as reads:
                page = reads.feed(self._table, self.after, PAGE)
            if not page:
                return
            self._take(page)
            self.after = page[-1][0]

    def start(self) -> None:
        """Take all there is, then follow in a thread. Raises StoreError for what cannot be read now."""
        self.turn()
        self._thread.start()

    def follow(self) -> None:
        """Take all there is and follow, both in a thread: for what may be late, from a store that may be."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no more."""
        self._stop.set()
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self.turn()
            except StoreError:
                continue
