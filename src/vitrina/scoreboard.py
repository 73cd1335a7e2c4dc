"""The result of an evaluation, as data and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from vitrina.bootstrap import Estimate

BLEND = "blend"
HEADLINE = "ndcg@10"
STORED = "bundle"
"""How the name of a stored bundle begins, that an evaluation was told to ask too."""
BUCKETS = ("cold", "light", "heavy")
"""Customers without a past, and the lighter and the heavier half of the others."""
FIGURES = ("ndcg@10", "recall@10", "hit_rate@10")
"""What is told of a kind of customers, and of a department, beside how many they are."""


@dataclass(frozen=True)
class Row:
    """One system in one placement over one bucket of askers, who are so many `clusters`: customers, or visits
    of whom nobody knows.

    `metrics`: means with their intervals, by name ('ndcg@10'). `coverage`, `gini`: of the first
    ten of all lists. `gain`: how much more NDCG@10 the placement itself has over the same askers;
    None in its own row.
    """

    system: str
    placement: str
    bucket: str
    askers: int
    clusters: int
    metrics: Mapping[str, Estimate]
    coverage: float
    gini: float
    gain: Estimate | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: an estimate is [mean, low, high], and what is unknown is null."""
        own: dict[str, Any] = {"system": self.system, "placement": self.placement, "bucket": self.bucket}
        own |= {"askers": self.askers, "clusters": self.clusters}
        own |= {"coverage@10": _number(self.coverage), "gini@10": _number(self.gini)}
        own |= {name: _triple(one) for name, one in self.metrics.items()}
        return own | ({"gain": _triple(self.gain)} if self.gain else {})


@dataclass(frozen=True)
class Department:
    """How much of what was taken in a department the placement itself had listed, in its first k.

    `metrics`: FIGURES of those who took something there, counted over that alone.
    """

    name: str
    taken: int
    found: Mapping[int, float]
    metrics: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def askers(self) -> int:
        """How many of those asked took something there."""
        return max((one.n for one in self.metrics.values()), default=0)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: shares by k, estimates as a row has them."""
        shares = {f"found@{k}": round(share, 6) for k, share in self.found.items()}
        figures = {name: _triple(one) for name, one in self.metrics.items()}
        return {"department": self.name, "taken": self.taken, "askers": self.askers} | shares | figures


@dataclass(frozen=True)
class Example:
    """One asker, by what products are called. `known`: what the list could start from, the latest first;
    `listed`: the first of the list, and whether each was taken; `missed`: what else was."""

    known: tuple[str, ...]
    listed: tuple[tuple[str, bool], ...]
    missed: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """What was asked, when, and how well each system answered.

    `rule`: what was held out, from `start` to `end` in seconds (None without times); `wanted`: the event
    types foretold; by placement `counts`, `rebuy`: whether bought products may return, and `departments`,
    most taken first. `questions`: what each placement was asked; `unasked`: those that could not be asked,
    and why. `caution`: that a stored bundle which was asked too has, or may have, learned from what is held
    out, or lacks a placement, or why figures may flatter; else empty. `published`: whether it was such a one.
    `examples`: by placement, a few askers; they are for who looks at an evaluation, and no manifest or file
    has them: what one customer bought is no figure.
    """

    rows: tuple[Row, ...]
    rule: str
    start: int | None
    end: int | None
    wanted: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    rebuy: Mapping[str, str]
    seed: int
    departments: Mapping[str, tuple[Department, ...]] = field(default_factory=dict)
    unasked: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    caution: str = ""
    published: bool = False
    examples: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)

    def row(self, system: str, placement: str, bucket: str = "all") -> Row:
        """The row of these names. Raises KeyError."""
        for one in self.rows:
            if (one.system, one.placement, one.bucket) == (system, placement, bucket):
                return one
        raise KeyError((system, placement, bucket))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, for a manifest or a file."""
        return {
            "split": {
                **{"rule": self.rule, "start": self.start, "end": self.end},
                **({"published": True} if self.published else {}),
            },
            "wanted": list(self.wanted),
            "seed": self.seed,
            "counts": {name: dict(one) for name, one in self.counts.items()},
            "rebuy": dict(self.rebuy),
            "questions": dict(self.questions),
            "unasked": dict(self.unasked),
            "caution": self.caution,
            "departments": {name: [one.as_dict() for one in many] for name, many in self.departments.items()},
            "rows": [one.as_dict() for one in self.rows],
        }


def foretold(evaluation: Evaluation, placement: str) -> str:
    """What a placement's lists had to foretell: types of events, but of baskets and visits."""
    words = {"cart": "what was hidden of each basket", "session_next": "the next step of each visit"}
    return words.get(evaluation.questions[placement], ", ".join(evaluation.wanted))


def silent(evaluation: Evaluation) -> str:
    """Which placements were not asked, and why; '' where all were."""
    why = by_reason(evaluation.unasked)
    if evaluation.counts:
        return f"Not asked: {why}." if why else ""
    return f"Nothing could be asked: {why or 'there is no placement'}."


def by_reason(why: Mapping[str, str]) -> str:
    """Reasons by placement in one line: each reason once, after all whose it is."""
    whose: dict[str, list[str]] = {}
    for name, reason in why.items():
        whose.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in whose.items())


def _triple(one: Estimate) -> list[float | None]:
    return [_number(one.mean), _number(one.low), _number(one.high)]


def _number(value: float) -> float | None:
    return None if isnan(value) else round(value, 6)
