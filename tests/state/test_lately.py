"""From the store to the engine: fresh over processes, and a failing store is said, not thrown."""

from __future__ import annotations

import shutil

from vitrina.live import Live
from vitrina.state.events import Event
from vitrina.state.lately import DEGRADED, Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.recording import recording


def test_another_handle_sees_what_was_acknowledged(tmp_path):
    """Names and profiles that one process wrote are read by another that was open before."""
    with_names = []
    writer = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    lately = Lately(writer)
    for number in range(50):
        event = Event(str(number), "view", "", "v", f"item {number}", number)
        writer.write(recording([event], 99)).result()
        with_names.append(lately.live([("", "v")], 99).did["", "v"].item_ids[-1])
    assert with_names == [f"item {number}" for number in range(50)]
    writer.close()


def test_nobody_is_not_asked_for(tmp_path):
    """Who has no id costs no look into the store, not even into one that fails."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    store.close()
    shutil.rmtree(tmp_path / "store")
    assert Lately(store).live([("", "")], 7) == Live(7)


def test_a_store_that_is_gone_leaves_lists_without_it(tmp_path):
    """Its files deleted: nothing is raised, and the reason is there."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    shutil.rmtree(tmp_path / "store")
    assert Lately(store).live([("ann", "")], 7) == Live(7, degraded=DEGRADED)
    store.close()
