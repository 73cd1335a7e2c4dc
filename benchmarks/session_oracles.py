"""Published session recommenders in plain Python, from their formulae: what benchmarks/sessions.py is held to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from math import exp, log, sqrt

from vitrina.dataset import DAY, Dataset

VSTAN_PUBLISHED = {
    "VSTAN, published for MRR": (1500, 10000, 0.5, 5.0, 2.0, 2.0, 2.0, True),
    "VSTAN, published for HR": (2000, 10000, 4.0, 20.0, 0.5, 1.0, 2.0, True),
    "VSTAN, published for MRR, one split": (1000, 5000, 4.0, 5.0, 4.0, 0.00001, 1.0, True),
    "VSTAN, published for HR, one split": (2000, 2500, 8.0, 10.0, 8.0, 0.5, 2.0, False),
}
"""Of session-rec for RSC15 (windows, then one split): k, sample, spw, snh in days, inh, ipw, idf, cosine."""


class Vstan:
    """VSTAN in plain Python by its published formulae: the oracle."""

    def __init__(self, learned: Dataset, *settings: float) -> None:
        self.k, self.sample, self.spw, self.snh, self.inh, self.ipw, self.idf, self.cosine = settings
        events = learned.events
        self.sessions: dict[int, list[int]] = defaultdict(list)
        self.ended: dict[int, int] = {}
        self.holders: dict[int, set[int]] = defaultdict(set)
        for visit, row, time in zip(
            events.visit.tolist(), events.item.tolist(), events.time.tolist(), strict=True
        ):
            self.sessions[visit].append(row)
            self.ended[visit] = time
            self.holders[row].add(visit)
        self.rarity = {row: log(len(self.sessions) / n) for row, n in Counter(events.item.tolist()).items()}

    def __call__(self, session: list[int], now: int) -> dict[int, float]:
        """Scores of items for a session so far."""
        weight = {row: exp((at + 1 - len(session)) / self.spw) for at, row in enumerate(session)}
        shared: dict[int, float] = defaultdict(float)
        for row in weight:
            for visit in self.holders[row]:
                shared[visit] += weight[row]
        recent = list(shared)
        if len(recent) > self.sample:
            recent = sorted(recent, key=lambda one: -self.ended[one])[: int(self.sample)]
        norm = sqrt(sum(one * one for one in weight.values())) if self.cosine else len(weight)
        likeness = {}
        for visit in recent:
            length = sqrt(len(set(self.sessions[visit]))) if self.cosine else 1
            age = exp(-(now - self.ended[visit]) / (DAY * self.snh))
            likeness[visit] = shared[visit] / norm / length * age
        near = sorted(likeness, key=lambda one: -likeness[one])[: int(self.k)]
        scores: dict[int, float] = defaultdict(float)
        for visit in near:
            place = {row: at for at, row in enumerate(self.sessions[visit])}
            star = max(place[row] for row in weight if row in place)
            latest = max(at for at, row in enumerate(session) if row in place)
            echo = likeness[visit] * exp((latest + 1 - len(session)) / self.ipw)
            for row, at in place.items():
                scores[row] += echo * exp(-abs(at - star) / self.inh) * (1 + self.rarity[row] * self.idf)
        return scores


class SequentialRules:
    """SR in plain Python by its published formulae: the oracle. `fading(1)` is of neighbours."""

    def __init__(self, learned: Dataset, steps: int, fading: Callable[[int], float], kept: int) -> None:
        sessions: dict[int, list[int]] = defaultdict(list)
        rules: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        for visit, row in zip(learned.events.visit.tolist(), learned.events.item.tolist(), strict=True):
            for gap, before in enumerate(reversed(sessions[visit][-steps:]), 1):
                rules[before][row] += fading(gap)
            sessions[visit].append(row)
        self.rules = {
            row: dict(sorted(found.items(), key=lambda one: -one[1])[:kept]) for row, found in rules.items()
        }

    def __call__(self, session: list[int], now: int) -> dict[int, float]:
        """Scores of items for a session so far."""
        return self.rules.get(session[-1], {})
