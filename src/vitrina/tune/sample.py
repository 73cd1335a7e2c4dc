"""Some customers of a large shop, drawn by lot, for settings to be tried on: on all only few could be.

They are drawn whole, with all they did, and so are visits of nobody known: what a list starts from stays as
long as it is. Training counts more customers, so what a setting adds to such counts is as much less here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset
from vitrina.strategy import Strategy

PACE = 20_000
"""Events for each second of a search. Of so many a recipe's own sources are tried in a part of the time, and
a hundred settings in the rest: of five million in five minutes (a shop of benchmarks/made.py)."""
LEAST = 20_000
"""Customers and visits of nobody known that are drawn at least: as many are asked as of all of them."""
COUNTED = {"ease": "ridge", "item_knn": "shrink"}
"""By strategy, the setting that is added to counts of customers."""
_SEED = 2511


def share_of(dataset: Dataset, budget: float) -> float:
    """The share of customers that a search of so many seconds is made on, to two digits, 1 for all."""
    actors = dataset.actors
    many = int(np.count_nonzero(np.bincount(actors[actors >= 0])))
    share = max(PACE * budget / max(len(actors), 1), LEAST / max(many, 1))
    return min(float(f"{share:.1e}"), 1.0)


def drawn(dataset: Dataset, share: float) -> Dataset:
    """What so large a share of customers and visits of nobody known did, always the same."""
    if share >= 1:
        return dataset
    actors, random = dataset.actors, np.random.default_rng(_SEED)
    lots = random.random(int(actors.max(initial=-1)) + 1) < share
    keep: NDArray[np.bool_] = np.append(lots, False)[actors]
    lone = np.flatnonzero(actors < 0)
    keep[lone] = random.random(len(lone)) < share
    return replace(dataset, events=dataset.events.take(keep))


def of_share(strategy: Strategy, name: str, share: float) -> Strategy:
    """The strategy of this name as it learns from a share what it would learn from all."""
    counted = COUNTED.get(name, "")
    if share >= 1 or not counted:
        return strategy
    made: Any = strategy
    found: Strategy = replace(made, **{counted: share * getattr(strategy, counted)})
    return found
