"""Sources that every bundle has: nothing is learned for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrina.ids import Rows
from vitrina.placements import THEMSELVES
from vitrina.strategy import Allow, Candidates, Query, Source, Whys

GIVEN = "given"
"""What the request itself named as candidates, in its order, once nobody has anything better to say."""

PINNED, INCLUDED, EXPLORED = DISPLAYED = ("pinned", "included", "explored")
"""What merchandisers pinned or included, and what chance gave a place to, though no source proposed it."""


class Themselves:
    """Proposes the seeds themselves, the newest first: what was viewed, what lies in the cart."""

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """The k latest distinct allowed seeds of each asker; scores fall as 1, 1/2, 1/3 ..."""
        lists = []
        for asker in range(len(query)):
            own = query.seeds.rows[query.seeds.indptr[asker] : query.seeds.indptr[asker + 1]][::-1]
            barred = allow.rows[allow.indptr[asker] : allow.indptr[asker + 1]]
            first = np.sort(np.unique(own, return_index=True)[1])
            rows = own[first]
            lists.append(rows[allow.mask[rows] & ~np.isin(rows, barred)][:k])
        indptr = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
        scores = [1 / np.arange(1, len(one) + 1, dtype=np.float32) for one in lists]
        rows, falling = (np.concatenate([np.zeros(0), *one]) for one in (lists, scores))
        return Candidates(indptr, rows.astype(np.int32), falling.astype(np.float32))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """Each row is its own reason."""
        return Whys(rows[:, None])


class Unproposed:
    """Stands behind products that no source proposed: who asked for them says why."""

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """Nothing: they come in otherwise."""
        return Candidates.none(len(query))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """Nothing but the name."""
        return Whys.nothing(len(rows))


BUILT_IN: dict[str, Source] = {
    THEMSELVES: Themselves(),
    **{name: Unproposed() for name in (GIVEN, *DISPLAYED)},
}
