"""Chance that can be repeated: numbers that follow from a seed alone, on any machine and version."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

_WORDS = 8
"""64-bit numbers to a digest."""


def stream(*seed: str) -> Iterator[int]:
    """Endless uniform 64-bit integers; equal for equal words, independent for others."""
    stem = "\0".join(seed).encode()
    count = 0
    while True:
        digest = blake2b(count.to_bytes(8, "little") + stem, digest_size=8 * _WORDS).digest()
        yield from (int.from_bytes(digest[at : at + 8], "little") for at in range(0, 8 * _WORDS, 8))
        count += 1


def unit(number: int) -> float:
    """A 64-bit integer as a number from 0 up to but not 1."""
    return (number >> 11) * 2.0**-53


def sample(numbers: Iterator[int], n: int, k: int) -> list[int]:
    """k different ones of range(n), each set and order of them as likely (Floyd; then shuffled).

    The bias of taking a 64-bit number modulo n is below n / 2^64.
    """
    chosen: list[int] = []
    for top in range(n - k, n):
        drawn = next(numbers) % (top + 1)
        chosen.append(top if drawn in chosen else drawn)
    for last in range(k - 1, 0, -1):
        other = next(numbers) % (last + 1)
        chosen[last], chosen[other] = chosen[other], chosen[last]
    return chosen
