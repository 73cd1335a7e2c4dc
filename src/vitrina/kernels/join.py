"""Products put among the candidates of each asker, wherever they may appear."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.signatures import ENDS, MASK, ROWS, ROWS_2, SCORES, SCORES_2, SCORES_3


@njit(cache=True, nogil=True)
def _allowed(row: Any, mask: Any, barred: Any) -> Any:
    if not mask[row]:
        return False
    free = True
    for other in barred:
        free = free and other != row
    return free


@njit(cache=True, nogil=True)
def _find(rows: Any, row: Any) -> Any:
    """The place of a row, or the first pad; one past the end where there is neither."""
    for place in range(len(rows)):
        if rows[place] == row or rows[place] < 0:
            return place
    return len(rows)


_LISTS = types.int32[:, ::1], types.float32[:, ::1], types.float32[:, :, ::1]
_SIGNATURE = types.Tuple((*_LISTS, types.int32[:, ::1]))(
    *(ROWS_2, SCORES_2, SCORES_3, ENDS, ROWS, SCORES, types.int64, types.boolean, MASK, ENDS, ROWS)
)


@njit(_SIGNATURE, cache=True, nogil=True)
def join(
    rows: Any,
    scores: Any,
    shares: Any,
    groups: Any,
    members: Any,
    gains: Any,
    column: Any,
    adding: Any,
    mask: Any,
    indptr: Any,
    barred: Any,
) -> Any:
    """n lists of m places with G products put in: rows, scores and shares of m + G places, -1 pads last.

    Of product g the first of `members[groups[g]:groups[g + 1]]` that the asker may see is taken: allowed by
    `mask`, and not among the asker's `barred[indptr[i]:indptr[i + 1]]`. One that a list has not comes in
    with `gains[g]`, as the share of source `column`; to one that it has that is added if `adding`. Also
    int32[n, G]: the place of each, -1 where no member may appear.
    """
    n, m = rows.shape
    n_groups = len(groups) - 1
    out_rows = np.full((n, m + n_groups), -1, np.int32)
    out_scores = np.zeros((n, m + n_groups), np.float32)
    out_shares = np.zeros((n, m + n_groups, shares.shape[2]), np.float32)
    places = np.full((n, n_groups), -1, np.int32)
    for asker in range(n):
        out_rows[asker, :m] = rows[asker]
        out_scores[asker, :m] = scores[asker]
        out_shares[asker, :m] = shares[asker]
        own = barred[indptr[asker] : indptr[asker + 1]]
        for group in range(n_groups):
            for row in members[groups[group] : groups[group + 1]]:
                if not _allowed(row, mask, own):
                    continue
                place = _find(out_rows[asker], row)
                if out_rows[asker, place] < 0 or adding:
                    out_rows[asker, place] = row
                    out_scores[asker, place] += gains[group]
                    out_shares[asker, place, column] += gains[group]
                places[asker, group] = place
                break
    return out_rows, out_scores, out_shares, places
