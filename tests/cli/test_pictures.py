"""`embed` and `similar` read photos by the names that the catalogue gives them."""

from __future__ import annotations

import csv
import subprocess
import sys

import numpy as np
import pytest
import tiny_network as tiny
from typer.testing import CliRunner

from vitrina.cli import app
from vitrina.images import sheet, vectors

RECIPE = """
[placements]
home = { sources = [{ strategy = "image_similar", seeds = "context" }] }
[strategies.image_similar]
whiten = 0.0
[columns.items]
item_id = "sku"
"""


def invoked(*arguments):
    """What a verb prints to standard output; it must succeed."""
    done = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def shop(tmp_path):
    """Photos 0000.png to 0011.png; the catalogue gives item sku-k the photo 11 - k, but the last two none."""
    photos, net = tiny.photos(tmp_path / "photos", 12), tiny.encoder(tmp_path / "net.onnx")
    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "items.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["sku", "image"])
        table.writerows([f"sku-{row:02d}", f"https://shop.example/{11 - row:04d}.png"] for row in range(10))
        table.writerows([["sku-10", "gone.png"], ["sku-11", ""]])
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path, photos, net


def embedded(shop):
    place, photos, net = shop
    return invoked(
        "embed", "--images", photos, "--out", place / "data", "--encoder", net, "--workers", 1,
        "--recipe", place / "recipe.toml",
    )  # fmt: skip


def test_photos_go_by_the_catalogue_s_names(shop):
    """Each item has the vector of the photo its `image` names; one that is not there is a reject."""
    place, photos, net = shop
    embedded(shop)
    found = vectors.read(place / "data")
    assert found is not None
    assert list(found.ids) == [f"sku-{row:02d}" for row in range(10)]
    bare = place / "bare"
    invoked("embed", "--images", photos, "--out", bare, "--encoder", net, "--workers", 1)
    by_stem = vectors.read(bare)
    assert by_stem is not None
    assert list(by_stem.ids) == [f"{row:04d}" for row in range(12)], "without a catalogue a stem is an id"
    np.testing.assert_array_equal(found.vectors, by_stem.vectors[11 - np.arange(10)])
    assert "sku-10" in (place / "data" / "embeddings_rejects.csv").read_text()


def test_the_sheet_shows_them(shop, monkeypatch):
    """The contact sheet reads photos by the bundle's own catalogue."""
    place, photos, _ = shop
    embedded(shop)
    registry = place / "registry"
    invoked("train", "--data", place / "data", "--recipe", place / "recipe.toml", "--registry", registry)
    (place / "ask.csv").write_text("item_id\nsku-00\nsku-05\n")
    drawn, draw = {}, sheet.draw

    def watched(rows, read, out):
        drawn.update({row.query: read(row.query) for row in rows})
        draw(rows, read, out)

    monkeypatch.setattr(sheet, "draw", watched)
    invoked(
        "similar", "--registry", registry, "--strategy", "image_similar", "--items", place / "ask.csv",
        "--sheet", place / "sheet.png", "--images", photos,
    )  # fmt: skip
    assert drawn["sku-00"] == (photos / "0011.png").read_bytes()
    assert drawn["sku-05"] == (photos / "0006.png").read_bytes()
    assert (place / "sheet.png").stat().st_size > 1000


def refused(*arguments):
    """The one line that a verb says before it ends with 3."""
    told = subprocess.run(
        [sys.executable, "-m", "vitrina", *(str(one) for one in arguments)], capture_output=True, text=True
    )
    assert told.returncode == 3, told.stderr
    assert "Traceback" not in told.stderr
    return told.stderr


def test_what_cannot_be_had_is_said(shop):
    """Unknown items, fewer neighbours than asked for, none asked for; a place that is none is an error of one line."""
    place, photos, net = shop
    embedded(shop)
    registry = place / "registry"
    invoked("train", "--data", place / "data", "--recipe", place / "recipe.toml", "--registry", registry)
    (place / "ask.csv").write_text("item_id\nsku-00\nstranger\n")
    asked = ["similar", "--registry", registry, "--strategy", "image_similar", "--items", place / "ask.csv"]
    words = [str(one) for one in [*asked, "--out", place / "new" / "folder" / "out.csv", "-k"]]
    done = CliRunner().invoke(app, [*words, "50"])
    assert done.exit_code == 0, done.output
    assert "1 items are not in the bundle, such as 'stranger'" in done.output
    assert "1 items have fewer than 50 neighbours" in done.output
    assert (place / "new" / "folder" / "out.csv").read_text().startswith('"query_id"')
    assert CliRunner().invoke(app, [*words, "0"]).exit_code == 2
    nowhere = [
        "similar",
        "--registry",
        place / "none",
        "--strategy",
        "image_similar",
        "--items",
        place / "ask.csv",
    ]
    assert "must end in .parquet or .csv" in refused(*nowhere, "--out", place / "out.xlsx")
    assert "must end in .png" in refused(*nowhere, "--sheet", place / "sheet.jpg", "--images", photos)
    file = place / "ask.csv"
    file.write_text("item_id\n")
    assert "names no item" in CliRunner().invoke(app, [*words, "5"]).output
    assert f"{file}" in refused(*asked, "--out", file / "out.csv")
    assert f"{file}" in refused("embed", "--images", photos, "--out", file, "--encoder", net, "--workers", 1)
