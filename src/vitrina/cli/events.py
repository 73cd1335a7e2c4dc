"""Verbs about events between trainings: events import."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitrina.cli.words import AsJson, page, put, say, showing

if TYPE_CHECKING:
    from vitrina.happening import Happening, Recorded

events = typer.Typer(help="What visitors do between trainings.", no_args_is_help=True)
BATCH = 1_000


@events.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Events: .parquet, .csv, .tsv, .jsonl, or .gz of a text.")],
    server: Annotated[
        str, typer.Option(help="host:port of a server, which is shown VITRINA_TOKEN; takes the last 30 days.")
    ] = "",
    store: Annotated[
        Path | None, typer.Option(help="Folder of a store, in use or not; takes events of any age.")
    ] = None,
    rejects: Annotated[Path | None, typer.Option(help="Folder for rows that cannot be used.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record a file of events. Done again, or with a file that overlaps, each event still counts once."""
    if bool(server) == bool(store):
        raise typer.BadParameter("say where to: give --server HOST:PORT or --store DIR")
    from vitrina.event_file import read

    found = read(file, rejects, say)
    outcomes: Counter[str] = Counter({"unusable": found.unusable, **found.counts()})
    reasons: Counter[str] = Counter()
    for one in _sent(found.happenings(), server) if server else _stored(found.happenings(), store or Path()):
        outcomes[one.outcome] += 1
        if one.reason:
            reasons[one.reason.partition(" is ")[0]] += 1
    _show(outcomes, reasons, as_json)


def _sent(happenings: Iterable[Happening], server: str) -> Iterable[Recorded]:
    """Record with a server, a batch at a time."""
    from vitrina.client import Client

    rest = iter(happenings)
    with Client(server, **showing(), timeout_s=30.0) as shop:
        while batch := list(islice(rest, BATCH)):
            yield from shop.record(batch)


def _stored(happenings: Iterable[Happening], folder: Path) -> Iterable[Recorded]:
    """Record in a store, a batch at a time."""
    from vitrina.event_file import stored
    from vitrina.state.lmdb_store import LmdbStore
    from vitrina.state.people import Tombstones

    rest = iter(happenings)
    store = LmdbStore(folder, create=True)
    try:
        while batch := list(islice(rest, BATCH)):
            yield from stored(store, batch, int(time.time()), Tombstones(folder))
    finally:
        store.close()


def _show(outcomes: Counter[str], reasons: Counter[str], as_json: bool) -> None:
    if as_json:
        put({**outcomes, "reasons": dict(reasons.most_common())})
        return
    said = {name: outcomes.pop(name) for name in ("users", "visitors", "anonymous")}
    page().print(
        f"{said['users']:,} events of users, {said['visitors']:,} of visitors, "
        f"{said['anonymous']:,} of nobody, which are not recorded"
    )
    page().print(", ".join(f"{n:,} {name}" for name, n in outcomes.items() if n) or "no events")
    for reason, n in reasons.most_common(5):
        page().print(f"  {n:,} were rejected for their {reason}")
