"""Verbs of photos: embed, similar."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitrina.cli.words import AsJson, Out, RegistryDir, put, say

Images = Annotated[Path, typer.Option("--images", help="Folder or .zip of photos.")]
EncoderFile = Annotated[
    Path | None, typer.Option("--encoder", help="The shop's own ONNX network instead of EfficientNet-Lite0.")
]


def embed(
    images: Images,
    out: Annotated[Path, typer.Option("--out", help="Data folder that gets embeddings.npy and its ids.")],
    encoder: EncoderFile = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that decode; 0 for one a core.")] = 0,
    recipe: Annotated[Path | None, typer.Option("--recipe", help="For its column names.")] = None,
    as_json: AsJson = False,
) -> None:
    """Turn photos into vectors that `vitrina train` reads; only photos that changed are encoded again.

    Where the data folder has items.*, each item's photo is the one that its `image` names.
    """
    from vitrina.images.embed import embed as run

    done = run(images, out, encoder=encoder, photos=_photos(out, recipe), workers=workers, say=say)
    if as_json:
        put({"items": done.items, "encoded": done.encoded, "kept": done.kept, "rejects": dict(done.rejects)})
    else:
        print(done)


def _photos(data: Path, recipe: Path | None) -> dict[str, str] | None:
    """item id -> its `image` of the catalogue in a data folder; None where that has no items.*."""
    from vitrina.images.sources import images_of
    from vitrina.readers import has, read
    from vitrina.recipe import read_recipe

    columns = read_recipe(recipe, fits=False).columns if recipe else {}
    if not has(data, "items"):
        return None
    dataset = read(data, aliases=columns, say=say, only=("items",)).dataset
    return images_of(dataset.items, dataset.catalog)


def similar(
    registry: RegistryDir,
    strategy: Annotated[str, typer.Option(help="A strategy of the bundle, by its name in the recipe.")],
    out: Annotated[Path | None, Out] = None,
    items: Annotated[Path | None, typer.Option(help=".csv or .parquet with a column item_id.")] = None,
    image: Annotated[Path | None, typer.Option(help="A photo from outside the catalogue.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours of each.")] = 10,
    sheet: Annotated[
        Path | None, typer.Option(help="Contact sheet to look at, .png; needs --images.")
    ] = None,
    images: Annotated[Path | None, typer.Option("--images", help="The photos, for the sheet.")] = None,
    encoder: EncoderFile = None,
) -> None:
    """Write what is most like each item of a file, or like one photo, by one strategy alone."""
    from vitrina import similar as run
    from vitrina.engine import Engine
    from vitrina.images import sheet as sheets
    from vitrina.images.sources import images_of, open_source
    from vitrina.registry import Registry

    if (items is None) == (image is None) or (out is None and sheet is None):
        raise typer.BadParameter("give either --items or --image, and --out or --sheet")
    if sheet is not None and images is None:
        raise typer.BadParameter("--sheet needs --images, the photos to draw")
    run.expect_endings(out, sheet)
    engine = Engine.open(Registry(registry).path())
    if items is not None:
        rows = list(run.by_items(engine, strategy, run.read_ids(items), k))
        if not rows:
            say(f"{items} names no item: its column item_id is empty")
        run.tell_of_gaps(engine, rows, k, say)
    else:
        assert image is not None
        rows = [run.by_photo(engine, strategy, image, k, encoder=encoder)]
    if out is not None:
        print(f"{run.write(rows, out):,} rows for {len(rows):,} queries in {out}")
    if sheet is not None and images is not None:
        photos = sheets.photos_of(open_source(images), images_of(engine.items, engine.catalog))
        sheets.draw(rows[: sheets.MAX_ROWS], photos, sheet)
        print(f"contact sheet of {min(len(rows), sheets.MAX_ROWS)} queries in {sheet}")
