"""Returns set against purchases, on bare arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

DUST = 1e-6
"""A quantity below this is nothing: what float32 leaves of 0.3 - 0.1 - 0.2."""


@njit(cache=True)
def unreturned(order: Any, actor: Any, item: Any, returns: Any, quantity: Any) -> Any:
    """float64 per event: the quantity that stays after each return took from the latest purchases.

    `order`: places of purchases and returns, sorted by actor and item, oldest first within. A
    return takes from the latest purchase of its actor and item that has anything left, then from
    the one before; what it cannot take is dropped, and so is the return itself.
    """
    left = quantity.astype(np.float64)
    stack = np.empty(len(order), np.int64)
    height = 0
    for place in range(len(order)):
        at = order[place]
        if place and (actor[at] != actor[order[place - 1]] or item[at] != item[order[place - 1]]):
            height = 0
        if not returns[at]:
            stack[height] = at
            height += 1
            continue
        owed, left[at] = left[at], 0.0
        while height and owed > DUST:
            latest = stack[height - 1]
            taken = min(owed, left[latest])
            owed -= taken
            left[latest] -= taken
            if left[latest] <= DUST:
                left[latest] = 0.0
                height -= 1
    return left
