"""A customer who is asked in several windows is one witness."""

from __future__ import annotations

import numpy as np

from shops import make_shop
from vitrina.clusters import together, whose, witnesses
from vitrina.questions import questions
from vitrina.splits import another, split


def test_customers_are_the_same_in_every_window_and_baskets_are_not():
    """Three who buy two things daily, asked twice: three customers, and of each window's baskets every one."""
    happened = [(f"u{user}", f"i{(user + day + line) % 7}", day) for day in range(40) for user in range(3) for line in (0, 3)]  # fmt: skip
    shop = make_shop(happened)
    first = split(shop, 5)
    windows = [
        {one.question: one for one in questions(cut, 99, 7)} for cut in (first, another(shop, first, 5))
    ]
    of = {name: together([whose(one[name], shop.users) for one in windows]) for name in ("home", "cart")}
    assert [len(one["home"]) for one in windows] == [3, 3]
    assert of["home"][:3].tolist() == of["home"][3:].tolist()
    assert sorted(set(of["home"].tolist())) == [0, 1, 2]
    baskets = [len(one["cart"]) for one in windows]
    assert len(set(of["cart"].tolist())) == sum(baskets)


def test_a_customer_is_one_witness_in_baskets_and_visits_too():
    """Two baskets of ann are one witness, two of strangers two; steps of a visit are one, and so are a
    customer's visits."""
    baskets = [(user, f"i{line}", day) for user, day in (("ann", 35), ("", 36), ("ann", 37), ("", 38)) for line in (0, 1)]  # fmt: skip
    of = {
        one.question: witnesses(one)
        for one in questions(split(make_shop([*baskets, ("bob", "i0", 0)]), 7), 9, 7)
    }
    assert len(of["cart"]) == 4
    assert len(set(of["cart"].tolist())) == 3
    clicks = [("ann", f"i{step}", day, "view") for day in (35, 37) for step in (0, 1, 2)]
    of = {
        one.question: witnesses(one)
        for one in questions(split(make_shop([*clicks, ("bob", "i0", 0)]), 7), 9, 7)
    }
    assert of["session_next"].tolist() == [0, 0, 0, 0]


def test_one_window_is_as_it_was():
    """Visits keep their numbers; nobody at all is nothing."""
    assert together([np.array([0, 0, 1, 2])]).tolist() == [0, 0, 1, 2]
    assert together([np.zeros(0, np.int64)]).tolist() == []
