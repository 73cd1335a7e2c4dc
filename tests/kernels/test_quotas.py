"""What minimums need of a list under caps, against every subset there is."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.quotas import compact, promised


@st.composite
def lists(draw):
    """(codes F x m, most, members G x m, least, free, room) of a short list."""
    m, families, groups = draw(st.integers(1, 7)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    codes = draw(
        st.lists(st.lists(st.integers(-1, 3), min_size=m, max_size=m), min_size=families, max_size=families)
    )
    members = draw(
        st.lists(st.lists(st.booleans(), min_size=m, max_size=m), min_size=groups, max_size=groups)
    )
    most = draw(st.lists(st.integers(1, 3), min_size=families, max_size=families))
    least = draw(st.lists(st.integers(0, 4), min_size=groups, max_size=groups))
    free = draw(st.lists(st.booleans(), min_size=m, max_size=m))
    return codes, most, members, least, free, draw(st.integers(0, m))


def possible(codes, most, free, room):
    """Every choice of free places that the caps allow."""
    places = [place for place, open_ in enumerate(free) if open_]
    for size in range(min(room, len(places)) + 1):
        for chosen in combinations(places, size):
            counts = [[own[place] for place in chosen if own[place] >= 0] for own in codes]
            if all(own.count(code) <= cap for own, cap in zip(counts, most, strict=True) for code in own):
                yield chosen


@settings(max_examples=300, deadline=None)
@given(lists())
def test_minimums_are_met_as_far_as_any_choice_could(case):
    """The first minimum as far as the caps allow, then the second as far as that leaves, and so on."""
    codes, most, members, least, free, room = case

    def met(chosen):
        counts = [sum(own[place] for place in chosen) for own in members]
        return tuple(min(count, need) for count, need in zip(counts, least, strict=True))

    numbers, left = compact(np.array(codes, np.int32), np.array(most, np.int32))
    found = np.flatnonzero(
        promised(numbers, left, np.array(members), np.array(least, np.int32), np.array(free), room)
    ).tolist()
    choices = list(possible(codes, most, free, room))
    assert tuple(found) in choices
    assert met(found) == max(met(one) for one in choices)


def test_the_best_places_are_promised():
    """Of places that serve a minimum alike, the first are kept, and no more than it needs."""
    numbers, left = compact(np.array([[0, 1, 2, 3, 4]], np.int32), np.array([1], np.int32))
    members = np.array([[False, True, True, False, True]])
    found = promised(numbers, left, members, np.array([2], np.int32), np.ones(5, np.bool_), 5)
    assert found.tolist() == [False, True, True, False, False]


def test_a_hopeless_minimum_costs_no_search():
    """Of a hundred places of one brand, capped at two, a minimum of fifty keeps two: at once."""
    codes = np.array([np.arange(100), np.zeros(100)], np.int32)
    numbers, left = compact(codes, np.array([1, 2], np.int32))
    members, least = np.ones((1, 100), np.bool_), np.array([50], np.int32)
    assert promised(numbers, left, members, least, np.ones(100, np.bool_), 50).sum() == 2
