"""The result of an evaluation, as words, JSON and a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from vitrina.bootstrap import Estimate

BLEND = "blend"
HEADLINE = "ndcg@10"
STORED = "bundle"
"""How the name of a stored bundle begins, that an evaluation was told to ask too."""
_USUAL = ("ndcg@10", "recall@10", "hit_rate@10", "revenue_recall@10", "repeat_recall@10", "explore_recall@10")
_PUBLISHED = ("ndcg@10", "hit_rate@10", "full_recall@10", "ndcg@20", "full_recall@20")
"""What tables beside published splits have: full recall and NDCG, mostly of lists of 20."""
BUCKETS = ("cold", "light", "heavy")
"""Customers without a past, and the lighter and the heavier half of the others."""
FIGURES = ("ndcg@10", "recall@10", "hit_rate@10")
"""What is told of a kind of customers, and of a department, beside how many they are."""
_MOST_DEPARTMENTS = 12
_COLUMNS = {
    "cart": ("ndcg@10", "hit_rate@10", "mrr@10", "revenue_recall@10"),
    "session_next": ("ndcg@10", "hit_rate@20", "mrr@20"),
}


@dataclass(frozen=True)
class Row:
    """One system in one placement over one bucket of askers.

    `metrics`: means with their intervals, by name ('ndcg@10'). `coverage`, `gini`: of the first
    ten of all lists. `gain`: how much more NDCG@10 the placement itself has over the same askers;
    None in its own row.
    """

    system: str
    placement: str
    bucket: str
    askers: int
    metrics: Mapping[str, Estimate]
    coverage: float
    gini: float
    gain: Estimate | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: an estimate is [mean, low, high], and what is unknown is null."""
        own: dict[str, Any] = {"system": self.system, "placement": self.placement, "bucket": self.bucket}
        own |= {"askers": self.askers, "coverage@10": _number(self.coverage), "gini@10": _number(self.gini)}
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
class Evaluation:
    """What was asked, when, and how well each system answered.

    `rule`: what was held out, from `start` to `end` in seconds (None without times); `wanted`: the event
    types foretold; by placement `counts`, `rebuy`: whether bought products may return, and `departments`,
    most taken first. `questions`: what each placement was asked; `unasked`: those that could not be asked,
    and why. `caution`: that a stored bundle which was asked too has, or may have, learned from what is held
    out, or why figures on a published split may flatter; else empty. `published`: whether it was such a one.
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


def show(evaluation: Evaluation, console: Console) -> None:
    """Print a table for each placement, best system first, and what follows from it."""
    days = [
        str(np.datetime64(one, "s"))[:10] for one in (evaluation.start, evaluation.end) if one is not None
    ]
    held_out = f"{evaluation.rule} ({' to '.join(days)})" if days else evaluation.rule
    console.print(
        f"Offline accuracy: {held_out}; foretold: {', '.join(evaluation.wanted)}. ± is a 95 % interval."
    )
    for placement, counts in evaluation.counts.items():
        rows = [one for one in evaluation.rows if one.placement == placement]
        console.print(_table(_title(evaluation, placement), counts, rows, _columns(evaluation, placement)))
        console.print(verdict(rows))
        for table in (_customers(rows), _departments(evaluation.departments.get(placement, ()))):
            if table:
                console.print(table)
    for words in filter(None, (evaluation.caution, silent(evaluation))):
        console.print(words)


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


def _columns(evaluation: Evaluation, placement: str) -> Sequence[str]:
    """The figures that tell most of what a placement was asked."""
    return _COLUMNS.get(evaluation.questions[placement], _PUBLISHED if evaluation.published else _USUAL)


def _title(evaluation: Evaluation, placement: str) -> str:
    question = evaluation.questions[placement]
    asked = "" if question == placement else f"asked as {question}, "
    return f"{placement} ({asked}rebuy {evaluation.rebuy[placement]})"


def _table(name: str, counts: Mapping[str, int], rows: Sequence[Row], names: Sequence[str]) -> Table:
    cold = counts["taken_cold"] / max(counts["taken"], 1)
    title = f"{name}: {counts['all']:,} asked, {counts['taken']:,} taken ({cold:.1%} new to the shop)"
    buckets = [one for one in BUCKETS if counts.get(one) and 0 < counts[one] < counts["all"]]
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("system", no_wrap=True)
    for head in (
        *map(_heading, names),
        "coverage",
        "filled up",
        "blend's gain",
        *(f"NDCG {one}" for one in buckets),
    ):
        table.add_column(head, justify="right")
    whole = [one for one in rows if one.bucket == "all"]
    for row in sorted(whole, key=_headline, reverse=True):
        others = {one.bucket: one for one in rows if one.system == row.system}
        cells = [_with_interval(row.metrics[HEADLINE])] + [_plain(row.metrics[one].mean) for one in names[1:]]
        cells += [f"{row.coverage:.1%}", f"{row.metrics['fallback'].mean:.0%}", _gain(row.gain)]
        cells += [_plain(_headline(others[one])) for one in buckets]
        table.add_row(row.system, *cells, style="bold" if row.system == BLEND else "")
    return table


def by_customer(rows: Sequence[Row]) -> list[tuple[Row, Row | None]]:
    """The placement itself for each kind of customers there are, and the best rival for the same; nothing
    where there is but one kind."""
    kinds = [one for one in rows if one.system == BLEND and one.bucket in BUCKETS and one.askers]
    found = []
    for own in kinds if len(kinds) > 1 else ():
        rivals = [one for one in rows if one.bucket == own.bucket and one.gain and not _is_stored(one)]
        found.append((own, max(rivals, key=_headline, default=None)))
    return found


def _customers(rows: Sequence[Row]) -> Table | None:
    """The blend by kind of customer."""
    table = _breakdown("by customer, of the blend", "customers", ("best alone",))
    for own, rival in by_customer(rows):
        beside = f"{rival.system} {_plain(_headline(rival))}" if rival else ""
        table.add_row(own.bucket, f"{own.askers:,}", *_figures(own.metrics), beside)
    return table if table.row_count else None


def _departments(found: Sequence[Department]) -> Table | None:
    """The blend by department, the most taken first."""
    rest = len(found) - _MOST_DEPARTMENTS
    more = f"; {rest} smaller ones are in --json" if rest > 0 else ""
    table = _breakdown(f"by department, of the blend{more}", "department", ("taken", "of it in the first 10"))
    for one in found[:_MOST_DEPARTMENTS]:
        shares = f"{one.taken:,}", f"{next(iter(one.found.values())):.1%}"
        table.add_row(one.name, f"{one.askers:,}", *_figures(one.metrics), *shares)
    return table if table.row_count > 1 else None


def _breakdown(title: str, whose: str, more: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(whose, no_wrap=True)
    for head in ("asked", *map(_heading, FIGURES), *more):
        table.add_column(head, justify="right")
    return table


def _figures(metrics: Mapping[str, Estimate]) -> list[str]:
    return [_with_interval(metrics[name]) if metrics[name].n else "" for name in FIGURES]


def _is_stored(row: Row) -> bool:
    return row.system.startswith(STORED + " ")


def verdict(rows: Sequence[Row]) -> str:
    """Whether mixing pays: the blend against the best of its rivals, over the same askers."""
    rivals = [one for one in rows if one.bucket == "all" and one.gain and not _is_stored(one)]
    if not rivals:
        return ""
    best = max(rivals, key=_headline)
    assert best.gain is not None
    if best.gain.low > 0:
        return f"The blend is better than every system alone; the next is {best.system}."
    if best.gain.high < 0:
        return f"{best.system} alone is better than the blend: give it more weight in this placement."
    return f"The blend and {best.system} alone cannot be told apart on these askers."


def _headline(row: Row) -> float:
    return row.metrics[HEADLINE].mean


def _heading(name: str) -> str:
    word, cut = name.split("@")
    upper = {"ndcg": "NDCG", "mrr": "MRR"}
    return f"{upper.get(word, word.replace('_', ' '))}@{cut}"


def _with_interval(one: Estimate) -> str:
    return f"{one.mean:.4f} ±{(one.high - one.low) / 2:.4f}"


def _plain(value: float) -> str:
    return "" if isnan(value) else f"{value:.4f}"


def _gain(one: Estimate | None) -> str:
    return f"{one.mean:+.4f} ±{(one.high - one.low) / 2:.4f}" if one else ""


def _triple(one: Estimate) -> list[float | None]:
    return [_number(one.mean), _number(one.low), _number(one.high)]


def _number(value: float) -> float | None:
    return None if isnan(value) else round(value, 6)
