"""Who asks: the ids of one person are one asker, with all that any of them did."""

from __future__ import annotations

from dataclasses import replace

from shops import make_shop
from vitrina.askers import Askers
from vitrina.history import History
from vitrina.ids import UNKNOWN
from vitrina.request import Block, Request
from vitrina.seeds import query

HOME = Request((Block("home"),), user_id="ann")


def askers():
    """Of a shop where ann and bob bought, and cid did nothing."""
    shop = make_shop([("ann", "i0", 1), ("bob", "i1", 2), ("ann", "i2", 3), ("dan", "i3", 4)])
    return Askers(shop.users, shop.items, History.of(shop), shop.types, None)


def asked(request):
    """A request as sources are asked for it: the row, and the items of the seeds."""
    one = askers().of(request, 9)
    found = query([one], "history", 9)
    return int(found.users[0]), askers().items.names(found.seeds.rows)


def test_a_person_of_one_history_is_known_by_it():
    """With other ids that did nothing, or none: sources go by what they learned of that row."""
    ann = asked(HOME)
    assert ann[0] != UNKNOWN
    assert set(ann[1]) == {"i0", "i2"}
    assert asked(replace(HOME, also=("nobody", "ann"))) == ann


def test_a_person_of_several_histories_is_known_by_all_of_them():
    """What was learned of one row is half of the person: sources go by the seeds, which are all of it."""
    row, items = asked(replace(HOME, also=("bob",)))
    assert row == UNKNOWN
    assert set(items) == {"i0", "i1", "i2"}
    assert asked(replace(HOME, user_id="new", also=("bob", "ann"))) == (row, items)
