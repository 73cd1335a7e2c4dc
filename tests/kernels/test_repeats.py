"""How habits are weighed: by days, by what others come back for, and by when they are due."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisk

from vitrina.dataset import DAY
from vitrina.kernels.repeats import HABIT, LEAST, NEVER, habits

N_ITEMS, AHEAD = 6, 14.0


def drawn(seed, n_askers):
    """Habits of some askers and what is known of the items, all at random."""
    rng = np.random.default_rng(seed)
    indptr = np.concatenate(([0], np.cumsum(rng.integers(0, 5, n_askers)))).astype(np.int64)
    n = int(indptr[-1])
    now = 400 * DAY
    asked = (
        rng.integers(0, N_ITEMS, n).astype(np.int32),
        rng.uniform(0.1, 5, n).astype(np.float32),
        rng.integers(1, 6, n),
        now - rng.integers(0, 300, n) * DAY,
        rng.uniform(0, 9, n).astype(np.float32),
    )
    by_item = (rng.uniform(0, 5, N_ITEMS), rng.uniform(0.5, 4, N_ITEMS), rng.uniform(0.01, 1, N_ITEMS))
    return indptr, asked, now, tuple(one.astype(np.float32) for one in by_item)


def chances(asked, now, by_item):
    """The chance that each habit is due, with scipy's log-logistic; LEAST at least."""
    rows, _, counts, last, gaps = asked
    usual, regular, share = (one[rows].astype(float) for one in by_item)
    again, away = counts - 1, (now - last) / DAY
    lasts = fisk(regular, scale=np.exp((gaps + HABIT * usual) / (again + HABIT)))
    back = (again + share) / counts
    found = back * (lasts.sf(away) - lasts.sf(away + AHEAD)) / (1 - back * lasts.cdf(away) + LEAST)
    return np.maximum(found, LEAST)


def due(indptr, rows, past, now, by_item):
    """The chance alone: what habits of a day each count, of items that weigh alike."""
    days, weights = np.ones(len(rows), np.float32), np.ones(N_ITEMS, np.float32)
    return habits(indptr, rows, days, *past, weights, now, AHEAD, *by_item, np.float32(1), False)


@given(st.integers(0, 2**31), st.integers(0, 5))
def test_a_habit_is_due_as_a_log_logistic_says(seed, n_askers):
    """The chance of the days ahead is that of scipy's distribution, given that it did not happen yet."""
    indptr, (rows, days, *past), now, by_item = drawn(seed, n_askers)
    found = due(indptr, rows, past, now, by_item)
    assert found == pytest.approx(chances((rows, days, *past), now, by_item), rel=1e-4, abs=2e-6)


@given(st.integers(0, 2**31), st.integers(0, 5), st.sampled_from([0.5, 0.8]), st.booleans())
def test_habits_count_by_days_weight_and_chance(seed, n_askers, timing, level):
    """Days times weight times chance as a power; level, each asker's add up to days times weight."""
    indptr, asked, now, by_item = drawn(seed, n_askers)
    weights = np.linspace(0.1, 1, N_ITEMS, dtype=np.float32)
    rows, days, *past = asked
    found = habits(indptr, rows, days, *past, weights, now, AHEAD, *by_item, np.float32(timing), level)
    before = days * weights[rows]
    wanted = before * due(indptr, rows, past, now, by_item) ** timing
    for low, high in pairwise(indptr):
        if level and low < high:
            wanted[low:high] *= before[low:high].sum() / wanted[low:high].sum()
    assert found == pytest.approx(wanted, rel=1e-4)


def test_without_times_habits_count_by_days_and_weight():
    """Where nothing says when a row is due, nothing is timed, level or not."""
    indptr, (rows, days, *past), now, _ = drawn(3, 4)
    weights = np.linspace(0.1, 1, N_ITEMS, dtype=np.float32)
    never = (NEVER, NEVER, NEVER)
    for level in (True, False):
        found = habits(indptr, rows, days, *past, weights, now, AHEAD, *never, np.float32(0.5), level)
        assert found == pytest.approx(days * weights[rows])
