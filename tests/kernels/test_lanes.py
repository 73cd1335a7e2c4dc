"""One sparse row against 32 columns is 32 dot products."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from vitrina.kernels.lanes import LANES, dots, lowest_bit


@njit
def past(columns, data, panel, first, sums, at, more, floors, own):
    return dots(columns, data, 0, len(columns), panel, first, sums, at, more, floors, 2, own)


@njit
def lowest(bits):
    return lowest_bit(bits)


@pytest.mark.parametrize("more", [False, True])
def test_sums_and_the_lanes_that_reach_their_floors(more: bool) -> None:
    """Sums equal the dense product; bits tell, lane by lane, which are at or above their floor, and a common one."""
    random = np.random.default_rng(3)
    panel = random.integers(0, 4, (50, LANES)).astype(np.float32)
    columns = random.choice(50, 9, replace=False).astype(np.uint32)
    data = random.integers(1, 4, 9).astype(np.float32)
    sums = random.integers(1, 9, (3, LANES)).astype(np.float32)
    before = sums.copy()
    expected = data @ panel[columns] + (before[1] if more else 0)
    floors, own = random.permutation(expected), np.float32(np.median(expected))
    told = np.concatenate([[0, 0], floors]).astype(np.float32)
    reached = int(past(columns + np.uint32(700), data, panel, 700, sums, 1, more, told, own))
    assert np.array_equal(sums, [before[0], expected, before[2]])
    assert [bool(reached >> lane & 1) for lane in range(LANES)] == (expected >= floors).tolist()
    assert [bool(reached >> LANES + lane & 1) for lane in range(LANES)] == (expected >= own).tolist()


def test_lowest_bit() -> None:
    """The place of the lowest bit, for every place."""
    assert [lowest(np.uint64(5 << place)) for place in range(40)] == list(range(40))
