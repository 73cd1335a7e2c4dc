"""Made-up shops: the same for the same seed, whole, skewed as asked; and curves that find what made the figures."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The generator, which stands beside the benchmarks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("made")


def test_a_shop_is_whole_and_its_own_seeds(made: Any) -> None:
    """Rows are known, time never goes back, a visit is one customer's at one moment; another seed is another."""
    size = made.Size(1000, 2000, 30_000)
    one, same, other = made.shop(size), made.shop(size), made.shop(size, seed=8)
    events = one.events
    assert abs(len(events) - size.events) < 0.05 * size.events
    assert (len(one.items), len(one.users), len(one.catalog)) == (1000, 2000, 1000)
    assert (events.item == same.events.item).all()
    assert len(events) != len(other.events) or (events.item != other.events.item).any()
    assert 0 <= events.item.min() <= events.item.max() < 1000
    assert 0 <= events.user.min() <= events.user.max() < 2000
    assert (np.diff(events.time) >= 0).all()
    assert (one.items.sorted[1:] > one.items.sorted[:-1]).all()
    for column in (events.user, events.time, events.type):
        apart = (np.diff(column) != 0) & (np.diff(events.visit) == 0)
        assert not apart.any()


def test_few_products_and_few_customers_make_most_of_it(made: Any) -> None:
    """The best hundredth of products sells twenty times its share at least; some come often, most seldom."""
    told = made.skew(made.shop(made.Size(5000, 5000, 50_000)))
    assert told["share_of_top_1_percent"] > 0.2
    assert told["longest_history"] > 10 * told["median_history"]


@pytest.mark.parametrize("items", [1, 7, 199, 618_033_989 // 1000])
def test_scattered_rows_are_a_permutation(made: Any, items: int) -> None:
    """Every row once."""
    rows = made.scattered(np.arange(items), items)
    assert len(np.unique(rows)) == items
    assert 0 <= rows.min() <= rows.max() < items


def test_curves_find_what_made_the_figures(made: Any) -> None:
    """A power and a line are found again, and where they reach their end."""
    growth, events = importlib.import_module("growth"), np.array([1e6, 3e6, 1e7])
    power = growth.curve(events, 2e-6 * events**1.2, line=False, end=3600.0)
    assert (power["a"], power["b"]) == pytest.approx((2e-6, 1.2))
    assert power["events_at_end"] == pytest.approx((3600 / 2e-6) ** (1 / 1.2), rel=0.01)
    line = growth.curve(events, 300 + 2e-4 * events, line=True, end=16_000.0)
    assert (line["a"], line["b"], line["worst_off"]) == pytest.approx((300, 2e-4, 0), abs=1e-6)
    assert line["events_at_end"] == pytest.approx(15_700 / 2e-4, rel=0.01)
