"""Answers of a method that are remembered, without a ring of references, and without a lock.

A cache over a bound method holds its object, which holds the cache: such a pair outlives all its uses, with
every array and file that hangs on it, until the garbage is collected. A server swaps its engine many times
an hour and collects seldom.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload
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


class Once(Generic[R]):
    """A property that is worked out when it is first looked at. What has it is looked at by one thread.

    `functools.cached_property` of Python 3.11 takes a lock for this, 1.5 % of a request's instructions.
    """

    def __init__(self, make: Callable[[Any], R]) -> None:
        self._make, self._name, self.__doc__ = make, make.__name__, make.__doc__

    @overload
    def __get__(self, one: None, kind: type) -> Once[R]: ...
    @overload
    def __get__(self, one: object, kind: type) -> R: ...
    def __get__(self, one: object | None, kind: type) -> Once[R] | R:
        if one is None:
            return self
        found = one.__dict__[self._name] = self._make(one)
        return found
