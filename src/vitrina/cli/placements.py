"""Verbs of placements files: check, diff, apply."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitrina.cli.words import AsJson, put, say, showing
from vitrina.errors import PlacementsError

if TYPE_CHECKING:
    from vitrina.model_client import ModelClient, Worker

placements = typer.Typer(
    help="Where lists stand and how each is mixed and ruled: check, diff, apply.", no_args_is_help=True
)
File = Annotated[Path, typer.Argument(help="A placements file, such as models/placements/standard.toml.")]
MaybeRegistry = Annotated[Path | None, typer.Option("--registry", help="Folder of bundles.")]
Server = Annotated[
    str, typer.Option("--server", help="host:port of a server's --admin-port. It is shown VITRINA_TOKEN.")
]
_PATIENCE_S = 15.0
_LOOK_S = 0.2


@placements.command()
def check(
    file: File,
    registry: MaybeRegistry = None,
    recipe: Annotated[Path | None, typer.Option(help="A recipe: which sources there are.")] = None,
    as_json: AsJson = False,
) -> None:
    """All that is wrong in a file, with line and reason; exit 4 where anything is.

    With --registry or --recipe, sources are looked for in the current bundle or in what a recipe fits.
    """
    from vitrina.placements import Fault, faults, over, parse_placements, read_tables, strangers

    bundled, known = _bundled(registry), _known(registry, recipe)
    read = read_tables(file)
    tables = over(read.tables, bundled or {}, str(file))
    wrong, notes = faults(tables), list[Fault]()
    if not wrong and known:
        wrong, notes = strangers(parse_placements(tables), known)
    if as_json:
        put({"faults": [read.told(one) for one in wrong], "notes": [read.told(one) for one in notes]})
    for note in notes if not as_json else ():
        say(read.told(note))
    if wrong and as_json:
        raise typer.Exit(PlacementsError.exit_code)
    if wrong:
        raise PlacementsError("\n".join(map(read.told, wrong)))
    if not as_json:
        found = parse_placements(tables)
        print(f"{file} is without fault: {len(found.names)} placements, version {found.version}")


@placements.command()
def diff(
    file: File,
    other: Annotated[Path | None, typer.Argument(help="A file; by default what is served.")] = None,
    registry: MaybeRegistry = None,
    server: Server = "",
    as_json: AsJson = False,
) -> None:
    """What a file would change: of what a server, or a registry, answers with, or of another file."""
    from vitrina.placements import changes, read_placements

    if other:
        bundled = _bundled(registry)
        old, new = (read_placements(one, bundled).tables for one in (file, other))
    else:
        old, bundled = _served(registry, server)
        new = read_placements(file, bundled).tables
    lines = changes(old, new)
    if as_json:
        put({"from": old.get("version", ""), "to": new.get("version", ""), "changes": lines})
        return
    print(f"{old.get('version', 'unversioned')} -> {new.get('version', 'unversioned')}")
    print("\n".join(lines) or "they make the same lists")


@placements.command()
def apply(
    file: Annotated[Path | None, typer.Argument(help="A placements file.")] = None,
    registry: MaybeRegistry = None,
    server: Server = "",
    bundled: Annotated[bool, typer.Option("--bundled", help="Go back to the bundle's own.")] = False,
) -> None:
    """Answer by a file from now on, on every worker, without a failed call; a broken one changes nothing.

    A file with extends = "bundled" stands over whatever bundle is served; any other replaces its placements.
    """
    import json

    from vitrina.placements import faults, over, read_tables
    from vitrina.registry import Registry

    if (file is None) != bundled or (registry is None) == (not server):
        raise typer.BadParameter("give a file or --bundled, and --server or --registry")
    tables: Mapping[str, Any] | None = None
    if file:
        read = read_tables(file)
        tables = read.tables
        wrong = faults(over(tables, {}, str(file)))
        if wrong:
            raise PlacementsError("\n".join(map(read.told, wrong)))
    if server:
        from vitrina.model_client import ModelClient

        with ModelClient(server, **showing()) as client:
            version = client.apply_placements(tables)
            _await(client, version)
    else:
        from vitrina.server.models import apply as put_over

        assert registry is not None
        version = put_over(Registry(registry), json.dumps(tables, default=str) if tables else "")
    print(f"applied: {version}")


def _await(client: ModelClient, version: str) -> None:
    """Wait for every worker to answer by a version. Raises PlacementsError naming those that do not."""
    late: Sequence[Worker] = ()
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        late = [one for one in client.list().workers if one.placements != version]
        if not late:
            return
        time.sleep(_LOOK_S)
    told = (
        f"worker {one.number} answers by {one.placements}: {one.reason or 'not taken yet'}" for one in late
    )
    raise PlacementsError(f"{version} is applied, but not everywhere: {'; '.join(told)}")


def _served(registry: Path | None, server: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The tables that are served, and those that a file which extends the bundle's stands over."""
    from vitrina.placements import read_placements
    from vitrina.registry import Registry

    if server:
        from vitrina.model_client import ModelClient

        with ModelClient(server, **showing()) as client:
            found = client.placements()
        return found.tables, found.bundled
    if registry is None:
        raise typer.BadParameter("give another file, --registry or --server")
    bundled, applied = _bundled(registry) or {}, Registry(registry).applied
    return (read_placements(applied, bundled).tables if applied else bundled), bundled


def _bundled(registry: Path | None) -> Mapping[str, Any] | None:
    """The placements of a registry's current bundle."""
    from vitrina import bundle
    from vitrina.registry import Registry

    return bundle.read(Registry(registry).path()).manifest.placements if registry else None


def _known(registry: Path | None, recipe: Path | None) -> list[str]:
    """The sources that there are; none where nobody said."""
    from vitrina import bundle
    from vitrina.recipe import read_recipe
    from vitrina.registry import Registry

    if recipe:
        return list(read_recipe(recipe).strategies)
    return list(bundle.read(Registry(registry).path()).manifest.strategies) if registry else []
