"""Catalogue updates in the store: latest wins, and who follows is told all of it."""

from __future__ import annotations

import time

import pytest

from vitrina.state import items
from vitrina.state.items import Following, every, updated
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.tables import CHANGES
from vitrina.updates import ItemUpdate


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    made = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    yield made
    made.close()


def put(store, *updates):
    """Outcomes of updates."""
    return store.write(lambda to: updated(to, updates)).result()


def test_the_latest_of_each_field_counts(store):
    """An older word is superseded unless it says something else too; the same word twice is no change."""
    assert put(store, ItemUpdate("a", 5, {"price": 2.0, "tags": ("x", "y")})) == ["applied"]
    assert put(store, ItemUpdate("a", 4, {"price": 1.0})) == ["superseded"]
    assert put(store, ItemUpdate("a", 4, {"price": 1.0, "title": "é"})) == ["applied"]
    with store.read() as reads:
        assert every(reads) == {"a": {"price": 2.0, "tags": ("x", "y"), "title": "é"}}
        before = reads.last(CHANGES)
    assert put(store, ItemUpdate("a", 6, {"price": 2.0})) == ["applied"]
    with store.read() as reads:
        assert reads.last(CHANGES) == before


def test_who_follows_is_told_what_was_and_what_comes(store, tmp_path):
    """From before the start, and by another process's handle on the same store, all of an item each time."""
    put(store, ItemUpdate("a", 5, {"price": 2.0}))
    told = {}
    following = Following(store, told.update)
    following.start()
    assert told == {"a": {"price": 2.0}}
    put(store, ItemUpdate("a", 6, {"title": "t"}), ItemUpdate("b", 6, {"in_stock": False}))
    end = time.monotonic() + 10
    while len(told) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    following.stop()
    assert told == {"a": {"price": 2.0, "title": "t"}, "b": {"in_stock": False}}


def test_who_fell_behind_what_is_kept_reads_all_anew(store, monkeypatch):
    """The feed is bounded; nothing is missed by who was away longer than it reaches."""
    monkeypatch.setattr(items, "KEPT", 3)
    told = {}
    following = Following(store, told.update)
    following.turn()
    for number in range(10):
        put(store, ItemUpdate(f"i{number}", 1, {"price": 1.0}))
    with store.read() as reads:
        assert [key for key, _ in reads.feed(CHANGES, 0, 100)] == [8, 9, 10]
    following.turn()
    assert sorted(told) == [f"i{number}" for number in range(10)]
