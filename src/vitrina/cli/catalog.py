"""Verbs about the catalogue between trainings: catalog import."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from vitrina.cli.words import AsJson, errors, page, put

if TYPE_CHECKING:
    from vitrina.feeds.comparing import Summary

catalog = typer.Typer(help="The catalogue between trainings.", no_args_is_help=True)


@catalog.command("import")
def import_(
    feed: Annotated[
        Path, typer.Argument(help="YML or Google Merchant feed: .xml, .tsv, .txt, or .gz of them.")
    ],
    registry: Annotated[
        Path, typer.Option("--registry", help="Bundles; the current one says what is known.")
    ],
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option(help="Take it even if it loses over 20 % of the items.")] = False,
) -> None:
    """Compare a product feed with the catalogue: what is new, changed, gone; and what cannot be used."""
    from vitrina.catalog import Catalog
    from vitrina.feeds import read
    from vitrina.feeds.comparing import Known, Summary, compared
    from vitrina.ids import Ids
    from vitrina.registry import Registry

    opened = Registry(registry).open()
    known = Known(Ids(opened.parts["ids/items"]), Catalog.of_columns(opened.under("catalog")))  # type: ignore[arg-type]
    summary = Summary(len(known))
    for _ in compared(read(feed), known, summary, int(time.time())):
        pass
    _show(summary, as_json)
    if not force:
        summary.stop_if_lost(feed.name)


def _show(summary: Summary, as_json: bool) -> None:
    if as_json:
        put(summary.as_dict())
        return
    said = summary.as_dict()
    table = Table("offers", "new", "changed", "unchanged", "gone", "sold out", "back", "rejected")
    names = ("offers", "new", "changed", "unchanged", "gone", "sold_out", "back", "rejected")
    table.add_row(*(f"{said[name]:,}" for name in names))
    page().print(table)
    if summary.fields:
        told = ", ".join(f"{name} {n:,}" for name, n in summary.fields.most_common(12))
        page().print(f"said anew: {told}")
    for one in said["rejects"]:
        errors.print(f"rejected {one['items']:,}: {one['reason']}; first {one['first']}", soft_wrap=True)
