"""A made-up shop of 50,000 products whose customers did a dozen things in the median and fifty at most."""

from __future__ import annotations

from pathlib import Path

import made
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vitrina.catalog import PATH
from vitrina.dataset import PURCHASE

SIZE = made.Size(items=50_000, users=20_000, events=320_000)
LONGEST = 50


def write(data: Path) -> None:
    """Its events and items, into a folder."""
    events, items = made.shop(SIZE), made.catalogue(SIZE.items)
    users, kept = events.users, latest(events.events.user, LONGEST)
    told = events.events
    columns = {
        "user_id": users.names(told.user[kept]),
        "item_id": events.items.names(told.item[kept]),
        "timestamp": pa.array(told.time[kept], pa.timestamp("s")),
        "event_type": np.where(told.type[kept] == PURCHASE, "purchase", "view"),
    }
    pq.write_table(pa.table(columns), data / "events.parquet")
    rows = range(SIZE.items)
    catalogue = {
        "item_id": events.items.names(np.arange(SIZE.items, dtype=np.int32)),
        "title": [items.title[row] for row in rows],
        "category": [items.category.text(row).replace(PATH, " > ") for row in rows],
        "price": items.price,
        "in_stock": items.in_stock,
    }
    pq.write_table(pa.table(catalogue), data / "items.parquet")


def latest(user: NDArray[np.int32], most: int) -> NDArray[np.int64]:
    """The places of each customer's latest events, in their order; they come oldest first."""
    backwards = np.argsort(user, kind="stable")[::-1]
    _, firsts, counts = np.unique(-user[backwards], return_index=True, return_counts=True)
    age = np.arange(len(user)) - np.repeat(firsts, counts)
    return np.sort(backwards[age < most])
