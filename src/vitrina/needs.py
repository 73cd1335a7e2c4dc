"""What fitting needs of memory, said beforehand: an upper estimate in bytes, and the sum it is.

A strategy that takes more or less than `usual` has a method `need(extent)`. Estimates are of private
memory; a test holds them against the measured peaks of every strategy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numba import get_num_threads

from vitrina.dataset import Dataset
from vitrina.kernels.neighbours import ROOM
from vitrina.kernels.panels import LANES

ENTRY = 8
"""Bytes of an entry of a list: a row and a score."""
EVENT = 36
"""Bytes an event while a matrix is made of events: weights, actors, matrix and transpose."""
OWNER = 24
"""Bytes of the one whose list it is: its end, its place in an order, what else is known of it."""
EXTRA = 8
"""Entries more than a list has, for what else strategies know of a product."""
BASE = 32 << 20
"""Bytes of compiled code, buffers of threads and blocks of work, whatever the shop."""


@dataclass(frozen=True)
class Extent:
    """How large a shop is: `items`, `users`, `events`."""

    items: int
    users: int
    events: int

    @classmethod
    def of(cls, dataset: Dataset) -> Extent:
        """Of a dataset."""
        return cls(len(dataset.items), len(dataset.users), len(dataset.events))


@dataclass(frozen=True)
class Need:
    """Bytes of a stage: `working`, the most at once beside what was there, its result among it; `kept`, its
    result, which goes to the disk; `why`, the sum in words."""

    working: int
    kept: int
    why: str


def lists_of(
    extent: Extent,
    length: int,
    *,
    customers: bool = False,
    per_event: int = EVENT,
    copies: int = 1,
    tables: int = 0,
) -> Need:
    """What lists of `length` need, of each product or each customer: `per_event` bytes while they are made,
    and `copies` of them at once. `tables`: bytes an event that are kept beside the lists."""
    owners, of = (extent.users, "customers") if customers else (extent.items, "products")
    kept = owners * (length * ENTRY + OWNER)
    threads = min(ROOM, get_num_threads() * 4 * LANES * owners)
    working = BASE + threads + (per_event + tables) * extent.events + copies * kept
    held = f"{copies} x " if copies > 1 else ""
    lists = f"{held}{ENTRY} B x {length} x {owners:,} {of}"
    why = f"{per_event + tables} B x {extent.events:,} events + {lists} + {threads / 1e6:,.1f} MB of threads"
    return Need(working, kept + tables * extent.events, why)


def usual(strategy: Any, extent: Extent) -> Need:
    """What lists of products need, where nothing closer is known: three of them at once, and tables."""
    length = max(getattr(strategy, name, 1) for name in ("neighbours", "kept", "rules"))
    return lists_of(extent, length + EXTRA, copies=3, tables=2 * ENTRY)


def need_of(strategy: Any, extent: Extent) -> Need:
    """What one strategy needs: by its own word, or what is usual."""
    own: Callable[[Extent], Need] | None = getattr(strategy, "need", None)
    return own(extent) if own else usual(strategy, extent)
