"""The journal: what was sent and opened, as the log tells it, is what the contact policy goes by."""

from __future__ import annotations

import itertools

import pytest

from shops import make_shop, make_window
from vitrina.audience.entries import entries
from vitrina.audience.facts import facts
from vitrina.audience.journal import Journal
from vitrina.audience.plan import parse_plan
from vitrina.contact.decide import Contact
from vitrina.contact.policy import parse_policy
from vitrina.dataset import DAY
from vitrina.errors import StoreError
from vitrina.state.events import Event
from vitrina.state.lately import Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.people import Tombstones, joining
from vitrina.state.recording import recording
from vitrina.state.tables import LOG
from vitrina.state.tailer import Tailer

NOON = 101 * DAY + DAY // 2
HOUR = 3600
ITEMS = [f"i{number}" for number in range(8)]
POLICY = parse_policy(
    {
        "cool_down_days": 1,
        "repeat_days": 7,
        "channels": {"email": {"caps": [{"times": 1, "days": 14}]}, "retargeting": {"paid": True}},
    }
)
PLAN = parse_plan({"abandoned_cart": {"placement": "p", "k": 3}})
NUMBERS = itertools.count()


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    with_it = LmdbStore(tmp_path / "store", create=True)
    yield with_it
    with_it.close()


@pytest.fixture
def engine():
    """ann and bob each left a cart yesterday."""
    events = [("ann", "i1", 100, "cart"), ("bob", "i2", 100, "cart")]
    placements = {"p": {"sources": [{"strategy": "all"}], "rebuy": "never", "fallback": []}}
    return make_window(make_shop(events, items=ITEMS), {"all": range(8)}, placements)


def happen(store, who, kind, item, at):
    """Record one event."""
    event = Event(f"e{next(NUMBERS)}", kind, who, "", item, at)
    assert store.write(recording([event], at)).result() == ["accepted"]


def journal_of(store):
    """A journal that has read all of the log."""
    made = Journal(POLICY)
    Tailer(store, LOG, made.take).turn()
    return made.known


def told(engine, store, now=NOON):
    """All entries by user, from history, store and journal."""
    shop = facts(engine, now)
    stream = entries(engine, PLAN, POLICY, shop, journal_of(store), now, lately=Lately(store))
    return {one.user_id: one for batch, _ in stream for one in batch}


def test_what_is_bought_meanwhile_is_not_chased(engine, store):
    """A cart that was bought after training; one that was filled after training fires all the same."""
    assert set(told(engine, store)) == {"ann", "bob"}
    happen(store, "ann", "purchase", "i1", NOON - 26 * HOUR)
    happen(store, "bob", "cart", "i5", NOON - 2 * HOUR)
    said = told(engine, store)
    assert set(said) == {"bob"}
    assert said["bob"].about_item_ids == ("i5",)


def test_who_is_new_since_training_is_addressed(engine, store, monkeypatch):
    """Customers whom no bundle knows, in the order of their ids, behind those of the bundle; cut anywhere."""
    for who in ("zoe", "cid", "żaneta"):
        happen(store, who, "cart", "i3", NOON - 5 * HOUR)
    assert set(told(engine, store)) == {"ann", "bob", "cid", "zoe", "żaneta"}
    monkeypatch.setattr("vitrina.audience.entries.BATCH", 1)
    from vitrina.audience.entries import marked, read_cursor

    def stream(*start):
        return list(
            entries(
                engine,
                PLAN,
                POLICY,
                facts(engine, NOON),
                journal_of(store),
                NOON,
                *start,
                lately=Lately(store),
            )
        )

    whole = stream()
    assert [one.user_id for batch, _ in whole for one in batch] == ["ann", "bob", "cid", "zoe", "żaneta"]
    for cut, (_, cursor) in enumerate(whole):
        place, moment = read_cursor(cursor, marked(engine, PLAN, POLICY))
        assert moment == NOON
        assert stream(place) == whole[cut + 1 :]


def test_a_letter_that_was_opened_is_not_chased_in_ads(engine, store):
    """Sent and opened as the log says: e-mail is at its cap, and ads must not repeat what was read."""
    for item in ("i1", "i4"):
        happen(store, "ann", "sent.email", item, NOON - 3 * HOUR)
    known = journal_of(store)
    assert known.contacts["ann"] == (Contact("email", NOON - 3 * HOUR, ("i1", "i4")),)
    happen(store, "ann", "open.email", "i4", NOON - HOUR)
    known = journal_of(store)
    assert known.contacts["ann"] == (Contact("email", NOON - 3 * HOUR, ("i1", "i4"), NOON - HOUR),)
    assert known.opens["ann"].sum() == known.everybody.sum() == 1
    assert known.opens["ann"][11] == 1
    said = told(engine, store)
    assert said["bob"].channel == "email"
    assert "ann" not in said


def test_an_opening_nobody_announced_is_a_contact(store):
    """A letter that was sent by hand: known from its opening on; older than two months, forgotten."""
    happen(store, "ann", "open.push", "i4", NOON - 70 * DAY)
    happen(store, "ann", "open.email", "i4", NOON - HOUR)
    assert journal_of(store).contacts["ann"] == (Contact("email", NOON - HOUR, ("i4",), NOON - HOUR),)


def test_what_was_sent_was_shown_and_no_more(engine, store):
    """It is no sign of liking: lists rotate by it, and do not follow from it; an opening does neither."""
    happen(store, "ann", "sent.email", "i4", NOON - HOUR)
    happen(store, "ann", "open.email", "i4", NOON - HOUR)
    live = Lately(store).live([("ann", "")], NOON)
    assert not live.did
    assert live.shown[("ann", "")].item_ids == ("i4",)
    assert Lately(store).users("", 10) == []


class Gone:
    """A store that cannot be read."""

    def read(self):
        raise StoreError("the store is gone")


def test_without_the_store_nobody_is_addressed(engine):
    """What was bought meanwhile would not be known: an error, not a letter."""
    shop, known = facts(engine, NOON), Journal(POLICY).known
    with pytest.raises(StoreError, match="bought meanwhile"):
        next(entries(engine, PLAN, POLICY, shop, known, NOON, lately=Lately(Gone())))


def test_who_asked_to_be_forgotten_is_not_addressed(engine, store, tmp_path):
    """From then on, whatever the bundle still holds of them; the others are."""
    store.write(Tombstones(tmp_path / "store").forgetting([b"uann"], NOON)).result()
    lately, shop = Lately(store, Tombstones(tmp_path / "store")), facts(engine, NOON)
    stream = entries(engine, PLAN, POLICY, shop, journal_of(store), NOON, lately=lately)
    assert [one.user_id for batch, _ in stream for one in batch] == ["bob"]


def test_one_person_of_several_ids_is_one(engine, store):
    """Addressed once, under the first id of the bundle; what was sent to any of their ids counts."""
    for who in ("abe", "zoe", "newer", "newest"):
        happen(store, who, "cart", "i3", NOON - 5 * HOUR)
    store.write(joining([b"uabe", b"uann", b"uzoe", b"vphone"])).result()
    store.write(joining([b"unewer", b"unewest"])).result()
    assert Lately(store).users("", 9) == ["abe", "newer"]
    assert set(told(engine, store)) == {"ann", "bob", "newer"}
    happen(store, "zoe", "sent.email", "i6", NOON - HOUR)
    said = told(engine, store)
    assert (said["bob"].channel, said["ann"].channel) == ("email", "retargeting")
