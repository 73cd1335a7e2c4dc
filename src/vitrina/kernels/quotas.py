"""Which places of a list must be kept so that the least it must hold is held, within the most it may hold.

Codes say what counts together: a place is of one code in each family of caps ('at most 2 per brand'), and
a member or not of each minimum ('at least 3 private label'). Places are tried best first, so what is
promised to a minimum is the best that the caps allow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

STEPS = 500
"""Choices tried for one minimum before it is asked for one less: exact for all but contrived lists."""


@njit(cache=True, nogil=True)
def compact(codes: Any, most: Any) -> Any:
    """Renumber the codes of F families over m places: int32[F, m]; what each number has left, int32[F, U].

    `codes`: int32[F, m], below 0 for a place that does not count; `most`: int32[F].
    """
    n_families, m = codes.shape
    numbers = np.full((n_families, m), -1, np.int32)
    left = np.zeros((n_families, max(m, 1)), np.int32)
    for family in range(n_families):
        order = np.argsort(codes[family], kind="mergesort")
        number = -1
        for spot in range(m):
            code = codes[family, order[spot]]
            if code < 0:
                continue
            if number < 0 or code != codes[family, order[spot - 1]]:
                number += 1
            numbers[family, order[spot]] = number
        left[family, : number + 1] = most[family]
    return numbers, left


@njit(cache=True, nogil=True)
def fits(numbers: Any, left: Any, place: Any) -> Any:
    """Whether every family has room for a place."""
    for family in range(len(numbers)):
        number = numbers[family, place]
        if number >= 0 and left[family, number] <= 0:
            return False
    return True


@njit(cache=True, nogil=True)
def count(numbers: Any, left: Any, place: Any, by: Any) -> None:
    """Take a place's share of every family's room (`by` -1), or give it back (1)."""
    for family in range(len(numbers)):
        number = numbers[family, place]
        if number >= 0:
            left[family, number] += by


@njit(cache=True, nogil=True)
def promised(numbers: Any, left: Any, members: Any, least: Any, free: Any, room: Any) -> Any:
    """bool[m]: places to keep, so that each minimum is met as far as it can be, the first before the next.

    `numbers`, `left`: of `compact`, what is chosen already taken off; `members`: bool[G, m]; `least`:
    int32[G], what each minimum still lacks; `free`: bool[m], places that may be chosen; `room`: how many.
    """
    found = np.zeros(free.shape, np.bool_)
    needs = np.zeros(len(least), np.int32)
    for group in range(len(least)):
        for need in range(min(least[group], room), 0, -1):
            needs[group] = need
            tried, met = _search(numbers, left, members, needs, free, room)
            if met:
                found = tried
                break
            needs[group] = 0
    return found


@njit(cache=True, nogil=True)
def _search(numbers: Any, left: Any, members: Any, needs: Any, free: Any, room: Any) -> Any:
    """Depth first, best places first, each either promised or passed over."""
    m = len(free)
    need, spare = needs.copy(), left.copy()
    stack, at, place = np.zeros(min(room, m) + 1, np.int64), 0, 0
    for _ in range(STEPS):
        if need.max() <= 0:
            chosen = np.zeros(m, np.bool_)
            chosen[stack[:at]] = True
            return chosen, True
        alive = at < room and _reachable(numbers, spare, members, need, free, place)
        while alive and not (free[place] and _helps(members, need, place) and fits(numbers, spare, place)):
            place += 1
            alive = place < m
        if alive:
            stack[at] = place
            at += 1
            count(numbers, spare, place, -1)
            _owe(members, need, place, -1)
        else:
            if at == 0:
                break
            at -= 1
            place = stack[at]
            count(numbers, spare, place, 1)
            _owe(members, need, place, 1)
        place += 1
    return np.zeros(m, np.bool_), False


@njit(cache=True, nogil=True)
def _helps(members: Any, need: Any, place: Any) -> Any:
    helps = False
    for group in range(len(need)):
        helps = helps or (need[group] > 0 and members[group, place])
    return helps


@njit(cache=True, nogil=True)
def _owe(members: Any, need: Any, place: Any, by: Any) -> None:
    for group in range(len(need)):
        if members[group, place]:
            need[group] += by


@njit(cache=True, nogil=True)
def _reachable(numbers: Any, left: Any, members: Any, need: Any, free: Any, start: Any) -> Any:
    """Whether each minimum alone could be met from `start` on within each family alone."""
    m = len(free)
    for group in range(len(need)):
        if need[group] <= 0:
            continue
        for family in range(len(numbers)):
            spare, reached = left[family].copy(), 0
            for place in range(start, m):
                number = numbers[family, place]
                if free[place] and members[group, place] and (number < 0 or spare[number] > 0):
                    reached += 1
                    if number >= 0:
                        spare[number] -= 1
            if reached < need[group]:
                return False
    return True
