"""What is not talked of: sensitive categories, in reasons anywhere and in letters and advertisements at all.

A placement names them (`sensitive`). No reason names a product of theirs nor says why one is listed; in
messages that others may see over a shoulder (AWAY) none is listed, and nothing follows from one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vitrina.askers import Asker
from vitrina.facets import Mask
from vitrina.history import Doings
from vitrina.ids import UNKNOWN, Rows
from vitrina.placements import Placement

AWAY = frozenset({"email", "push", "retargeting"})
"""Channels that show lists outside the shop."""


def guarded(placement: Placement) -> Placement:
    """A placement as it is away from the shop: what is sensitive is denied."""
    return replace(placement, deny_categories=(*placement.deny_categories, *placement.sensitive))


def discreet(asker: Asker, sensitive: Mask) -> Asker:
    """An asker of whom nothing sensitive is known.

    One who had anything to do with it is a stranger to what sources learned of customers, so that lists
    follow from their other doings alone. `sensitive`: bool[n_items].
    """
    told, seen = sensitive[asker.doings.rows], sensitive[asker.context]
    if not told.any() and not seen.any():
        return asker
    keep, one = ~told, asker.doings
    return replace(
        asker,
        doings=Doings(one.rows[keep], one.types[keep], one.times[keep]),
        visits=asker.visits[keep],
        session_at=int(keep[: asker.session_at].sum()),
        context=asker.context[~seen],
        aside=None if asker.aside is None else asker.aside[keep[: len(asker.aside)]],
        stranger=True,
    )


def silenced(
    sensitive: Mask, rows: Rows, seeds: Rows, figures: NDArray[np.float64]
) -> tuple[Rows, NDArray[np.float64]]:
    """Seeds and figures of reasons (as in `strategy.Whys`) that name nothing sensitive.

    Those of sensitive rows say nothing at all; a rule that starts from something sensitive is left out.
    """
    named = (seeds >= 0) & sensitive[np.maximum(seeds, 0)]
    quiet = sensitive[rows]
    seeds = np.where(named | quiet[:, None], np.int32(UNKNOWN), seeds)
    return seeds, np.where((named.any(axis=1) | quiet)[:, None], 0.0, figures)
