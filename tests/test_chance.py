"""Chance that can be repeated."""

from collections import Counter
from itertools import islice, permutations

import pytest

from vitrina.chance import sample, stream, unit


def test_the_same_words_give_the_same_numbers_and_others_other():
    """A stream is its seed's own; words are not run together."""
    assert list(islice(stream("ann", "home"), 20)) == list(islice(stream("ann", "home"), 20))
    assert next(stream("ann", "home")) != next(stream("annh", "ome"))


def test_numbers_are_uniform():
    """The mean of 20,000 is a half within five of its standard errors, each tenth has its tenth."""
    numbers = [unit(one) for one in islice(stream("any"), 20_000)]
    assert sum(numbers) / len(numbers) == pytest.approx(0.5, abs=5 * 0.2887 / 20_000**0.5)
    counts = Counter(int(10 * one) for one in numbers)
    assert all(abs(counts[one] - 2000) < 5 * 1800**0.5 for one in range(10))


def test_every_choice_is_as_likely():
    """Over 12,000 seeds each ordered pair of four comes as often as any other, within five errors."""
    counts = Counter(tuple(sample(stream(str(seed)), 4, 2)) for seed in range(12_000))
    assert set(counts) == set(permutations(range(4), 2))
    assert all(abs(count - 1000) < 5 * 917**0.5 for count in counts.values())


def test_all_can_be_chosen_and_none():
    """Edges: everything, in some order; nothing."""
    assert sorted(sample(stream("a"), 5, 5)) == [0, 1, 2, 3, 4]
    assert sample(stream("a"), 5, 0) == sample(stream("a"), 0, 0) == []
