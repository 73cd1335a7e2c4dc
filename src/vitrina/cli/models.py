"""Verbs of a registry: list, show, activate, roll back, prune, gate."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitrina.cli.words import AsJson, Data, RegistryDir, page, put, say, showing
from vitrina.errors import RegistryError, WorseBundle

if TYPE_CHECKING:
    from vitrina.model_client import Models

models = typer.Typer(
    help="The bundles of a registry: list, show, activate, roll back, prune, gate.", no_args_is_help=True
)
Server = Annotated[
    str,
    typer.Option(
        "--server",
        help="host:port of a server's --admin-port: ask it instead of the folder. It is shown VITRINA_TOKEN.",
    ),
]
MaybeRegistry = Annotated[Path | None, typer.Option("--registry", help="Folder of bundles.")]


@models.command("list")
def list_bundles(registry: MaybeRegistry = None, server: Server = "", as_json: AsJson = False) -> None:
    """Every bundle, oldest first; the current one is marked. With --server, every worker's state too."""
    if server:
        from vitrina.model_client import ModelClient

        with ModelClient(server, **showing()) as client:
            _show(client.list(), as_json)
        return
    bundles = _registry(registry)
    versions = bundles.versions()
    if not versions:
        _say_none(registry)
    current = _current(bundles) if versions else ""
    if as_json:
        put({"current": current, "versions": versions})
    for version in versions if not as_json else ():
        print(f"{'*' if version == current else ' '} {version}")


@models.command("show")
def show_bundle(registry: RegistryDir, version: Annotated[str, typer.Argument()] = "") -> None:
    """A bundle's manifest as JSON, without its parts; the current one by default."""
    from dataclasses import asdict

    manifest = asdict(_registry(registry).open(version).manifest)
    manifest["parts"] = len(manifest["parts"])
    put(manifest)


@models.command()
def activate(
    version: Annotated[str, typer.Argument()], registry: MaybeRegistry = None, server: Server = ""
) -> None:
    """Make a bundle current; servers swap to it within a second."""
    if server:
        from vitrina.model_client import ModelClient

        with ModelClient(server, **showing()) as client:
            client.activate(version)
    else:
        _registry(registry).activate(version)
    print(f"current: {version}")


@models.command()
def rollback(registry: MaybeRegistry = None, server: Server = "") -> None:
    """Make the bundle before the current one current again."""
    if server:
        from vitrina.model_client import ModelClient

        with ModelClient(server, **showing()) as client:
            print(f"current: {client.roll_back()}")
    else:
        print(f"current: {_registry(registry).roll_back()}")


@models.command()
def prune(
    registry: RegistryDir, keep: Annotated[int, typer.Option(min=0, help="Newest bundles to keep.")] = 5
) -> None:
    """Remove old bundles; never the current one."""
    bundles = _registry(registry)
    for version in bundles.prune(keep):
        print(f"removed {version}")
    if left := len(bundles.versions()):
        print(f"{left} bundles are left")
    else:
        _say_none(registry)


@models.command("gate")
def judge_bundle(
    registry: RegistryDir,
    data: Data,
    version: Annotated[str, typer.Argument(help="The bundle to judge; by default the newest.")] = "",
    against: Annotated[str, typer.Option(help="The bundle to beat; by default the current one.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask two bundles about the customers of newer events; exit 5 where the gate is shut.

    Only events that neither has learned from count: give data that goes on after both were trained.
    """
    from vitrina.train import compared

    verdict = compared(data, _registry(registry), version, against, say)
    if as_json:
        put(verdict.as_dict())
    else:
        print(f"gate {'open' if verdict.passed else 'shut'}: {verdict.reason}")
    if not verdict.passed:
        raise typer.Exit(WorseBundle.exit_code)


def _registry(folder: Path | None) -> Any:
    from vitrina.registry import Registry

    if folder is None:
        raise typer.BadParameter("give --registry, or --server where a server has an --admin-port")
    return Registry(folder)


def _current(bundles: Any) -> str:
    """The current version; '' where the registry has none, which is said."""
    try:
        return str(bundles.current())
    except RegistryError as reason:
        say(str(reason))
        return ""


def _say_none(registry: Path | None) -> None:
    say(f"no bundles in {registry}; 'vitrina train --registry {registry} ...' makes one")


def _show(models: Models, as_json: bool) -> None:
    from dataclasses import asdict

    from rich.table import Table

    if as_json:
        put(asdict(models))
        return
    table = Table("bundle", "state", "trained", "MB", "reason", title=f"current: {models.current or 'none'}")
    for one in models.models:
        trained = f"{datetime.fromtimestamp(one.created, UTC):%Y-%m-%d %H:%M}" if one.created else ""
        table.add_row(one.version, one.state, trained, f"{one.size / 1e6:.1f}", one.reason)
    page().print(table)
    table = Table("worker", "pid", "answers from", "placements", "since", "refused", title="workers")
    for worker in models.workers:
        since = f"{datetime.fromtimestamp(worker.since, UTC):%H:%M:%S}"
        refused = f"{worker.refused}: {worker.reason}" if worker.refused else ""
        table.add_row(str(worker.number), str(worker.pid), worker.version, worker.placements, since, refused)
    page().print(table)
