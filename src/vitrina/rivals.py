"""What a placement must beat: each strategy alone, last week's bestsellers, and chance.

A rival is a placement like the one it challenges, with the same rules and the same fallback, but
with one source.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrina.bundle import Bundle
from vitrina.engine import Engine
from vitrina.ids import Rows
from vitrina.placements import Mix, Placement, Placements
from vitrina.purpose import purpose
from vitrina.recipe import Plan, Recipe
from vitrina.scoreboard import BLEND
from vitrina.strategy import Allow, Candidates, Query, Whys

RANDOM = "random"
BASELINES = {
    "popular_last_7_days": Plan("popular", {"by": "sales", "window_days": 7, "half_life_days": 0.0}),
}


@dataclass(frozen=True)
class Random:
    """A source that draws allowed rows by lot; the same asker with the same seeds draws the same."""

    seed: int

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """k allowed rows of each asker, every one as likely as another."""
        pool = np.flatnonzero(allow.mask).astype(np.int32)
        lists = []
        for asker in range(len(query)):
            barred = allow.rows[allow.indptr[asker] : allow.indptr[asker + 1]]
            lists.append(self._drawn(query.one(asker), k, pool, barred))
        indptr = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
        scores = [np.linspace(1, 0, len(one), endpoint=False, dtype=np.float32) for one in lists]
        return Candidates(
            indptr, np.concatenate([pool[:0], *lists]), np.concatenate([np.zeros(0, np.float32), *scores])
        )

    def _drawn(self, query: Query, k: int, pool: Rows, barred: Rows) -> Rows:
        lot = np.random.default_rng([self.seed, int(query.users[0]) + 1, *query.seeds.rows[-8:].tolist()])
        enough = min(len(pool), k + len(barred))
        drawn = pool[lot.choice(len(pool), enough, replace=False)] if enough else pool[:0]
        return drawn[~np.isin(drawn, barred)][:k]

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """No reason but chance."""
        return Whys.nothing(len(rows))


def with_baselines(recipe: Recipe) -> Recipe:
    """The recipe, and the baselines that every evaluation fits beside it."""
    return replace(recipe, strategies={**BASELINES, **recipe.strategies})


def arena(bundle: Bundle, placements: Placements, seed: int) -> Engine:
    """An engine over a fitted bundle that can also draw by lot."""
    plain = Engine.of(bundle, placements)
    return Engine(bundle, placements, {**plain.sources, RANDOM: Random(seed)})


def challengers(engine: Engine, placement: Placement) -> dict[str, Placement]:
    """By system name: the placement itself as BLEND, then everything it must beat.

    A strategy starts from the seeds it has in the placement, else from those usual there.
    """
    seeds = {mix.strategy: mix.seeds for mix in reversed(placement.sources)}
    usual = purpose(placement).seeds
    alone = {
        name: replace(
            placement, name=f"{placement.name}/{name}", sources=(Mix(name, 1.0, seeds.get(name, usual)),)
        )
        for name in sorted(engine.sources)
    }
    return {BLEND: placement, **alone}
