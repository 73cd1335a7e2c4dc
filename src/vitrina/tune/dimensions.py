"""Kinds of hyperparameters: what a search sees of one, and the number or word that a recipe gets.

A point is what the search moves, a value what a person would write: days that hardly fade are 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

_FINEST = 1 / 24


@dataclass(frozen=True)
class Real:
    """A number between two, on a logarithmic scale unless `even`."""

    low: float
    high: float
    even: bool = False

    def drawn(self, share: float) -> float:
        """The number so far along the scale, from 0 to 1."""
        if self.even:
            return self.low + (self.high - self.low) * share
        return float(self.low * (self.high / self.low) ** share)

    def value(self, point: float) -> float:
        """The number, to three digits."""
        return _rounded(point)

    def point(self, value: float) -> float:
        """Where a number stands, within the bounds."""
        return float(min(max(value, self.low), self.high))


@dataclass(frozen=True)
class Whole:
    """A whole number between two, on a logarithmic scale."""

    low: int
    high: int

    def drawn(self, share: float) -> int:
        """The number so far along the scale, from 0 to 1."""
        return min(int(self.low * ((self.high + 1) / self.low) ** share), self.high)

    def value(self, point: int) -> int:
        """The number itself."""
        return int(point)

    def point(self, value: int) -> int:
        """Where a number stands, within the bounds."""
        return int(min(max(value, self.low), self.high))


@dataclass(frozen=True)
class Days:
    """A half-life or a window, from a hundredth of the shop's `span` of days to four times it.

    What would hardly fade in the whole span is written as 0, which is never.
    """

    span: float = 365.0

    @property
    def low(self) -> float:
        """The shortest, in days; never under an hour."""
        return max(self.span / 100, _FINEST)

    @property
    def high(self) -> float:
        """The end of the scale, which stands for never."""
        return max(self.span * 4, 8 * _FINEST)

    def drawn(self, share: float) -> float:
        """The days so far along the scale, from 0 to 1."""
        return float(self.low * (self.high / self.low) ** share)

    def value(self, point: float) -> float:
        """Days, or 0."""
        days = _rounded(point)
        return 0.0 if days >= self.high / 2 else days

    def point(self, value: float) -> float:
        """Where so many days stand; 0 at the far end."""
        return float(min(max(value, self.low), self.high)) if value > 0 else self.high


@dataclass(frozen=True)
class Steps(Days):
    """A decay length in events, the same way: the far end is written as 0, which is none."""

    @property
    def low(self) -> float:
        """Half an event."""
        return 0.5


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    def value(self, point: str) -> str:
        """The word itself."""
        return point

    def point(self, value: str) -> str:
        """The word itself, or the first where it is no choice."""
        return value if value in self.words else self.words[0]


Dimension = Real | Whole | Days | Choice


def _rounded(value: float) -> float:
    """To three significant digits."""
    return round(value, 2 - floor(log10(abs(value)))) if value else 0.0
