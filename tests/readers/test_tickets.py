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
    """It stops nothing where others hold some, and everything where it is alone."""
    with pytest.raises(DataError, match="hold no rows"):
        baskets(tmp_path, ",,\n\n , \n")
    (tmp_path / "baskets-2.csv").write_text("a,b\n")
    reading = read(tmp_path)
    assert orders_of(reading) == [["a", "b"]]
    assert "baskets.csv holds no basket; each line is one" in " ".join(reading.report.tables[0].notes)


def test_lines_of_several_files_are_orders_each(tmp_path: Path) -> None:
    """The first line of one is not the first line of another, nor order 1 of a table."""
    (tmp_path / "baskets-2.csv").write_text("x,y\nz\n")
    (tmp_path / "baskets-3.csv").write_text("basket_id,item_id\n1,q\n2,r\n2,q\n")
    assert orders_of(baskets(tmp_path, "a,b\nc\n", "baskets-1.csv")) == [
        *(["a", "b"], ["c"], ["x", "y"], ["z"]),
        *(["q"], ["r", "q"]),
    ]


@pytest.mark.parametrize("other", ["baskets.txt", "baskets.txt.gz", "Baskets.dat", "baskets.csv.gz"])
def test_one_file_in_two_formats_is_refused(tmp_path: Path, other: str) -> None:
    """Its baskets would count twice."""
    (tmp_path / other).write_bytes(gzip.compress(b"a,b\n") if other.endswith(".gz") else b"a,b\n")
    with pytest.raises(DataError, match="two formats"):
        baskets(tmp_path, "a,b\n")


