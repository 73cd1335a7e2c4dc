"""How fast a client or a visitor may ask: token buckets, on a clock that is handed in.

A bucket holds at most `burst` calls and fills by `rate` a second: in t seconds it admits no more than
rate * t + burst. Each worker process keeps its own, so the rates here are a host's, divided by its workers.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from vitrina.errors import TooFast

REMEMBERED = 100_000
"""Visitors whose buckets are kept; of those who asked longest ago nothing is known any more."""


@dataclass(eq=False)
class Bucket:
    """`rate`: calls a second, 0 for no limit; `burst`: calls at once, at least one. Times are seconds."""

    rate: float
    burst: float
    level: float = field(init=False)
    filled: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        self.burst = max(1.0, self.burst)
        self.level = self.burst

    def take(self, now: float) -> float:
        """Take one call: 0 where it may go ahead, else the seconds until it might. `now` never falls."""
        if self.rate <= 0:
            return 0.0
        if now > self.filled:
            self.level = min(self.burst, self.level + self.rate * max(0.0, now - self.filled))
            self.filled = now
        if self.level < 1:
            return (1 - self.level) / self.rate
        self.level -= 1
        return 0.0


@dataclass(eq=False)
class Visitors:
    """A bucket for each visitor who asked lately."""

    rate: float
    burst: float
    buckets: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)

    def check(self, visitor: str, now: float) -> None:
        """Count one call of a visitor; nobody in particular is never too fast. Raises TooFast."""
        if not visitor or self.rate <= 0:
            return
        bucket = self.buckets.get(visitor)
        if bucket is None:
            bucket = self.buckets[visitor] = Bucket(self.rate, self.burst)
            if len(self.buckets) > REMEMBERED:
                self.buckets.popitem(last=False)
        else:
            self.buckets.move_to_end(visitor)
        if wait_s := bucket.take(now):
            raise TooFast(f"this visitor asks more than {self.rate:g} times a second; wait", wait_s)
