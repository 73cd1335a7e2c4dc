"""Rules of several antecedents are those of brute force, or none where there would be too many."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.itemsets import longer_rules
from vitrina.kernels.sparse import compress


def baskets_of(lines, n_items=7):
    """A Csr of lists of items."""
    visits = np.repeat(np.arange(len(lines)), [len(one) for one in lines]).astype(np.int32)
    items = np.array([item for one in lines for item in one], np.int32)
    return compress(visits, items, np.ones(len(items), np.float32), (len(lines), n_items))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 6), max_size=7), min_size=1, max_size=20), st.integers(1, 3))
def test_rules_are_those_of_brute_force(lines, least):
    """Two or three antecedents from the rarest on, one consequent, true counts, enough baskets."""
    sets = [set(one) for one in lines]

    def holding(rows):
        return sum(set(rows) <= one for one in sets)

    wanted = {}
    for size in (2, 3):
        for sides in combinations(range(7), size):
            rules = {(row, holding([*sides, row]), holding(sides)) for row in set(range(7)) - {*sides}}
            rules = {rule for rule in rules if rule[1] >= least}
            if rules:
                wanted[tuple(sorted(sides, key=lambda row: (holding([row]), row)))] = rules
    found = longer_rules(baskets_of(lines), least, 10_000, 3)
    assert {sides: set(rules) for sides, rules in found.items()} == wanted
    assert sum(map(len, found.values())) == sum(map(len, wanted.values()))


@pytest.mark.parametrize(("most", "lengths"), [(10, set()), (100, {2}), (1000, {2, 3})])
def test_sizes_too_many_are_left_out(most, lengths):
    """Nine items always together have 84 triples and 126 fours; mlxtend is not even asked above `most`."""
    found = longer_rules(baskets_of([list(range(9))] * 5, 9), 2, most, 3)
    assert {len(sides) for sides in found} == lengths
