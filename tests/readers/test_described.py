"""A shop without a catalogue: what its events say of items makes one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.exploration import ALWAYS
from vitrina.readers import Reading, read

INVOICES = (
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n"
    "1,lamp,WHITE LAMP,1,2011-01-01,2.5,ann\n"
    "1,mug,RED MUG,1,2011-01-01,4,ann\n"
    "2,lamp,WHITE LAMP,2,2011-01-02,3.5,bob\n"
    "3,lamp,damaged,-1,2011-01-03,0,bob\n"
    "3,lamp,WHITE LAMP,1,2011-01-03,,bob\n"
    "3,lamp,WHITE LAMP,1,2011-01-03,,cid\n"
    "4,post,,1,2011-01-04,18,cid\n"
)


def shop(folder: Path, text: str, items: str = "") -> Reading:
    """A shop of these events, and of a catalogue where there is one."""
    folder.mkdir(exist_ok=True)
    (folder / "events.csv").write_text(text)
    if items:
        (folder / "items.csv").write_text(items)
    return read(folder)


def titles(reading: Reading) -> dict[str, str]:
    """By item, what it is called."""
    ids, texts = reading.dataset.items, reading.dataset.catalog.title
    return {ids.name(row): texts[row] for row in range(len(ids))}


def test_an_item_is_called_what_most_events_call_it(tmp_path: Path) -> None:
    """At its latest price above nothing; the report says where that is from."""
    reading = shop(tmp_path, INVOICES)
    assert titles(reading) == {"lamp": "WHITE LAMP", "mug": "RED MUG", "post": ""}
    assert reading.dataset.catalog.price.tolist() == [3.5, 4.0, 18.0]
    told = reading.report.table("items")
    assert told is not None
    assert (told.rows, told.kept, told.files) == (3, 3, ("events.csv",))
    assert told.columns == {"item_id": "StockCode", "title": "Description", "price": "UnitPrice"}
    assert any("no items.*" in note for note in told.notes)


def test_a_catalogue_of_events_tells_nothing_of_days_to_come(tmp_path: Path) -> None:
    """An item that is first sold later could not be had before, and is no candidate where that is judged."""
    dataset = shop(tmp_path, INVOICES).dataset
    first = np.array(["2011-01-01", "2011-01-01", "2011-01-04"], "datetime64[s]").astype(np.int64)
    assert dataset.catalog.available_from.tolist() == first.tolist()
    untimed = shop(tmp_path, "customer_id,item_id,title\nann,mug,RED MUG\n").dataset
    assert (untimed.catalog.available_from == ALWAYS).all()


def test_a_catalogue_that_came_is_the_catalogue(tmp_path: Path) -> None:
    """What events say of items counts for nothing beside it."""
    reading = shop(tmp_path, INVOICES, "item_id,title\nlamp,Lamp\n")
    assert titles(reading) == {"lamp": "Lamp", "mug": "", "post": ""}
    assert reading.report.uncatalogued_items == 2
    assert any("title: items.* says what items are" in line for line in reading.report.lines())


def test_category_and_brand_of_clicks(tmp_path: Path) -> None:
    """As a multi-category shop's log has them; '>' joins steps, as in a catalogue."""
    text = (
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01,view,1,9,home > lamps,ikea,5,u,s\n"
        "2019-10-01,view,2,9,,,7,u,s\n"
    )
    catalog = shop(tmp_path, text).dataset.catalog
    category, brand = catalog.category, catalog.attributes["brand"]
    assert category.values.name(category.codes[0]) == "home\x1flamps"
    assert brand.values.name(brand.codes[0]) == "ikea"
    assert (category.codes[1], brand.codes[1]) == (-1, -1)


def test_what_differs_from_row_to_row_is_no_name(tmp_path: Path) -> None:
    """The headline of a review says nothing of what the product is called."""
    text = "user_id,item_id,title\n" + "".join(f"u{n},i{n % 3},Opinion {n}\n" for n in range(30))
    reading = shop(tmp_path, text)
    assert set(titles(reading).values()) == {""}
    assert reading.report.table("items") is None
    assert any("'title' differs between the rows of an item" in line for line in reading.report.lines())


def test_prices_alone_are_no_catalogue(tmp_path: Path) -> None:
    """They were paid; only beside a name they say what a product costs."""
    reading = shop(tmp_path, "user_id,item_id,price\nu,a,5\n")
    assert reading.report.table("items") is None


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", ""])), min_size=1))
def test_the_order_of_rows_does_not_matter(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Ties go to the first of the alphabet."""
    folder = tmp_path_factory.mktemp("shop")

    def read_so(rows: list[tuple[str, str]]) -> dict[str, str]:
        text = "user_id,item_id,title\n" + "".join(f"u,{item},{title}\n" for item, title in rows)
        return titles(shop(folder, text))

    assert read_so(rows) == read_so(rows[::-1])
