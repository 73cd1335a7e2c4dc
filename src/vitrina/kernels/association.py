"""Association rules: how strong one is, which are worth keeping, which of them a cart fires.

An antecedent is an item and at most two companions, so pairs and itemsets are one table: item a
has the antecedents `starts[a]:starts[a + 1]`; antecedent g asks for `companions[g]` (int32[2], -1
where it needs no more) and leads to `rows[indptr[g]:indptr[g + 1]]`, ascending.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np
from numba import njit, prange, types
from numpy.typing import NDArray

from vitrina.kernels.lists import CODES, ENDS, MASK, ROWS, SCORES, offer, slot_of, table_of

COMPANIONS = types.Array(types.int32, 2, "C", readonly=True)

Counts = NDArray[np.integer] | int
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """Of rules a -> b over all baskets, float64; P is a share of baskets.

    `support` P(a, b); `confidence` P(b | a); `lift` confidence / P(b); `leverage` P(a, b) - P(a) P(b);
    `conviction` (1 - P(b)) / (1 - confidence), infinite where the rule never fails.
    """

    support: Floats
    confidence: Floats
    lift: Floats
    leverage: Floats
    conviction: Floats


def measures(both: Counts, antecedent: Counts, consequent: Counts, baskets: int) -> Measures:
    """The measures of rules, from the number of baskets with both sides and with each side."""
    left, right = np.asarray(antecedent, np.float64), np.asarray(consequent, np.float64) / baskets
    support, confidence = np.asarray(both, np.float64) / baskets, np.asarray(both, np.float64) / left
    failing = 1 - confidence
    conviction = np.full(np.shape(failing), np.inf)
    np.divide(1 - right, failing, out=conviction, where=failing > 0)
    return Measures(support, confidence, confidence / right, support - left / baskets * right, conviction)


@njit(cache=True)
def _xlogx(count: Any) -> Any:
    return count * log(count) if count > 0 else 0.0


@njit(cache=True)
def signed_root_llr(both: Any, antecedent: Any, consequent: Any, baskets: Any) -> Any:
    """The root of Dunning's log-likelihood ratio (Dunning 1993), negative where a pair is rarer than chance.

    About standard normal if the two sides are independent, so 3 is a rare accident.
    """
    neither = baskets - antecedent - consequent + both
    cells = _xlogx(both) + _xlogx(antecedent - both) + _xlogx(consequent - both) + _xlogx(neither)
    sides = _xlogx(antecedent) + _xlogx(baskets - antecedent)
    sides += _xlogx(consequent) + _xlogx(baskets - consequent)
    root = sqrt(max(2 * (cells - sides + _xlogx(baskets)), 0.0))
    return root if 1.0 * both * baskets >= 1.0 * antecedent * consequent else -root


@njit(cache=True)
def wilson(hits: Any, trials: Any, z: Any) -> Any:
    """The lower end of Wilson's interval for a share (Wilson 1927), z standard deviations wide."""
    share = hits / trials
    spread = z * sqrt(share * (1 - share) / trials + z * z / (4.0 * trials * trials))
    return (share + z * z / (2.0 * trials) - spread) / (1 + z * z / trials)


@njit(cache=True, parallel=True)
def strongest(
    indptr: Any,
    rows: Any,
    counts: Any,
    antecedents: Any,
    consequents: Any,
    baskets: Any,
    min_llr: Any,
    z: Any,
    discount: Any,
    most: Any,
) -> Any:
    """Which rules to keep (bool) and how strong each is (float32), of every antecedent `most` at best.

    `counts`: int32 per rule; `antecedents`: baskets of each antecedent; `consequents`: of each item.
    A rule must reach the signed root LLR `min_llr`; its strength is the Wilson bound of its
    confidence over P(consequent) to the power of `discount`: 0 is confidence, 1 is lift.
    """
    keep = np.zeros(len(rows), np.bool_)
    scores = np.zeros(len(rows), np.float32)
    for at in prange(len(antecedents)):
        heap = np.empty(min(most, indptr[at + 1] - indptr[at]), np.int64)
        kept = 0
        for place in range(indptr[at], indptr[at + 1]):
            both, right = counts[place], consequents[rows[place]]
            if signed_root_llr(both, antecedents[at], right, baskets) >= min_llr:
                scores[place] = wilson(both, antecedents[at], z) / (right / baskets) ** discount
                kept = offer(heap, kept, place, rows, scores)
        for place in heap[:kept]:
            keep[place] = True
    return keep, scores


