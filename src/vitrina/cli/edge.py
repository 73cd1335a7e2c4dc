"""The edge: what letters ask for when they are opened."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def edge(
    key_file: Annotated[Path, typer.Option(help="The key that seals letters' addresses; keep it.")],
    pins: Annotated[Path, typer.Option(help="Folder that remembers what each slot showed.")],
    server: Annotated[str, typer.Option(help="host:port of the gRPC server.")] = "127.0.0.1:50051",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port.")] = 8080,
    style: Annotated[Path | None, typer.Option(help="A style file; see models/letters.")] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder of product photos.")] = None,
    font: Annotated[str, typer.Option(help="Font file of plain text.")] = "",
    greet: Annotated[
        str, typer.Option(help="Query parameter that carries the letter's token to the site; '' for none.")
    ] = "letter",
    contact: Annotated[
        Path | None, typer.Option(help="A contact policy; its sticky_hours say how long the site greets.")
    ] = None,
    bold_font: Annotated[str, typer.Option(help="Font file of titles and prices.")] = "",
) -> None:
    """Answer opened letters over HTTP: pictures of the moment, and links to exactly what they showed."""
    from vitrina.client import Client
    from vitrina.contact.policy import read_policy, standard
    from vitrina.edge.app import Edge
    from vitrina.edge.picture import BOLD, PLAIN, Fonts, Photos
    from vitrina.edge.pins import Pins
    from vitrina.edge.run import run
    from vitrina.edge.slots import Seal, key_of
    from vitrina.letters.style import Style, read_style

    policy = read_policy(contact) if contact else standard()
    with Client(server) as shop:
        run(
            Edge(
                shop,
                Seal(key_of(key_file)),
                Pins(pins),
                read_style(style) if style else Style(),
                Photos(photos),
                Fonts(font or PLAIN, bold_font or font or BOLD),
                greet=greet,
                sticky_s=int(policy.sticky_hours * 3600),
            ),
            host,
            port,
        )
