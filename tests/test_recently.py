"""What the store knows of an asker steers the lists as if the request had said it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shops import make_shop, make_window
from vitrina.dataset import DAY, TYPES
from vitrina.ids import Ids
from vitrina.live import Live, Recent
from vitrina.recently import Recently
from vitrina.request import Block, Impression, Request, SessionEvent

LAST = 10 * DAY
WHO = ("", "v")
ASKED = Request((Block("p"),), visitor_id="v")


@pytest.fixture
def recently():
    """Of a bundle of three items that ends on day 10."""
    return Recently(Ids.of(["i0", "i1", "i2"]), TYPES, LAST)


def live(*did, who=WHO):
    """A Live in which somebody did (item, type, time) events."""
    items, kinds, times = zip(*did, strict=True)
    return Live(LAST + DAY, {who: Recent(items, kinds, times)})


def test_it_is_told_before_what_the_request_says(recently):
    """Oldest first, what both have once; a click is a look."""
    asked = replace(ASKED, events=(SessionEvent("i1"), SessionEvent("i2")))
    told = recently.told(asked, live(("i0", "click", LAST + 1), ("i1", "view", LAST + 2)))
    assert told.events == (
        SessionEvent("i0", "view", LAST + 1), SessionEvent("i1", "view", LAST + 2), SessionEvent("i2"),
    )  # fmt: skip


def test_what_the_bundle_learned_from_does_not_count_again(recently):
    """Events up to its last one are in it."""
    told = recently.told(ASKED, live(("i0", "view", LAST), ("i1", "view", LAST + 1)))
    assert [one.item_id for one in told.events] == ["i1"]


def test_what_came_late_counts_where_the_log_tells(recently):
    """An app that was offline: done before the bundle's last event, logged after it was trained."""
    late = replace(recently, logged=7)
    did = Live(LAST + DAY, {WHO: Recent(("i0", "i1"), ("view",) * 2, (LAST - DAY, LAST - 5), (7, 8))})
    assert [one.item_id for one in late.told(ASKED, did).events] == ["i1"]
    assert recently.told(ASKED, did).events == ()
    unnumbered = live(("i0", "view", LAST - 5), ("i1", "view", LAST + 5))
    assert [one.item_id for one in late.told(ASKED, unnumbered).events] == ["i1"]


def test_another_stores_numbers_do_not_silence_it(recently):
    """A server over an empty store begins to count at 1: what is later than the bundle counts all the same."""
    did = Live(LAST + DAY, {WHO: Recent(("i0",), ("view",), (LAST + 5,), (1,))})
    assert len(replace(recently, logged=9_000).told(ASKED, did).events) == 1


def test_what_was_learned_counts_once_though_a_clock_was_ahead(recently):
    """A customer's clock may be five minutes ahead: an event that the bundle holds bears a time after training."""
    made = replace(recently, since=LAST + 200, trained=LAST, logged=7)
    did = Recent(("i0", "i1", "i2"), ("view",) * 3, (LAST + 200, LAST + 100, LAST + 300), (7, 8, 6))
    told = made.told(ASKED, Live(LAST + DAY, {WHO: did}))
    assert [one.item_id for one in told.events] == ["i1", "i2"]  # logged since, and of a log put back


def test_a_row_that_bears_a_date_to_come_silences_nobody(dataset):
    """The files' last event is tomorrow's, by a clock that is wrong: what is done now counts now."""
    places = {"p": {"sources": [{"strategy": "all"}], "rebuy": "never"}}
    engine = make_window(dataset, {"all": range(4)}, places, last_event=11 * DAY, created=10 * DAY + 60)
    now, bought = 10 * DAY + 100, Recent(("i0",), ("purchase",), (10 * DAY + 90,))
    assert first(engine, Live(now)) == "i0"
    assert first(engine, Live(now, {WHO: bought})) == "i1"
    in_it = Recent(("i0",), ("purchase",), (10 * DAY + 30,))
    assert first(engine, Live(now, {WHO: in_it})) == "i0"


def test_what_the_bundle_does_not_know_is_left_out(recently):
    """Products that came since and the shop's own types break nothing."""
    told = recently.told(ASKED, live(("new", "view", LAST + 1), ("i1", "wink", LAST + 1)))
    assert told.events == ()


def test_others_are_told_nothing(recently):
    """Each asker has their own."""
    did = live(("i0", "view", LAST + 1))
    assert recently.told(replace(ASKED, visitor_id="w"), did).events == ()
    assert recently.told(replace(ASKED, user_id="ann"), did).events == ()


