"""What triggers must know of a shop, read off its bundles."""

from __future__ import annotations

import numpy as np

from vitrina.audience.triggers import Facts
from vitrina.dataset import DAY
from vitrina.engine import Engine


def facts(engine: Engine, now: int, earlier: Engine | None = None) -> Facts:
    """What triggers must know of the shop at `now`; what became cheaper or is to be had again since an
    earlier bundle was trained, by item id; nothing without one."""
    catalog = engine.catalog
    offered = catalog.in_stock & (catalog.available_from <= now) & (now < catalog.available_until)
    cheaper, restocked = np.zeros_like(offered), np.zeros_like(offered)
    due = np.asarray(engine.due_days, np.float64) * DAY
    if earlier is None:
        return Facts(due, cheaper, restocked, offered)
    rows = earlier.items.rows(engine.items.names(np.arange(len(catalog), dtype=np.int32)))
    both = rows >= 0
    old = earlier.catalog
    cheaper[both] = catalog.price[both] < old.price[rows[both]] * np.float32(0.999)
    moment = earlier.moment
    had = old.in_stock & (old.available_from <= moment) & (moment < old.available_until)
    restocked[both] = offered[both] & ~had[rows[both]]
    return Facts(due, cheaper, restocked, offered, engine.moment)
