"""The result of an evaluation as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from vitrina.bootstrap import Estimate
from vitrina.scoreboard import (
    BLEND,
    BUCKETS,
    FIGURES,
    HEADLINE,
    Department,
    Evaluation,
    Row,
    foretold,
    silent,
)
from vitrina.verdict import by_customer, filled_up, headline, verdict

_USUAL = ("ndcg@10", "recall@10", "hit_rate@10", "revenue_recall@10", "repeat_recall@10", "explore_recall@10")
_PUBLISHED = ("ndcg@10", "hit_rate@10", "full_recall@10", "ndcg@20", "full_recall@20")
"""What tables beside published splits have: full recall and NDCG, mostly of lists of 20."""
_MOST_DEPARTMENTS, _WIDEST = 12, 10_000
_COLUMNS = {
    "cart": ("ndcg@10", "hit_rate@10", "mrr@10", "revenue_recall@10"),
    "session_next": ("ndcg@10", "hit_rate@20", "mrr@20"),
}


def show(evaluation: Evaluation, console: Console) -> None:
    """Print a table for each placement, best system first, and what follows from it."""
    days = [
        str(np.datetime64(one, "s"))[:10] for one in (evaluation.start, evaluation.end) if one is not None
    ]
    held_out = f"{evaluation.rule} ({' to '.join(days)})" if days else evaluation.rule
    console.print(f"Offline accuracy: {held_out}. ± is a 95 % interval.")
    for placement, counts in evaluation.counts.items():
        rows = [one for one in evaluation.rows if one.placement == placement]
        _put(_table(_title(evaluation, placement), counts, rows, _columns(evaluation, placement)), console)
        for words in filter(None, (verdict(rows), filled_up(rows))):
            console.print(words)
        for table in (_customers(rows), _departments(evaluation.departments.get(placement, ()))):
            if table:
                _put(table, console)
    for words in filter(None, (evaluation.caution, silent(evaluation))):
        console.print(words)


def _put(table: Table, console: Console) -> None:
    """Print a table whole: where the console is too narrow its lines run on, as a figure that is cut says
    something else."""
    bounds = Measurement.get(console, console.options.update(max_width=_WIDEST), table)
    needed = bounds.minimum + 2 * len(table.columns)  # what stands between them is not measured
    before, console.width = console.width, max(console.width, needed)
    console.print(table)
    console.width = before


def _columns(evaluation: Evaluation, placement: str) -> Sequence[str]:
    """The figures that tell most of what a placement was asked."""
    return _COLUMNS.get(evaluation.questions[placement], _PUBLISHED if evaluation.published else _USUAL)


def _title(evaluation: Evaluation, placement: str) -> str:
    question, counts = evaluation.questions[placement], evaluation.counts[placement]
    other = "" if question == placement else f"asked as {question}, "
    asked = f"{placement} ({other}rebuy {evaluation.rebuy[placement]}): {counts['all']:,} asked"
    cold = f"{counts['taken_cold'] / max(counts['taken'], 1):.1%} new to the shop"
    return f"{asked}, foretold: {foretold(evaluation, placement)}; {counts['taken']:,} taken ({cold})"


def _table(title: str, counts: Mapping[str, int], rows: Sequence[Row], names: Sequence[str]) -> Table:
    buckets = [one for one in BUCKETS if counts.get(one) and 0 < counts[one] < counts["all"]]
    more = ("coverage", "filled up", "blend's gain", *(f"NDCG {one}" for one in buckets))
    lines = []
    for row in sorted((one for one in rows if one.bucket == "all"), key=headline, reverse=True):
        others = {one.bucket: one for one in rows if one.system == row.system}
        cells = [_with_interval(row.metrics[HEADLINE])] + [_plain(row.metrics[one].mean) for one in names[1:]]
        cells += [f"{row.coverage:.1%}", f"{row.metrics['fallback'].mean:.0%}", _gain(row.gain)]
        lines.append([row.system, *cells, *(_plain(headline(others[one])) for one in buckets)])
    return _sheet(title, ("system", *map(_heading, names), *more), lines)


def _customers(rows: Sequence[Row]) -> Table | None:
    """The blend by kind of customer."""
    lines = []
    for own, rival in by_customer(rows):
        beside = f"{rival.system} {_plain(headline(rival))}" if rival else ""
        lines.append([own.bucket, f"{own.askers:,}", *_figures(own.metrics), beside])
    heads = ("customers", "asked", *map(_heading, FIGURES), "best alone")
    return _sheet("by customer, of the blend", heads, lines) if lines else None


def _departments(found: Sequence[Department]) -> Table | None:
    """The blend by department, the most taken first."""
    rest = len(found) - _MOST_DEPARTMENTS
    more = f"; {rest} smaller in --json" if rest > 0 else ""
    lines = []
    for one in found[:_MOST_DEPARTMENTS]:
        shares = f"{one.taken:,}", f"{next(iter(one.found.values())):.1%}"
        lines.append([one.name, f"{one.askers:,}", *_figures(one.metrics), *shares])
    heads = ("department", "asked", *map(_heading, FIGURES), "taken", "of it in the first 10")
    return _sheet(f"by department, of the blend{more}", heads, lines) if len(lines) > 1 else None


def _sheet(title: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> Table:
    """A table of what is known: a column without any figure, as of money without prices, is left out.

    Each is as wide as its cells and half its head: rich would cut words where a table hardly fits.
    """
    known = [place for place in range(len(heads)) if any(line[place] for line in lines)]
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for place in known:
        width = max(_in_two(heads[place]), *(cell_len(line[place]) for line in lines))
        table.add_column(heads[place], width=width, justify="right" if place else "left")
    for line in lines:
        table.add_row(*(line[place] for place in known), style="bold" if line[0] == BLEND else "")
    return table


def _in_two(head: str) -> int:
    """How wide a head is in two lines, or in one of a single word."""
    words = head.split()
    parts = ((" ".join(words[:some]), " ".join(words[some:])) for some in range(1, len(words) + 1))
    return min(max(map(len, two)) for two in parts)


def _figures(metrics: Mapping[str, Estimate]) -> list[str]:
    return [_with_interval(metrics[name]) if metrics[name].n else "" for name in FIGURES]


def _heading(name: str) -> str:
    word, cut = name.split("@")
    upper = {"ndcg": "NDCG", "mrr": "MRR"}
    return f"{upper.get(word, word.replace('_', ' '))}@{cut}"


def _with_interval(one: Estimate) -> str:
    return f"{one.mean:.4f}{_spread(one)}"


def _spread(one: Estimate) -> str:
    return "" if isnan(one.low) else f" ±{(one.high - one.low) / 2:.4f}"


def _plain(value: float) -> str:
    return "" if isnan(value) else f"{value:.4f}"


def _gain(one: Estimate | None) -> str:
    return f"{one.mean:+.4f}{_spread(one)}" if one else ""
