"""Is a photo known for the same when it was saved, scaled, cropped or lit anew?

    python benchmarks/doubles.py            measures, writes results/doubles.json
    python benchmarks/doubles.py --quick    a few photos among a few, nothing written

A shop's photos, and of MANY of them every change, are embedded and fitted as a shop does, with the defaults. A
changed photo is known when it is the same look as its original. Beside it: pairs of the shop's own products
that are one look before anything was added, of how many products; those may be shades of one product.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine, shared, write
from PIL import Image, ImageEnhance

from vitrina.images import vectors
from vitrina.images.cache import folder
from vitrina.images.decode import LIMITS
from vitrina.images.embed import embed
from vitrina.images.sources import Source, of_items, open_source
from vitrina.images.vectors import Vectors
from vitrina.recipe import parse_recipe
from vitrina.strategies.image_similar import Strategy
from vitrina.train import read_shop

SHOPS = ("fashion_products", "clothing_cc0")
MANY, SEED = 200, 7
RECIPE = parse_recipe({"strategies": {"image_similar": {}}}, "doubles")


def main() -> None:
    """Measure both shops and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few photos among a few, nothing written")
    quick = parser.parse_args().quick
    report = {
        "what": "share of changed photos that are the same look as their original, defaults",
        "machine": machine("onnxruntime", "pillow"),
        "shops": {name: known(name, 3 if quick else MANY, 30 if quick else 0) for name in SHOPS},
    }
    print(json.dumps(report["shops"], indent=2))
    if not quick:
        write("doubles", report)


def known(name: str, many: int, of: int = 0) -> dict[str, Any]:
    """Shares by change, of `many` photos of a shop, or of its first `of`."""
    source = open_source(shared(f"{name}/images.zip"))
    source = Source(source.names[: of or None], source.read)
    with tempfile.TemporaryDirectory() as temp:
        place = Path(temp)
        out = place / "own" if of else folder() / "benchmarks" / name
        photos = shared(f"{name}/images.zip")
        if of:
            photos = place / "photos"
            _copied(source, photos)
        embed(photos, out, say=print)
        own = vectors.read(out)
        assert own is not None
        picked = np.random.default_rng(SEED).choice(sorted(own.ids), many, replace=False).tolist()
        sides = _change(source, picked, place / "changed")
        embed(place / "changed", place / "more", say=print)
        more = vectors.read(place / "more")
        assert more is not None
        look, before = _looks(_both(own, more), place / "shop"), _looks(own, place / "before")
    alike = {what: [look[one] == look[f"{one}~{what}"] for one in picked] for what in CHANGES}
    counts = np.bincount(np.array(list(before.values())))
    return {
        "photos": len(own.ids),
        "longest_side_px": int(np.median(sides)),
        "changed": many,
        "known": {what: round(float(np.mean(hits)), 3) for what, hits in alike.items()},
        "products_of_one_look": int(counts[counts > 1].sum()),
    }


def _copied(source: Source, to: Path) -> None:
    to.mkdir()
    for name in source.names:
        (to / Path(name).name).write_bytes(source.read(name, LIMITS.bytes))


def _change(source: Source, picked: list[str], to: Path) -> list[int]:
    """Write every change of these items' photos as <id>~<change>; the longest side of each."""
    to.mkdir()
    names, _ = of_items(source, None)
    sides = []
    for one in picked:
        image = Image.open(io.BytesIO(source.read(names[one], LIMITS.bytes))).convert("RGB")
        sides.append(max(image.size))
        for what, change in CHANGES.items():
            (to / f"{one}~{what}{'.jpg' if what.startswith('JPEG') else '.png'}").write_bytes(change(image))
    return sides


def _both(one: Vectors, other: Vectors) -> Vectors:
    assert one.colours is not None
    assert other.colours is not None
    assert one.thumbnails is not None
    assert other.thumbnails is not None
    return Vectors(
        [*one.ids, *other.ids],
        np.concatenate([one.vectors, other.vectors]),
        np.concatenate([one.colours, other.colours]),
        np.concatenate([one.thumbnails, other.thumbnails]),
    )


def _looks(found: Vectors, place: Path) -> dict[str, int]:
    """The look of each item, in a shop of these photos."""
    vectors.write(place, found)
    (place / "items.csv").write_text("item_id\n" + "".join(f"{one}\n" for one in found.ids))
    shop = read_shop(place, RECIPE, lambda line: None).dataset
    return dict(
        zip(
            shop.items.names(np.arange(len(shop.items), dtype=np.int32)),
            Strategy().fit(shop)["look"],
            strict=True,
        )
    )


def _saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _scaled(image: Image.Image, by: float) -> bytes:
    width, height = (max(1, round(side * by)) for side in image.size)
    return _saved(image.resize((width, height), Image.Resampling.LANCZOS))


def _cropped(image: Image.Image) -> bytes:
    width, height = image.size
    return _saved(image.crop((width * 3 // 100, height * 3 // 100, width * 97 // 100, height * 97 // 100)))


def _padded(image: Image.Image) -> bytes:
    width, height = image.size
    ground = Image.new("RGB", (width * 11 // 10, height * 11 // 10), "white")
    ground.paste(image, (width // 20, height // 20))
    return _saved(ground)


CHANGES: Mapping[str, Callable[[Image.Image], bytes]] = {
    "JPEG of quality 85": lambda image: _saved(image, "JPEG", quality=85),
    "JPEG of quality 50": lambda image: _saved(image, "JPEG", quality=50),
    "half its size": lambda image: _scaled(image, 0.5),
    "one and a half": lambda image: _scaled(image, 1.5),
    "8 % brighter": lambda image: _saved(ImageEnhance.Brightness(image).enhance(1.08)),
    "3 % cropped": _cropped,
    "5 % more white": _padded,
    "mirrored": lambda image: _saved(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
}
"""What shops do to photos."""


if __name__ == "__main__":
    main()
