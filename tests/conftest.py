"""Shops small enough to see, for every test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from vitrina.dataset import DAY, TYPES, UNKNOWN, Catalog, Dataset, Events
from vitrina.ids import Ids

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


@pytest.fixture
def shop() -> Callable[..., Dataset]:
    """Make a dataset from (user, item, day[, type]) tuples."""
    return make_shop


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data sets beside the checkout; tests that need it are skipped without."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data sets at {folder}")
    return folder
