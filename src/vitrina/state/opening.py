"""A store that need not be there yet: who asks is answered without it until it is open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from vitrina.errors import StoreError
from vitrina.state.store import Reads, Store, Transaction

T = TypeVar("T")
AGAIN_S = 1.0
"""How long after it could not be opened it is tried again."""


class Opening:
    """Opens a store in a thread, again and again where that fails; every method raises StoreError until then.

    Opening waits for whoever writes, and fails where files are gone: neither may keep a process from
    answering without it. `patience_s`: how long the constructor waits for it.
    """

    def __init__(self, opened: Callable[[], Store], patience_s: float = 2.0) -> None:
        self._opened = opened
        self._store: Store | None = None
        self._reason = StoreError("the store is not open yet; whoever writes to it keeps it, try again later")
        self._known, self._stop = threading.Event(), threading.Event()
        threading.Thread(target=self._open, name="opens the store", daemon=True).start()
        self._known.wait(patience_s)

    def read(self) -> AbstractContextManager[Reads]:
        """As `Store.read`."""
        return self._there().read()

    def write(self, work: Callable[[Transaction], T]) -> Future[T]:
        """As `Store.write`, but raises where the store is not open."""
        return self._there().write(work)

    def check(self) -> None:
        """As `Store.check`."""
        self._there().check()

    def tend(self) -> None:
        """As `Store.tend`."""
        self._there().tend()

    def backup(self, folder: Path) -> None:
        """As `Store.backup`."""
        self._there().backup(folder)

    def compact(self) -> None:
        """As `Store.compact`."""
        self._there().compact()

    def close(self) -> None:
        """As `Store.close`, of one that is open."""
        self._stop.set()
        if self._store is not None:
            self._store.close()

    def _there(self) -> Store:
        if self._store is None:
            raise self._reason
        return self._store

    def _open(self) -> None:
        while not self._stop.is_set():
            try:
                self._store = self._opened()
            except StoreError as reason:
                self._reason = reason
            self._known.set()
            if self._store is not None or self._stop.wait(AGAIN_S):
                return
