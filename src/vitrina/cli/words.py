"""What the verbs share: their common flags, times, and how they speak."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

Data = Annotated[Path, typer.Option("--data", help="Folder with events.* (or baskets.*), items.*, users.*.")]
RecipeFile = Annotated[Path, typer.Option("--recipe", help="A recipe, such as models/recipes/default.toml.")]
RegistryDir = Annotated[Path, typer.Option("--registry", help="Folder of bundles.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
At = Annotated[
    str, typer.Option("--at", help="ISO time (UTC) or seconds since 1970; by default the data's last event.")
]
Sentences = Annotated[
    Path | None,
    typer.Option(
        "--sentences",
        help="The shop's own words for reasons: a folder of LANGUAGE/LC_MESSAGES/vitrina.mo, before ours.",
    ),
]
StoreDir = Annotated[
    Path | None,
    typer.Option(
        "--store", help="A server's store: what people did and the shop said since training; at this moment."
    ),
]
Out = typer.Option("--out", help="File to write: .parquet or .csv.")

TOKEN_VARIABLE = "VITRINA_TOKEN"  # noqa: S105 - the name of a variable
TLS_VARIABLES = ("VITRINA_TLS_CA", "VITRINA_TLS_CERT", "VITRINA_TLS_KEY")
"""PEM files: who signs the server's certificate, and this client's own where the server asks for it."""

_AS_IT_IS: dict[str, Any] = {"markup": False, "emoji": False}
"""What is printed is mostly a shop's own words: 'Toys [/sale]' is a department, and closes nothing."""

errors = Console(stderr=True, highlight=False, **_AS_IT_IS)


def token() -> str:
    """The token that verbs show to a server: from the environment, since a command line is no secret."""
    return os.environ.get(TOKEN_VARIABLE, "")


def showing() -> dict[str, Any]:
    """What verbs show to a server, as clients take it: the token, and over TLS who they are.

    Raises ServerError where a certificate cannot be read.
    """
    from vitrina.calling import tls

    files = [Path(one) if (one := os.environ.get(name)) else None for name in TLS_VARIABLES]
    return {"token": token(), "credentials": tls(*files) if any(files) else None}


def page() -> Console:
    """Standard output for tables; as wide as they need where it is not a terminal; without markup."""
    return Console(**_AS_IT_IS) if Console().is_terminal else Console(width=140, **_AS_IT_IS)


def say(line: str) -> None:
    """Progress goes to standard error, so that --json leaves standard output to the answer."""
    errors.print(Text.assemble((f"{datetime.now(UTC):%H:%M:%S} ", "dim"), line), soft_wrap=True)


def moment(at: str, trained: int, store: Path | None) -> int:
    """The second that lists are made for: as given, or now beside a store, or the end of what was learned."""
    given = seconds(at)
    if given is not None:
        return given
    return int(time.time()) if store else trained


def seconds(text: str) -> int | None:
    """A time from the command line: ISO in UTC, or seconds; None where it was not given."""
    if not text:
        return None
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a time such as 2017-12-31 or 2017-12-31T18:00:00"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def put(answer: Any) -> None:
    """Print an answer as JSON."""
    print(json.dumps(answer, indent=1, default=str))
