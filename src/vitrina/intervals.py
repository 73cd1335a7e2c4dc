"""How long until a product is bought again: the usual days between two purchases of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, PURCHASE, Dataset

_FEW = 5
"""Below this many gaps an item borrows its category's interval."""


def due_days(dataset: Dataset) -> NDArray[np.float32]:
    """float32 per item: the median gap in days between purchases of it by one customer.

    An item with few gaps takes the median of its category, and that of the shop where the category
    has few too; 0, always due, where nobody ever came back or events have no times.
    """
    n_items = len(dataset.items)
    items, days = _gaps(dataset)
    if not len(items):
        return np.zeros(n_items, np.float32)
    category = dataset.catalog.category.codes
    own, own_count = _medians(items, days, n_items)
    known = category[items] >= 0
    n_categories = len(dataset.catalog.category.values) + 1
    shared, shared_count = _medians(category[items[known]], days[known], n_categories)
    interval = np.full(n_items, np.median(days))
    borrowed = (category >= 0) & (shared_count[category] >= _FEW)
    interval[borrowed] = shared[category[borrowed]]
    enough = own_count >= _FEW
    interval[enough] = own[enough]
    return interval.astype(np.float32)


def _gaps(dataset: Dataset) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Each repeat purchase's item and the days since the customer's purchase before it."""
    events = dataset.events
    bought = (events.type == PURCHASE) & (events.user >= 0)
    if not dataset.timed or not bought.any():
        return np.zeros(0, np.int32), np.zeros(0)
    user, item, day = events.user[bought], events.item[bought], events.time[bought] // DAY
    order = np.lexsort((day, item, user))
    user, item, day = user[order], item[order], day[order]
    gap = np.diff(day)
    repeat = (np.diff(user) == 0) & (np.diff(item) == 0) & (gap > 0)
    return item[1:][repeat], gap[repeat].astype(np.float64)


def _medians(
    keys: NDArray[np.int32], values: NDArray[np.float64], n: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    counts = np.bincount(keys, minlength=n)
    if not len(values):
        return np.zeros(n), counts
    order = np.lexsort((values, keys))
    starts = np.cumsum(counts) - counts
    middle = np.minimum(starts + counts // 2, len(values) - 1)
    return np.where(counts > 0, values[order][middle], 0.0), counts
