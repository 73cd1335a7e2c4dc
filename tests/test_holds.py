"""What is held to is told from chance, in one branch or in many that say little each."""

from __future__ import annotations

import numpy as np
import pytest

from vitrina.holds import Pairs, Sureness, held
from vitrina.ids import UNKNOWN

SURE = Sureness(least=0.05, shuffles=99, false_alarms=0.02)
EACH = 12
"""Items of a branch; attribute 0 has 3 values in it, attribute 1 has 4, of attribute 2 nothing is known."""


def switched(number: int, many: int, kept: float, by: int, random: np.random.Generator) -> Pairs:
    """Switches among the items of one branch: a share of shoppers keep to an attribute, others to none."""
    codes, first, second = values(1), [], []
    for _ in range(many):
        one = int(random.integers(EACH))
        alike = np.arange(EACH) != one
        if random.random() < kept:
            alike &= codes[by] == codes[by, one]
        first.append(one)
        second.append(int(random.choice(np.flatnonzero(alike))))
    rows = [np.array(half, np.int32) + np.int32(number * EACH) for half in (first, second)]
    return Pairs(*rows, np.ones(many))


def values(branches: int) -> np.ndarray:
    """int32[3, items]: the attributes of the items of so many branches."""
    at = np.arange(branches * EACH)
    return np.stack([at % 3, at // 3 % 4, np.full(len(at), UNKNOWN)]).astype(np.int32)


@pytest.mark.parametrize("by", [0, 1])
def test_what_is_held_to_is_found_with_its_hold(by: int) -> None:
    """Promise: the attribute, by how much; none of what is not known."""
    pairs = switched(0, 1500, 0.6, by, np.random.default_rng(3))
    best, holds = held([pairs], values(1), SURE)
    assert best == by
    assert holds[by] == pytest.approx(0.6, abs=0.05)
    assert holds[1 - by] < 0.05
    assert holds[2] == 0


def test_many_branches_are_sure_where_none_is() -> None:
    """Promise: sixty branches of eight switches say together what few say alone, with its hold."""
    random = np.random.default_rng(4)
    pairs = [switched(number, 8, 0.4, 1, random) for number in range(60)]
    alone = [held([one], values(60), SURE)[0] for one in pairs]
    assert alone.count(1) < 20
    best, holds = held(pairs, values(60), SURE)
    assert best == 1
    assert holds[1] == pytest.approx(0.4, abs=0.12)


@pytest.mark.parametrize("branches", [1, 20])
def test_noise_is_held_to_no_more_often_than_allowed(branches: int) -> None:
    """Promise: false alarms are rare, however many branches are asked together."""
    found = []
    for seed in range(40):
        random = np.random.default_rng(100 + seed)
        pairs = [switched(number, 300 // branches, 0.0, 0, random) for number in range(branches)]
        found.append(held(pairs, values(branches), SURE)[0])
    assert sum(one != UNKNOWN for one in found) <= 4


def test_branches_that_differ_among_themselves_hold_to_nothing_by_that() -> None:
    """Promise: that one branch is switched in far more than another is no hold: chance is each one's own."""
    random = np.random.default_rng(5)
    pairs = [switched(number, 30 * (number + 1), 0.0, 0, random) for number in range(8)]
    codes = values(8)
    codes[0] = np.arange(len(codes[0])) // EACH
    assert held(pairs, codes, SURE)[1][0] == 0