def test_what_was_shown_is_told(recently):
    """Impressions reach placements that rotate."""
    shown = Live(LAST + DAY, {}, {WHO: Recent(("i2",), ("",), (LAST + 5,))})
    assert recently.told(ASKED, shown).shown == (Impression("i2", LAST + 5),)


def test_what_was_shown_and_ignored_gives_way(dataset):
    """Impressions from the store turn a rotating placement; what was clicked since is no longer ignored."""
    places = {"p": {"sources": [{"strategy": "all"}], "rotation": {"rate": 0.9, "hours": 24}}}
    engine = make_window(dataset, {"all": range(4)}, places)
    now = 12 * DAY
    seen = Recent(("i0",) * 3, ("",) * 3, (now - 3000, now - 2000, now - 1000))
    assert first(engine, Live(now)) == "i0"
    assert first(engine, Live(now, {}, {WHO: seen})) == "i1"
    clicked = Recent(("i0",), ("click",), (now - 500,))
    assert first(engine, Live(now, {WHO: clicked}, {WHO: seen})) == "i0"


def first(engine, live):
    """What stands first."""
    return engine.recommend([ASKED], live)[0].blocks[0].items[0].item_id


def listed(engine, request, *did):
    """The item ids of a list, after what somebody did on day 11."""
    then = Live(12 * DAY, {(request.user_id, request.visitor_id): recent(*did)} if did else {})
    return [one.item_id for one in engine.recommend([request], then)[0].blocks[0].items]


def recent(*did):
    """(item, type) events of day 11, in order."""
    items, kinds = zip(*did, strict=True)
    return Recent(items, kinds, tuple(11 * DAY + at for at in range(len(did))))


@pytest.fixture
def dataset():
    """Four items; ann bought i0 on day 10."""
    return make_shop([("ann", "i0", 10)], items=["i0", "i1", "i2", "i3"])


@pytest.fixture
def engine(dataset):
    """All items for everybody; what was bought does not come back."""
    places = {"p": {"sources": [{"strategy": "all"}], "rebuy": "never"}}
    return make_window(dataset, {"all": range(4)}, places)


def test_a_purchase_leaves_and_a_return_brings_it_back(engine):
    """Bought things leave as the rebuy policy says; a returned item no longer counts, in the bundle too."""
    assert listed(engine, ASKED) == ["i0", "i1", "i2", "i3"]
    assert listed(engine, ASKED, ("i1", "purchase")) == ["i0", "i2", "i3"]
    assert listed(engine, ASKED, ("i1", "purchase"), ("i1", "return")) == ["i0", "i1", "i2", "i3"]
    ann = Request((Block("p"),), user_id="ann")
    assert listed(engine, ann) == ["i1", "i2", "i3"]
    assert listed(engine, ann, ("i0", "return")) == ["i0", "i1", "i2", "i3"]
    assert listed(engine, ann, ("i2", "purchase"), ("i2", "purchase"), ("i2", "return")) == ["i1", "i3"]


def test_no_consent_no_memory(engine):
    """Who did not agree to personal lists gets none from the store either."""
    refused = replace(ASKED, consent="refused")
    assert listed(engine, refused, ("i1", "purchase")) == ["i0", "i1", "i2", "i3"]


def test_what_could_not_be_asked_is_said_to_whom_it_concerns(engine):
    """A store that fails is named to askers who have an id, and their lists are the bundle's."""
    failing = Live(12 * DAY, degraded=("store",))
    known, nobody = engine.recommend([ASKED, Request((Block("p"),))], failing)
    assert (known.degraded, nobody.degraded) == (("store",), ())
    assert known.blocks == nobody.blocks


def test_a_lone_word_of_the_shop_counts_live(dataset):
    """A shop's own word that stands for a purchase is one when it comes from the store, too; a page may ask
    by that word what was not touched."""
    places = {"p": {"sources": [{"strategy": "all"}], "filter": {"untouched": ["listen"]}}}
    engine = make_window(dataset, {"all": range(4)}, places, words={"listen": "purchase"})
    heard = Recent(("i0",), ("listen",), (LAST + 3,))
    assert first(engine, Live(12 * DAY)) == "i0"
    assert first(engine, Live(12 * DAY, {WHO: heard})) == "i1"
    bare = make_window(dataset, {"all": range(4)}, places)
    assert first(bare, Live(12 * DAY, {WHO: heard})) == "i0"
