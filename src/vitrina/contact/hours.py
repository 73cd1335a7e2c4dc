"""At which hour a person reads: their own opens and clicks, smoothed by what everybody does.

A person's share of an hour is (own + PRIOR * everybody's share) / (all own + PRIOR): the mean of a Dirichlet
whose prior is the shop's. Neighbouring hours speak for one another by half: 8:58 and 9:02 are one habit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOURS = 24
PRIOR = 6.0
"""Opens of everybody that weigh as much as as many of a person's own."""
_AROUND = 0.5


@dataclass(frozen=True)
class Hour:
    """The best hour of the day, 0 to 23, its smoothed share, and of how many own opens it was learned."""

    hour: int
    share: float
    own: int


def best_hour(
    own: NDArray[np.int64], everybody: NDArray[np.int64], barred: NDArray[np.bool_] | None = None
) -> Hour:
    """The hour of most reading. `own`, `everybody`: int64[24] opens and clicks by local hour;
    `barred`: bool[24], hours that must not be. Ties go to the earlier hour."""
    total = everybody.sum()
    usual = everybody / total if total else np.full(HOURS, 1 / HOURS)
    share = (own + PRIOR * usual) / (own.sum() + PRIOR)
    near = share + _AROUND * (np.roll(share, 1) + np.roll(share, -1))
    if barred is not None and not barred.all():
        near = np.where(barred, -1.0, near)
    hour = int(np.argmax(near))
    return Hour(hour, float(share[hour]), int(own.sum()))
