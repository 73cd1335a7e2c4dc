"""What counts of all that some askers did: the events that are marked, the latest order of each.

Ragged: asker i did what lies from ends[i] to ends[i + 1].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.gather import ENDS, MASK, ROWS, TYPES


@njit((ENDS, MASK), cache=True, nogil=True)
def marked(ends: Any, mask: Any) -> Any:
    """The places of the marked events: int64[n + 1] ends, int64[m] places."""
    places, found = np.empty(len(mask), np.int64), np.zeros(len(ends), np.int64)
    filled = 0
    for asker in range(len(ends) - 1):
        for at in range(ends[asker], ends[asker + 1]):
            places[filled] = at
            filled += mask[at]
        found[asker + 1] = filled
    return found, places[:filled].copy()


@njit((ENDS, TYPES, ROWS, ENDS, types.int64), cache=True, nogil=True)
def last_orders(ends: Any, kinds: Any, visits: Any, session_at: Any, bought: Any) -> Any:
    """The places of the last order's events of each asker: int64[n + 1] ends, int64[m] places.

    An event of kind `bought` is a purchase. Purchases of
    the running visit, from session_at[i] on, are one order; those before are one if they share a visit, and
    one that has none (below 0) is an order alone.
    """
    places, found = np.empty(len(kinds), np.int64), np.zeros(len(ends), np.int64)
    filled = 0
    for asker in range(len(ends) - 1):
        last = ends[asker + 1] - 1
        while last >= ends[asker] and kinds[last] != bought:
            last -= 1
        if last >= ends[asker]:
            running = last >= session_at[asker]
            low = session_at[asker] if running else ends[asker]
            for at in range(low, last + 1):
                same = running or at == last or (visits[last] >= 0 and visits[at] == visits[last])
                if same and kinds[at] == bought:
                    places[filled] = at
                    filled += 1
        found[asker + 1] = filled
    return found, places[:filled].copy()
