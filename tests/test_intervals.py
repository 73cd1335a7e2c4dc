"""How long until a product is bought again: what is learned of the days between purchases."""

from __future__ import annotations

import numpy as np
import pytest

from shops import make_shop
from vitrina.intervals import due_days, rhythm

DAILY = [(f"u{user}", "milk", day) for user in range(9) for day in range(0, 60, 3)]
MONTHLY = [(f"u{user}", "coffee", 28 * turn + user) for user in range(9) for turn in range(6)]
UNEVEN = [
    (f"u{user}", "salt", day + user) for user in range(9) for day in (0, 2, 30, 33, 90, 91, 150, 230, 240)
]


def test_each_item_has_its_own_days() -> None:
    """Usual days are near the gaps where there are many, and the shop's where there are none."""
    shop = make_shop([*DAILY, *MONTHLY, ("u1", "kettle", 5)])
    usual = np.exp(rhythm(shop)[0])
    milk, coffee, kettle = (usual[shop.items.row(one)] for one in ("milk", "coffee", "kettle"))
    assert milk == pytest.approx(3, rel=0.15)
    assert coffee == pytest.approx(28, rel=0.4)
    assert milk < kettle < coffee


def test_the_regular_are_told_from_the_uneven() -> None:
    """Fixed gaps have a steeper shape than scattered ones."""
    shop = make_shop([*MONTHLY, *UNEVEN])
    regular = rhythm(shop)[1]
    assert regular[shop.items.row("coffee")] > 1.5 * regular[shop.items.row("salt")]


def test_nothing_learned_of_what_never_returns() -> None:
    """Nobody came back: no rhythm."""
    assert [len(one) for one in rhythm(make_shop([("u1", "kettle", 5), ("u2", "kettle", 6)]))] == [0, 0]


def test_what_nobody_buys_twice_is_never_due() -> None:
    """Not as often as other things of the shop: a kettle that many bought months ago lasts all that is known.
    Of a few, or of many who bought it lately, that cannot be said."""
    many = [(f"u{user}", "kettle", 5) for user in range(25)]
    few = [(f"u{user}", "toaster", 5) for user in range(10)]
    new = [(f"u{user}", "mixer", 58) for user in range(25)]
    shop = make_shop([*DAILY, *many, *few, *new])
    days = {name: due_days(shop)[shop.items.row(name)] for name in ("milk", "kettle", "toaster", "mixer")}
    assert days == {"milk": 3, "kettle": pytest.approx(58, abs=1), "toaster": 3, "mixer": 3}
