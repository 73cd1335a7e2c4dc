"""What trees know of items can be counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shops import make_shop
from vitrina.sold import facts

ITEMS = ["i0", "i1", "i2", "i3"]


def test_facts_count_sales_by_age():
    """Sales of the last 7 and 28 days, of the 90 before, the age of an item, who bought again."""
    shop = make_shop(
        [("u", "i0", 1), ("u", "i0", 95), ("w", "i1", 100), ("w", "i2", 80, "view")], items=ITEMS
    )
    found = facts(shop)
    np.testing.assert_allclose(np.expm1(found[:, :3]), [[1, 1, 1], [1, 1, 0], [0] * 3, [0] * 3], atol=1e-5)
    np.testing.assert_allclose(found[:, 5], [99, 0, np.nan, np.nan])
    np.testing.assert_allclose(found[:, 6], [0.5, 0, np.nan, np.nan])


def test_where_nothing_is_sold_facts_count_what_lists_foretell():
    """A shop of clicks: what was looked at stands for what was sold."""
    looked = [("u", "i0", 1, "view"), ("u", "i0", 95, "view"), ("w", "i1", 100, "view")]
    found = facts(make_shop(looked, items=ITEMS))
    np.testing.assert_allclose(np.expm1(found[:, :3]), [[1, 1, 1], [1, 1, 0], [0] * 3, [0] * 3], atol=1e-5)


def test_without_times_all_rows_are_a_season():
    """The last 7 of its 118 days, the last 28, those before: by where rows stand."""
    events = [("u", "i0", 0)] * 90 + [("u", "i1", 0)] * 21 + [("u", "i2", 0)] * 7
    made = make_shop(events, items=ITEMS)
    rows = replace(made.events, time=np.arange(len(events), dtype=np.int64))
    found = facts(replace(made, events=rows, timed=False))
    np.testing.assert_allclose(
        np.expm1(found[:, :3]), [[0, 0, 90], [0, 21, 0], [7, 7, 0], [0] * 3], atol=1e-5
    )


def test_without_times_orders_are_a_season():
    """Of customers with ten orders each the last one is this week's, the last three are this month's."""
    bought = [("u", f"i{max(order - 7, 0)}", order, "purchase") for order in range(10)]
    made = make_shop(bought, items=ITEMS)
    rows = replace(made.events, time=np.arange(10, dtype=np.int64), visit=np.arange(10, dtype=np.int32))
    found = facts(replace(made, events=rows, timed=False))
    np.testing.assert_allclose(np.expm1(found[:, :3]), [[0, 1, 7], [0, 1, 0], [1, 1, 0], [0] * 3], atol=1e-5)
