"""Events into the store: once each, whole, into the right profiles; machines are set apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import wait_for

from vitrina.live import Recent
from vitrina.state import upkeep
from vitrina.state.events import Entry, Event, Placed, encoded, entered, unpacked
from vitrina.state.lately import Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.profiles import FAST, KEPT, QUARANTINE_S, WIDE
from vitrina.state.recording import recording, retained
from vitrina.state.tables import LOG, PROFILES, SEEN

NOW = 1_700_000_000


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    made = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    yield made
    made.close()


def view(number, item="i1", *, user="", visitor="v", time=NOW, kind="view", **more):
    """An event."""
    return Event(str(number), kind, user, visitor, item, time, **more)


def record(store, *events, now=NOW):
    """What became of events."""
    return store.write(recording(events, now)).result()


def did(store, user="", visitor="v", now=NOW):
    """What somebody did, as the engine is told."""
    return Lately(store).live([(user, visitor)], now).did.get((user, visitor), Recent())


text = st.text(max_size=20)
placed = st.builds(Placed, text, text, st.integers(0, 99), text, st.floats(0, 1), text, st.floats(0, 1))
events = st.builds(
    Event, text, text, text, text, text, st.integers(0, 1 << 40), st.floats(0, 1e6), st.floats(0, 1e6),
    st.booleans(), text, text, text, st.lists(placed, max_size=3).map(tuple), st.integers(0, 1 << 40), text,
)  # fmt: skip


@given(st.builds(Entry, events, st.integers(0, 1 << 40), st.booleans()))
def test_an_entry_comes_back_whole(entry):
    """What the log holds is the event that was put in, to the last field."""
    assert unpacked(entered(encoded(entry.event), entry.received, entry.quarantined)) == entry


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 8), max_size=6), max_size=6))
def test_an_id_counts_once(tmp_path_factory, batches):
    """However ids repeat, within a batch and over several: the first is accepted, the log has it once."""
    store = LmdbStore(tmp_path_factory.mktemp("s") / "store", create=True, map_bytes=1 << 20)
    seen = set()
    for ids in batches:
        expected = []
        for one in ids:
            expected.append("duplicate" if one in seen else "accepted")
            seen.add(one)
        assert record(store, *map(view, ids)) == expected
    with store.read() as reads:
        logged = [unpacked(value).event.id for _, value in reads.feed(LOG, 0, 100)]
    assert sorted(logged) == sorted(map(str, seen))
    assert len(did(store).item_ids) == len(seen)
    store.close()


def test_user_and_visitor_each_know_it_and_together_once(store):
    """A login joins what the browser knew with what the customer did, each event once, by time."""
    record(store, view(1, "i1", visitor="v", time=NOW - 5), view(2, "i2", user="ann", visitor="v", time=NOW))
    record(store, view(3, "i3", user="ann", visitor="", time=NOW - 9))
    assert did(store, "ann", "v").item_ids == ("i3", "i1", "i2")
    assert did(store, "ann", "").item_ids == ("i3", "i2")
    assert did(store, "", "v").item_ids == ("i1", "i2")
    assert did(store, "bob", "w") == Recent()


def test_gifts_and_searches_follow_nobody(store):
    """They are in the log and in no profile."""
    record(store, view(1, gift=True), view(2, "", kind="search", search_text="jam"))
    assert did(store) == Recent()
    with store.read() as reads:
        assert len(reads.feed(LOG, 0, 9)) == 2


def test_what_was_shown_is_kept_apart(store):
    """An impression of three items is three that were shown, and nothing that was done."""
    seen = tuple(Placed(f"i{number}", "home", number) for number in range(3))
    record(store, view(1, "", kind="impression", placed=seen))
    live = Lately(store).live([("", "v")], NOW)
    assert live.shown["", "v"].item_ids == ("i0", "i1", "i2")
    assert not live.did


def test_a_profile_is_bounded_and_keeps_the_newest(store):
    """Of more than it keeps, the oldest go."""
    for first in range(0, KEPT + 42, 10):
        spread = [view(one, f"i{one}", time=NOW + 100 * one) for one in range(first, first + 10)]
        record(store, *spread)
    assert did(store).item_ids == tuple(f"i{one}" for one in range(KEPT + 42))[-KEPT:]


@pytest.mark.parametrize(
    ("n", "items", "apart_s"),
    [(FAST, 3, 0), (WIDE, WIDE, 5)],
    ids=["faster than people click", "more products than people see"],
)
def test_machines_and_shared_ids_are_set_apart(store, n, items, apart_s):
    """They steer no list, theirs included, and say so; an hour after their last event they may again."""
    many = [view(one, f"i{one % items}", time=NOW + apart_s * one) for one in range(n + 5)]
    assert record(store, *many) == ["accepted"] * n + ["quarantined"] * 5
    assert did(store) == Recent()
    assert did(store, now=NOW + QUARANTINE_S - 1) == Recent()
    assert record(store, view("later"), now=NOW + QUARANTINE_S - 1) == ["quarantined"]
    assert did(store, now=NOW + QUARANTINE_S + 10) == Recent()
    assert record(store, view("human"), now=NOW + 3 * QUARANTINE_S) == ["accepted"]
    assert did(store, now=NOW + 3 * QUARANTINE_S)


def test_a_shared_visitor_does_not_take_its_customers_along(store):
    """Where all browsers carry one visitor id, those who are logged in still steer their own lists."""
    record(store, *[view(one, f"i{one}") for one in range(FAST)])
    assert record(store, view("mine", "i7", user="ann")) == ["accepted"]
    assert did(store, "ann", "v").item_ids == ("i7",)


def test_a_large_order_is_no_machine(store):
    """A firm may buy hundreds of things at once."""
    many = [view(one, f"i{one}", kind="purchase", user="firm") for one in range(WIDE + 20)]
    assert record(store, *many, view("look", user="firm")) == ["accepted"] * (WIDE + 21)


def test_what_is_old_goes_with_its_id_and_its_visitor(store):
    """Retention removes events received before a second and only those; who did nothing since is forgotten."""
    record(store, view(1, visitor="gone"), view(2, visitor="back"), now=NOW - 10)
    record(store, view(3, visitor="back"), now=NOW)
    assert store.write(lambda to: retained(to, NOW, 1)).result() == 1
    assert store.write(lambda to: retained(to, NOW)).result() == 1
    with store.read() as reads:
        assert [unpacked(value).event.id for _, value in reads.feed(LOG, 0, 9)] == ["3"]
        assert [bool(reads.get(SEEN, one)) for one in (b"1", b"2", b"3")] == [False, False, True]
        assert [key for key, _ in reads.scan(PROFILES)] == [b"vback"]


def test_upkeep_lets_go_of_all_that_is_old(store, monkeypatch):
    """However many slices it takes, and by itself once it was started."""
    monkeypatch.setattr(upkeep, "SLICE", 2)
    monkeypatch.setattr(upkeep, "TEND_S", 0.01)
    record(store, *[view(number) for number in range(5)], now=NOW - 10)
    record(store, view("new"), now=NOW)
    assert upkeep.Upkeep(store, lambda: NOW, 5).retain() == 5
    one = upkeep.Upkeep(store, lambda: NOW + 10, 5)
    one.start()
    wait_for(lambda: not logged(store))
    one.stop()


def logged(store):
    """All events."""
    with store.read() as reads:
        return reads.feed(LOG, 0, 99)
