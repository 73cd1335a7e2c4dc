"""Answers are remembered, as many as was said, and an object that remembers goes when nobody wants it."""

from __future__ import annotations

import gc
import weakref
from contextlib import contextmanager

import pytest

from shops import make_shop, make_window
from vitrina.live import Live
from vitrina.remembered import Once, remembered
from vitrina.request import Block, Request

ITEMS = [f"i{number}" for number in range(6)]


@contextmanager
def uncollected():
    """Nothing is collected: what goes, goes because nobody holds it."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Doubler:
    """Doubles, and counts how often it had to."""

    def __init__(self):
        self.asked = []
        self.double = remembered(self._double, 2)

    def _double(self, number):
        self.asked.append(number)
        return 2 * number


def test_the_latest_answers_are_remembered():
    """Two of them; the third has to be found again."""
    one = Doubler()
    assert [one.double(number) for number in (1, 2, 1, 3, 2)] == [2, 4, 2, 6, 4]
    assert one.asked == [1, 2, 3, 2]


def test_who_remembers_is_not_held():
    """The object goes with its last use; who asks after that is told."""
    with uncollected():
        one = Doubler()
        double, weak = one.double, weakref.ref(one)
        assert double(1) == 2
        del one
        assert weak() is None
        with pytest.raises(AssertionError, match="gone"):
            double(2)


@pytest.mark.parametrize("told", [False, True])
def test_an_engine_that_is_replaced_is_gone_at_once(told):
    """Its rules and masks too, which would keep its catalogue's files open; also one that was told of items."""
    placement = {
        "sources": [{"strategy": "all"}],
        "soft": ["not_viewed"],
        "merchandising": {"pin": [{"item_id": "i3", "position": 1}]},
    }
    with uncollected():
        engine = make_window(make_shop([("ann", "i0", 1)], items=ITEMS), {"all": range(6)}, {"p": placement})
        if told:
            engine = engine.told({"i1": {"price": 2.0}})
        engine.recommend([Request((Block("p"),), user_id="ann")], Live(0))
        left = [
            weakref.ref(one)
            for one in (engine, engine.opened.rules, engine.opened.rules.facets, engine.catalog)
        ]
        del engine
        assert [one() for one in left] == [None] * 4


class Looked:
    """Counts how often its property is worked out."""

    def __init__(self) -> None:
        self.times = 0

    @Once
    def answer(self) -> int:
        """What it is."""
        self.times += 1
        return 42


def test_a_property_is_worked_out_once_for_each_object():
    """Not before it is looked at, and never again; its words are the method's."""
    one, other = Looked(), Looked()
    assert one.times == 0
    assert (one.answer, one.answer, one.times, other.times) == (42, 42, 1, 0)
    assert Looked.answer.__doc__ == "What it is."
