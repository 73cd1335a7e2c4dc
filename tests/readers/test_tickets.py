"""Promise: a file of a basket a line is read as it is, every line is accounted for, and tables stay tables."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.errors import DataError
from vitrina.readers import read

items = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters=',;|"'), min_size=1
)
ID = "i"
"""Begins each item, so that none is a sign or blank."""


def orders_of(reading):
    """The ids of the items of each order, in the order of the file."""
    events = reading.dataset.events
    names = reading.dataset.items.names(events.item)
    found: dict[int, list[str]] = {}
    for visit, name in zip(events.visit.tolist(), names, strict=True):
        found.setdefault(visit, []).append(name)
    return list(found.values())


def baskets(folder: Path, text: str | bytes, name: str = "baskets.csv"):
    """The reading of one file."""
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("baskets.csv", "a b,c\nd\na b,d,c\n"),
        ("baskets.csv", '\ufeffa b,c\r\n\r\n"d",\r\na b, d ,,"c"'),
        ("baskets.tsv", "a b\tc\nd\na b\td\tc\n"),
        ("Baskets-2024.txt", "a b;c\nd\na b;d;c\n"),
        ("baskets.dat", "a b|c\nd\na b|d|c\n"),
    ],
)
def test_each_line_is_an_order(tmp_path: Path, name: str, text: str) -> None:
    """Whatever stands between items, with or without quotes, blank lines and padding."""
    assert orders_of(baskets(tmp_path, text, name)) == [["a b", "c"], ["d"], ["a b", "d", "c"]]


def test_spaces_where_nothing_else_stands_between(tmp_path: Path) -> None:
    """As rule miners' sets are; packed as well. The report says what was taken for what."""
    reading = baskets(tmp_path, gzip.compress(b"1 2 3\n4\n2 1 \n"), "baskets.dat.gz")
    assert orders_of(reading) == [["1", "2", "3"], ["4"], ["2", "1"]]
    notes = " ".join(reading.report.tables[0].notes)
    assert "each line is an order, its items split at spaces" in notes
    assert not len(reading.dataset.users)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(items.map(lambda one: ID + one), min_size=1, max_size=4), min_size=1, max_size=6))
def test_every_item_of_every_line(tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]]) -> None:
    """A comma in the first line tells what stands between; nothing is lost, joined or put elsewhere."""
    lines = [["i1", "i2"], *lines]
    folder = tmp_path_factory.mktemp("baskets")
    text = "".join(",".join(one) + "\n" for one in lines)
    assert orders_of(baskets(folder, text)) == lines


def test_a_table_is_a_table_whatever_it_is_called(tmp_path: Path) -> None:
    """A header that names the items."""
    reading = baskets(tmp_path, "basket_id,item_id\n7,a\n7,b\n8,a\n")
    assert orders_of(reading) == [["a", "b"], ["a"]]
    assert reading.report.tables[0].columns["order_id"] == "basket_id"


def test_events_come_before_baskets(tmp_path: Path) -> None:
    """Where both are there baskets are no second half of the events."""
    (tmp_path / "events.csv").write_text("order_id,item_id\n1,x\n1,y\n")
    assert orders_of(baskets(tmp_path, "a,b\n")) == [["x", "y"]]


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    """Its number is that of the file, also of rows whose item cannot be used; the others stay."""
    lines = ["a,b", "", "c,d\0", *["a,b"] * 60, "x" * 3000 + ",e"]
    told = baskets(tmp_path, "\n".join(lines)).report.tables[0]
    assert (told.rows, told.kept) == (125, 123)
    assert sorted(one.example.split(" ")[2].rstrip(":") for one in told.rejected) == ["3", "64"]


def test_a_file_without_a_basket_says_so(tmp_path: Path) -> None:
    """With what a line is."""
    with pytest.raises(DataError, match="holds no basket; each line is one"):
        baskets(tmp_path, ",,\n\n , \n")


@pytest.mark.shared
def test_groceries_by_line_are_groceries(tmp_path: Path, shared: Path) -> None:
    """The same orders as from the table of them."""
    table = pq.read_table(shared / "groceries" / "baskets.parquet").to_pydict()
    lines: dict[int, list[str]] = {}
    for order, item in zip(table["basket_id"], table["item_id"], strict=True):
        lines.setdefault(order, []).append(str(item))
    text = "".join(",".join(one) + "\n" for one in lines.values())
    assert orders_of(baskets(tmp_path, text)) == list(lines.values())
