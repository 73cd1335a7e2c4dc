"""Visits like this one: what was looked at next, or before, in those that resemble it most.

A visit is compared with the latest that share an item with it; the `near` most alike vote for their
items, each the more the later the visit was and the nearer the item stood to the last thing both
have. VMIS-kNN (Kersbergen, Sprangers and Schelter, 2022) with the weights of VSTAN (Ludewig, Mauro,
Latifi and Jannach, 2021; Garg et al., 2019). A customer without visits makes one a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, Dataset
from vitrina.ids import Rows
from vitrina.kernels.gather import Ragged, Scratch, in_chunks
from vitrina.kernels.sessions import FAR, follow, grounds, holders, latest_items, visit_keys
from vitrina.kernels.sparse import group
from vitrina.parts import Parts
from vitrina.strategy import Allow, Candidates, Query, Whys

FLOOR = 40.0
"""Beyond so many decay lengths all is equally far, and still above nothing."""


@dataclass(frozen=True)
class Strategy:
    """`recent`: visits the index keeps of each item, the latest. `longest`: distinct items kept of a
    visit, the latest. `near`: most alike visits that vote. `seeds`: latest items of the asker that count.

    Decay lengths, 0 for none: `seed_decay`, events after which a seed weighs 1/e in likeness;
    `echo_decay`, the same for the vote of a visit by the asker's latest item in it; `age_days`, by which
    an older visit weighs 1/e; `step_decay`, steps between the last match and what is voted for.
    `backward`: what a vote for something before the match counts of one for something after.
    `length`: power of a visit's items that its likeness is divided by (0.5: cosine). `idf`: how much
    more rare items are favoured. `event_weights`: what a seed counts by type; others count nothing,
    in training as well.
    """

    personal: ClassVar[bool] = True

    recent: int = 1000
    longest: int = 100
    near: int = 500
    seeds: int = 20
    seed_decay: float = 4.0
    echo_decay: float = 1.0
    age_days: float = 30.0
    step_decay: float = 4.0
    backward: float = 0.75
    length: float = 0.5
    idf: float = 1.0
    event_weights: Mapping[str, float] = field(
        default_factory=lambda: {"purchase": 1.0, "cart": 1.0, "view": 1.0}
    )

    def __post_init__(self) -> None:
        if min(self.recent, self.longest, self.near, self.seeds) < 1:
            raise ValueError("recent, longest, near and seeds must be at least 1")
        if min(self.seed_decay, self.echo_decay, self.age_days, self.step_decay) < 0:
            raise ValueError("seed_decay, echo_decay, age_days and step_decay must not be negative")
        if min(self.backward, self.length, self.idf) < 0:
            raise ValueError("backward, length and idf must not be negative")

    def fit(self, dataset: Dataset) -> Parts:
        """Parts: `index_indptr`, `index_visits`, the latest visits of each item; `indptr`, `items`, `ages`,
        `credit` of visits, the latest visit first; `favour` of items; `type_weights` of seeds."""
        dataset = dataset.settled()
        indptr, rows, ages, times = self._visits(dataset)
        n_items, n_visits = len(dataset.items), len(indptr) - 1
        index_indptr, index_visits = holders(indptr, rows, n_items, self.recent)
        credit = np.diff(indptr) ** -self.length * self._youth(times, dataset)
        rarity = np.log(max(n_visits, 1) / np.maximum(np.bincount(rows, minlength=n_items), 1))
        known = np.zeros(n_visits, np.bool_)
        known[index_visits] = True
        number, held = np.cumsum(known) - 1, np.repeat(known, np.diff(indptr))
        return {
            "index_indptr": index_indptr,
            "index_visits": number[index_visits].astype(np.int32),
            "indptr": np.concatenate([[0], np.cumsum(np.diff(indptr)[known])]),
            "items": rows[held],
            "ages": ages[held],
            "credit": credit[known].astype(np.float32),
            "favour": (1 + self.idf * rarity).astype(np.float32),
            "type_weights": dataset.type_weights(self.event_weights),
        }

    def open(self, parts: Parts) -> Visits:
        """A source over the visits."""
        return Visits(self, parts)

    def _visits(self, dataset: Dataset) -> tuple[Any, ...]:
        """(indptr, items, ages, times) of visits of two events or more, the latest first."""
        events = dataset.events
        day = events.time // DAY if dataset.timed else np.zeros_like(events.time)
        keys = visit_keys(events.visit, events.user, day)
        keep = (dataset.type_weights(self.event_weights)[events.type] > 0) & (keys >= 0)
        indptr, order = group(keys[keep], int(keys.max(initial=-1)) + 1)
        some = np.flatnonzero(np.diff(indptr) > 1)
        items, times, moments = (one[keep][order] for one in (events.item, events.time, dataset.moments))
        ended = times[indptr[some + 1] - 1]
        latest = np.argsort(-ended, kind="stable")
        found = latest_items(indptr, items, moments, some[latest], self.longest, len(dataset.items))
        return (*found, ended[latest])

    def _youth(self, times: NDArray[np.int64], dataset: Dataset) -> NDArray[np.float64]:
        """A visit's weight by its age at the end of the data: later on all are older alike."""
        if not self.age_days or not dataset.timed:
            return np.ones(len(times))
        return np.exp(-np.minimum((dataset.end - times) / DAY / self.age_days, FLOOR))


def fading(length: float, n: int) -> NDArray[np.float32]:
    """float32[n]: exp(-step / length), 1 throughout where length is 0."""
    steps = np.arange(n) / length if length else np.zeros(n)
    return np.exp(-np.minimum(steps, FLOOR)).astype(np.float32)


class Visits:
    """Answers by the visits most like the asker's."""

    def __init__(self, strategy: Strategy, parts: Parts) -> None:
        reach = max(FAR, strategy.seeds)
        tables = (
            np.asarray(parts["type_weights"]),
            fading(strategy.seed_decay, reach),
            fading(strategy.echo_decay, reach),
        )
        after = fading(strategy.step_decay, FAR + 1)
        self._nearness = np.concatenate([np.float32(strategy.backward) * after[:0:-1], after])
        self._favour = np.asarray(parts["favour"])
        index = (np.asarray(parts["index_indptr"]), np.asarray(parts["index_visits"]))
        visits = tuple(np.asarray(parts[name]) for name in ("indptr", "items", "ages", "credit"))
        self._learned: tuple[Any, ...] = (tables, strategy.seeds, index, visits, strategy.near)
        self._scratches = [Scratch(len(visits[3])), Scratch(len(self._favour)), Scratch(len(self._favour))]

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """The k best allowed rows of each asker, by votes of the visits like theirs."""
        seeds = (query.seeds.indptr, query.seeds.rows, query.seeds.types)
        allowed = (allow.mask, allow.indptr, allow.rows)

        def answer(low: int, high: int) -> Ragged:
            weigh = (self._nearness, self._favour)
            found: Ragged = follow(low, high, *seeds, *self._learned, *weigh, allowed, k, self._work())
            return found

        return Candidates(*in_chunks(len(query), answer))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """The one or two seeds by which the visits that voted for each row are most like the asker's."""
        seeds = (query.seeds.indptr, query.seeds.rows, query.seeds.types)
        return Whys(grounds(*seeds, *self._learned, self._nearness, ends, rows, self._work()))

    def _work(self) -> tuple[NDArray[np.float32], ...]:
        return tuple(one.sums for one in self._scratches)
