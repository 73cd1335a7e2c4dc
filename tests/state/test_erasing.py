"""Forgetting ends, wherever a process died in it, and what stands beside the store goes with its copies."""

from __future__ import annotations

import pytest

from vitrina.errors import InvalidRequest, StoreLost
from vitrina.live import NOTHING
from vitrina.state import lmdb_store
from vitrina.state.erasing import COMPACT_S, LEFT_S, forget, purge, resume
from vitrina.state.events import Event, Placed
from vitrina.state.lately import Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.people import Tombstones, joining
from vitrina.state.profiles import FAST
from vitrina.state.recording import recording, visitor_key
from vitrina.state.secret import KEY_FILE
from vitrina.state.tables import LOG
from vitrina.state.upkeep import Upkeep

NOW = 1_700_000_000


@pytest.fixture
def store(tmp_path):
    """A store in which ann, who is joined with a visitor, and bob did something."""
    made = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    made.write(joining([b"uann-private", b"vphone-private"])).result()
    record(made, ("1", "ann-private", "", "a"), ("2", "", "phone-private", "b"), ("3", "bob", "", "c"))
    yield made
    made.close()


def record(store, *events):
    """Record (id, user, visitor, item) views."""
    made = [Event(name, "view", user, visitor, item, NOW) for name, user, visitor, item in events]
    store.write(recording(made, NOW, None)).result()


def left(folder):
    """The files that hold a byte of who was forgotten."""
    return [one for one in folder.rglob("*") if one.is_file() and b"-private" in one.read_bytes()]


def begun(store):
    """The first half of forgetting ann, after which a process dies."""
    store.write(Tombstones(store.folder).forgetting([b"uann-private"], NOW)).result()


def test_a_repeat_ends_what_a_dead_process_began(store):
    """All ids that were joined are erased, though their golden record is gone already."""
    begun(store)
    ids, events = forget(store, Tombstones(store.folder), [b"uann-private"], NOW)
    assert (set(ids), events) == ({b"uann-private", b"vphone-private"}, 2)
    store.compact()
    assert left(store.folder) == []


def test_upkeep_ends_what_a_dead_process_began(store):
    """By the clock on the wall, though lists are made as of another day; not what somebody is just doing."""
    begun(store)
    assert resume(store, NOW + LEFT_S - 1) == 0
    assert not purge(store, NOW + COMPACT_S)
    Upkeep(store, lambda: NOW - 10**8, 10**9, wall=lambda: NOW + COMPACT_S).forget()
    with store.read() as reads:
        assert len(reads.feed(LOG, 0, 9)) == 1
    assert left(store.folder) == []


def test_who_asks_while_the_store_is_compacted_is_purged_later(store, monkeypatch):
    """What lies in the new file goes with the next compaction."""
    forget(store, Tombstones(store.folder), [b"uann-private"], NOW)
    record(store, ("4", "eve-private", "", "a"))
    compact = store.compact

    def meanwhile():
        compact()
        forget(store, Tombstones(store.folder), [b"ueve-private"], NOW + COMPACT_S)

    monkeypatch.setattr(store, "compact", meanwhile)
    assert purge(store, NOW + COMPACT_S)
    monkeypatch.undo()
    assert purge(store, NOW + 2 * COMPACT_S)
    assert left(store.folder) == []
    assert not purge(store, NOW + 4 * COMPACT_S)


def test_what_a_killed_compaction_left_goes_with_the_next(store, monkeypatch):
    """Killed when CURRENT named the new file already: the old one is not kept for good."""

    class Killed(BaseException):
        """Nobody catches it."""

    def reach(name):
        if name == "compact.switched":
            raise Killed

    monkeypatch.setattr(lmdb_store, "reach", reach)
    with pytest.raises(Killed):
        store.compact()
    monkeypatch.undo()
    again = LmdbStore(store.folder, create=False, map_bytes=1 << 20)
    forget(again, Tombstones(store.folder), [b"uann-private"], NOW)
    again.compact()
    assert left(store.folder) == []
    assert len([one for one in store.folder.iterdir() if one.name.isdecimal()]) == 1
    again.close()


def test_nobody_is_joined_with_a_forgotten_id(store):
    """A job that says again who is who does not bring anybody back."""
    forget(store, Tombstones(store.folder), [b"uann-private"], NOW)
    with pytest.raises(InvalidRequest, match="asked to be forgotten"):
        store.write(joining([b"uann-private", b"xmail"], Tombstones(store.folder))).result()
    store.write(joining([b"ubob", b"xmail"], Tombstones(store.folder))).result()


