"""The verb `preview`: one local page to look through at the lists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitrina.cli.words import RegistryDir, Sentences, seconds


def preview(
    registry: RegistryDir,
    port: Annotated[int, typer.Option(help="TCP port of this machine; 0 picks a free one.")] = 8090,
    placements: Annotated[
        Path | None, typer.Option(help="A placements file to look at instead of those in force.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Folder of product photos; drawn where there is none.")
    ] = None,
    style: Annotated[
        Path | None, typer.Option(help="A style file, for how amounts are written; see models/letters.")
    ] = None,
    sentences: Sentences = None,
    as_of: Annotated[str, typer.Option(help="ISO time (UTC) or seconds; by default the last event.")] = "",
) -> None:
    """Look through a page at any list: pictures, prices, sources, reasons, and what was dropped and why."""
    from vitrina.edge.picture import Photos
    from vitrina.engine import Engine
    from vitrina.letters.style import Style, read_style
    from vitrina.preview.app import Preview
    from vitrina.preview.pictures import Pictures
    from vitrina.preview.run import run
    from vitrina.registry import Registry
    from vitrina.wording import Wording

    wording = Wording.open(sentences)
    bundles = Registry(registry)
    engine = Engine.open(bundles.path(), placements or bundles.applied).with_wording(wording)
    moment = seconds(as_of)
    pictures = Pictures(engine, Photos(photos))
    look = read_style(style) if style else Style()
    run(Preview(engine, pictures, engine.moment if moment is None else moment, look, wording), port)
