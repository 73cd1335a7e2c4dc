"""Verbs that serve or ask a server: serve, healthcheck, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from vitrina.cli.words import RecipeFile, RegistryDir, Sentences, page, seconds
from vitrina.state.store import Ack


def serve(
    registry: RegistryDir,
    port: Annotated[int, typer.Option(help="TCP port; 0 picks a free one.")] = 50051,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Worker processes on the one port.")] = 1,
    as_of: Annotated[
        str,
        typer.Option(
            help="Answer as on this day: ISO time (UTC), seconds, or 'last': the end of the bundle's data."
        ),
    ] = "",
    placements: Annotated[
        Path | None, typer.Option(help="A placements file instead of the bundle's own.")
    ] = None,
    metrics_port: Annotated[int, typer.Option(help="Prometheus metrics over HTTP; 0 for none.")] = 0,
    admin_port: Annotated[int, typer.Option(help="Port of ModelService for operators; 0 for none.")] = 0,
    admin_host: Annotated[str, typer.Option(help="Address of ModelService.")] = "127.0.0.1",
    run_dir: Annotated[
        Path | None, typer.Option(help="Where the workers' checked copy of the bundle lies; made if need be.")
    ] = None,
    token_key_file: Annotated[Path | None, typer.Option(help="Key that signs attribution tokens.")] = None,
    tokens: Annotated[
        Path | None, typer.Option(help="File of who may ask what; made by 'vitrina tokens new'.")
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", "--no-auth", help="Admit everybody: for a demo on your own machine.")
    ] = False,
    visitor_rate: Annotated[
        float, typer.Option(help="Calls a second of one visitor or user, with --tokens; 0: no limit.")
    ] = 20.0,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM; read again.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help="Who signs clients' certificates, PEM: asks for them.")
    ] = None,
    audiences: Annotated[
        Path | None, typer.Option(help="Plan of triggers that exports follow; see models/audiences.")
    ] = None,
    contact: Annotated[Path | None, typer.Option(help="Contact policy of exports; models/contact.")] = None,
    store: Annotated[
        Path | None, typer.Option(help="Folder where events are kept, so that lists react; made if need be.")
    ] = None,
    ack: Annotated[
        str, typer.Option(help="When an event counts as kept: durable (on disk), written or memory.")
    ] = "durable",
    keep_days: Annotated[int, typer.Option(help="For how many days events are kept there.", min=1)] = 400,
    sentences: Sentences = None,
    health_port: Annotated[int, typer.Option(help="A port for health alone, as probes want; 0: none.")] = 0,
    front: Annotated[
        str,
        typer.Option(
            help="What carries the calls: grpc, or envoy (experimental), which speaks gRPC-Web too."
        ),
    ] = "grpc",
    web_origin: Annotated[
        list[str] | None,
        typer.Option(help="Origin whose pages may call the front envoy, such as https://shop.example."),
    ] = None,
    reflection: Annotated[
        bool, typer.Option(help="Let clients list the services; not for production.")
    ] = False,
) -> None:
    """Serve the registry's current bundle over gRPC until told to stop; SIGHUP restarts workers in turn."""
    if bool(tokens) == open_:
        raise typer.BadParameter("say who may ask: give --tokens FILE, or --open for everybody")
    from vitrina.server.options import Options
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
                admin_port=admin_port,
                admin_host=admin_host,
                run_dir=run_dir,
                token_key_file=token_key_file,
                tokens=tokens,
                visitor_rate=visitor_rate,
                visitor_burst=5 * visitor_rate,
                tls_cert=tls_cert,
                tls_key=tls_key,
                tls_client_ca=tls_client_ca,
                audiences=audiences,
                contact=contact,
                store=store,
                ack=_ack(ack),
                keep_days=keep_days,
                sentences=sentences,
                health_port=health_port,
                reflection=reflection,
                front=front,
                web_origins=tuple(web_origin or ()),
            )
        )
    )


def healthcheck(
    target: Annotated[str, typer.Argument(help="host:port")] = "127.0.0.1:50051",
    tls_ca: Annotated[Path | None, typer.Option(help="Who signs the server's certificate, PEM.")] = None,
) -> None:
    """Exit 0 when a server answers and has a bundle, 7 when it does not."""
    from vitrina.calling import tls
    from vitrina.client import healthcheck as check

    raise typer.Exit(check(target, credentials=tls(tls_ca) if tls_ca else None))


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its data and bundles.")] = Path(".demo"),
    recipe: RecipeFile = Path("models/recipes/grocery.toml"),
    picture: Annotated[Path | None, typer.Option(help="Draw two scenes to this .svg.")] = None,
) -> None:
    """A real year of a grocer's tickets: read, judge, train, serve, ask, print."""
    from vitrina.demo import run

    run(folder, recipe, page(), picture)


def _ack(text: str) -> Ack:
    if text not in (known := get_args(Ack)):
        raise typer.BadParameter(f"{text!r} is no level of --ack; known: {', '.join(known)}")
    return cast(Ack, text)


def _as_of(text: str, registry: Path) -> int | None:
    from vitrina.registry import Registry

    if text != "last":
        return seconds(text)
    manifest = Registry(registry).open().manifest
    return int(manifest.dataset["last_event"]) + 1 if manifest.dataset["last_event"] else manifest.created
