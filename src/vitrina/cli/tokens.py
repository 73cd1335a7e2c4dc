"""Verbs of a tokens file: new, list, revoke. Servers that use it read it again within a second."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitrina.cli.words import AsJson, page, put

if TYPE_CHECKING:
    from vitrina.server.access import Tokens

tokens = typer.Typer(help="Who may ask a server what: new, list, revoke tokens.", no_args_is_help=True)
File = Annotated[Path, typer.Option("--tokens", help="The tokens file.")]
_DAY_S = 86_400


@tokens.command()
def new(
    client: Annotated[str, typer.Argument(help="Whose token it is, such as site-prod.")],
    file: File,
    scope: Annotated[
        list[str], typer.Option(help="site, email, retargeting, events, catalog or admin; may repeat.")
    ],
    days: Annotated[int, typer.Option(help="Days until it expires; 0: never.")] = 365,
    rate: Annotated[float, typer.Option(help="Calls a second on one host; 0: no limit.")] = 0.0,
    burst: Annotated[float, typer.Option(help="Calls at once; 0: two seconds of the rate.")] = 0.0,
) -> None:
    """Make a token and print it, once: the file keeps only its hash."""
    expires = int(time.time()) + days * _DAY_S if days else 0
    text, left = _read(file).issued(client, scope, expires, rate, burst)
    left.write(file)
    print(text)


@tokens.command("list")
def list_tokens(file: File, as_json: AsJson = False) -> None:
    """Every token of a file: id, client, scopes, limits, when it expires; never the token."""
    from rich.table import Table

    grants = [*_read(file).grants.values()]
    if as_json:
        put([{name: value for name, value in asdict(one).items() if name != "sha256"} for one in grants])
        return
    table = Table("id", "client", "scopes", "calls/s", "at once", "expires")
    for one in grants:
        ends = f"{datetime.fromtimestamp(one.expires, UTC):%Y-%m-%d}" if one.expires else "never"
        late = " (expired)" if one.expires and one.expires <= time.time() else ""
        limits = (f"{one.rate:g}", f"{one.burst:g}") if one.rate else ("no limit", "")
        table.add_row(one.id, one.client, " ".join(one.scopes), *limits, ends + late)
    page().print(table)


@tokens.command()
def revoke(number: Annotated[str, typer.Argument(metavar="ID")], file: File) -> None:
    """Take a token back; servers refuse it within a second."""
    _read(file).revoked(number).write(file)
    print(f"revoked {number}")


def _read(file: Path) -> Tokens:
    from vitrina.server.access import Tokens

    return Tokens.read(file) if file.exists() else Tokens()
