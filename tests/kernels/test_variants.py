"""Variants: what a loop over them would find, in the same order."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.sparse import group
from vitrina.kernels.variants import all_variants, stand_ins


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 8))
def test_they_are_those_of_a_loop(seed: int, n: int, products: int) -> None:
    """All variants of some rows, and who stands in for whom: the same colour first, else the first admitted."""
    chance = np.random.default_rng(seed)
    product = chance.integers(0, products, n).astype(np.int32)
    color, mask = chance.integers(-1, 3, n).astype(np.int32), chance.random(n) < 0.6
    indptr, order = group(product, products)
    members = order.astype(np.int32)
    askers = [chance.integers(0, n, chance.integers(0, 9)).astype(np.int32) for _ in range(3)]
    expected = [
        [row for one in sorted({int(product[row]) for row in rows}) for row in np.flatnonzero(product == one)]
        for rows in askers
    ]
    ends = np.cumsum([0, *map(len, askers)])
    found_ends, found_rows = all_variants(ends, np.concatenate(askers), product, indptr, members)
    assert [one.tolist() for one in np.split(found_rows, found_ends[1:-1])] == expected

    lists = chance.integers(-1, n, (3, 5)).astype(np.int32)
    shown = stand_ins(lists, mask, product, indptr, members, color)
    for row, found in zip(lists.ravel().tolist(), shown.ravel().tolist(), strict=True):
        others = [] if row < 0 else [int(one) for one in np.flatnonzero((product == product[row]) & mask)]
        alike = [one for one in others if color[one] == color[row]]
        assert found == (row if row < 0 or mask[row] or not others else (alike or others)[0])