@njit((ENDS, ROWS, CODES, MASK, types.int64), cache=True, nogil=True)
def carts(indptr: Any, rows: Any, event_types: Any, undone: Any, most: Any) -> Any:
    """What each asker holds: the last `most` distinct rows, latest first: ragged (int64[n + 1], int32).

    A row whose latest event is of an `undone` type (bool[256]; removed, sent back) is not held.
    """
    out_indptr = np.zeros(len(indptr), np.int64)
    out = np.empty(len(rows), np.int32)
    filled = 0
    for asker in range(len(indptr) - 1):
        low, high = indptr[asker], indptr[asker + 1]
        seen = table_of(rows[low:low], high - low)
        end = filled + most
        for place in range(high - 1, low - 1, -1):
            slot = slot_of(seen, rows[place])
            if seen[slot] < 0 and filled < end:
                seen[slot] = rows[place]
                if not undone[event_types[place]]:
                    out[filled] = rows[place]
                    filled += 1
        out_indptr[asker + 1] = filled
    return out_indptr, out[:filled].copy()


@njit(cache=True, nogil=True)
def _fired(cart: Any, starts: Any, companions: Any) -> Any:
    """The antecedents that a cart covers whole: int64, by the cart's order."""
    held = table_of(cart, 0)
    room = 0
    for row in cart:
        room += starts[row + 1] - starts[row]
    fired = np.empty(room, np.int64)
    found = 0
    for row in cart:
        for at in range(starts[row], starts[row + 1]):
            one, other = companions[at, 0], companions[at, 1]
            if (one < 0 or held[slot_of(held, one)] >= 0) and (other < 0 or held[slot_of(held, other)] >= 0):
                fired[found] = at
                found += 1
    return fired[:found]


@njit((ENDS, ROWS, ENDS, COMPANIONS, ENDS, ROWS, SCORES), cache=True, nogil=True)
def completions(
    cart_indptr: Any, carts: Any, starts: Any, companions: Any, indptr: Any, rows: Any, scores: Any
) -> Any:
    """What each cart's rules lead to, each row with the sum of its rules' scores.

    Ragged: int64[n + 1], rows int32 without repeats, sums float32.
    """
    out_indptr = np.zeros(len(cart_indptr), np.int64)
    out_rows, out_scores = np.empty(0, np.int32), np.empty(0, np.float32)
    filled = 0
    for asker in range(len(cart_indptr) - 1):
        fired = _fired(carts[cart_indptr[asker] : cart_indptr[asker + 1]], starts, companions)
        room = 0
        for at in fired:
            room += indptr[at + 1] - indptr[at]
        if filled + room > len(out_rows):
            out_rows = np.append(out_rows, np.empty(filled + room, np.int32))
            out_scores = np.append(out_scores, np.empty(filled + room, np.float32))
        table = table_of(rows[:0], room)
        places = np.empty(len(table), np.int64)
        for at in fired:
            for place in range(indptr[at], indptr[at + 1]):
                slot = slot_of(table, rows[place])
                if table[slot] < 0:
                    table[slot] = rows[place]
                    places[slot] = filled
                    out_rows[filled], out_scores[filled] = rows[place], scores[place]
                    filled += 1
                else:
                    out_scores[places[slot]] += scores[place]
        out_indptr[asker + 1] = filled
    return out_indptr, out_rows[:filled].copy(), out_scores[:filled].copy()


@njit((ENDS, ROWS, ENDS, ROWS, ENDS, COMPANIONS, ENDS, ROWS, SCORES), cache=True, nogil=True)
def causes(
    cart_indptr: Any,
    carts: Any,
    ends: Any,
    wanted: Any,
    starts: Any,
    companions: Any,
    indptr: Any,
    rows: Any,
    scores: Any,
) -> Any:
    """The strongest rule of a cart for each wanted row: its antecedent and its place, int64, -1 if none.

    Of cart i `wanted[ends[i]:ends[i + 1]]`.
    """
    antecedents = np.full(len(wanted), -1, np.int64)
    places = np.full(len(wanted), -1, np.int64)
    for asker in range(len(ends) - 1):
        for at in _fired(carts[cart_indptr[asker] : cart_indptr[asker + 1]], starts, companions):
            low, high = indptr[at], indptr[at + 1]
            for which in range(ends[asker], ends[asker + 1]):
                place = low + np.searchsorted(rows[low:high], wanted[which])
                if place == high or rows[place] != wanted[which]:
                    continue
                if places[which] < 0 or scores[place] > scores[places[which]]:
                    antecedents[which], places[which] = at, place
    return antecedents, places
