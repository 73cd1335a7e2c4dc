"""Entries: everybody once, in order, resumable; nobody is offered what they bought; the policy holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shops import make_shop, make_window
from vitrina.audience.entries import Known, entries, marked, read_cursor
from vitrina.audience.facts import facts
from vitrina.audience.plan import parse_plan
from vitrina.contact.decide import Contact
from vitrina.contact.policy import parse_policy
from vitrina.dataset import DAY
from vitrina.errors import InvalidRequest, UnknownPlacement
from vitrina.live import Live

ITEMS = [f"i{number}" for number in range(8)]
NOON = 101 * DAY + DAY // 2
POLICY = parse_policy(
    {
        "cool_down_days": 2,
        "channels": {"email": {"caps": [{"times": 1, "days": 1}]}, "retargeting": {"paid": True}},
    }
)
PLAN = parse_plan(
    {"abandoned_cart": {"placement": "p", "k": 3}, "win_back": {"placement": "p", "after_days": 30}}
)


@pytest.fixture
def engine():
    """ann left a cart, bob bought what was in his, cid is lost, dee has done nothing lately."""
    events = [
        ("ann", "i0", 80), ("ann", "i1", 101, "cart"), ("bob", "i2", 101, "cart"), ("bob", "i2", 101),
        ("cid", "i3", 20), ("cid", "i4", 40), ("dee", "i5", 99, "view"),
    ]  # fmt: skip
    placements = {"p": {"sources": [{"strategy": "all"}], "rebuy": "never", "fallback": []}}
    return make_window(make_shop(events, items=ITEMS), {"all": range(8)}, placements)


def found(engine, plan=PLAN, policy=POLICY, known=None, now=NOON):
    """All entries by user."""
    stream = entries(engine, plan, policy, facts(engine, now), known or Known.nothing(), now)
    return {one.user_id: one for batch, _ in stream for one in batch}


def test_who_is_told_of_what(engine):
    """The cart with what goes with it, the lost with what is new to them; nobody of what they bought."""
    said = found(engine)
    assert set(said) == {"ann", "cid"}
    assert (said["ann"].trigger, said["ann"].about_item_ids) == ("abandoned_cart", ("i1",))
    assert said["ann"].item_ids == ("i1", "i2", "i3")  # i0 was bought, i1 stands first
    assert said["ann"].since == 101 * DAY
    assert (said["cid"].trigger, said["cid"].channel) == ("win_back", "email")
    assert not {"i3", "i4"} & set(said["cid"].item_ids)


def test_ids_are_stable_and_cursors_go_on(engine, monkeypatch):
    """Cut anywhere, the rest follows; whoever comes twice has the same id; a foreign cursor is refused."""
    monkeypatch.setattr("vitrina.audience.entries.BATCH", 1)
    shop, known, mark = facts(engine, NOON), Known.nothing(), marked(engine, PLAN, POLICY)
    whole = list(entries(engine, PLAN, POLICY, shop, known, NOON))
    assert len(whole) == 4
    for cut in range(4):
        place, moment = read_cursor(whole[cut][1], mark)
        assert moment == NOON
        assert list(entries(engine, PLAN, POLICY, shop, known, NOON, place)) == whole[cut + 1 :]
    ids = [one.trigger_id for batch, _ in whole for one in batch]
    assert len(set(ids)) == len(ids) == 2
    assert found(engine, now=NOON + 3600)["ann"].trigger_id == found(engine)["ann"].trigger_id
    cursor = whole[0][1]
    for foreign in (cursor[:-2] + "AA", "x", "é", cursor[:-1], "B" + cursor[1:]):
        with pytest.raises(InvalidRequest, match="cursor is of another"):
            read_cursor(foreign, mark)
    with pytest.raises(InvalidRequest):
        read_cursor(cursor, marked(engine, PLAN.only(("win_back",)), POLICY))


def test_ads_show_what_is_like_it_not_the_thing_itself(engine):
    """Where e-mail is full, the ad for the left cart holds no product that was left there, unless told so."""
    full = Known.nothing()
    full = replace(full, contacts={"ann": [Contact("email", NOON - 3600)]})
    said = found(engine, known=full)["ann"]
    assert said.channel == "retargeting"
    assert said.item_ids == ("i2", "i3", "i4")
    same = parse_plan({"abandoned_cart": {"placement": "p", "show": "same"}})
    assert found(engine, same, known=full)["ann"].item_ids == ("i1",)


def test_conditions_choose_people(engine):
    """`who` of a watch; the next watch is tried where it does not fit."""
    plan = parse_plan(
        {
            "abandoned_cart": {"placement": "p", "who": {"min_orders": 2}},
            "late": {"is": "win_back", "placement": "p", "after_days": 30},
        }
    )
    assert set(found(engine, plan)) == {"cid"}
    assert found(engine, plan)["cid"].trigger == "late"


def test_who_asked_to_be_forgotten_is_written_to_no_more(engine):
    """Though the bundle knows them still."""

    class Lately:
        def live(self, who, now):
            return Live(now, whose={("ann", ""): ()})

        def users(self, after, most):
            return []

    stream = entries(engine, PLAN, POLICY, facts(engine, NOON), Known.nothing(), NOON, lately=Lately())
    assert {one.user_id for batch, _ in stream for one in batch} == {"cid"}


def test_a_placement_that_is_not_there_is_said_at_once(engine):
    """Before anybody is looked at."""
    with pytest.raises(UnknownPlacement, match="email_digest"):
        next(entries(engine, parse_plan({"welcome": {}}), POLICY, facts(engine, NOON), Known.nothing(), NOON))


def test_what_changed_since_an_earlier_bundle():
    """Cheaper by price, back by stock, by item id and not by place; nothing without an earlier bundle."""

    def shop(items, prices, stock):
        dataset = make_shop([("ann", "b", 1)], items=items)
        catalog = replace(dataset.catalog, price=np.array(prices, np.float32), in_stock=np.array(stock))
        return make_window(replace(dataset, catalog=catalog), {}, {"p": {}})

    before = shop(["b", "c", "d"], [5, 5, 5], [True, False, True])
    now = shop(["a", "b", "c", "d"], [1, 4, 5, 5], [True, True, True, False])
    found = facts(now, NOON, before)
    assert found.cheaper.tolist() == [False, True, False, False]
    assert found.restocked.tolist() == [False, False, True, False]
    assert found.offered.tolist() == [True, True, True, False]
    assert not facts(now, NOON).cheaper.any()
