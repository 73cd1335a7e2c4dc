"""From the store to the engine: fresh over processes, and a failing store is said, not thrown."""

from __future__ import annotations

import shutil

from vitrina.live import Live
from vitrina.state.events import Event
from vitrina.state.lately import DEGRADED, Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.profiles import grown, record
from vitrina.state.recording import recording, visitor_key
from vitrina.state.tables import PROFILES


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


def test_a_backup_in_the_place_of_the_store_is_read_anew(tmp_path):
    """Names that came after the backup mean nothing any more: its own later ones have their numbers."""
    folder, away = tmp_path / "store", tmp_path / "away"
    store = LmdbStore(folder, create=True, map_bytes=1 << 20)
    store.write(recording([Event("1", "view", "", "v", "old", 1)], 9)).result()
    store.backup(tmp_path / "backup")
    lately = Lately(store)
    store.write(recording([Event("2", "view", "", "v", "lost", 2)], 9)).result()
    assert lately.live([("", "v")], 9).did["", "v"].item_ids == ("old", "lost")
    folder.rename(away)
    (tmp_path / "backup").rename(folder)
    store.write(recording([Event("3", "view", "", "v", "new", 3)], 9)).result()
    assert lately.live([("", "v")], 9).did["", "v"].item_ids == ("old", "new")
    store.close()


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


def test_a_profile_of_names_that_are_not_there(tmp_path):
    """A store put together from two: the list is made without it, and that is said."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    store.write(recording([Event("1", "view", "", "v", "item", 1)], 9)).result()
    store.write(lambda to: to.put(PROFILES, visitor_key("v"), grown(b"", [record(1, 1, 99, 1)]))).result()
    assert Lately(store).live([("", "v")], 9) == Live(9, degraded=DEGRADED)
    store.close()


def test_threads_that_meet_new_names_at_once_all_read_them(tmp_path):
    """Whoever comes second finds them learned, and nothing left to read."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    store.write(recording([Event("1", "view", "", "v", "item", 1)], 9)).result()
    lately, known = Lately(store), [""]
    lately._names = known
    with store.read() as reads:
        lately._learn(reads, known)
        lately._learn(reads, known)
    assert lately.live([("", "v")], 9).did["", "v"].item_ids == ("item",)
    store.close()
