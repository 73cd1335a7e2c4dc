"""The doctor: what is in a shop's data, what is missing, and which lists suffer for it.

facts      counts, spans, shares
learning   what each strategy can learn
verdicts   what stands in each placement
wanting    what a column would buy
doubts     what looks wrong
show       all of it for a person
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

from vitrina.doctor import learning, verdicts
from vitrina.doctor.doubts import doubts
from vitrina.doctor.facts import Facts, measure
from vitrina.doctor.show import show
from vitrina.doctor.verdicts import Verdict
from vitrina.doctor.wanting import Missing, missing
from vitrina.readers import Reading, Report

__all__ = ["Diagnosis", "Facts", "Missing", "Verdict", "examine", "show"]


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found. `warnings`: one sentence for each thing that looks wrong."""

    facts: Facts
    strategies: tuple[Verdict, ...]
    placements: tuple[Verdict, ...]
    missing: tuple[Missing, ...]
    warnings: tuple[str, ...]
    report: Report

    def as_dict(self) -> dict[str, object]:
        """The diagnosis as JSON would have it."""
        return {
            "facts": asdict(self.facts),
            "strategies": [asdict(one) for one in self.strategies],
            "placements": [asdict(one) for one in self.placements],
            "missing": [asdict(one) for one in self.missing],
            "warnings": list(self.warnings),
            "reading": self.report.as_dict(),
        }


def examine(reading: Reading, weighed: Collection[str] = ()) -> Diagnosis:
    """Look at a shop as it was read. `weighed`: event types that its recipe gives a weight to."""
    dataset, report = reading.dataset, reading.report
    facts = measure(dataset, weighed)
    learned = learning.strategies(facts, report)
    return Diagnosis(
        facts=facts,
        strategies=learned,
        placements=verdicts.placements(facts, learned),
        missing=missing(report),
        warnings=doubts(dataset, facts, report),
        report=report,
    )
