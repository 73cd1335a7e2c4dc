"""One person's ids are one, however they were joined; who asked to be forgotten is gone, and stays gone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.errors import InvalidRequest
from vitrina.live import NOTHING
from vitrina.state.erasing import COMPACT_S, forget, purge
from vitrina.state.events import Event, unpacked
from vitrina.state.lately import Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.people import MAX_MEMBERS, Tombstones, hashes, joining, key_of, members
from vitrina.state.recording import recording
from vitrina.state.tables import LOG, PEOPLE

NOW = 1_700_000_000
KEYS = st.sampled_from([b"ua", b"ub", b"uc", b"va", b"vb", b"xcard:1", b"xmail:2"])
JOINS = st.lists(st.lists(KEYS, min_size=2, max_size=3, unique=True), max_size=6)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store that a whole module may use."""
    made = LmdbStore(tmp_path_factory.mktemp("people") / "store", create=True, map_bytes=1 << 20)
    yield made
    made.close()


def join(store, *joins):
    """Make ids one person."""
    for one in joins:
        store.write(joining(one)).result()


def record(store, *events, tombstones=None):
    """Outcomes of (id, user, visitor, item) views."""
    made = [Event(name, "view", user, visitor, item, NOW) for name, user, visitor, item in events]
    return store.write(recording(made, NOW, tombstones)).result()


def wipe(to):
    """Nobody is joined with anybody."""
    for key, _ in list(to.scan(PEOPLE)):
        to.delete(PEOPLE, key)


@settings(max_examples=50, deadline=None)
@given(JOINS, st.randoms())
def test_people_are_the_parts_of_a_graph(store, joins, random):
    """Transitive, whatever the order, however often, in circles too; and nothing is left of earlier records."""
    store.write(wipe).result()
    shuffled = random.sample(joins, len(joins))
    join(store, *joins, *shuffled)
    parts = [{one} for one in {key for some in joins for key in some}]
    for some in joins:
        met = [part for part in parts if part & set(some)]
        parts = [part for part in parts if part not in met] + [set().union(*met)]
    with store.read() as reads:
        for part in parts:
            for key in part:
                assert set(members(reads, key)) == part
        records = [key for key, _ in reads.scan(PEOPLE, b"=", b">")]
    assert len(records) == len(parts)


def test_a_person_of_too_many_ids_is_refused(store):
    """An id that everybody shares does not make everybody one; what was joined before stays."""
    store.write(wipe).result()
    join(store, [b"u%d" % number for number in range(MAX_MEMBERS)])
    with pytest.raises(InvalidRequest, match="shared"):
        join(store, [b"u1", b"uone more"])
    with store.read() as reads:
        assert members(reads, b"uone more") == (b"uone more",)


