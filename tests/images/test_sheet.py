"""Contact sheets: everything at its place, and a photo that is missing is no trouble."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tiny_network as tiny
from PIL import Image

from vitrina.errors import DataError
from vitrina.images.sheet import CAPTION, GAP, SIDE, Row, draw, photos_of
from vitrina.images.sources import open_source

COLOURS = {"red": (250, 0, 0), "green": (0, 250, 0), "blue": (0, 0, 250)}


@pytest.fixture
def read(tmp_path):
    """Three photos of one colour each, and one that is none."""
    place = tmp_path / "photos"
    place.mkdir()
    for name, colour in COLOURS.items():
        (place / f"{name}.png").write_bytes(tiny.photo(*colour))
    (place / "broken.png").write_bytes(b"broken")
    return photos_of(open_source(place))


def cell(sheet, row, column):
    """The middle pixel of a cell; column 0 is the query's."""
    left = GAP + column * (SIDE + GAP) + (GAP if column else 0)
    return tuple(sheet[GAP + row * (SIDE + CAPTION + GAP) + SIDE // 4, left + SIDE // 4])


def test_photos_stand_where_they_belong(read, tmp_path):
    """Query first, neighbours in order after it, a row each; grey where there is no photo."""
    rows = [
        Row("red", [("green", 0.91), ("blue", 0.5), ("gone", 0.4)]),
        Row("ünknown \x00 id of some length, really long", [("broken", 0.2)]),
        Row("photo.jpg", [("red", 1.0)], photo=tiny.photo(*COLOURS["blue"])),
        Row("blue", []),
    ]
    draw(rows, read, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        sheet = np.asarray(image.convert("RGB"))
    assert [cell(sheet, 0, column) for column in range(3)] == [
        COLOURS[one] for one in ("red", "green", "blue")
    ]
    grey = cell(sheet, 0, 3)
    assert len(set(grey)) <= 2
    assert cell(sheet, 1, 0) == cell(sheet, 1, 1) == grey
    assert (cell(sheet, 2, 0), cell(sheet, 2, 1)) == (COLOURS["blue"], COLOURS["red"])
    assert cell(sheet, 3, 0) == COLOURS["blue"]


def test_a_sheet_has_rows_but_not_any_number(read, tmp_path):
    """None, or more than a person looks at, is said; nothing is written."""
    for rows in ([], [Row("red", [])] * 201):
        with pytest.raises(DataError, match="1 to 200"):
            draw(rows, read, tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()


def test_the_sheet_is_a_png(read, tmp_path):
    """That can be read back whole."""
    draw([Row("red", [("blue", 0.5)])], read, tmp_path / "sheet.png")
    with Image.open(io.BytesIO((tmp_path / "sheet.png").read_bytes()), formats=("PNG",)) as image:
        image.load()
