"""One ranked list down to what is shown: pins where they belong, within quotas, and not all alike.

Chosen one by one. Each time it is the place that is worth most,

    (1 - diversity) x its score / the list's best - diversity x its likeness to the likest already chosen

(maximal marginal relevance: Carbonell and Goldstein, SIGIR 1998) among those of the lowest tier that have
room in every quota, so that with no diversity the order is kept. What quotas need is promised beforehand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.apart import apart
from vitrina.kernels.quotas import compact, count, fits, promised
from vitrina.kernels.signatures import LEVELS_2, MASK_3, ROWS, ROWS_2, ROWS_3, SCORES, SCORES_2, SCORES_3

FAR = -1e30

_LISTS = (SCORES_2, LEVELS_2, ROWS_2, ROWS_3, ROWS, MASK_3, ROWS)
_LIKENESS = (ROWS_3, SCORES, SCORES_3, types.float64)
_SIGNATURE = types.Tuple((types.int32[:, ::1], types.boolean[:, ::1]))(
    *_LISTS, *_LIKENESS, ROWS_2, types.int64
)


@njit(cache=True, nogil=True)
def _pinned(pins: Any, tiers: Any, numbers: Any, left: Any, limit: Any) -> Any:
    """The pinned places in order of position; of one product or one position the first only."""
    found, size = np.empty(limit, np.int64), 0
    for position in range(1, limit + 1):
        for place in range(len(pins)):
            if pins[place] == position and tiers[place] >= 0 and left[0, numbers[0, place]] > 0:
                count(numbers, left, place, -1)
                found[size] = place
                size += 1
                break
    return found[:size]


@njit(cache=True, nogil=True)
def _fill(
    chosen: Any,
    scores: Any,
    tiers: Any,
    numbers: Any,
    left: Any,
    free: Any,
    kept: Any,
    likest: Any,
    traits: Any,
    weights: Any,
    vectors: Any,
    diversity: Any,
) -> Any:
    """Fill `chosen`, the tiers in turn; how many were found. What is promised has its room set aside."""
    owed = 0
    for place in range(len(kept)):
        if kept[place]:
            count(numbers, left, place, -1)
            owed += 1
    best = max(scores.max(), np.float32(1e-30)) if len(scores) else np.float32(1.0)
    size = 0
    while size < len(chosen):
        spare = len(chosen) - size > owed
        place = _worthiest(scores, best, tiers, numbers, left, free, kept, likest, diversity, spare)
        if place < 0:
            break
        if kept[place]:
            owed -= 1
        else:
            count(numbers, left, place, -1)
        free[place] = False
        chosen[size] = place
        size += 1
        if diversity > 0:
            _compare(likest, traits, weights, vectors, place)
    return size


@njit(cache=True, nogil=True)
def _worthiest(
    scores: Any,
    best: Any,
    tiers: Any,
    numbers: Any,
    left: Any,
    free: Any,
    kept: Any,
    likest: Any,
    diversity: Any,
    spare: Any,
) -> Any:
    """The place to choose next, -1 for none; without `spare`, only what is promised."""
    found, most, tier = -1, FAR, 127
    for place in range(len(scores)):
        if not free[place] or tiers[place] > tier or not (spare or kept[place]):
            continue
        worth = (1.0 - diversity) * scores[place] / best - diversity * likest[place]
        if tiers[place] == tier and worth <= most:
            continue
        if kept[place] or fits(numbers, left, place):
            found, most, tier = place, worth, tiers[place]
    return found


@njit(cache=True, nogil=True)
def _compare(likest: Any, traits: Any, weights: Any, vectors: Any, chosen: Any) -> None:
    """Raise every place's likeness to what is chosen by its likeness to one more."""
    for place in range(len(likest)):
        like = np.float32(0)
        for trait in range(len(weights)):
            if traits[trait, place] >= 0 and traits[trait, place] == traits[trait, chosen]:
                like += weights[trait]
        for axis in range(vectors.shape[1]):
            like += vectors[place, axis] * vectors[chosen, axis]
        likest[place] = max(likest[place], like)


