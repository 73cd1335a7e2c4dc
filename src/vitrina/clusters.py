"""Whose askers hang together, over several windows too: a customer is one witness however often asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vitrina.ids import Ids
from vitrina.metrics import Values
from vitrina.questions import Places, Questions


def whose(asked: Questions, users: Ids) -> Places:
    """int64 per asker: below 0 a customer of these, the same in every window; of who is not known which
    basket or visit."""
    rows = users.rows(_names(asked)).astype(np.int64)
    return np.where(rows >= 0, -1 - rows, asked.clusters)


def witnesses(asked: Questions) -> Places:
    """int64 per asker, from 0: equal for all that one customer was asked, and of who is not known for one
    basket or visit."""
    names = _names(asked)
    numbers = {name: -number for number, name in enumerate(dict.fromkeys(names), start=1) if name}
    customers = np.array([numbers.get(name, 0) for name in names], np.int64)
    found: Places = np.unique(np.where(customers, customers, asked.clusters), return_inverse=True)[1]
    return found


def _names(asked: Questions) -> Sequence[str]:
    return asked.users or [one.user_id for one in asked.requests]


def together(parts: Sequence[Places]) -> Places:
    """int64 per asker of all windows, counted from 0: baskets and visits of each are its own."""
    starts = np.cumsum([0, *(int(one.max(initial=-1)) + 1 for one in parts)])
    apart = [np.where(one < 0, one, one + start) for one, start in zip(parts, starts[:-1], strict=True)]
    found: Places = np.unique(np.concatenate(apart), return_inverse=True)[1]
    return found


def gain(one: Values, other: Values, clusters: Places) -> tuple[float, float]:
    """The mean of the paired difference and its standard error, over clusters that hang together (Cameron and
    Miller, 2015: CR1); NaN, on either side, is nobody. One cluster proves nothing: its error has no end."""
    more = one - other
    known = ~np.isnan(more)
    more = more[known]
    if not len(more):
        return 0.0, 0.0
    _, cluster = np.unique(clusters[known], return_inverse=True)
    many = int(cluster.max()) + 1
    if many == 1:
        return float(more.mean()), np.inf if more.mean() else 0.0
    error = np.linalg.norm(np.bincount(cluster, more - more.mean())) / len(more)
    return float(more.mean()), float(error * np.sqrt(many / (many - 1)))
