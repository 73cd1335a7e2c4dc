"""Verbs of a registry: list, show, activate, roll back, prune."""

from __future__ import annotations

from typing import Annotated

import typer

from vitrina.cli.words import AsJson, RegistryDir, put

models = typer.Typer(
    help="The bundles of a registry: list, show, activate, roll back, prune.", no_args_is_help=True
)


@models.command("list")
def list_bundles(registry: RegistryDir, as_json: AsJson = False) -> None:
    """Every bundle of a registry, oldest first; the current one is marked."""
    from vitrina.registry import Registry

    bundles = Registry(registry)
    versions = bundles.versions()
    current = bundles.current() if versions else ""
    if as_json:
        put({"current": current, "versions": versions})
    for version in versions if not as_json else ():
        print(f"{'*' if version == current else ' '} {version}")


@models.command("show")
def show_bundle(registry: RegistryDir, version: Annotated[str, typer.Argument()] = "") -> None:
    """A bundle's manifest as JSON, without its parts; the current one by default."""
    from dataclasses import asdict

    from vitrina.registry import Registry

    manifest = asdict(Registry(registry).open(version).manifest)
    manifest["parts"] = len(manifest["parts"])
    put(manifest)


@models.command()
def activate(registry: RegistryDir, version: Annotated[str, typer.Argument()]) -> None:
    """Make a bundle current; servers swap to it within a second."""
    from vitrina.registry import Registry

    Registry(registry).activate(version)
    print(f"current: {version}")


@models.command()
def rollback(registry: RegistryDir) -> None:
    """Make the bundle before the current one current again."""
    from vitrina.registry import Registry

    print(f"current: {Registry(registry).roll_back()}")


@models.command()
def prune(
    registry: RegistryDir, keep: Annotated[int, typer.Option(help="Newest bundles to keep.")] = 5
) -> None:
    """Remove old bundles; never the current one."""
    from vitrina.registry import Registry

    for version in Registry(registry).prune(keep):
        print(f"removed {version}")
