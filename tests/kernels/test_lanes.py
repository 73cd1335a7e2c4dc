"""One sparse row against 32 columns is 32 dot products."""

from __future__ import annotations

import numpy as np
from numba import njit

from vitrina.kernels.lanes import LANES, dots, lowest_bit


@njit
def past(columns, data, panel, floors, sums):  # type: ignore[no-untyped-def]
    return dots(columns, data, 0, len(columns), panel, floors, sums)


@njit
def lowest(bits):  # type: ignore[no-untyped-def]
    return lowest_bit(bits)


def test_sums_and_the_lanes_that_reach_their_floors() -> None:
    """Sums equal the dense product; bits tell, lane by lane, which are at or above the floor."""
    random = np.random.default_rng(3)
    panel = random.integers(0, 4, (50, LANES)).astype(np.float32)
    columns = random.choice(50, 9, replace=False).astype(np.uint32)
    data = random.integers(1, 4, 9).astype(np.float32)
    expected = data @ panel[columns]
    floors, sums = random.permutation(expected), np.empty(LANES, np.float32)
    reached = int(past(columns, data, panel, floors, sums))
    assert np.array_equal(sums, expected)
    assert [bool(reached >> lane & 1) for lane in range(LANES)] == (expected >= floors).tolist()
    assert reached >> LANES == 0


def test_lowest_bit() -> None:
    """The place of the lowest bit, for every place."""
    assert [lowest(np.uint64(5 << place)) for place in range(40)] == list(range(40))
