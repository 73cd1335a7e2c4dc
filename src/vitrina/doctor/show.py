"""A diagnosis for a person, in a terminal or a log file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vitrina.doctor.facts import Facts
from vitrina.doctor.verdicts import EMPTY, THIN, WORKS, Verdict

if TYPE_CHECKING:
    from vitrina.doctor import Diagnosis

_COLOURS = {WORKS: "green", THIN: "yellow", EMPTY: "red"}


def show(diagnosis: Diagnosis, console: Console) -> None:
    """Print a diagnosis. What a shop wrote is printed as it is, never as markup."""
    _section(console, "How the files were read")
    for line in diagnosis.report.lines():
        console.print(Text(line), soft_wrap=True)
    _section(console, "What is in them")
    console.print(_pairs(_facts(diagnosis.facts)))
    if diagnosis.warnings:
        _section(console, "What looks wrong")
        for warning in diagnosis.warnings:
            console.print(Text.assemble(("! ", "bold yellow"), warning))
    _section(console, "What each strategy can learn")
    console.print(_verdicts(diagnosis.strategies))
    _section(console, "What will stand in each placement")
    console.print(_verdicts(diagnosis.placements))
    if diagnosis.missing:
        _section(console, "What more columns would buy")
        console.print(_pairs((f"{one.table}.{one.column}", one.buys) for one in diagnosis.missing))


def _section(console: Console, title: str) -> None:
    console.print()
    console.print(Text(title, style="bold"))


def _pairs(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for name, said in rows:
        table.add_row(Text(name), Text(said))
    return table


def _verdicts(verdicts: Iterable[Verdict]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for wrap in (False, False, True):
        table.add_column(no_wrap=not wrap)
    for one in verdicts:
        table.add_row(Text(one.name), Text(one.state, style=_COLOURS[one.state]), Text(one.why))
    return table


def _facts(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "items", f"{facts.items:,}, {facts.unsold_items:,} of them without an event"
    yield (
        "  known",
        f"category {facts.categorised:.0%}, price {facts.priced_items:.0%}, photo {facts.pictured:.0%}, "
        f"photo vector {facts.with_vectors:.0%}",
    )
    yield "customers", f"{facts.users:,}{_spread('events each', facts.events_per_user)}"
    if not facts.events:
        yield "events", "none"
        return
    span = f"{facts.first} to {facts.last} ({facts.days:,.0f} days)" if facts.first else "without times"
    yield "events", f"{facts.events:,}, {span}"
    yield "  types", ", ".join(f"{name} {count:,}" for name, count in facts.types.items())
    yield "  known", f"price {facts.priced_events:.0%}, customer {1 - facts.anonymous_share:.0%}"
    yield "  head", f"{facts.head_share:.1%} are on the most popular hundredth of the items"
    yield "orders", f"{facts.orders:,}{_spread('items each', facts.items_per_order)}"
    yield "  pairs", f"{facts.pairs:,} of two items or more"
    if not facts.anonymous:
        share = f"{facts.repeat_share:.1%}"
        yield "  repeats", f"{share} of purchases are of an item the customer had bought in an earlier order"


def _spread(what: str, quantiles: object) -> str:
    if not isinstance(quantiles, dict) or not quantiles:
        return ""
    return f"; {what}: " + ", ".join(f"{name} {count:,.0f}" for name, count in quantiles.items())
