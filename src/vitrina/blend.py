"""Several sources' lists into one, each row with what every source gave it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from vitrina.ids import Rows
from vitrina.kernels import fusion
from vitrina.strategy import Candidates


@dataclass(frozen=True)
class Ranked:
    """n lists of m places, best first: `rows` int32[n, m], -1 pads; `scores` float32[n, m];
    `shares` float32[n, m, S], what each of the S sources gave the row."""

    rows: Rows
    scores: NDArray[np.float32]
    shares: NDArray[np.float32]

    def take(self, places: NDArray[np.int32]) -> Ranked:
        """The places of each list chosen by int32[n, k]; -1 pads stay pads."""
        return Ranked(*fusion.take(self.rows, self.scores, self.shares, places))


def fuse(lists: Sequence[Candidates], weights: Sequence[float], *, by: str, depth: int) -> Ranked:
    """Blend lists by weighted reciprocal rank (`by` 'rank') or by weighted share of the best score.

    Keeps the `depth` best of each asker.
    """
    starts = [0, *accumulate(len(one.rows) for one in lists)]
    indptr = np.array([one.indptr for one in lists], np.int64)
    indptr += np.array(starts[:-1], np.int64)[:, None]
    rows = np.concatenate([one.rows for one in lists])
    scores = np.concatenate([one.scores for one in lists])
    return Ranked(*fusion.fuse(indptr, rows, scores, np.array(weights, np.float32), by == "score", depth))


def append(ranked: Ranked, more: Candidates, source: int) -> Ranked:
    """Put a source's rows behind lists that are short, as that source's alone.

    Scores go on descending from the last one of each list, so that a list stays best first.
    """
    longer = fusion.append(
        *(ranked.rows, ranked.scores, ranked.shares, more.indptr, more.rows, np.int64(source))
    )
    return Ranked(*longer)
