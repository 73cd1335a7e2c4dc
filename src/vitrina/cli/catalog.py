"""Verbs about the catalogue between trainings: catalog import."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from vitrina.cli.words import AsJson, errors, page, put, seconds, showing

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
    at: Annotated[
        str,
        typer.Option("--at", help="When the feed was made, ISO (UTC) or seconds; by default its own word."),
    ] = "",
) -> None:
    """Compare a product feed with the catalogue and say what is new, changed, gone; put it into force with
    --store or --server. What was said of an item later than the feed was made stays."""
    from vitrina.feeds import read
    from vitrina.feeds.comparing import Summary, compared
    from vitrina.state.lmdb_store import LmdbStore

    opened = LmdbStore(store, create=True) if store else None
    try:
        said = {one.item_id: one for one in _said(opened, server)}
        known = _known(registry, {name: one.fields for name, one in said.items()})
        made = _made_at(feed, seconds(at))
        now = int(time.time()) if opened else 0  # 0: by the server's own clock
        summary = Summary(len(known), as_of=made or 0)
        since = {name: one.time for name, one in said.items()} if made else {}
        updates = list(compared(read(feed), known, summary, made or now, since))
        if force or not summary.loses_too_much:
            if server:
                summary.superseded += _send(server, updates)
            if opened:
                summary.superseded += _keep(opened, updates)
        _show(summary, as_json)
        if not force:
            summary.stop_if_lost(feed.name)
    finally:
        if opened:
            opened.close()


def _made_at(feed: Path, given: int | None) -> int | None:
    """The second that a feed speaks of: as given, or by its own word; never one to come. None for now."""
    from vitrina.feeds import made_at

    now = int(time.time())
    found = made_at(feed) if given is None else given
    if found is not None and found > now:
        errors.print(f"{feed.name} is dated {found - now:,} s ahead of this machine's clock; taken as of now")
        return None
    return found


def _said(store: Store | None, server: str) -> list[ItemUpdate]:
    """What was said of items since training, in a store or a server's."""
    from vitrina.client import Client
    from vitrina.state.items import said

    if store:
        with store.read() as reads:
            return list(said(reads))
    if not server:
        return []
    with Client(server, **showing()) as client:
        return list(client.item_updates(timeout_s=30.0))


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


def _keep(store: Store, updates: Sequence[ItemUpdate]) -> int:
    """Put changes into a store; how many gave way to what was said later."""
    from vitrina.state.items import updated

    superseded = 0
    for first in range(0, len(updates), TOGETHER):
        few = updates[first : first + TOGETHER]
        superseded += store.write(partial(updated, updates=few)).result().count("superseded")
    return superseded


def _send(server: str, updates: Sequence[ItemUpdate]) -> int:
    """Send changes to a server; how many gave way to what was said later."""
    from vitrina.client import Client

    with Client(server, **showing()) as client:
        outcomes = client.update_items(updates, timeout_s=30.0)
    for update, one in zip(updates, outcomes, strict=True):
        if one.outcome == "rejected":
            errors.print(f"the server rejected {update.item_id}: {one.reason}", soft_wrap=True)
    return sum(one.outcome == "superseded" for one in outcomes)


def _show(summary: Summary, as_json: bool) -> None:
    if as_json:
        put(summary.as_dict())
        return
    said = summary.as_dict()
    table = Table("offers", "new", "changed", "unchanged", "gone", "sold out", "back", "rejected")
    names = ("offers", "new", "changed", "unchanged", "gone", "sold_out", "back", "rejected")
    table.add_row(*(f"{said[name]:,}" for name in names))
    page().print(table)
    if summary.superseded:
        made = datetime.fromtimestamp(summary.as_of, UTC)
        page().print(
            f"{summary.superseded:,} changes give way to what was said of the items after the feed was made "
            f"({made:%Y-%m-%d %H:%M} UTC); say --at if it was made later"
        )
    if summary.fields:
        told = ", ".join(f"{name} {n:,}" for name, n in summary.fields.most_common(12))
        page().print(f"said anew: {told}")
    for one in said["rejects"]:
        errors.print(f"rejected {one['items']:,}: {one['reason']}; first {one['first']}", soft_wrap=True)
