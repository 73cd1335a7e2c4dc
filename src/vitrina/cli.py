"""The command line: one verb a function. Flags are a contract; libraries load when a verb needs them.

Exit codes: 0 done; 1 something unforeseen; 2 wrong usage; 3 the data; 4 a recipe or placements;
5 a bundle or registry; 6 a request; 7 the server is not ready.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from vitrina import __version__
from vitrina.errors import VitrinaError

app = typer.Typer(
    help="Vitrina: train a shop's recommendations offline, serve personal lists over gRPC.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models = typer.Typer(
    help="The bundles of a registry: list, show, activate, roll back, prune.", no_args_is_help=True
)
app.add_typer(models, name="models")

Data = Annotated[Path, typer.Option("--data", help="Folder with events.*, items.*, users.*.")]
RecipeFile = Annotated[Path, typer.Option("--recipe", help="A recipe, such as models/recipes/default.toml.")]
RegistryDir = Annotated[Path, typer.Option("--registry", help="Folder of bundles.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
At = Annotated[
    str, typer.Option("--at", help="ISO time (UTC) or seconds since 1970; by default the data's last event.")
]
Out = Annotated[Path, typer.Option("--out", help="File to write: .parquet or .csv.")]

errors = Console(stderr=True, highlight=False)


def say(line: str) -> None:
    """Progress goes to standard error, so that --json leaves standard output to the answer."""
    errors.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/dim] {line}")


@app.command()
def doctor(
    data: Data, recipe: Annotated[Path | None, typer.Option("--recipe")] = None, as_json: AsJson = False
) -> None:
    """Say what is in the data, what is missing, and which lists will be empty because of it."""
    from vitrina.doctor import examine, show
    from vitrina.readers import read
    from vitrina.recipe import read_recipe

    reading = read(data, aliases=read_recipe(recipe).columns if recipe else {}, say=say)
    diagnosis = examine(reading)
    _print(diagnosis.as_dict()) if as_json else show(diagnosis, Console())


@app.command()
def train(
    data: Data,
    recipe: RecipeFile,
    registry: RegistryDir,
    at: At = "",
    judge: Annotated[
        bool, typer.Option(help="Evaluate on the last weeks before fitting on everything.")
    ] = True,
    rejects: Annotated[Path | None, typer.Option(help="Folder for rows that could not be read.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a recipe, judge it on the last weeks, and publish the bundle as the registry's current one."""
    from vitrina import evaluate
    from vitrina.recipe import read_recipe
    from vitrina.registry import Registry
    from vitrina.train import read_shop
    from vitrina.train import train as run

    made = read_recipe(recipe)
    reading = read_shop(data, made, say, rejects)
    trained = run(reading.dataset, made, Registry(registry), say, at=_seconds(at), judge=judge)
    if as_json:
        _print({"version": trained.bundle.manifest.version, "metrics": trained.bundle.manifest.metrics})
    elif trained.evaluation:
        evaluate.show(trained.evaluation, Console())


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder.")], as_json: AsJson = False
) -> None:
    """Check every byte of a bundle, and that it still answers its probes."""
    from vitrina import bundle as bundles
    from vitrina import probes
    from vitrina.engine import Engine

    checked = bundles.verify(bundle)
    replayed = probes.replay(Engine.of(checked))
    size = sum(one.size for one in checked.manifest.parts.values())
    facts = {
        "version": checked.manifest.version,
        "parts": len(checked.parts),
        "bytes": size,
        "probes": replayed,
    }
    text = "{version} is whole: {parts} parts, {bytes:,} bytes, {probes} probes answered as in training"
    _print(facts) if as_json else print(text.format(**facts))