@njit(cache=True, nogil=True)
def _place(picks: Any, stay: Any, order: Any, pinned: Any, pins: Any, kept: Any) -> None:
    """Pins at their positions, or last where the list ends before them; the others in order around."""
    next_pin, next_one = 0, 0
    for position in range(min(len(picks), len(order) + len(pinned))):
        due = next_pin < len(pinned) and pins[pinned[next_pin]] <= position + 1
        if due or next_one == len(order):
            picks[position] = pinned[next_pin]
            stay[position] = True
            next_pin += 1
        else:
            picks[position] = order[next_one]
            stay[position] = kept[order[next_one]]
            next_one += 1


@njit(_SIGNATURE, cache=True, nogil=True)
def arrange(
    scores: Any,
    tiers: Any,
    pins: Any,
    codes: Any,
    most: Any,
    members: Any,
    least: Any,
    traits: Any,
    weights: Any,
    vectors: Any,
    diversity: Any,
    alternate: Any,
    limit: Any,
) -> Any:
    """Which places of n lists of m to show, in order: int32[n, limit] (-1 pads); bool[n, limit], must stay.

    `scores`: float32[n, m]; `tiers`: int8[n, m], a higher one only while the list is short, below 0 a pad;
    `pins`: int32[n, m], the position from 1 that a place is pinned to, 0 if not. `codes`: int32[n, F, m] and
    `most`: int32[F], at most so many of one code, below 0 uncounted; one family at least, of products.
    `members`: bool[n, G, m] and `least`: int32[G]. Likeness: `traits` int32[n, T, m] that are equal, each
    worth `weights` float32[T], and the dot product of `vectors` float32[n, m, d]. `alternate`: int32[n, m],
    or no columns: neighbours have different codes where they can.
    """
    n, m = scores.shape
    picks = np.full((n, limit), -1, np.int32)
    stay = np.zeros((n, limit), np.bool_)
    for asker in range(n):
        numbers, left = compact(codes[asker], most)
        pinned = _pinned(pins[asker], tiers[asker], numbers, left, limit)
        free = tiers[asker] >= 0
        needs = least.copy()
        for place in pinned:
            free[place] = False
            for group in range(len(needs)):
                needs[group] -= members[asker, group, place]
        kept = promised(numbers, left, members[asker], needs, free, limit - len(pinned))
        likest = np.zeros(m, np.float32)
        for place in pinned:
            _compare(likest, traits[asker], weights, vectors[asker], place)
        room = limit - len(pinned)
        chosen = np.empty(min(room, m), np.int64)
        size = _fill(
            chosen, scores[asker], tiers[asker], numbers, left, free, kept,
            likest, traits[asker], weights, vectors[asker], diversity,
        )  # fmt: skip
        order = chosen[:size]
        if alternate.shape[1]:
            order = apart(order, alternate[asker])
        _place(picks[asker], stay[asker], order, pinned, pins[asker], kept)
    return picks, stay


@njit(types.int8[:, ::1](LEVELS_2, SCORES_3, types.int64, types.int64, types.int64), cache=True, nogil=True)
def tiers(levels: Any, shares: Any, first: Any, last: Any, most: Any) -> Any:
    """int8[n, m]: level by level the sources' own, then what each fallback gave; `most` at most.

    `levels`: int8[n, m]; of `shares`, float32[n, m, S], fallbacks are the columns `first` to before `last`.
    What any other column gave anything is no fallback's.
    """
    n, m, columns = shares.shape
    found = np.empty((n, m), np.int8)
    for one in range(n):
        for at in range(m):
            own, number = False, 0
            for column in range(columns):
                if first <= column < last:
                    if number == 0 and shares[one, at, column] > 0:
                        number = column - first + 1
                else:
                    own = own or shares[one, at, column] != 0
            tier = np.int64(levels[one, at]) * (last - first + 1) + (0 if own else number)
            found[one, at] = min(tier, most)
    return found
