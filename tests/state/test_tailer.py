"""Following a feed: all of it, in order, once, and again after trouble."""

from __future__ import annotations

import time

from vitrina.errors import StoreError
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.tables import CHANGES
from vitrina.state.tailer import PAGE, Tailer


def test_it_takes_what_was_and_what_comes(tmp_path):
    """More than a page from before the start, and each thing after it."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)

    def append(*values):
        store.write(lambda to: [to.append(CHANGES, one) for one in values]).result()

    before = [f"{number}".encode() for number in range(PAGE + 10)]
    append(*before)
    taken = []
    tailer = Tailer(store, CHANGES, lambda page: taken.extend(value for _, value in page))
    tailer.start()
    assert taken == before
    append(b"new")
    end = time.monotonic() + 10
    while taken[-1] != b"new" and time.monotonic() < end:
        time.sleep(0.01)
    assert taken == [*before, b"new"]
    tailer.stop()
    append(b"unheard")
    assert taken[-1] == b"new"
    store.close()


def test_trouble_loses_nothing(tmp_path):
    """What could not be taken is given again."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    store.write(lambda to: to.append(CHANGES, b"one")).result()
    asked, taken = [], []

    def take(page):
        asked.append(1)
        if len(asked) == 1:
            raise StoreError("not now")
        taken.extend(page)

    tailer = Tailer(store, CHANGES, take)
    for _ in range(3):
        try:
            tailer.turn()
        except StoreError:
            continue
    assert taken == [(1, b"one")]
    store.close()
