"""Answers of a method that are remembered, without a ring of references.

A cache over a bound method holds its object, which holds the cache: such a pair outlives all its uses, with
every array and file that hangs on it, until the garbage is collected. A server swaps its engine many times
an hour and collects seldom.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast
from weakref import WeakMethod

P = ParamSpec("P")
R = TypeVar("R")


def remembered(method: Callable[P, R], most: int) -> Callable[P, R]:
    """A bound method that remembers its `most` latest answers; to be kept by its object, and asked while
    that lives. What it is asked must be hashable."""
    weak = WeakMethod(method)

    def answer(*told: P.args, **named: P.kwargs) -> R:
        living = weak()
        assert living is not None, "asked after its object was gone"
        found: R = living(*told, **named)
        return found

    return cast(Callable[P, R], lru_cache(maxsize=most)(answer))
