"""Triggers: what fires, when it stops, and that nothing bought meanwhile is ever named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.audience.triggers import TRIGGERS, Facts, Found, Window
from vitrina.dataset import DAY, TYPES
from vitrina.history import Doings

N = 6
NOW = 1000 * DAY
HOUR = 3600
WINDOW = Window(HOUR, 3 * DAY)


def did(*events: tuple[str, int, float]) -> Doings:
    """(type, item, days before now), in any order."""
    ordered = sorted(events, key=lambda one: -one[2])
    return Doings(
        np.array([one[1] for one in ordered], np.int32),
        np.array([TYPES.index(one[0]) for one in ordered], np.uint8),
        np.array([NOW - int(one[2] * DAY) for one in ordered], np.int64),
    )


def facts(
    cheaper: tuple[int, ...] = (),
    restocked: tuple[int, ...] = (),
    gone: tuple[int, ...] = (),
    due: float = 10,
) -> Facts:
    def mask(rows: tuple[int, ...]) -> np.ndarray:
        found = np.zeros(N, np.bool_)
        found[list(rows)] = True
        return found

    return Facts(np.full(N, due * DAY), mask(cheaper), mask(restocked), ~mask(gone), NOW - 2 * HOUR)


def fired(name: str, doings: Doings, window: Window = WINDOW, **shop: object) -> list[int] | None:
    found = TRIGGERS[name](doings, facts(**shop), window, NOW)  # type: ignore[arg-type]
    return None if found is None else found.rows.tolist()


@pytest.mark.parametrize(
    ("events", "rows"),
    [
        ([("cart", 1, 1), ("cart", 2, 1.1)], [1, 2]),
        ([("cart", 1, 1), ("purchase", 1, 0.5)], None),
        ([("cart", 1, 1), ("cart", 2, 1), ("remove", 2, 0.9)], [1]),
        ([("cart", 1, 1), ("purchase", 3, 0.5)], None),  # they came back and ordered
        ([("purchase", 1, 5), ("cart", 1, 1)], [1]),  # bought before, wanted again
        ([("cart", 1, 4)], None),
        ([("cart", 1, 0.01)], None),  # still shopping
        ([("cart", 1, 1), ("cart", 5, 20)], [1]),  # another visit's wish is stale
        ([("view", 1, 1)], None),
    ],
)
def test_abandoned_cart(events: list[tuple[str, int, float]], rows: list[int] | None) -> None:
    """What lies in the cart, once the person has left, until it is stale."""
    assert fired("abandoned_cart", did(*events)) == rows


def test_abandoned_view() -> None:
    """Only where there was no cart: that one has a trigger of its own."""
    assert fired("abandoned_view", did(("view", 1, 1), ("view", 2, 1.2))) == [1, 2]
    assert fired("abandoned_view", did(("view", 1, 1), ("cart", 2, 1.2))) is None
    assert fired("abandoned_view", did(("view", 1, 1), ("purchase", 2, 0.5))) is None


def test_prices_that_fell_and_products_that_are_back() -> None:
    """Of what was wanted and not bought, and only what can be had."""
    wanted = did(("view", 1, 5), ("cart", 2, 5), ("view", 3, 60), ("view", 4, 5), ("purchase", 4, 4))
    assert fired("price_drop", wanted, cheaper=(1, 2, 3, 4)) == [2, 1]
    assert fired("price_drop", wanted, cheaper=(1, 2), gone=(2,)) == [1]
    assert fired("back_in_stock", wanted, restocked=(2,)) == [2]
    assert fired("price_drop", wanted) is None


def test_coffee_is_due_when_it_is_gone() -> None:
    """By the shop's interval, or by the person's own; not before, not long after, and not what was sent back."""
    window = Window(0, 4 * DAY)
    assert fired("replenishment", did(("purchase", 1, 11)), window) == [1]
    assert fired("replenishment", did(("purchase", 1, 9)), window) is None
    assert fired("replenishment", did(("purchase", 1, 15)), window) is None
    assert fired("replenishment", did(("purchase", 1, 11), ("return", 1, 10)), window) is None
    slow = did(("purchase", 1, 91), ("purchase", 1, 61), ("purchase", 1, 31))
    assert fired("replenishment", slow, window) == [1]
    assert fired("replenishment", did(("purchase", 1, 11)), window, due=0) is None


def test_new_fresh_and_lost() -> None:
    """Welcome, after an order, and come back."""
    assert fired("welcome", did(("view", 1, 1))) == []
    assert fired("welcome", did(("view", 1, 9), ("view", 1, 1))) is None
    assert fired("post_purchase", did(("purchase", 1, 2.1), ("purchase", 2, 2), ("purchase", 3, 30))) == [
        2,
        1,
    ]
    window = Window(30 * DAY, 365 * DAY)
    assert fired("win_back", did(("purchase", 1, 60), ("purchase", 2, 50)), window) == [2]
    assert (
        fired("win_back", did(("purchase", 1, 90), ("purchase", 2, 50)), window) is None
    )  # comes every 40 days
    assert fired("win_back", did(("purchase", 1, 50)), window) is None


EVENTS = st.lists(
    st.tuples(st.sampled_from(["view", "cart", "remove", "purchase", "return"]), st.integers(0, N - 1), st.floats(0, 40)),
    max_size=25,
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(EVENTS, st.sampled_from(sorted(TRIGGERS)))
def test_nothing_bought_meanwhile_is_named(events: list[tuple[str, int, float]], name: str) -> None:
    """Promise: of carts, views and wishes, no product is named that was bought after it; windows hold."""
    found = TRIGGERS[name](did(*events), facts((0, 1, 2), (3, 4), (5,)), WINDOW, NOW)
    if found is None:
        return
    assert isinstance(found, Found)
    assert found.since <= NOW < found.until
    assert len(set(found.rows.tolist())) == len(found.rows)
    if name in ("abandoned_cart", "abandoned_view", "price_drop", "back_in_stock"):
        assert 5 not in found.rows
        for row in found.rows.tolist():
            wishes = [days for what, item, days in events if item == row and what in ("cart", "view")]
            bought = [days for what, item, days in events if item == row and what == "purchase"]
            assert not bought or int(min(wishes) * DAY) < int(min(bought) * DAY) + 1
