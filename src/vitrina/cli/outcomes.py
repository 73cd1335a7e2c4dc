"""The verb that says what lists led to: report."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from vitrina.cli.words import AsJson, page, put, seconds

if TYPE_CHECKING:
    from vitrina.outcomes import Outcomes, Rate


def report(
    store: Annotated[Path, typer.Option("--store", help="Store of a server.")],
    since: Annotated[str, typer.Option(help="ISO time (UTC) or seconds; by default all that is kept.")] = "",
    out: Annotated[Path | None, typer.Option(help="Draw a picture to this .svg.")] = None,
    as_json: AsJson = False,
) -> None:
    """What lists led to: shown, clicked, in carts, ordered, earned, by placement, source and arm; which arm
    is surely better."""
    from vitrina.outcomes import outcomes
    from vitrina.outcomes_picture import picture
    from vitrina.state.lmdb_store import LmdbStore

    with closing(LmdbStore(store)) as opened, opened.read() as reads:
        found = outcomes(reads, seconds(since) or 0)
    if out:
        out.write_text(picture(found), encoding="utf-8")
    put(found.as_dict()) if as_json else _show(found)


def _show(found: Outcomes) -> None:
    table = Table("placement", "source or arm", title="What lists led to")
    for name in ("people", "shown", "clicks", "click rate", "carts", "orders", "revenue", "per 1,000 shown"):
        table.add_column(name, justify="right")
    for one in found.rows:
        part = one.key.source or (f"arm {one.key.arm}" if one.key.arm else "")
        table.add_row(
            "" if part else one.key.placement,
            part,
            *(f"{count:,}" for count in (one.people, one.shown, one.clicks)),
            _rate(one.click_rate, "{:.2%}"),
            *(f"{count:,}" for count in (one.carts, one.orders)),
            f"{one.revenue:,.2f}",
            _rate(one.revenue_rate, "{:,.2f}"),
        )
    page().print(table)
    for each in found.comparisons:
        sure = "significant" if each.significant else "may be chance"
        page().print(
            f"{each.placement}: {each.measure} a person in arm {each.arm} {each.lift:+.1%} against "
            f"{each.against}, p {each.p:.3g}, {sure}"
        )


def _rate(one: Rate, how: str) -> str:
    if one.value != one.value:
        return ""
    low, high = (how.format(value) if value == value else "?" for value in (one.low, one.high))
    return f"{how.format(one.value)} ({low} to {high})"