@pytest.mark.parametrize("name", ["baskets", "baskets.csv", "Baskets.txt"])
def test_part_files_of_a_folder(tmp_path: Path, name: str) -> None:
    """Whatever they are called."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "part-1.csv").write_text("a,b\n")
    (folder / "part-2.txt").write_text("c d\n")
    assert orders_of(read(tmp_path)) == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    ("name", "text", "orders"),
    [
        ("baskets.csv", 'a,"b, c",d\ne, "f, g",h\n', [["a", "b, c", "d"], ["e", "f, g", "h"]]),
        (
            "baskets.csv",
            '"milk, 1 l";"bread, white"\n"tea, green"\n',
            [["milk, 1 l", "bread, white"], ["tea, green"]],
        ),
        ("baskets.csv", "citrus fruit\nwhole milk\n", [["citrus fruit"], ["whole milk"]]),
        ("baskets.txt", "1 2 3\n4 5 1,5\n6 7\n", [["1", "2", "3"], ["4", "5", "1,5"], ["6", "7"]]),
        (
            "baskets.txt",
            "whole milk,tea\ntea\nrye bread,tea\nice\n",
            [["whole milk", "tea"], ["tea"], ["rye bread", "tea"], ["ice"]],
        ),
        ("baskets.dat", "1\t2  3\n4 \u00a05\n", [["1", "2", "3"], ["4", "5"]]),
    ],
)
def test_what_stands_between_items(tmp_path: Path, name: str, text: str, orders: list[list[str]]) -> None:
    """Signs inside of quotes do not; spaces do in no CSV file; one odd line does not decide."""
    assert orders_of(baskets(tmp_path, text, name)) == orders


@pytest.mark.parametrize("bad", ['a,"b,c', 'a,"b"c,d', '"' + "x" * 140_000])
def test_quotes_that_do_not_pair_are_bad_lines(tmp_path: Path, bad: str) -> None:
    """Also of a field that is longer than any library takes; the lines around stay whole."""
    reading = baskets(tmp_path, "\n".join([*["a,b"] * 30, bad, *["c,d"] * 30]))
    (told,) = reading.report.tables[0].rejected
    assert told.reason.startswith("a quote that is not closed")
    assert "line 31" in told.example
    assert len(orders_of(reading)) == 60


@pytest.mark.parametrize("head", ["transaction,items,date", "user_id,artikel", "order_id"])
def test_a_header_is_no_basket(tmp_path: Path, head: str) -> None:
    """Where the first line names columns and none of items, that is what is said."""
    with pytest.raises(DataError, match="no column for item_id"):
        baskets(tmp_path, f"{head}\n" + ",".join("1a7"[: head.count(",") + 1]) + "\n")


def test_a_header_may_come_after_blank_lines(tmp_path: Path) -> None:
    """As of events a table must begin with its names: it is no basket, and that is said."""
    with pytest.raises(DataError, match="its first line must name the columns"):
        baskets(tmp_path, "\n\nbasket_id,item_id\n1,a\n")


@pytest.mark.parametrize(
    "head",
    ["Basket ID,Items", "customer_id,products", "item_1,item_2,item_3", "Item(s),Item 1,Item 2", "TID,items"],
)
def test_heads_that_are_not_known_are_no_baskets(tmp_path: Path, head: str) -> None:
    """They are refused, with the way to name them."""
    with pytest.raises(DataError, match="no column for item_id"):
        baskets(tmp_path, f"{head}\n" + "2,a,b\n"[: 2 * head.count(",") + 1] * 5)


def test_a_damaged_head_is_still_one(tmp_path: Path) -> None:
    """A letter in another encoding beside the names of columns; in a .txt names may stand apart by spaces."""
    found = baskets(tmp_path, b"order_id,item_id,gr\xf6\xdfe\n1,a,2\n")
    assert found.report.tables[0].unused == ("größe",)
    (tmp_path / "baskets.csv").unlink()
    with pytest.raises(DataError, match="no column for item_id"):
        baskets(tmp_path, "order_id item_id\n1 a\n", "baskets.txt")


def test_a_head_may_stand_below_remarks(tmp_path: Path) -> None:
    """Then the file is a table, and is told how one begins."""
    with pytest.raises(DataError, match="no column for item_id"):
        baskets(tmp_path, "# till 7\nbasket_id,item_id\n1,a\n")


def test_lost_lines_count_as_lines(tmp_path: Path) -> None:
    """Three in ten baskets that cannot be read stop the reading, however many items the others hold."""
    good, bad = ",".join(["é"] * 10).encode() + b"\n", b"caf\xe9,b\n"
    with pytest.raises(DataError, match=r"30 of 100 rows of events \(30.0%\) cannot be used"):
        baskets(tmp_path, good * 70 + bad * 30)


def test_the_recipe_may_say_what_columns_are_called(tmp_path: Path) -> None:
    """A table by another name takes its aliases; baskets a line have no columns for them."""
    (tmp_path / "baskets.csv").write_text("Bon;Artikel\n1;a\n1;b\n")
    told = {"events": {"item_id": "Artikel", "order_id": "Bon"}}
    assert orders_of(read(tmp_path, aliases=told)) == [["a", "b"]]
    (tmp_path / "baskets.csv").write_text("a,b\nc\n")
    assert orders_of(read(tmp_path, aliases=told)) == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("name", "start", "what"),
    [
        ("baskets.csv", b"PK\x03\x04abc\n", "a zip archive or a spreadsheet"),
        ("baskets.txt", b"PAR1abc\n", "Parquet"),
        ("baskets.dat", gzip.compress(b"a,b\n", mtime=0), "gzip"),
    ],
)
def test_what_is_no_text_is_told_by_its_name(tmp_path: Path, name: str, start: bytes, what: str) -> None:
    """As of events."""
    with pytest.raises(DataError, match=what):
        baskets(tmp_path, start, name)


def test_what_is_left_aside_is_said(tmp_path: Path) -> None:
    """Baskets beside events, and baskets in a format that is not read beside a catalogue."""
    (tmp_path / "events.csv").write_text("order_id,item_id\n1,x\n1,y\n")
    assert baskets(tmp_path, "a,b\n").report.notes == ("baskets.csv was left aside: there are events.*",)
    (tmp_path / "events.csv").unlink()
    (tmp_path / "baskets.csv").rename(tmp_path / "baskets.xlsx")
    (tmp_path / "items.csv").write_text("item_id,title\na,Tea\n")
    assert any("baskets.xlsx is in no format" in note for note in read(tmp_path).report.notes)


def test_a_file_of_its_own_may_be_asked(tmp_path: Path) -> None:
    """`evaluate --test baskets.txt`; another .txt is told what it should be called."""
    file = tmp_path / "baskets-held.txt"
    file.write_text("1 2\n3\n")
    assert orders_of(read(file, only=("events",))) == [["1", "2"], ["3"]]
    with pytest.raises(DataError, match=r"call it baskets\.txt"):
        read(file.rename(tmp_path / "held.txt"), only=("events",))


@pytest.mark.shared
def test_groceries_by_line_are_groceries(tmp_path: Path, shared: Path) -> None:
    """The same orders as from the table of them."""
    table = pq.read_table(shared / "groceries" / "baskets.parquet").to_pydict()
    lines: dict[int, list[str]] = {}
    for order, item in zip(table["basket_id"], table["item_id"], strict=True):
        lines.setdefault(order, []).append(str(item))
    text = "".join(",".join(one) + "\n" for one in lines.values())
    assert orders_of(baskets(tmp_path, text)) == list(lines.values())