@app.command()
def evaluate(
    data: Data,
    recipe: RecipeFile,
    at: At = "",
    max_users: Annotated[int, typer.Option(help="Askers sampled; 0 for the recipe's number.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Judge a recipe: fit before the last weeks, rank every item, compare with what was bought."""
    from vitrina import evaluate as evaluation
    from vitrina.recipe import read_recipe
    from vitrina.train import placements_of, read_shop

    made = read_recipe(recipe)
    dataset = read_shop(data, made, say).dataset
    at_seconds = _seconds(at)
    known = dataset.before(at_seconds) if at_seconds is not None else dataset
    found = evaluation.evaluate(known, made, placements_of(made), say=say, max_users=max_users or None)
    _print(found.as_dict()) if as_json else evaluation.show(found, Console())


@app.command()
def recommend(
    registry: RegistryDir,
    placement: Annotated[str, typer.Option(help="A placement's name.")],
    out: Out,
    users: Annotated[Path | None, typer.Option(help=".csv or .parquet with a column user_id.")] = None,
    contexts: Annotated[
        Path | None, typer.Option(help=".csv or .parquet: query_id, item_id, one row an item.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Length of each list.")] = 20,
    at: At = "",
    placements: Annotated[
        Path | None, typer.Option(help="A placements file instead of the bundle's own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write lists for a whole file of users or contexts; goes on where a killed run stopped."""
    from vitrina import campaign
    from vitrina.engine import Engine
    from vitrina.registry import Registry

    if (users is None) == (contexts is None):
        raise typer.BadParameter("give either --users or --contexts")
    engine = Engine.open(Registry(registry).path(), placements)
    engine.placements.named(placement)
    at_seconds = _seconds(at)
    now = engine.last_event if at_seconds is None else at_seconds
    if users is not None:
        asked, key = campaign.for_users(users, placement, k), "user_id"
    else:
        assert contexts is not None
        asked, key = campaign.for_contexts(contexts, placement, k), "query_id"
    written = campaign.run(engine, asked, out, key, now, say)
    facts = {"out": str(out), "lists": len(asked), "rows": written, "bundle": engine.version}
    _print(facts) if as_json else print(
        "{rows:,} rows for {lists:,} lists in {out}, from {bundle}".format(**facts)
    )


@app.command()
def serve(
    registry: RegistryDir,
    port: Annotated[int, typer.Option(help="TCP port; 0 picks a free one.")] = 50051,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Worker processes on the one port.")] = 1,
    as_of: Annotated[
        str,
        typer.Option(
            help="Answer as on this day: ISO time (UTC), seconds, or 'last' for the bundle's last event."
        ),
    ] = "",
    placements: Annotated[
        Path | None, typer.Option(help="A placements file instead of the bundle's own.")
    ] = None,
    metrics_port: Annotated[int, typer.Option(help="Prometheus metrics over HTTP; 0 for none.")] = 0,
    token_key_file: Annotated[Path | None, typer.Option(help="Key that signs attribution tokens.")] = None,
    reflection: Annotated[
        bool, typer.Option(help="Let clients list the services; not for production.")
    ] = False,
) -> None:
    """Serve the registry's current bundle over gRPC until told to stop."""
    from vitrina.server.workers import Options
    from vitrina.server.workers import serve as run

    raise typer.Exit(
        run(
            Options(
                registry=registry,
                port=port,
                host=host,
                workers=workers,
                as_of=_as_of(as_of, registry),
                placements=placements,
                metrics_port=metrics_port,
                token_key_file=token_key_file,
                reflection=reflection,
            )
        )
    )


@app.command()
def healthcheck(target: Annotated[str, typer.Argument(help="host:port")] = "127.0.0.1:50051") -> None:
    """Exit 0 when a server answers and has a bundle, 7 when it does not."""
    from vitrina.client import healthcheck as check

    raise typer.Exit(check(target))


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its data and bundles.")] = Path(".demo"),
    recipe: RecipeFile = Path("models/recipes/grocery.toml"),
) -> None:
    """A real year of a grocer's tickets: read, judge, train, serve, ask, print."""
    from vitrina.demo import run

    run(folder, recipe, Console())


@models.command("list")
def list_bundles(registry: RegistryDir, as_json: AsJson = False) -> None:
    """Every bundle of a registry, oldest first; the current one is marked."""
    from vitrina.registry import Registry

    bundles = Registry(registry)
    versions = bundles.versions()
    current = bundles.current() if versions else ""
    if as_json:
        _print({"current": current, "versions": versions})
    for version in versions if not as_json else ():
        print(f"{'*' if version == current else ' '} {version}")


@models.command("show")
def show_bundle(registry: RegistryDir, version: Annotated[str, typer.Argument()] = "") -> None:
    """A bundle's manifest as JSON, without its parts; the current one by default."""
    from dataclasses import asdict

    from vitrina.registry import Registry

    manifest = asdict(Registry(registry).open(version).manifest)
    manifest["parts"] = len(manifest["parts"])
    _print(manifest)


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


@app.command()
def version() -> None:
    """Print Vitrina's version."""
    print(__version__)


def _seconds(text: str) -> int | None:
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


def _as_of(text: str, registry: Path) -> int | None:
    from vitrina.registry import Registry

    if text != "last":
        return _seconds(text)
    return int(Registry(registry).open().manifest.dataset["last_event"])


def _print(answer: Any) -> None:
    print(json.dumps(answer, indent=1, default=str))


def main() -> None:
    """Run a verb; a VitrinaError becomes one line on standard error and its exit code."""
    try:
        app()
    except VitrinaError as error:
        errors.print(f"[bold red]error:[/bold red] {error}", soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
