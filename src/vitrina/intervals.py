"""How often a product is bought again, and after how long: shares of buyers, days between purchases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, PURCHASE, Dataset
from vitrina.ids import UNKNOWN, Rows
from vitrina.kernels.occasions import gaps
from vitrina.kernels.repeats import HABIT
from vitrina.kernels.sparse import counting_order, dealt, ends_of

_FEW = 5
"""Below this many gaps an item borrows its category's interval."""
_MANY, _LONG = 20, 3.0
"""So many purchases without one more after so many intervals say that nobody buys the item twice."""
_PRIOR = 15.0
"""Gaps of all that weigh as much as as many of an item's own."""
_LEAST_SPREAD = 0.01
"""Nobody is more regular than a tenth of an interval."""


def due_days(dataset: Dataset) -> NDArray[np.float32]:
    """float32 per item: the median gap in days between purchases of it by one customer.

    An item with few gaps takes the median of its category, and that of the shop where the category
    has few too; 0, always due, where nobody ever came back or events have no times. What many bought long
    enough ago, and none of them again, lasts as long as anything is known.
    """
    n_items = len(dataset.items)
    _, items, days = _gaps(dataset)
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
    all_known = (dataset.end - int(dataset.events.time[0])) / DAY
    interval[(own_count == 0) & (_waited(dataset, interval) >= _MANY)] = all_known
    return interval.astype(np.float32)


def _waited(dataset: Dataset, interval: NDArray[np.float64]) -> NDArray[np.int64]:
    """int64 per item: its purchases by known customers that are `_LONG` intervals old."""
    events = dataset.events
    age = (dataset.end - events.time) / DAY
    long_ago = (events.type == PURCHASE) & (events.user >= 0) & (age >= _LONG * interval[events.item])
    return np.bincount(events.item[long_ago], minlength=len(dataset.items))


def half_life(days: float, purchases: float, *, timed: bool) -> float:
    """How habits fade, as `kernels.repeats.purchases` takes it: by days, without times by later purchases; 0
    of either is for never."""
    return days if timed else -(purchases or np.inf)


def rhythm(dataset: Dataset) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Per item the mean logarithm of the days between purchases, and how regular they are: float32.

    Both as in `kernels.repeats.habits`: means are shrunk to the category's and that to the shop's; the
    shape of a log-logistic is pi over the root of 3 times the deviation of the logarithms from each
    customer's own mean. Empty where nobody came back for anything or events have no times.
    """
    owners, items, days = _gaps(dataset)
    if not len(items):
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    logs, n_items = np.log(days), len(dataset.items)
    category = dataset.catalog.category.codes
    n_categories = len(dataset.catalog.category.values) + 1
    shared = _shrunk(category[items] + 1, logs, n_categories, np.full(n_categories, logs.mean()))
    usual = _shrunk(items, logs, n_items, shared[category + 1])
    fresh = np.append(True, (np.diff(owners) != 0) | (np.diff(items) != 0))
    owner, whose = np.cumsum(fresh) - 1, items[fresh]
    own = (np.bincount(owner, logs) + HABIT * usual[whose]) / (np.bincount(owner) + HABIT)
    squares = (logs - own[owner]) ** 2
    spread = _shrunk(items, squares, n_items, np.full(n_items, squares.mean()))
    regular = np.pi / np.sqrt(3 * np.maximum(spread, _LEAST_SPREAD))
    return usual.astype(np.float32), regular.astype(np.float32)


def repeat_share(shop: Dataset, prior: float) -> NDArray[np.float64]:
    """float64 per item: the share of its known buyers who bought it on a second day, smoothed.

    Without times each order is a day, or each purchase. 1 for all where nobody came back for anything.
    """
    events = shop.events
    order = np.flatnonzero((events.type == PURCHASE) & (events.user >= 0))
    order = order[counting_order(events.user[order], len(shop.users))]
    order = order[counting_order(events.item[order], len(shop.items))]
    item, user = events.item[order], events.user[order]
    alone = np.where(events.visit >= 0, events.visit, -1 - np.arange(len(events)))
    day = (events.time // DAY if shop.timed else alone)[order]
    pair = np.ones(len(order), np.bool_)
    pair[1:] = (item[1:] != item[:-1]) | (user[1:] != user[:-1])
    fresh = pair.copy()
    fresh[1:] |= day[1:] != day[:-1]
    starts = np.flatnonzero(pair)
    days = np.add.reduceat(fresh, starts, dtype=np.int64) if len(starts) else starts
    buyers = np.bincount(item[starts], minlength=len(shop.items))
    again = np.bincount(item[starts], days > 1, len(shop.items))
    if not again.any():
        return np.ones(len(shop.items))
    overall: float = again.sum() / buyers.sum()
    share: NDArray[np.float64] = (again + prior * overall) / np.maximum(buyers + prior, 1e-9)
    return share


def _shrunk(
    keys: NDArray[np.int32], values: NDArray[np.float64], n: int, prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The mean of each key's values and of its prior, which counts as so many values."""
    sums, counts = np.bincount(keys, values, n), np.bincount(keys, minlength=n)
    means: NDArray[np.float64] = (sums + _PRIOR * prior) / (counts + _PRIOR)
    return means


def _gaps(dataset: Dataset) -> tuple[Rows, Rows, NDArray[np.float64]]:
    """Each repeat purchase's customer, its item, and the days since the customer's purchase of it before; by
    customer and item."""
    events = dataset.events
    buyer = np.where(events.type == PURCHASE, events.user, np.int32(UNKNOWN))
    ends = ends_of(buyer, len(dataset.users))
    if not dataset.timed or not ends[-1]:
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0)
    owners, items, days = gaps(ends, *dealt(buyer, ends, events.item, events.time))
    return owners, items, days.astype(np.float64)


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
