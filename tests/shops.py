"""Shops small enough to see, and engines over them that were never trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vitrina.bundle import Bundle, Manifest
from vitrina.dataset import DAY, TYPES, Catalog, Dataset, Events
from vitrina.engine import Engine
from vitrina.fit import shop_parts
from vitrina.ids import UNKNOWN, Ids, Rows
from vitrina.placements import parse_placements
from vitrina.strategy import Allow, Candidates, Query, Whys

Happened = tuple[str, str, int] | tuple[str, str, int, str]
"""(user or '', item, day) and, unless it was a purchase, the event type."""


def make_shop(happened: Sequence[Happened], *, items: Sequence[str] = (), visits: bool = True) -> Dataset:
    """A dataset of what happened, one visit per user and day; `items` adds some nobody touched."""
    ordered = sorted(happened, key=lambda one: one[2])
    users = Ids.of(one[0] for one in ordered if one[0])
    known = Ids.of([*items, *(one[1] for one in ordered)])
    user = users.rows([one[0] for one in ordered])
    day = np.array([one[2] for one in ordered], np.int64)
    types = [one[3] if len(one) > 3 else "purchase" for one in ordered]
    keys = [(one[0], one[2]) for one in ordered]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    n = len(ordered)
    events = Events(
        user=user,
        item=known.rows([one[1] for one in ordered]),
        visit=np.array([numbers[key] for key in keys] if visits else [UNKNOWN] * n, np.int32),
        time=day * DAY,
        type=np.array([TYPES.index(one) for one in types], np.uint8),
        quantity=np.ones(n, np.float32),
        price=np.full(n, np.nan, np.float32),
    )
    return Dataset(users, known, events, Catalog.bare(len(known)))


class Fixed:
    """A source that proposes the same rows to everybody, in order, as far as they are allowed."""

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = list(rows)

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        lists = []
        for asker in range(len(query)):
            barred = set(allow.rows[allow.indptr[asker] : allow.indptr[asker + 1]].tolist())
            lists.append([row for row in self.rows if allow.mask[row] and row not in barred][:k])
        indptr = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
        rows = np.array([row for one in lists for row in one], np.int32)
        scores = np.array([1 / (1 + rank) for one in lists for rank in range(len(one))], np.float32)
        return Candidates(indptr, rows, scores)

    def why(self, query: Query, ends: np.ndarray, rows: Rows) -> Whys:
        seeds = np.full((len(rows), 1), -1, np.int32)
        for asker in range(len(query)):
            first = query.one(asker).seeds.rows[:1]
            seeds[ends[asker] : ends[asker + 1], : len(first)] = first
        return Whys(seeds)


class Why(NamedTuple):
    """Why one row was proposed: seed rows, the greatest first, and the rule's figures; None for no rule."""

    seeds: tuple[int, ...]
    rule: tuple[float, float, float] | None


def reasons(source: Any, query: Query, rows: Rows) -> list[Why]:
    """Why a source gave some rows to the one who asked."""
    whys = source.why(query, np.array([0, len(rows)], np.int64), rows)
    assert len(whys) == len(rows)
    assert whys.seeds.dtype == np.int32
    assert whys.seeds.shape[1] <= Whys.SEEDS
    figures = np.zeros((len(rows), 3)) if whys.figures is None else whys.figures
    told = zip(whys.seeds.tolist(), figures.tolist(), strict=True)
    return [
        Why(tuple(one for one in seeds if one >= 0), tuple(rule) if any(rule) else None)
        for seeds, rule in told
    ]


def make_window(
    dataset: Dataset,
    sources: Mapping[str, Any],
    placements: dict[str, Any],
    *,
    created: int = 0,
    **facts: Any,
) -> Engine:
    """An engine over a dataset with sources, or rows for `Fixed` ones, under placement tables."""
    known = {"timed": dataset.timed, "last_event": dataset.end, "repeat_share": 0.0, **facts}
    manifest = Manifest("", created, "test", "", placements, {}, known, list(dataset.types))
    opened = {name: one if hasattr(one, "top") else Fixed(one) for name, one in sources.items()}
    return Engine(Bundle(manifest, shop_parts(dataset)), parse_placements(placements), opened)
