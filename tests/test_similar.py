"""`similar`: a file of items in, a file of neighbours out, by any strategy of the bundle."""

from __future__ import annotations

import csv
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_network as tiny

from shops import make_shop, make_window
from vitrina import similar
from vitrina.errors import DataError, RecipeError
from vitrina.images import sheet, vectors
from vitrina.images.embed import embed
from vitrina.images.sources import open_source
from vitrina.strategies.image_similar import Strategy

PLACEMENTS = {"home": {"sources": [{"strategy": "photos"}]}}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """(engine, folder of photos, network): twenty items, eighteen with photos, one out of stock."""
    place = tmp_path_factory.mktemp("shop")
    photos, net = tiny.photos(place / "photos", 18), tiny.encoder(place / "net.onnx")
    embed(photos, place / "out", encoder=net)
    dataset = make_shop([], items=[f"{number:04d}" for number in range(20)])
    dataset.catalog.in_stock[4] = False
    dataset = vectors.attach(dataset, place / "out")
    made = Strategy(whiten=0.0)
    engine = make_window(dataset, {"photos": made.open(made.fit(dataset)), "fixed": [3, 1, 2]}, PLACEMENTS)
    return engine, photos, net


def test_each_item_has_its_neighbours(shop):
    """In order of the file, never itself, best first; items without a photo and strangers have none."""
    engine, _, _ = shop
    rows = list(similar.by_items(engine, "photos", ["0003", "0019", "stranger", "0000"], 5))
    assert [row.query for row in rows] == ["0003", "0019", "stranger", "0000"]
    assert [len(row.found) for row in rows] == [5, 0, 0, 5]
    for row in rows:
        scores = [score for _, score in row.found]
        assert scores == sorted(scores, reverse=True)
        assert row.query not in [item for item, _ in row.found]


def test_batches_change_nothing(shop, monkeypatch):
    """Many small batches answer as one."""
    engine, _, _ = shop
    ids = [f"{number:04d}" for number in range(20)]
    whole = list(similar.by_items(engine, "photos", ids, 5))
    monkeypatch.setattr(similar, "BATCH", 3)
    assert list(similar.by_items(engine, "photos", ids, 5)) == whole
    assert "0004" in {item for row in whole for item, _ in row.found}, "no rule stands between"


def test_any_strategy_of_the_bundle_answers(shop):
    """And one that it does not have is named."""
    engine, _, _ = shop
    row = next(iter(similar.by_items(engine, "fixed", ["0001"], 2)))
    assert [item for item, _ in row.found] == ["0003", "0002"]
    known, stranger = similar.by_items(engine, "fixed", ["0001", "stranger"], 2)
    assert (len(known.found), stranger.found) == (2, []), "a source that asks nobody answers for nobody here"
    with pytest.raises(RecipeError, match="no strategy 'shoes'; it has fixed, photos"):
        list(similar.by_items(engine, "shoes", ["0001"], 2))


def test_a_photo_from_outside_finds_its_like(shop, tmp_path):
    """A copy of a catalogue photo finds that item first, surely; a strategy without photos is said."""
    engine, photos, net = shop
    copy = tmp_path / "copy.png"
    copy.write_bytes((photos / "0007.png").read_bytes())
    row = similar.by_photo(engine, "photos", copy, 3, encoder=net)
    assert row.query == "copy.png"
    assert row.found[0][0] == "0007"
    assert row.found[0][1] > 0.99
    assert row.photo == copy.read_bytes()
    with pytest.raises(RecipeError, match="knows no photos"):
        similar.by_photo(engine, "fixed", copy, 3, encoder=net)
    other = tiny.encoder(tmp_path / "wide.onnx", channels=3, size=16)
    with pytest.raises(DataError, match="another network"):
        similar.by_photo(engine, "photos", copy, 3, encoder=other)
    alike = tiny.encoder(tmp_path / "alike.onnx", gain=2.0)
    with pytest.raises(DataError, match="another network"):
        similar.by_photo(engine, "photos", copy, 3, encoder=alike)


def test_vectors_of_a_network_nobody_named_are_believed(shop, tmp_path):
    """A shop's ready vectors say not which network made them: one of the same length is taken at its word."""
    engine, photos, _ = shop
    source = engine.sources["photos"]
    assert source.encoder
    bare = {name: part for name, part in source.parts.items() if name != "encoder"}
    ready = SimpleNamespace(
        items=engine.items, sources={"photos": replace(source, parts=bare)}, n_items=engine.n_items
    )
    alike = tiny.encoder(tmp_path / "alike.onnx", gain=2.0)
    assert similar.by_photo(ready, "photos", photos / "0007.png", 3, encoder=alike).found


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_in_and_out(shop, tmp_path, kind):
    """Ids keep their leading zeros, repeats count once; out comes query_id, item_id, rank, score."""
    import duckdb

    engine, photos, _ = shop
    with (tmp_path / "items.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["item_id", "x"], ["0003", 1], ["0005", 2], ["0003", 3], ["", 4]])
    ids = similar.read_ids(tmp_path / "items.csv")
    assert ids == ["0003", "0005"]
    rows = list(similar.by_items(engine, "photos", ids, 4))
    out = tmp_path / f"out.{kind}"
    assert similar.write(rows, out) == 8
    reader = "read_parquet" if kind == "parquet" else "read_csv"
    more = "" if kind == "parquet" else ", types = {'query_id': 'VARCHAR', 'item_id': 'VARCHAR'}"
    found = duckdb.sql(f"SELECT query_id, item_id, rank, score FROM {reader}('{out}'{more})").fetchall()
    expected = [(row.query, item, at) for row in rows for at, (item, _) in enumerate(row.found, 1)]
    assert [line[:3] for line in found] == expected
    np.testing.assert_allclose(
        [line[3] for line in found], [s for row in rows for _, s in row.found], rtol=1e-5
    )
    sheet.draw(rows, sheet.photos_of(open_source(photos)), tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_files_that_will_not_do(tmp_path):
    """A missing file, one without the column, and an ending nobody writes."""
    with pytest.raises(DataError, match="not a file"):
        similar.read_ids(tmp_path / "gone.csv")
    (tmp_path / "items.csv").write_text("id\n1\n")
    with pytest.raises(DataError, match="column item_id"):
        similar.read_ids(tmp_path / "items.csv")
    with pytest.raises(DataError, match=r"\.parquet or \.csv"):
        similar.write([], tmp_path / "out.xlsx")
    assert similar.write([], tmp_path / "none.parquet") == 0


def test_a_strategy_without_photos_answers_a_photo_with_nothing(shop, tmp_path):
    """A bundle fitted before there were vectors."""
    _, photos, net = shop
    dataset = replace(make_shop([], items=["a"]), vectors=None)
    made = Strategy()
    bare = make_window(dataset, {"photos": made.open(made.fit(dataset))}, PLACEMENTS)
    assert similar.by_photo(bare, "photos", photos / "0001.png", 3, encoder=net).found == []
