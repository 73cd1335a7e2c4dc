"""A customer who is asked in several windows is one witness."""

from __future__ import annotations

import numpy as np
import pytest

from shops import make_shop
from vitrina.clusters import gain, together, whose, witnesses
from vitrina.questions import questions
from vitrina.splits import another, split


def test_customers_are_the_same_in_every_window():
    """Three who buy two things daily, asked twice, of home and of every basket: three customers."""
    happened = [(f"u{user}", f"i{(user + day + line) % 7}", day) for day in range(40) for user in range(3) for line in (0, 3)]  # fmt: skip
    shop = make_shop(happened)
    first = split(shop, 5)
    windows = [
        {one.question: one for one in questions(cut, 99, 7)} for cut in (first, another(shop, first, 5))
    ]
    of = {name: together([whose(one[name], shop.users) for one in windows]) for name in ("home", "cart")}
    assert [len(one["home"]) for one in windows] == [3, 3]
    assert of["home"][:3].tolist() == of["home"][3:].tolist()
    assert [sorted(set(of[name].tolist())) for name in ("home", "cart")] == [[0, 1, 2]] * 2


def test_baskets_of_nobody_are_witnesses_each():
    """Of two windows every one."""
    shop = make_shop([("", f"i{(day + line) % 7}", day) for day in range(40) for line in (0, 3)])
    first = split(shop, 5)
    parts = [next(one for one in questions(cut, 99, 7) if one.question == "cart") for cut in (first, another(shop, first, 5))]  # fmt: skip
    assert len(set(together([whose(one, shop.users) for one in parts]).tolist())) == sum(map(len, parts))


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


def test_steps_of_one_visit_are_no_more_witnesses_than_one():
    """Everybody counted four times has the mean of everybody once, and no smaller error."""
    random = np.random.default_rng(1)
    one, other = random.random(50), random.random(50)
    once = gain(one, other, np.arange(50))
    fourfold = gain(np.repeat(one, 4), np.repeat(other, 4), np.repeat(np.arange(50), 4))
    assert fourfold == pytest.approx(once)
    alone = gain(np.repeat(one, 4), np.repeat(other, 4), np.arange(200))[1]
    assert alone == pytest.approx(once[1] / 2 * np.sqrt(200 / 199 * 49 / 50))
    assert gain(np.full(3, np.nan), np.zeros(3), np.arange(3)) == (0.0, 0.0)


def test_few_witnesses_prove_little_and_one_nothing():
    """The error is the sample's of the clusters' means; fifty steps of one visit are one witness."""
    values = np.array([0.1, 0.4])
    assert gain(values, np.zeros(2), np.arange(2))[1] == pytest.approx(values.std(ddof=1) / np.sqrt(2))
    steps = np.random.default_rng(7).random(50) + 0.1
    assert gain(steps, np.zeros(50), np.zeros(50, np.int64))[1] == np.inf
    assert gain(steps, steps, np.zeros(50, np.int64)) == (0.0, 0.0)
