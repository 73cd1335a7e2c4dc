"""Events on the wire: bounded one by one, joined with the answer that led to them, kept once."""

from __future__ import annotations

import pytest
from servers import KEY, NOW

from vitrina.errors import InvalidRequest, Malformed, StoreFull, TooFast
from vitrina.request import ListedBlock, ListedItem, Reason, Response
from vitrina.server import events
from vitrina.server.events import EARLY_S, LATE_S, MAX_EVENTS, Reader
from vitrina.server.failures import failure
from vitrina.server.limits import Visitors
from vitrina.server.token import Signer
from vitrina.state.events import Placed
from vitrina.v1 import event_service_pb2 as v1

VIEW = {"event_id": "e", "visitor_id": "v", "item_id": "i1"}
SIGNER = Signer(KEY)


READER = Reader(SIGNER)


def request(*told):
    """The bytes of a request."""
    return v1.RecordRequest(events=told).SerializeToString()


def read(**told):
    """One event as it was understood, or why it was not."""
    return READER.read(request({**VIEW, **told}), NOW).found[0]


def test_each_event_has_its_own_outcome():
    """What cannot be taken is rejected with a reason, and what became of the others stands in their places."""
    one = READER.read(request(VIEW, {"event_id": "f", "item_id": "i1"}, VIEW), NOW)
    assert [event.id for event in one.events] == ["e", "e"]
    tally = {"accepted": 7}
    results = v1.RecordResponse.FromString(one.answer(["accepted", "duplicate"], tally)).results
    found = [(v1.Outcome.Name(one.outcome)[8:].lower(), one.reason) for one in results]
    assert [outcome for outcome, _ in found] == ["accepted", "rejected", "duplicate"]
    assert [reason.partition(" ")[0] for _, reason in found] == ["", "user_id", ""]
    assert tally == {"accepted": 8, "rejected": 1, "duplicate": 1}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"event_id": ""}, "event_id is empty"),
        ({"event_id": "e" * 129}, "event_id is 129 bytes; at most 128"),
        ({"visitor_id": ""}, "one of them is needed"),
        ({"visitor_id": "v" * 257}, "visitor_id is 257 bytes"),
        ({"user_id": "u" * 257}, "user_id is 257 bytes"),
        ({"item_id": "é" * 129}, "item_id is 258 bytes"),
        ({"item_id": ""}, "item_id is empty"),
        ({"item_id": "", "type": "impression"}, "item_id is empty"),
        ({"type": "t" * 65}, "type is 65 bytes"),
        ({"order_id": "o" * 257}, "order_id is 257 bytes"),
        ({"region": "r" * 257}, "region is 257 bytes"),
        ({"search_text": "s" * 257}, "search_text is 257 bytes"),
        ({"time": NOW - LATE_S - 1}, "at most 30 days ago"),
        ({"time": NOW + EARLY_S + 1}, "5 minutes ahead"),
        ({"time": -1}, "time is -1"),
        ({"quantity": -1.0}, "quantity is -1.0"),
        ({"quantity": float("nan")}, "quantity is nan"),
        ({"price": float("inf")}, "price is inf"),
        ({"attribution_token": "forged"}, "attribution_token is not this server's"),
    ],
)
def test_what_is_out_of_bounds_is_rejected_with_a_reason(told, said):
    """Each bound names the field."""
    assert said in read(**told)


def test_what_is_left_out_has_its_default():
    """A view, now, of one, at an unknown price."""
    one = read()
    assert (one.type, one.time, one.quantity, one.price, one.gift) == ("view", NOW, 1.0, 0.0, False)
    assert (one.placed, one.answered, one.bundle) == ((), 0, "")


def test_a_clock_that_is_ahead_is_put_right():
    """Within five minutes; nothing lies in the future of the server."""
    assert read(time=NOW + EARLY_S).time == NOW
    assert read(time=NOW - LATE_S).time == NOW - LATE_S


def answered():
    """A token of two lists."""

    def listed(*ids):
        return tuple(ListedItem(one, 1.0, ("knn",), Reason("knn")) for one in ids)

    blocks = (
        ListedBlock("home", listed("i1", "i2"), arm="b", arm_share=0.25, propensities=(1.0, 0.5)),
        ListedBlock("cart", listed("i3", "i2")),
    )
    return SIGNER.token(Response(blocks, "bundle-1"), "p-1", NOW - 60)


def test_an_event_is_joined_with_the_answer_that_led_to_it():
    """Placement, position, source, chance and arm, of the first list that showed the item."""
    one = read(item_id="i2", type="click", attribution_token=answered())
    assert one.placed == (Placed("i2", "home", 1, "knn", 0.5, "b", 0.25),)
    assert (one.answered, one.bundle) == (NOW - 60, "bundle-1")
    assert read(item_id="other", type="click", attribution_token=answered()).placed == ()


def test_an_impression_stands_for_the_whole_answer_or_for_one_item():
    """Without an item it is all that the token says was shown."""
    whole = read(item_id="", type="impression", attribution_token=answered())
    assert [(one.item_id, one.placement) for one in whole.placed] == [
        ("i1", "home"), ("i2", "home"), ("i3", "cart"), ("i2", "cart"),
    ]  # fmt: skip
    one = read(item_id="i3", type="impression", attribution_token=answered())
    assert [shown.item_id for shown in one.placed] == ["i3"]
    assert read(type="impression").placed == (Placed("i1"),)


def test_requests_are_bounded_as_a_whole():
    """From one event to a thousand, of a megabyte at most."""
    for data in (b"", request(*[VIEW] * (MAX_EVENTS + 1)), b"\0" * (events.MAX_BYTES + 1)):
        with pytest.raises(InvalidRequest):
            READER.read(data, NOW)
    with pytest.raises(Malformed):
        READER.read(b"\xff", NOW)


def test_a_full_disk_tells_when_to_come_again():
    """RESOURCE_EXHAUSTED, its reason, and RetryInfo."""
    full = failure(StoreFull("no space"))
    assert (full.name, full.reason, full.retry_s) == ("RESOURCE_EXHAUSTED", "STORE_FULL", 5.0)


def test_who_sends_too_often_is_refused_and_others_are_not():
    """A person counts once a call, whatever it holds; what a site passes on of many is all taken."""
    visitors = Visitors(rate=1.0, burst=2.0)

    def pace(who):
        visitors.check(who, 0.0)

    mine = READER.read(request(VIEW, {**VIEW, "event_id": "f"}), NOW)
    both = READER.read(request(VIEW, {**VIEW, "event_id": "g", "visitor_id": "", "user_id": "v"}), NOW)
    hers = READER.read(request({**VIEW, "visitor_id": "", "user_id": "v"}), NOW)
    mine.pace(pace)
    mine.pace(pace)
    with pytest.raises(TooFast) as told:
        mine.pace(pace)
    assert told.value.retry_s > 0
    both.pace(pace)
    hers.pace(pace)  # a user of the same name is somebody else
    mine.pace(lambda who: visitors.check(who, 9.0))
