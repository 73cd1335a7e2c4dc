"""Whether the rows of a shop without times came in an order that means anything.

Where they did, what a customer took next resembles what was taken shortly before more than what was taken
some other time. Interaction sets are often published with each customer's rows by lot, which shows as no such
difference, or sorted by product, which shows as ids that only rise. Within a basket neither says anything:
what is bought together is alike, and its lines are often sorted. So a basket is compared with others only: by
how alike a line of one and a line of the other are, over all pairs of lines.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset, Events
from vitrina.kernels.distinct import among, distinct

FEWEST, MOST = 200, 5000
"""Customers of `LENGTH` events or more that are needed to tell, and looked at."""
LENGTH = 4
RISING = 0.25
"""Where less than this share of steps fall, or rise, rows are sorted: by chance it is half."""
SURE = 3.0
"""Standard errors that neighbours must be more alike by."""
REACH = 8
"""Visits that lie so far apart or less are neighbours, by the inverse of how far: what is eaten up is not
bought the next time, but soon, and seasons are longer than two visits."""
WIDTH = 128
"""Numbers that tell who took an item."""
AT_ONCE = 200
"""Customers whose visits are compared at once: all of them may have millions."""
_SEED = 7

Places = NDArray[np.int64]


def in_order(dataset: Dataset, *, unsure: bool = True) -> bool:
    """Whether each customer's events stand in an order of time; `unsure` where too few customers tell."""
    random = np.random.default_rng(_SEED)
    trips, owner = _trips(dataset.events)
    long = np.flatnonzero(np.bincount(owner) >= LENGTH)
    if len(long) < FEWEST:
        return unsure
    if _sorted(_numbered(dataset)[_one_each(trips, random)], owner):
        return False
    theirs = among(owner, np.sort(random.permutation(long)[:MOST]))
    more = _nearer(trips[theirs], owner[theirs], _taken(dataset), random)
    return bool(more.mean() > SURE * more.std() / np.sqrt(len(more)))


def sorted_visits(dataset: Dataset) -> bool:
    """Whether the rows of most sessions of nobody known stand sorted by item."""
    events = dataset.events
    of = np.flatnonzero((events.user < 0) & (events.visit >= 0))
    if not dataset.sessions or not len(of):
        return False
    of = of[np.argsort(events.visit[of], kind="stable")][: 1 << 20]
    visits = events.visit[of].astype(np.int64)
    return len(distinct(visits)) >= FEWEST and _sorted(_numbered(dataset)[events.item[of]], visits)


def _trips(events: Events) -> tuple[Any, Places]:
    """Visits x items, a scipy matrix with rows that add up to 1, and the customer of each: by customer, each
    one's as they stand. What is of no visit is one of its own."""
    from scipy.sparse import csr_matrix

    known = np.flatnonzero(events.user >= 0)
    visit = np.where(events.visit < 0, -1 - np.arange(len(events)), events.visit)[known]
    _, first, which, sizes = np.unique(visit, return_index=True, return_inverse=True, return_counts=True)
    owner = events.user[known[first]].astype(np.int64)
    order = np.lexsort((first, owner))
    shares = 1 / sizes[which]
    shape = len(first), int(events.item.max(initial=-1)) + 1
    return csr_matrix((shares, (which, events.item[known])), shape)[order], owner[order]


def _one_each(trips: Any, random: np.random.Generator) -> Places:
    """int64 per visit: one of its items, drawn by lot."""
    sizes = np.diff(trips.indptr)
    found: Places = trips.indices[trips.indptr[:-1] + (random.random(len(sizes)) * sizes).astype(np.int64)]
    return found


def _taken(dataset: Dataset) -> Any:
    """Items x customers, a scipy matrix: who took what."""
    from scipy.sparse import csr_matrix

    known = dataset.events.user >= 0
    pairs = dataset.events.item[known], dataset.events.user[known]
    taken = csr_matrix((np.ones(known.sum()), pairs), (len(dataset.items), len(dataset.users)))
    taken.data[:] = 1
    return taken


def _sorted(numbers: Places, owner: Places) -> bool:
    """Whether the steps within customers nearly all rise, or nearly all fall; the same again does neither."""
    steps = np.diff(numbers)[np.diff(owner) == 0]
    steps = steps[steps != 0]
    return bool(len(steps) and min(np.mean(steps > 0), np.mean(steps < 0)) < RISING)


def _numbered(dataset: Dataset) -> Places:
    """int64 per item: its id where all ids are numbers, else its place among them."""
    names = dataset.items.names(np.arange(len(dataset.items), dtype=np.int32))
    numbers = all(one.isascii() and one.isdigit() and len(one) < 18 for one in names)
    return np.array([int(one) for one in names] if numbers else np.arange(len(names)), np.int64)


def _nearer(trips: Any, owner: Places, taken: Any, random: np.random.Generator) -> NDArray[np.float64]:
    """Of each customer, how much more a line of a visit is like one of its neighbours than one of any other,
    over all pairs of visits: cosines over all other customers, from a count sketch (Charikar et al., 2002) of
    `WIDTH`.

    As the sketch knows no order, it costs sharpness and makes no difference where there is none.
    """
    from scipy.sparse import csr_matrix

    used = distinct(trips.indices)
    taken, trips = taken[used], trips[:, used]
    n_users = taken.shape[1]
    signs = (
        np.where(random.random(n_users) < 0.5, -1.0, 1.0),
        (np.arange(n_users), random.integers(WIDTH, size=n_users)),
    )
    short = 1 / np.sqrt(np.maximum(np.diff(taken.indptr), 1))[:, None]
    looks = (taken @ csr_matrix(signs, (n_users, WIDTH))).toarray() * short
    ends = np.append(np.flatnonzero(np.diff(owner, prepend=-1))[::AT_ONCE], len(owner))
    found = [
        _beside(owner[low:high], trips[low:high] @ looks) - _beside(owner[low:high], trips[low:high] @ short)
        for low, high in pairwise(ends)
    ]
    return np.concatenate(found)


def _beside(owner: Places, looks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each customer, the mean dot product of visits near each other, the nearer counting more, less that
    of all pairs."""
    _, starts, sizes = np.unique(owner, return_index=True, return_counts=True)
    near, pairs = np.zeros(len(starts)), np.zeros(len(starts))
    for far in range(1, min(REACH, len(owner) - 1) + 1):
        both = np.einsum("nd,nd->n", looks[far:], looks[:-far]) * (owner[far:] == owner[:-far])
        near += np.add.reduceat(np.append(both, np.zeros(far)), starts) / far
        pairs += np.maximum(sizes - far, 0) / far
    whole, own = np.add.reduceat(looks, starts), np.add.reduceat(looks * looks, starts)
    every = (whole * whole - own).sum(1) / 2
    found: NDArray[np.float64] = near / pairs - every / (sizes * (sizes - 1) / 2)
    return found