def test_what_was_done_under_a_browser_s_id_too_is_undone_there(store):
    """Who is not joined with a visitor, but did something as both: no list of the visitor follows from it."""
    record(store, ("5", "zoe", "browser", "x"), ("6", "", "browser", "y"))
    lately = Lately(store, Tombstones(store.folder))
    assert lately.live([("", "browser")], NOW).did["", "browser"].item_ids == ("x", "y")
    forget(store, Tombstones(store.folder), [b"uzoe"], NOW)
    assert lately.live([("", "browser")], NOW).did["", "browser"].item_ids == ("y",)


def test_a_quarantine_for_what_the_forgotten_did_ends_with_it(store):
    """Nothing of what they did or saw is left in the browser's profiles, so it is no machine's any more."""
    record(store, *((f"z{n}", "zoe", "browser", f"i{n}") for n in range(FAST + 1)))
    shown = Event("s", "impression", "zoe", "browser", "", NOW, placed=(Placed("s"), Placed("t")))
    store.write(recording([shown], NOW)).result()
    forget(store, Tombstones(store.folder), [b"uzoe"], NOW)
    record(store, ("new", "", "browser", "y"))
    live = Lately(store).live([("", "browser")], NOW)
    assert live.did["", "browser"].item_ids == ("y",)
    assert not live.shown


def test_forgetting_somebody_else_leaves_what_a_dead_process_began(store):
    """It neither erases others nor drops the note that they are to be erased."""
    begun(store)
    assert forget(store, Tombstones(store.folder), [b"ubob"], NOW) == ((b"ubob",), 1)
    assert resume(store, NOW + LEFT_S) == 2
    assert resume(store, NOW + LEFT_S) == 0


def test_a_backup_knows_who_was_forgotten(store, tmp_path):
    """The key goes with it; where it is lost, lists go without the store, flagged, and no new key is made."""
    forget(store, Tombstones(store.folder), [b"uann-private"], NOW)
    store.backup(tmp_path / "backup")
    copy = LmdbStore(tmp_path / "backup", create=False, map_bytes=1 << 20)
    who = ("ann-private", "")
    live = Lately(copy, Tombstones(copy.folder)).live([who], NOW)
    assert (live.whose[who], live.did.get(who, NOTHING)) == ((), NOTHING)
    (copy.folder / KEY_FILE).unlink()
    assert Lately(copy, Tombstones(copy.folder)).live([who], NOW).degraded == ("store",)
    with pytest.raises(StoreLost, match=r"tombstones\.key.*from a backup"):
        forget(copy, Tombstones(copy.folder), [b"ubob"], NOW)
    assert not (copy.folder / KEY_FILE).exists()
    copy.close()


@pytest.mark.parametrize("held", [b"", b"short", b"x" * 64])
def test_a_key_that_is_cut_is_no_key(store, held):
    """Of a process that was killed while it wrote one: anybody could make tombstones under an empty key."""
    forget(store, Tombstones(store.folder), [b"uann-private"], NOW)
    (store.folder / KEY_FILE).chmod(0o600)
    (store.folder / KEY_FILE).write_bytes(held)
    with pytest.raises(StoreLost, match=f"it has {len(held)} bytes of 32"), store.read() as reads:
        Tombstones(store.folder).look(reads)


def test_no_page_of_a_compacted_store_holds_what_was_deleted_from_it(store):
    """Pages that others' records keep have room where somebody's were: nothing of them is left there either."""
    visitors = [f"visitor-{number:04}" for number in range(60)]
    tombstones = Tombstones(store.folder)
    for first in range(0, 1500, 5):
        some = [visitors[(first + one) * 7 % 60] for one in range(5)]
        events = [Event(f"{first}-{at}", "view", "", who, f"i{first}", NOW) for at, who in enumerate(some)]
        store.write(recording(events, NOW)).result()
    before = count(store)
    gone = visitors[::4]
    for who in gone:
        forget(store, tombstones, [visitor_key(who)], NOW)
    left = count(store)
    store.compact()
    assert count(store) == left < before
    held = b"".join(file.read_bytes() for file in store.folder.rglob("*.mdb"))
    assert [who for who in gone if who.encode() in held] == []
    assert all(who.encode() in held for who in visitors if who not in gone)
    assert store.write(recording([Event("new", "view", "", visitors[1], "i1", NOW)], NOW)).result() == [
        "accepted"
    ]


def count(store):
    """Records of the log."""
    with store.read() as reads:
        return len(reads.feed(LOG, 0, 10_000))
