"""Group commit: what waits together is committed together, so one fsync acknowledges many writes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from vitrina.errors import Overloaded, StoreError

TOGETHER = 1024
"""Works of one commit, at most."""
WAITING = 20_000
"""Works that wait, at most: beyond, a disk that stalls would fill the memory."""

Work = Callable[[Any], Any]
Answers = Sequence[Any]
"""For each work its result, or the exception it failed with."""


class Group:
    """One thread that commits. `commit(works, early)` returns answers, or gives them to `early` before."""

    def __init__(self, commit: Callable[[Sequence[Work], Callable[[Answers], None]], Answers]) -> None:
        self._commit = commit
        self._queue: deque[tuple[Work, Future[Any]]] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> Future[Any]:
        """Queue a work. Raises nothing: what is wrong is the future's exception."""
        future: Future[Any] = Future()
        with self._wake:
            if self._closed:
                future.set_exception(StoreError("the store is closed; open it again"))
            elif len(self._queue) >= WAITING:
                future.set_exception(Overloaded(f"{WAITING:,} writes wait for the disk; try again later"))
            else:
                self._queue.append((work, future))
                self._wake.notify()
        return future

    def close(self) -> None:
        """Commit what waits, and stop."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            works = [work for work, _ in batch]
            futures = [future for _, future in batch]
            try:
                answers = self._commit(works, lambda found, to=futures: _answer(to, found))  # type: ignore[misc]
            except Exception as reason:
                answers = [reason] * len(batch)
            _answer(futures, answers)

    def _take(self) -> list[tuple[Work, Future[Any]]]:
        """What waits now and is still wanted; nothing once it is closed and empty."""
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    return []
                few = [self._queue.popleft() for _ in range(min(len(self._queue), TOGETHER))]
            wanted = [one for one in few if one[1].set_running_or_notify_cancel()]
            if wanted:
                return wanted


def _answer(futures: Sequence[Future[Any]], answers: Answers) -> None:
    for future, found in zip(futures, answers, strict=True):
        if future.done():
            continue
        if isinstance(found, Exception):
            future.set_exception(found)
        else:
            future.set_result(found)
