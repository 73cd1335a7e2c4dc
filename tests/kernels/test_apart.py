"""Neighbours of different kinds, against every order there is."""

from itertools import pairwise, permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.apart import apart

codes = st.lists(st.integers(-1, 3), min_size=1, max_size=7)


def alike(order, kinds):
    """How many neighbours are of one kind."""
    return sum(kinds[one] == kinds[other] >= 0 for one, other in pairwise(order))


@settings(deadline=None)
@given(codes)
def test_neighbours_differ_wherever_all_of_them_can(kinds):
    """No neighbours are alike if any order has none; the list keeps its places, each kind its order."""
    order = np.arange(len(kinds))
    found = apart(order, np.array(kinds, np.int32)).tolist()
    assert sorted(found) == order.tolist()
    possible = any(alike(one, kinds) == 0 for one in permutations(range(len(kinds))))
    assert (alike(found, kinds) == 0) or not possible
    for kind in {*kinds} - {-1} if possible else ():
        mine = [one for one in found if kinds[one] == kind]
        assert mine == sorted(mine)


@settings(deadline=None)
@given(codes)
def test_of_all_such_orders_it_is_the_first(kinds):
    """Of all orders without alike neighbours the one is given that keeps the best places in front."""
    possible = [one for one in permutations(range(len(kinds))) if alike(one, kinds) == 0]
    if possible:
        assert tuple(apart(np.arange(len(kinds)), np.array(kinds, np.int32)).tolist()) == min(possible)
