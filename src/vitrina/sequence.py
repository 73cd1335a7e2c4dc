"""Whether the rows of a shop without times came in an order that means anything.

Where they did, what a customer took next resembles what was taken just before more than what was taken some
other time. Interaction sets are often published with each customer's rows by lot, which shows as no such
difference, or sorted by product, which shows as ids that only rise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset
from vitrina.kernels.sparse import group

FEWEST, MOST = 200, 5000
"""Customers of `LENGTH` events or more that are needed to tell, and looked at."""
LENGTH = 4
RISING = 0.25
"""Where less than this share of steps fall, or rise, rows are sorted: by chance it is half."""
SURE = 3.0
"""Standard errors that neighbours must be more alike by."""
_SEED = 7

Places = NDArray[np.int64]


def in_order(dataset: Dataset) -> bool:
    """Whether each customer's events stand in an order of time, as far as can be told; else yes."""
    known = np.flatnonzero(dataset.events.user >= 0)
    indptr, order = group(dataset.events.user[known], len(dataset.users))
    items = dataset.events.item[known][order].astype(np.int64)
    sizes = np.diff(indptr)
    long = np.flatnonzero(sizes >= LENGTH)
    if len(long) < FEWEST:
        return True
    owner = np.repeat(np.arange(len(sizes)), sizes)
    if _sorted(_numbered(dataset)[items], owner):
        return False
    some = np.sort(np.random.default_rng(_SEED).permutation(long)[:MOST])
    more = _nearer(items, owner, indptr[some], sizes[some])
    return bool(more.mean() > SURE * more.std() / np.sqrt(len(more)))


def _sorted(numbers: Places, owner: Places) -> bool:
    """Whether the steps within customers nearly all rise, or nearly all fall."""
    steps = np.diff(numbers)[np.diff(owner) == 0]
    return bool(min(np.mean(steps > 0), np.mean(steps < 0)) < RISING)


def _numbered(dataset: Dataset) -> Places:
    """int64 per item: its id where all ids are numbers, else its place among them."""
    names = dataset.items.names(np.arange(len(dataset.items), dtype=np.int32))
    numbers = all(one.isascii() and one.isdigit() and len(one) < 18 for one in names)
    return np.array([int(one) for one in names] if numbers else np.arange(len(names)), np.int64)


def _nearer(items: Places, owner: Places, starts: Places, sizes: Places) -> NDArray[np.float64]:
    """Of each customer, how much more an item drawn by lot is like the next than like another one: cosines
    over all other customers."""
    from scipy.sparse import csr_matrix

    taken = csr_matrix((np.ones(len(items)), (items, owner)))
    taken.data[:] = 1
    degrees = np.diff(taken.indptr)
    random = np.random.default_rng(_SEED)
    place = (random.random(len(starts)) * (sizes - 1)).astype(np.int64)
    away = (place + 2 + (random.random(len(starts)) * (sizes - 3)).astype(np.int64)) % sizes
    one, following, another = (items[starts + where] for where in (place, place + 1, away))

    def alike(other: Places) -> NDArray[np.float64]:
        together = np.asarray(taken[one].multiply(taken[other]).sum(1)).ravel() - 1
        found: NDArray[np.float64] = together / np.sqrt(degrees[one] * degrees[other])
        return found

    return alike(following) - alike(another)
