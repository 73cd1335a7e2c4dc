"""Real data sets, read as a shop would hand them in: with aliases, or not even those."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitrina.dataset import VIEW
from vitrina.doctor import examine
from vitrina.readers import Reading, read

pytestmark = pytest.mark.shared


def folder(tmp_path: Path, shared: Path, **files: str) -> Path:
    """A data folder of links; `events="epub/x.parquet"` becomes events.parquet."""
    for table, source in files.items():
        (tmp_path / f"{table}{Path(source).suffix}").symlink_to(shared / source)
    return tmp_path


def whole(reading: Reading) -> bool:
    """Whether no row was turned away."""
    return all(table.n_rejected == 0 for table in reading.report.tables)


def test_groceries(tmp_path: Path, shared: Path) -> None:
    """Promise: baskets alone read; the figures are those of the data set's own README."""
    files = {"events": "groceries/baskets.parquet", "items": "groceries/items.parquet"}
    aliases = {"items": {"title": "item", "category": "level1"}}
    reading = read(folder(tmp_path, shared, **files), aliases=aliases)
    dataset = reading.dataset
    assert whole(reading)
    assert (len(dataset.users), dataset.events.visit.max() + 1, dataset.timed) == (0, 9835, False)
    milk = [row for row in range(len(dataset.items)) if dataset.catalog.title[row] == "whole milk"]
    assert len(np.unique(dataset.events.visit[dataset.events.item == milk[0]])) == 2513
    assert examine(reading).facts.pairs == 7676


def test_amazon_toys(tmp_path: Path, shared: Path) -> None:
    """Promise: users and items without time keep each customer's order of rows."""
    reading = read(folder(tmp_path, shared, events="amazon_toys_5core/sequences.parquet"))
    dataset = reading.dataset
    assert whole(reading)
    assert (len(dataset.users), len(dataset.items), len(dataset.events)) == (19412, 11924, 167597)
    assert np.array_equal(dataset.events.time, np.arange(167597))
    first = dataset.events.item[dataset.events.user == dataset.users.row("1")][:4]
    assert dataset.items.names(first) == ["1", "2", "3", "4"]


def test_epub(tmp_path: Path, shared: Path) -> None:
    """Promise: sessions of an alias's items; the robots among them are found."""
    aliases = {"events": {"item_id": "document_id"}}
    reading = read(folder(tmp_path, shared, events="epub_downloads/downloads.parquet"), aliases=aliases)
    assert whole(reading)
    assert (reading.dataset.events.visit.max() + 1, len(reading.dataset.items)) == (15732, 936)
    assert any("robots" in one for one in examine(reading).warnings)


def test_yoochoose(tmp_path: Path, shared: Path) -> None:
    """Promise: nanosecond times read, and clicks that nobody called clicks are doubted."""
    reading = read(folder(tmp_path, shared, events="yoochoose_clicks_100k/clicks.parquet"))
    assert whole(reading)
    assert len(reading.dataset.events) == 83846
    assert np.all(np.diff(reading.dataset.events.time) >= 0)
    assert any("if they are clicks" in one for one in examine(reading).warnings)


def test_ml_100k(tmp_path: Path, shared: Path) -> None:
    """Promise: three tables meet: attributes of people and items stand at their rows."""
    files = {table: f"ml_100k/{name}.parquet" for table, name in
             (("events", "ratings"), ("items", "items"), ("users", "users"))}  # fmt: skip
    reading = read(folder(tmp_path, shared, **files), aliases={"items": {"title": "movie_title"}})
    dataset = reading.dataset
    assert whole(reading)
    assert (len(dataset.users), len(dataset.items), len(dataset.events)) == (943, 1682, 100_000)
    assert dataset.catalog.title[dataset.items.row("1")] == "Toy Story"
    assert dataset.people["occupation"].text(dataset.users.row("1")) == "technician"
    assert reading.report.uncatalogued_items == 0


def test_fashion(tmp_path: Path, shared: Path) -> None:
    """Promise: a catalogue without events reads, in a shop's own names."""
    reading = read(folder(tmp_path, shared, items="fashion_products/products.parquet"))
    dataset = reading.dataset
    assert whole(reading)
    assert (len(dataset.items), len(dataset.events)) == (18364, 0)
    row = dataset.items.row("1164")
    assert dataset.catalog.title[row].startswith("Nike Men Blue T20")
    assert dataset.catalog.attributes["color"].text(row) == "Blue"
    assert dataset.catalog.attributes["article_type"].text(row) == "Tshirts"


def test_yoochoose_as_csv_of_views(tmp_path: Path, shared: Path) -> None:
    """Promise: a set written out as CSV and JSON lines reads as its Parquet does."""
    import duckdb

    source = shared / "yoochoose_clicks_100k" / "clicks.parquet"
    query = f"SELECT SessionId AS session_id, ItemId AS item_id, Time AS ts, 'click' AS type FROM '{source}'"
    found = []
    for name, form in (
        ("events.csv", "csv"),
        ("events.jsonl", "json"),
        ("events.csv.gz", "csv, compression gzip"),
    ):
        place = tmp_path / name.replace(".", "-")
        place.mkdir()
        duckdb.execute(f"COPY ({query}) TO '{place / name}' (FORMAT {form})")
        found.append(read(place).dataset)
    wanted = read(folder(tmp_path, shared, events="yoochoose_clicks_100k/clicks.parquet")).dataset
    for dataset in found:
        assert set(dataset.events.type.tolist()) == {VIEW}
        for column in ("item", "visit", "time"):
            np.testing.assert_array_equal(getattr(dataset.events, column), getattr(wanted.events, column))
