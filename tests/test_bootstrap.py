"""Intervals: right on average, the same for the same seed, and honest about clusters."""

from __future__ import annotations

import numpy as np
import pytest

from vitrina import bootstrap


def test_the_interval_is_the_textbook_one():
    """For many independent values the interval is mean ± 1.96 standard errors, nearly."""
    values = np.random.default_rng(1).exponential(size=2000)
    found = bootstrap.estimates({"x": values})["x"]
    error = values.std() / np.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_intervals_cover_the_truth():
    """Of 200 samples of a fair coin, about 95 in 100 intervals hold one half."""
    random = np.random.default_rng(3)
    flips = {str(at): random.integers(0, 2, 400).astype(float) for at in range(200)}
    found = bootstrap.estimates(flips, rounds=400).values()
    assert 0.9 <= np.mean([one.low <= 0.5 <= one.high for one in found]) <= 0.99


def test_a_seed_is_an_answer():
    """The same seed gives the same interval; columns asked together or apart are the same."""
    one, other = np.arange(50.0), np.arange(50.0) ** 2
    together = bootstrap.estimates({"one": one, "other": other})
    assert together == bootstrap.estimates({"one": one, "other": other})
    assert together["other"].low == pytest.approx(bootstrap.estimates({"it": other})["it"].low)
    assert together["one"] != bootstrap.estimates({"one": one}, seed=8)["one"]


def test_unknown_values_are_left_out():
    """NaN enters neither mean, interval nor count; all NaN is an estimate of nothing."""
    found = bootstrap.estimates({"x": np.array([1.0, np.nan, 3.0]), "y": np.full(3, np.nan)})
    assert found["x"].mean == 2.0
    assert found["x"].n == 2
    assert found["y"].n == 0
    assert np.isnan([found["y"].mean, found["y"].low, found["y"].high]).all()
    assert bootstrap.estimates({"x": np.zeros(0)})["x"].n == 0
    assert bootstrap.estimates({}) == {}


def test_clusters_widen_the_interval():
    """Ten copies of each value, drawn together, are worth one of it: the interval is that of the few."""
    few = np.random.default_rng(5).random(100)
    many = np.repeat(few, 10)
    alone = bootstrap.estimates({"x": few})["x"]
    together = bootstrap.estimates({"x": many}, np.repeat(np.arange(100), 10))["x"]
    naive = bootstrap.estimates({"x": many})["x"]
    assert (together.mean, together.low, together.high) == pytest.approx((alone.mean, alone.low, alone.high))
    assert naive.high - naive.low < 0.5 * (together.high - together.low)


def test_one_cluster_has_no_interval():
    """However many values it has; nor has a column of which one cluster alone knows anything."""
    one = bootstrap.estimates({"x": np.arange(70.0)}, np.zeros(70, np.int64))["x"]
    assert (one.mean, one.n) == (34.5, 70)
    assert np.isnan([one.low, one.high]).all()
    columns = {"x": np.array([1.0, np.nan, np.nan]), "y": np.array([1.0, 2.0, np.nan])}
    found = bootstrap.estimates(columns, np.arange(3))
    assert np.isnan(found["x"].low)
    assert found["y"].low < found["y"].high


def test_pairs_see_through_shared_noise():
    """A small steady gain hides in two wide intervals and shows in the paired one."""
    random = np.random.default_rng(7)
    other = random.random(300)
    one = other + 0.01 + random.normal(0, 0.02, 300)
    gain = bootstrap.paired(one, other)
    assert gain.low > 0
    apart = bootstrap.estimates({"one": one, "other": other})
    assert apart["one"].low < apart["other"].high
    assert bootstrap.paired(other, other).low == 0.0
