"""Neighbours of different kinds: a list interleaved, its order kept otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from vitrina.kernels.quotas import compact


@njit(cache=True, nogil=True)
def apart(order: Any, codes: Any) -> Any:
    """The places of `order`, int64, with neighbours of different codes wherever all of them can be.

    Each time the first is taken that differs from the last and leaves no code too many to be set apart.
    `codes`: int32 by place; places of codes below 0 are like none.
    """
    size = len(order)
    numbers, counts = compact(codes[order].reshape(1, size), np.zeros(1, np.int32))
    number, waiting = numbers[0], counts[0]
    for one in number:
        if one >= 0:
            waiting[one] += 1
    out = np.empty(size, np.int64)
    used = np.zeros(size, np.bool_)
    last = np.int32(-1)
    for spot in range(size):
        take = _next(number, waiting, used, last, size - spot - 1)
        used[take] = True
        out[spot] = order[take]
        last = number[take]
        if last >= 0:
            waiting[last] -= 1
    return out


@njit(cache=True, nogil=True)
def _next(number: Any, waiting: Any, used: Any, last: Any, rest: Any) -> Any:
    """The first that differs from the last and keeps the rest separable; else the first that differs."""
    other = -1
    for one in range(len(number)):
        mine = number[one]
        if used[one] or (mine >= 0 and mine == last):
            continue
        if other < 0:
            other = one
        if _separable(waiting, mine, rest):
            return one
    return other if other >= 0 else np.argmin(used)


@njit(cache=True, nogil=True)
def _separable(waiting: Any, mine: Any, rest: Any) -> Any:
    """Whether, once one of number `mine` is taken, the `rest` behind it can stand apart."""
    for one in range(len(waiting)):
        most = rest // 2 if one == mine else (rest + 1) // 2
        if waiting[one] - (one == mine) > most:
            return False
    return True
