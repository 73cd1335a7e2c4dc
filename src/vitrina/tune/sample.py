"""Some customers of a large shop, drawn by lot, for settings to be tried on: on all only few could be.

They are drawn whole, with all they did, and so are visits of nobody known: what a list starts from stays as
long as it is. Training counts more customers, so what a setting adds to such counts, or asks of them, is as
much less here. How many neighbours or late visits are kept is not: those are tried as they will be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vitrina import strategies
from vitrina.dataset import DAY, Dataset
from vitrina.ids import Rows
from vitrina.recipe import Plan
from vitrina.splits import SHARE as SPAN

PACE = 20_000.0
"""Events for each second of a search: so many leave time for the recipe's own settings, and for others."""
LEAST = 5_000
"""Customers and visits of the days held out that are drawn at least: more than are asked."""
MOST = 0.7
"""A larger share is no quicker, and all are there already."""
COUNTED: Mapping[str, tuple[str, ...]] = {
    "bought_together": ("min_count",),
    "buy_again": ("repeat_prior",),
    "decision_tree": ("min_switches",),
    "ease": ("ridge",),
    "item_knn": ("shrink",),
    "look_again": ("return_prior",),
    "markov": ("support", "backoff"),
    "next_basket": ("repeat_prior",),
    "popular": ("prior", "regional_prior"),
    "transaction_similar": ("least_pairs",),
}
"""By strategy, the settings that are added to counts of customers or baskets, or that those must reach."""
_SEED = 2511


def share_for(dataset: Dataset, budget: float, days: int) -> float:
    """The share of customers that a search of so many seconds is made on, to two digits, 1 for all.

    `days`: that are held out at most.
    """
    share = max(PACE * budget / max(len(dataset.events), 1), LEAST / max(_asked(dataset, days), 1))
    return 1.0 if share > MOST else float(f"{share:.1e}")


def drawn(dataset: Dataset, share: float) -> Dataset:
    """What so large a share of customers and of visits of nobody known did, always the same."""
    if share >= 1:
        return dataset
    random = np.random.default_rng(_SEED)
    some = dataset.of_users(random.random(len(dataset.users)) < share)
    events = some.events
    lots = random.random(int(events.visit.max(initial=-1)) + 1) < share
    lone = random.random(len(events)) < share
    keep = np.where(
        events.user >= 0, True, np.where(events.visit >= 0, np.append(lots, False)[events.visit], lone)
    )
    kept = events.take(keep)
    return replace(some, events=replace(kept, visit=_renumbered(kept.visit)))


def scaled(plan: Plan, share: float) -> Plan:
    """The plan by which a share of the customers teaches what the plan learns from all."""
    made = strategies.make(plan.strategy, plan.params)
    told = {name: getattr(made, name) for name in COUNTED.get(plan.strategy, ()) if share < 1}
    less = {
        one: max(round(share * many), 1) if isinstance(many, int) else share * many
        for one, many in told.items()
    }
    return Plan(plan.strategy, {**plan.params, **less})


def in_words(share: float) -> str:
    """Whom settings are tried on."""
    return f"{100 * share:.2g} % of the customers and visits, drawn by lot"


def _asked(dataset: Dataset, days: int) -> int:
    """How many customers and visits of nobody known did something, on the last days where there are times."""
    first = int(dataset.events.time[0]) if len(dataset.events) else 0
    window = min(days * DAY, (dataset.end - first) // SPAN)
    late = dataset.since(dataset.end - window) if dataset.timed and dataset.held_out == "time" else dataset
    actors = late.actors
    return int(np.count_nonzero(np.bincount(actors[actors >= 0])))


def _renumbered(visits: Rows) -> Rows:
    """The visits that are left, in their order, without holes."""
    there = np.bincount(visits[visits >= 0]) > 0
    rows: NDArray[np.int32] = np.append(np.cumsum(there) - 1, -1).astype(np.int32)
    found: Rows = rows[visits]
    return found
