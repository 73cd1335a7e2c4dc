"""What the preview shows is what the engine says: the list, what became of the rest, and the places beside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shops import make_shop, make_window
from vitrina.dataset import DAY
from vitrina.ids import Texts
from vitrina.live import Live
from vitrina.preview.finding import Finder
from vitrina.preview.question import LONGEST, Question
from vitrina.preview.shelves import deeds, shelves

NOW = 100 * DAY
DONE = [("ann", "i0", 10), ("ann", "i1", 99), ("ann", "i1", 98, "view"), ("bob", "i3", 5), ("ann", "i2", 200)]
TITLES = ["Milk 1 l", "Rye bread", "Oat milk", "Żurek", "Bread rolls", "Milk 2 l", "Tea", "Salt"]
PLACEMENTS = {
    "p": {"sources": [{"strategy": "all"}], "fallback": [], "limit": 3, "rebuy": "never", "about": "All."},
    "r": {"sources": [{"strategy": "back"}], "fallback": [], "limit": 3, "rebuy": "always"},
    "letter": {"sources": [{"strategy": "all"}], "channels": ["email"], "limit": 2},
}


def window():
    """Eight titled products, two sources that list them from either end; i5 is out of stock."""
    dataset = make_shop(DONE, items=[f"i{number}" for number in range(8)])
    stock = np.arange(8) != 5
    catalog = replace(dataset.catalog, title=Texts.of(TITLES), in_stock=stock)
    sources = {"all": range(8), "back": range(7, -1, -1)}
    return make_window(replace(dataset, catalog=catalog), sources, PLACEMENTS)


def test_a_list_is_the_engines_and_the_rest_has_its_reason():
    """Places, sources and sentences as Engine.explain says; what the customer took and the page's product are told of."""
    engine = window()
    question = Question("p", user="ann", item="i5")
    (shelf,) = shelves(engine, question, NOW)
    answer, _ = engine.explain(question.request("p", "site"), (), Live(NOW))
    assert [one.listed for one in shelf.tiles] == list(answer.blocks[0].items)
    assert [one.fate.place for one in shelf.tiles] == [1, 2, 3]
    assert shelf.tiles[0].fate.proposed == (("all", 1),)
    assert all(one.listed.reason.sentence for one in shelf.tiles)
    told = {one.product.item_id: one.fate for one in shelf.absent}
    assert list(told) == ["i5", "i1", "i0", "i7"]
    assert (told["i5"].stage, told["i5"].rules[0]) == ("admit", "out of stock")
    assert "bought 1 day ago" in told["i1"].rules[0]
    assert told["i7"].stage == "cut"
    assert shelf.stages[0][0] == "retrieve"
    assert shelf.stages[-1][1] == len(shelf.tiles)


def test_two_lists_know_each_others_places():
    """A product in both says where; one in a single list says 0."""
    own, other = shelves(window(), Question("p", "r", user="ann"), NOW)
    places = {one.product.item_id: one.fate.place for one in other.tiles}
    assert {one.product.item_id: one.beside for one in own.tiles} == {
        one.product.item_id: places.get(one.product.item_id, 0) for one in own.tiles
    }
    assert any(one.beside for one in own.tiles)
    assert not all(one.beside for one in own.tiles)


def test_what_cannot_be_asked_says_why():
    """A placement that is not there, or not for the channel; without a channel, one that it is for is asked."""
    engine = window()
    assert "unknown placement 'nowhere'" in shelves(engine, Question("nowhere"), NOW)[0].refused
    assert "not for the channel 'site'" in shelves(engine, Question("letter", channel="site"), NOW)[0].refused
    assert len(shelves(engine, Question("letter"), NOW)[0].tiles) == 2


def test_deeds_are_the_newest_each_product_once():
    """Nothing from after the moment that is looked at; nothing of a stranger."""
    found = deeds(window(), "ann", NOW)
    assert [(one.product.item_id, one.kind, one.day) for one in found] == [
        ("i1", "purchase", "1970-04-10"),
        ("i0", "purchase", "1970-01-11"),
    ]
    assert deeds(window(), "nobody", NOW) == deeds(window(), "", NOW) == ()


def test_choices_follow_what_is_typed():
    """Customers by the first letters of their id; products by id, and by words of the title, what is taken more first."""
    find = Finder(window())
    assert find.customers("") == [("ann", "4 events"), ("bob", "1 events")]
    assert find.customers("b") == [("bob", "1 events")]
    assert find.customers("z") == find.products("") == find.products("no such thing") == []
    assert [one for one, _ in find.products("MILK")] == ["i0", "i2", "i5"]
    assert find.products("żur") == [("i3", "Żurek")]
    assert find.products("i7") == [("i7", "Salt")]
    assert find.busiest == "ann"


def test_a_question_is_bounded_and_keeps_what_it_knows():
    """Fields of an address that are unknown are left out, and long ones cut; a link to another product keeps the rest."""
    question = Question.of({"placement": " p ", "user": "u" * 999, "other": "x"})
    assert question == Question("p", user="u" * LONGEST)
    assert Question("p", user="a&b", locale="").about("ж 1") == "/?placement=p&user=a%26b&item=%D0%B6+1"
