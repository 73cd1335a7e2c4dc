"""What learned trees look at of each item: how much of it is sold, lately and before, and what it is like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset
from vitrina.intervals import due_days
from vitrina.kernels.distinct import distinct
from vitrina.ranker import ITEM, Shelf, log_prices
from vitrina.splits import of_types, wanted_types

SEASON = 118
"""Days of sales that are looked at."""


def shelf_of(dataset: Dataset) -> Shelf:
    """What the engine would know of each item, had it been fitted on this dataset."""
    settled = dataset.settled()
    catalog = settled.catalog
    known = facts(dataset), catalog.category.codes, log_prices(catalog.price), due_days(settled)
    return Shelf(*known, dataset.timed)


def facts(dataset: Dataset) -> NDArray[np.float32]:
    """float32[n_items, ITEM]: how much of each item is sold, lately and before, and what it is like.

    Where nothing is sold, what is looked at counts.
    """
    dataset = dataset.settled()
    events, n_items = dataset.events, len(dataset.items)
    wanted = np.flatnonzero(of_types(dataset, wanted_types(dataset)))
    bought, age = events.take(wanted), _ages(dataset, wanted)
    week, month, before = (
        np.bincount(bought.item[(low <= age) & (age < high)], minlength=n_items)
        for low, high in ((0, 7), (0, 28), (28, SEASON))
    )
    oldest = np.full(n_items, np.nan)
    np.fmax.at(oldest, bought.item, age)
    known = bought.take(bought.user >= 0)
    pairs = distinct(known.user.astype(np.int64) * max(n_items, 1) + known.item) % max(n_items, 1)
    takers, lines = np.bincount(pairs, minlength=n_items), np.bincount(known.item, minlength=n_items)
    again = np.where(lines > 0, 1 - takers / np.maximum(lines, 1), np.nan)
    trends = [np.log((sold / days + 0.01) / (before / 90 + 0.01)) for sold, days in ((week, 7), (month, 28))]
    counts = [np.log1p(one) for one in (week, month, before)]
    columns = [*counts, *trends, oldest, again, due_days(dataset), log_prices(dataset.catalog.price)]
    assert len(columns) == len(ITEM)
    return np.ascontiguousarray(np.stack(columns, axis=1), np.float32)


def _ages(dataset: Dataset, wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Days that these events are old. Without times customers' orders are a season, or all rows where no
    orders of customers are known."""
    age = dataset.age_days(wanted)
    if dataset.timed:
        return age
    if not age.any():
        age = dataset.end - dataset.events.time[wanted].astype(np.float64)
    return age * np.float64(SEASON / (age.max(initial=0.0) + 1))
