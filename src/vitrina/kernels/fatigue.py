"""How tired an asker is of products that were shown and led to nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.signatures import ENDS, ROWS


@njit(
    types.float32[::1](ROWS, ROWS, ENDS, ROWS, ENDS, types.int64, types.float64, types.float64),
    cache=True,
    nogil=True,
)
def freshness(
    rows: Any, shown: Any, shown_at: Any, done: Any, done_at: Any, now: Any, rate: Any, window: Any
) -> Any:
    """float32 like `rows` (-1 pads): what is left of each score, 1 for what was not shown.

    `shown`, `shown_at`: what was shown, and when, in seconds; `done`, `done_at`: what the asker did anything
    with, which makes up for every showing before it. A showing takes `rate` of the score, less in proportion
    as it lies back, and nothing from `window` seconds on.
    """
    left = np.ones(len(rows), np.float32)
    for spot in range(len(shown)):
        age = now - shown_at[spot]
        if not 0 <= age < window:
            continue
        ignored = True
        for one in range(len(done)):
            ignored = ignored and not (done[one] == shown[spot] and done_at[one] >= shown_at[spot])
        for place in range(len(rows)):
            if ignored and rows[place] == shown[spot]:
                left[place] *= 1.0 - rate * (1.0 - age / window)
    return left
