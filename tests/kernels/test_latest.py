"""What lists start from: how often an asker had a thing counts to a power."""

from __future__ import annotations

import numpy as np
import pytest

from vitrina.kernels.latest import EACH, latest


@pytest.mark.parametrize(("power", "worth"), [(EACH, 7.0), (0.5, 2 * 3.5**0.5), (0.0, 2.0)])
def test_repeats_count_to_a_power(power: float, worth: float) -> None:
    """Three purchases of a thing and a view: three times and a half the strongest; what was had once stays."""
    rows, kinds = np.array([4, 1, 4, 4, 4], np.int32), np.array([0, 1, 1, 0, 0], np.uint8)
    sums, seeds, weights = np.zeros(5, np.float32), np.zeros(10, np.int32), np.full(10, np.nan, np.float32)
    by_type = np.array([2.0, 1.0], np.float32)
    found = latest(rows, kinds, np.zeros(5, np.int64), 0.0, by_type, 9, power, sums, seeds, weights)
    assert seeds[:found].tolist() == [4, 1]
    np.testing.assert_allclose(weights[:found], [worth, 1.0], rtol=1e-6)
    assert not sums.any()


def test_the_strongest_is_what_is_left_of_it() -> None:
    """An event that fades counts as faded: of two a half-life apart the newer, and half of it to the power."""
    times, kinds = np.array([0, 10]), np.zeros(2, np.uint8)
    sums, seeds, weights = np.zeros(1, np.float32), np.zeros(3, np.int32), np.zeros(3, np.float32)
    latest(np.zeros(2, np.int32), kinds, times, 10.0, np.ones(1, np.float32), 2, 2.0, sums, seeds, weights)
    assert weights[0] == pytest.approx(1.5**2)
