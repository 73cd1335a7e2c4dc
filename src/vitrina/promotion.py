"""Scores changed before a list is made: what is lifted, what joins, what was shown too often. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vitrina.askers import Asker
from vitrina.blend import Ranked
from vitrina.dataset import DAY
from vitrina.inforce import InForce
from vitrina.kernels.fatigue import freshness
from vitrina.kernels.fusion import scaled
from vitrina.kernels.join import join
from vitrina.placements.variety import Rotation
from vitrina.strategy import Allow

HOUR = DAY // 24


def promoted(
    force: InForce,
    rotation: Rotation | None,
    ranked: Ranked,
    allow: Allow,
    askers: Sequence[Asker],
    now: int,
    column: int,
) -> Ranked:
    """The list with included products in it, as source `column`'s, every score multiplied by what is in force
    for its product and this asker, best first again; ties keep their order."""
    if len(force.included):
        ends = np.arange(len(force.included) + 1, dtype=np.int64)
        put = (ends, force.included, force.gains, column, True, allow.mask, allow.indptr, allow.rows)
        ranked = Ranked(*join(ranked.rows, ranked.scores, ranked.shares, *put)[:3])
    factors = [
        one for one in (_lifted(force, ranked), _rested(rotation, ranked, askers, now)) if one is not None
    ]
    if not factors and not len(force.included):
        return ranked
    factor = factors[0] if factors else np.ones_like(ranked.scores)
    for other in factors[1:]:
        factor = factor * other
    return Ranked(*scaled(ranked.rows, ranked.scores, ranked.shares, factor))


def _lifted(force: InForce, ranked: Ranked) -> NDArray[np.float32] | None:
    return None if force.factor is None else force.factor[np.maximum(ranked.rows, 0)]


def _rested(
    rotation: Rotation | None, ranked: Ranked, askers: Sequence[Asker], now: int
) -> NDArray[np.float32] | None:
    """float32[n, m]: what rotation leaves of each score; None where nobody was shown anything."""
    if rotation is None or not any(len(one.shown.rows) for one in askers):
        return None
    return np.stack(
        [tiredness(rotation, one, rows, now) for one, rows in zip(askers, ranked.rows, strict=True)]
    )


def tiredness(rotation: Rotation, asker: Asker, rows: NDArray[np.int32], now: int) -> NDArray[np.float32]:
    """float32 like `rows`: what one asker's rotation leaves of each score."""
    shown, done = asker.shown, asker.doings
    window = rotation.hours * HOUR
    found: NDArray[np.float32] = freshness(
        np.ascontiguousarray(rows), shown.rows, shown.times, done.rows, done.times, now, rotation.rate, window
    )
    return found
