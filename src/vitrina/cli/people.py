"""Verbs about persons: people merge, people forget, audit forget."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from vitrina.cli.words import AsJson, put, showing

people = typer.Typer(help="The persons behind ids: merge, forget.", no_args_is_help=True)
audit = typer.Typer(help="Prove what is not there.", no_args_is_help=True)
Server = Annotated[str, typer.Option("--server", help="host:port of a server's --admin-port.")]


@people.command()
def merge(
    ids: Annotated[list[str], typer.Argument(help="user:ID, visitor:ID, or another such as card:ID.")],
    server: Server,
) -> None:
    """Make ids one person: lists follow from what all of them did."""
    from vitrina.privacy_client import PrivacyClient

    with PrivacyClient(server, **showing()) as client:
        put(client.merge(ids))


@people.command()
def forget(
    person: Annotated[str, typer.Argument(metavar="ID", help="user:ID, visitor:ID, or another.")],
    server: Server,
) -> None:
    """Forget a person, with all ids joined with it; at once on every worker, and in every bundle to come."""
    from vitrina.privacy_client import PrivacyClient

    with PrivacyClient(server, **showing()) as client:
        ids, events = client.forget(person)
    put({"forgotten_ids": ids, "erased_events": events})


@audit.callback()
def _audit() -> None:
    """Prove what is not there."""


@audit.command("forget")
def audit_forget(
    person: Annotated[str, typer.Argument(metavar="ID", help="The id itself, as the shop has it.")],
    store: Annotated[Path, typer.Option("--store", help="Store of a server.")],
    registry: Annotated[Path | None, typer.Option("--registry", help="Folder of bundles.")] = None,
    also: Annotated[
        list[Path] | None, typer.Option(help="More to search: logs, backups, run folders, the shop's files.")
    ] = None,
    compact: Annotated[bool, typer.Option("--compact", help="Compact the store first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Search store, bundles and more for an id and its plain hashes; exit 9 where there is one."""
    from vitrina.audit import search
    from vitrina.state.lmdb_store import LmdbStore

    if compact:
        with closing(LmdbStore(store)) as opened:
            opened.compact()
    places = [one for one in (store, registry, *(also or ())) if one is not None]
    found = list(search(places, person))
    if as_json:
        put({"absent": not found, "found": [{"file": str(one.file), "form": one.form} for one in found]})
    for one in found if not as_json else ():
        print(f"{one.file}: {one.form}")
    if not found and not as_json:
        print(f"no byte of it in {', '.join(map(str, places))}, neither as it is nor as a plain hash")
    if found:
        raise typer.Exit(9)
