"""Contact sheets: a photo and what was found to look like it, a row each, for a person to judge."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vitrina.errors import DataError
from vitrina.images.cache import replace
from vitrina.images.decode import LIMITS, Picture, Sandbox
from vitrina.images.sources import Source, of_items

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SIDE, GAP, CAPTION = 128, 8, 16
MAX_ROWS = 200

Read = Callable[[str], bytes | None]
"""The photo of an item, None where there is none."""


@dataclass(frozen=True)
class Row:
    """One query and its neighbours: (item id, likeness), best first.

    `photo`: the query's own photo where it is no item of the catalogue.
    """

    query: str
    found: Sequence[tuple[str, float]]
    photo: bytes | None = None


def photos_of(source: Source, images: Mapping[str, str] | None = None) -> Read:
    """Reads items' photos from a folder or archive; `images` as for `embed`."""
    names, _ = of_items(source, images)

    def read(item: str) -> bytes | None:
        try:
            return source.read(names[item], LIMITS.bytes) if item in names else None
        except OSError:
            return None

    return read


def draw(rows: Sequence[Row], read: Read, out: Path) -> None:
    """Write the sheet as PNG: the query at the left, its neighbours after it, ids and scores below.

    Photos are decoded in the sandbox. Raises DataError for no rows, or more than one sheet holds.
    """
    from PIL.Image import new
    from PIL.ImageDraw import Draw

    if not 0 < len(rows) <= MAX_ROWS:
        raise DataError(f"a contact sheet shows 1 to {MAX_ROWS} queries, not {len(rows)}")
    longest = max(len(row.found) for row in rows)
    wide, high = SIDE + GAP, SIDE + CAPTION + GAP
    size = (GAP + (longest + 1) * wide + GAP, GAP + len(rows) * high)
    canvas = new("RGB", size, (244, 244, 242))
    pen, sandbox = Draw(canvas), Sandbox(SIDE)
    try:
        for number, row in enumerate(rows):
            top = GAP + number * high
            shown = row.photo if row.photo is not None else read(row.query)
            _cell(canvas, pen, (GAP, top), _picture(sandbox, shown), row.query, (30, 90, 200))
            for place, (item, score) in enumerate(row.found, 1):
                left = 2 * GAP + place * wide
                picture = _picture(sandbox, read(item))
                _cell(canvas, pen, (left, top), picture, f"{item}  {score:.2f}", (215, 215, 212))
    finally:
        sandbox.close()
    file = io.BytesIO()
    canvas.save(file, "PNG")
    replace(out, file.getvalue())


def _picture(sandbox: Sandbox, photo: bytes | None) -> Picture | None:
    seen = sandbox.decode(photo) if photo is not None else None
    return seen if isinstance(seen, Picture) else None


def _cell(
    canvas: Image,
    pen: ImageDraw,
    at: tuple[int, int],
    picture: Picture | None,
    caption: str,
    frame: tuple[int, int, int],
) -> None:
    from PIL import ImageFont
    from PIL.Image import fromarray

    left, top = at
    if picture is not None:
        canvas.paste(fromarray(picture.pixels), at)
    else:
        pen.rectangle((left, top, left + SIDE, top + SIDE), fill=(226, 226, 224))
        middle = (left + SIDE // 2, top + SIDE // 2)
        pen.text(middle, "no photo", fill=(130, 130, 130), anchor="mm")
    pen.rectangle((left - 1, top - 1, left + SIDE, top + SIDE), outline=frame, width=2)
    font = ImageFont.load_default(11)
    while len(caption) > 4 and font.getlength(caption) > SIDE:
        caption = caption[:-2] + "…"
    pen.text((left, top + SIDE + 2), caption, fill=(40, 40, 40), font=font)
