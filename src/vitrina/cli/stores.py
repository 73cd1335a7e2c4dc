"""Verbs of a server's store: store backup, store compact."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

store = typer.Typer(help="A server's store: back it up, compact it.", no_args_is_help=True)
Dir = Annotated[Path, typer.Option("--store", help="Store of a server, which may go on meanwhile.")]


@store.command()
def backup(
    to: Annotated[Path, typer.Argument(help="Folder to write, which must not exist yet.")], folder: Dir
) -> None:
    """Write a compact copy that can be served as it is: to restore, stop the servers and put it in place."""
    from vitrina.state.lmdb_store import LmdbStore

    with closing(LmdbStore(folder)) as opened:
        opened.backup(to)
    print(f"backup of {folder}: {to}")


@store.command()
def compact(folder: Dir) -> None:
    """Leave no byte of what was deleted, and no free space; writes wait meanwhile."""
    from vitrina.state.lmdb_store import LmdbStore

    with closing(LmdbStore(folder)) as opened:
        opened.compact()
    print(f"compacted: {folder}")
