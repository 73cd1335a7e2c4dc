"""Askers drawn by lot, in words: what was known of them, what they were shown, and what they took."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shops import make_shop
from vitrina.catalog import Texts
from vitrina.examples import FEW, SHOWN, drawn
from vitrina.questions import questions
from vitrina.splits import split

PAST = [("ann", "i1", 1), ("ann", "i2", 50), ("ann", "i3", 90), ("bob", "i1", 60)]
LATER = [("ann", "i2", 99), ("ann", "i4", 99), ("bob", "i3", 99), ("zoe", "i5", 99)]


def shop_of(titles=("Tea", "", "Cup", "Pot", "Jam", "Mug")):
    """Three customers and six products; the second has no title."""
    shop = make_shop([*PAST, *LATER], items=[f"i{n}" for n in range(6)])
    return replace(shop, catalog=replace(shop.catalog, title=Texts.of(titles)))


def asked(shop, question):
    """A cut of the shop, and who is asked that."""
    cut = split(shop, 7)
    return cut, next(one for one in questions(cut, 100, 7) if one.question == question)


def found(shop, question, listed):
    """The examples of a placement that gives everybody the same, by what was missed and listed."""
    cut, put = asked(shop, question)
    lists = np.tile(np.array([*shop.items.rows(listed), -1], np.int32), (len(put), 1))
    return drawn(cut, put.requests, put.truth, lists, 7)


def test_each_says_what_was_known_listed_and_taken():
    """The latest known first; what is not named is told by its id; hits are of the list, the rest was missed."""
    by_past = {one.known: one for one in found(shop_of(), "home", ["i2", "i3"])}
    assert set(by_past) == {("Pot", "Cup", "i1"), ("i1",), ()}
    ann, bob, zoe = by_past["Pot", "Cup", "i1"], by_past["i1",], by_past[()]
    assert ann.listed == (("Cup", True), ("Pot", False))
    assert ann.missed == ("Jam",)
    assert (bob.listed, bob.missed) == ((("Cup", False), ("Pot", True)), ())
    assert zoe.missed == ("Mug",)


def test_a_basket_and_a_visit_are_what_is_known_there():
    """Not what the customer bought long ago; of a visit the latest is first."""
    (cart,) = found(shop_of(), "cart", ["i0"])
    assert {*cart.known, *cart.missed} == {"Cup", "Jam"}
    steps = [("", f"i{step}", 99, "view") for step in range(3)]
    shop = replace(make_shop([*PAST, *steps], items=["i4", "i5"]), sessions=True)
    visits = found(shop, "session_next", ["i0"])
    assert {one.known for one in visits} == {("i0",), ("i1", "i0")}


def test_they_are_few_and_drawn_by_lot():
    """The same seed draws the same; of many askers not the first."""
    many = [(f"u{n:02d}", "i1", day) for n in range(40) for day in (1, 99)]
    mine = [(f"u{n:02d}", f"own{n:02d}", 1) for n in range(40)]
    shop = make_shop([*many, *mine])
    first, again = (found(shop, "home", ["i1"]) for _ in range(2))
    assert first == again
    assert len(first) == FEW
    own = {title for one in first for title in one.known if title != "i1"}
    assert len(own) == FEW
    assert own != {"own00", "own01", "own02"}


def test_variants_of_what_was_taken_are_no_misses():
    """What is taken is a product: another size of it in the list is a hit, and named once."""
    shop = shop_of()
    shop = replace(shop, catalog=replace(shop.catalog, product=np.array([0, 1, 2, 3, 3, 4], np.int32)))
    ann = next(one for one in found(shop, "home", ["i3"]) if one.known == ("Pot", "Cup", "i1"))
    assert ann.listed == (("Pot", True),)
    assert ann.missed == ("Cup",)


@pytest.mark.parametrize("many", [4, 30])
def test_long_pasts_are_told_up_to_one_more_than_is_shown(many):
    """So that a page can say that there is more."""
    past = [("ann", f"i{n:02d}", n) for n in range(many)]
    (ann,) = found(make_shop([*past, ("ann", "i00", 99)]), "home", ["i01"])
    assert len(ann.known) == min(many, SHOWN + 1)