def test_lists_follow_from_what_all_ids_did(tmp_path):
    """A visitor who logs in keeps what the visit knew, and a second device what the first did."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    record(
        store, ("1", "ann", "", "a"), ("2", "", "phone", "b"), ("3", "", "desk", "c"), ("4", "bob", "", "d")
    )
    lately = Lately(store)
    who = ("ann", "desk")
    assert lately.live([who], NOW).did[who].item_ids == ("a", "c")
    join(store, [b"uann", b"xcard:1"], [b"xcard:1", b"vphone"])
    live = lately.live([who, ("", "phone"), ("bob", "")], NOW)
    assert live.did[who].item_ids == ("a", "b", "c")
    assert live.did["", "phone"].item_ids == ("a", "b")
    assert live.did["bob", ""].item_ids == ("d",)
    assert set(live.whose["", "phone"]) == {"ann", "phone"}
    assert ("bob", "") not in live.whose
    store.close()


def test_the_forgotten_are_gone_and_stay_gone(tmp_path):
    """With all ids that are joined: no profile, no event, none taken later, in every process; nobody else's."""
    folder = tmp_path / "store"
    store = LmdbStore(folder, create=True, map_bytes=1 << 20)
    record(store, ("1", "zoe-private", "", "a"), ("2", "", "zoe-phone", "b"), ("3", "bob", "shared", "c"))
    join(store, [b"uzoe-private", b"vzoe-phone"])
    elsewhere = Tombstones(folder)
    lately = Lately(store, elsewhere)
    who, phone, bob = ("zoe-private", ""), ("", "zoe-phone"), ("bob", "")
    assert lately.live([who], NOW).did[who].item_ids == ("a", "b")
    ids, events = forget(store, Tombstones(folder), [b"vzoe-phone"], NOW)
    assert (set(ids), events) == ({b"uzoe-private", b"vzoe-phone"}, 2)
    live = lately.live([who, phone, bob], NOW)
    assert live.did.get(who, NOTHING) is NOTHING
    assert (live.whose[who], live.whose[phone]) == ((), ())
    assert live.did[bob].item_ids == ("c",)
    found = record(store, ("9", "zoe-private", "", "a"), ("8", "bob", "", "d"), tombstones=Tombstones(folder))
    assert found == ["forgotten", "accepted"]
    assert forget(store, Tombstones(folder), [b"uzoe-private"], NOW)[1] == 0
    with store.read() as reads:
        assert [unpacked(value).event.user_id for _, value in reads.feed(LOG, 0, 9)] == ["bob", "bob"]
    store.compact()
    store.close()
    texts = [text for one in ("zoe-private", "zoe-phone") for text in (one, *hashes(one).values())]
    for file in folder.rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        assert not [one for one in texts if one.encode() in data or _raw(one) in data], file


def _raw(text):
    """A hash as bytes, where the text is one."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()


def test_a_log_of_many_pages_is_erased_to_its_end(tmp_path, monkeypatch):
    """What was done lies anywhere in the log."""
    monkeypatch.setattr("vitrina.state.erasing._PAGE", 3)
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    record(store, *((str(n), "zoe" if n % 4 == 0 else "bob", "", "a") for n in range(10)))
    assert forget(store, Tombstones(tmp_path / "store"), [b"uzoe"], NOW)[1] == 3
    with store.read() as reads:
        assert len(reads.feed(LOG, 0, 99)) == 7
    store.close()


def test_bytes_of_the_forgotten_go_within_a_day(tmp_path):
    """Upkeep compacts once, some hours after the first of several asked, and not without need."""
    folder = tmp_path / "store"
    store = LmdbStore(folder, create=True, map_bytes=1 << 20)
    record(store, ("1", "zoe-private", "", "a"), ("2", "yan-private", "", "a"))
    assert not purge(store, NOW)
    forget(store, Tombstones(folder), [b"uzoe-private"], NOW)
    forget(store, Tombstones(folder), [b"uyan-private"], NOW + 60)
    assert not purge(store, NOW + COMPACT_S - 1)
    assert COMPACT_S < 24 * 3600
    assert purge(store, NOW + COMPACT_S)
    assert not purge(store, NOW + COMPACT_S)
    store.close()
    assert not any(b"-private" in one.read_bytes() for one in folder.rglob("*") if one.is_file())


def test_a_store_that_fails_forgets_no_one_who_was_forgotten(tmp_path):
    """What was known of tombstones still holds when the store is gone."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    lately = Lately(store, Tombstones(tmp_path / "store"))
    forget(store, Tombstones(tmp_path / "store"), [b"uzoe"], NOW)
    assert lately.live([("zoe", "")], NOW).whose == {("zoe", ""): ()}
    store.close()
    (tmp_path / "store" / "CURRENT").unlink()
    live = lately.live([("zoe", ""), ("bob", "")], NOW)
    assert live.degraded == ("store",)
    assert live.whose == {("zoe", ""): ()}


@pytest.mark.parametrize("text", ["", "a\0b", "x" * 600])
def test_what_can_be_no_key_is_refused(text):
    """Empty, with a NUL, too long."""
    with pytest.raises(InvalidRequest, match="no id"):
        key_of("u", text)
