"""What the shop says anew of items, in the store: of each the latest of each field, and a feed of changes."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from vitrina.errors import StoreError
from vitrina.state.store import Reads, Store, Transaction, sequence_key
from vitrina.state.tables import CHANGES, ITEMS
from vitrina.state.tailer import LOOK_S, Appended, Tailer
from vitrina.updates import Fields, ItemUpdate, State, Value, latest, merged

Outcome = Literal["applied", "superseded"]
Said = Mapping[str, Fields]
LATEST_S = 0.5
"""The longest that changes are gathered before they are told, however long telling takes."""
KEPT = 100_000
"""Changes that stay in the feed; who is further behind reads all anew."""

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def packed(state: State) -> bytes:
    """What is known of an item as the store holds it: a line of JSON."""
    return _dumps(state).encode("utf-8", "surrogatepass")


def unpacked(value: bytes | None) -> State:
    """What `packed` wrote; nothing where nothing was."""
    if not value:
        return {}
    told = json.loads(value.decode("utf-8", "surrogatepass"))
    return {name: (time, _frozen(one)) for name, (time, one) in told.items()}


def _frozen(value: Value | list[str]) -> Value:
    return tuple(value) if isinstance(value, list) else value


def updated(to: Transaction, updates: Sequence[ItemUpdate]) -> list[Outcome]:
    """Take updates that `updates.refusal` lets pass; what became of each. Doing it twice does it once.

    One is superseded where all that it says was said anew at a later time already.
    """
    outcomes: list[Outcome] = []
    for one in updates:
        key = one.item_id.encode("utf-8", "surrogatepass")
        old = unpacked(to.get(ITEMS, key))
        new = merged(old, one)
        counts = any(new.get(name) == (one.time, value) for name, value in one.fields.items())
        outcomes.append("applied" if counts else "superseded")
        if new != old:
            to.put(ITEMS, key, packed(new))
        if latest(new) != latest(old):
            number = to.append(CHANGES, key)
            to.delete(CHANGES, sequence_key(max(number - KEPT, 0)))
    return outcomes


def said(reads: Reads, after: str = "") -> Iterator[ItemUpdate]:
    """Each item of which anything was said, and all of it, at the time of the latest; in the order of the
    bytes of their ids, from the first behind `after` on."""
    start = after.encode("utf-8", "surrogatepass") + b"\0" if after else b""
    for key, value in reads.scan(ITEMS, start):
        state = unpacked(value)
        yield ItemUpdate(_id(key), max(time for time, _ in state.values()), latest(state))


def every(reads: Reads) -> dict[str, Fields]:
    """All that was said of items."""
    return {one.item_id: one.fields for one in said(reads)}


class Following:
    """Tells all that was said, and then what is said, as soon as it is on disk, by whichever process.

    `tell` gets of each item named all that was said of it. Where the store cannot be read, it waits until it
    can, and misses nothing.
    """

    def __init__(self, store: Store, tell: Callable[[Said], None]) -> None:
        self._store, self._tell = store, tell
        self._tailer: Tailer | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follows the catalogue", daemon=True)

    def start(self) -> None:
        """Tell what there is, if it can be read, and follow in a thread."""
        with contextlib.suppress(StoreError):
            self.turn()
        self._thread.start()

    def turn(self) -> None:
        """Tell what there is to tell now. Raises StoreError."""
        with self._store.read() as reads:
            last = reads.last(CHANGES)
            missed = self._tailer is None or last - self._tailer.after > KEPT
            told = every(reads) if missed else {}
        if missed:
            self._tailer = Tailer(self._store, CHANGES, self._take, last)
        if told:
            self._tell(told)
        if self._tailer:
            self._tailer.turn()

    def stop(self) -> None:
        """Follow no more."""
        self._stop.set()
        if self._thread.ident:
            self._thread.join()

    def _take(self, page: Appended) -> None:
        names = dict.fromkeys(key for _, key in page)
        with self._store.read() as reads:
            found = {key: latest(unpacked(reads.get(ITEMS, key))) for key in names}
        self._tell({_id(key): fields for key, fields in found.items()})

    def _run(self) -> None:
        pause = LOOK_S
        while not self._stop.wait(pause):
            started = time.perf_counter()
            with contextlib.suppress(StoreError):
                self.turn()
            # Another engine costs time that calls want too: a fifth of it, unless changes would be late.
            pause = max(LOOK_S, min(LATEST_S, 4 * (time.perf_counter() - started)))


def _id(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")
