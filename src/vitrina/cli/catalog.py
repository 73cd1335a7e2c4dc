"""Verbs about the catalogue between trainings: catalog import."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from vitrina.cli.words import AsJson, errors, page, put, showing

if TYPE_CHECKING:
    from vitrina.feeds.comparing import Known, Summary
    from vitrina.state.store import Store
    from vitrina.updates import Fields, ItemUpdate

catalog = typer.Typer(help="The catalogue between trainings.", no_args_is_help=True)
TOGETHER = 1_000
"""Updates of one write."""


@catalog.callback()
def _catalog() -> None:
    """The catalogue between trainings."""


@catalog.command("import")
def import_(
    feed: Annotated[Path, typer.Argument(help="YML or Google Merchant feed: .xml, .tsv, or .gz of them.")],
    registry: Annotated[
        Path, typer.Option("--registry", help="Bundles; the current one says what is known.")
    ],
    store: Annotated[Path | None, typer.Option(help="Put the changes into this store of a server.")] = None,
    server: Annotated[str, typer.Option(help="Send the changes to host:port; needs scope 'catalog'.")] = "",
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Even if over 20 % of the items are lost.")] = False,
) -> None:
    """Compare a product feed with the catalogue and say what is new, changed, gone; put it into force with
    --store or --server."""
    from vitrina.feeds import read
    from vitrina.feeds.comparing import Summary, compared
    from vitrina.state.lmdb_store import LmdbStore

    opened = LmdbStore(store, create=True) if store else None
    try:
        known = _known(registry, _told(opened, server))
        summary = Summary(len(known))
        updates = list(compared(read(feed), known, summary, 0 if server else int(time.time())))
        _show(summary, as_json)
        if not force:
            summary.stop_if_lost(feed.name)
        if server:
            _send(server, updates)
        if opened:
            _keep(opened, updates)
    finally:
        if opened:
            opened.close()


def _told(store: Store | None, server: str) -> Mapping[str, Fields]:
    """What was said of items since training, in a store or a server's."""
    from vitrina.client import Client
    from vitrina.state.items import every

    if store:
        with store.read() as reads:
            return every(reads)
    if not server:
        return {}
    with Client(server, **showing()) as client:
        return {one.item_id: one.fields for one in client.item_updates(timeout_s=30.0)}


def _known(registry: Path, told: Mapping[str, Fields]) -> Known:
    """What the registry's current bundle says, and what was said since."""
    from vitrina.catalog import Catalog
    from vitrina.feeds.comparing import Known
    from vitrina.ids import Ids
    from vitrina.registry import Registry
    from vitrina.renewal import CatalogView

    opened = Registry(registry).open()
    items, base = Ids(opened.parts["ids/items"]), Catalog.of_columns(opened.under("catalog"))  # type: ignore[arg-type]  # arrays, none is bytes
    if not told:
        return Known(items, base)
    view = CatalogView.of(items, base).told(told)
    gone = [one for one, fields in view.said.items() if fields.get("removed") is True]
    rows = view.items.rows(gone)
    return Known(view.items, view.catalog, rows[rows >= 0].tolist())


def _keep(store: Store, updates: Sequence[ItemUpdate]) -> None:
    from vitrina.state.items import updated

    for first in range(0, len(updates), TOGETHER):
        few = updates[first : first + TOGETHER]
        store.write(partial(updated, updates=few)).result()


def _send(server: str, updates: Sequence[ItemUpdate]) -> None:
    from vitrina.client import Client

    with Client(server, **showing()) as client:
        outcomes = client.update_items(updates, timeout_s=30.0)
    for update, one in zip(updates, outcomes, strict=True):
        if one.outcome == "rejected":
            errors.print(f"the server rejected {update.item_id}: {one.reason}", soft_wrap=True)


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
