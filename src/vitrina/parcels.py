"""Many things over the wire, in as few calls as they fit into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
MAX_BYTES = 900_000
"""Bytes of one call's messages, at most; servers admit 1 MiB."""
_FRAME = 8
"""Bytes of a message's tag and length, at most."""


def parcels(things: Iterable[T], most: int, size: Callable[[T], int]) -> Iterator[list[T]]:
    """The things in order, in lists of at most `most` that fit into one call each; one that is larger than a
    call stands alone, and the server says so. `size`: bytes of a thing's message."""
    few: list[T] = []
    total = 0
    for one in things:
        more = size(one) + _FRAME
        if few and (len(few) == most or total + more > MAX_BYTES):
            yield few
            few, total = [], 0
        few.append(one)
        total += more
    if few:
        yield few
