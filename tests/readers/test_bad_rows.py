"""Bad rows never stop a reading and never get in silently: each is counted, shown and kept aside."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.errors import DataError
from vitrina.readers import Reading, read
from vitrina.readers.rejects import unformula

GOOD = "u,i,2020-01-01,1,1.0\n"
HEADER = "user_id,item_id,timestamp,quantity,price\n"
TOMORROW = str((int(time.time()) // 86_400 + 3) * 86_400)  # of the day: every process collects the same cases

SERIAL = (
    "timestamp looks like a day number of a spreadsheet; give the column the format of a date, 2020-12-31, "
    "and save it again"
)


def reasons(reading: Reading, table: str = "events") -> dict[str, int]:
    """Reason -> rows turned away."""
    report = reading.report.table(table)
    assert report is not None
    return {one.reason: one.rows for one in report.rejected}


def rejected(folder: Path, table: str = "events") -> list[dict[str, str]]:
    """The rejects file, row by row."""
    with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"u,,2020-01-01,1,1", "item_id is empty"),
        (b"u, null ,2020-01-01,1,1", "item_id is empty"),
        (b"u," + b"x" * 257 + b",2020-01-01,1,1", "item_id is longer than 256 bytes"),
        (b"u," + "é".encode() * 129 + b",2020-01-01,1,1", "item_id is longer than 256 bytes"),
        (b"u" * 257 + b",i,2020-01-01,1,1", "user_id is longer than 256 bytes"),
        (b"u,x\0y,2020-01-01,1,1", "a NUL or control byte"),
        (b"u,caf\xe9,2020-01-01,1,1", "not UTF-8; save the file as UTF-8"),
        (b"u,\xed\xa0\x80,2020-01-01,1,1", "not UTF-8; save the file as UTF-8"),
        (b",i,2020-01-01,1,1", "no user_id, session_id, order_id or visitor_id"),
        (b"u,i,,1,1", "timestamp is empty"),
        (b"u,i,yesterday,1,1", "timestamp is no date or time"),
        (b"u,i,2020-02-30,1,1", "timestamp is no date or time"),
        (b"u,i,1e300,1,1", "timestamp is no date or time"),
        (b"u,i,1989-12-31,1,1", "timestamp is before 1990"),
        (b"u,i,40514.56,1,1", SERIAL),
        (b"u,i,0,1,1", "timestamp is before 1990"),
        (b"u,i,-1,1,1", "timestamp is before 1990"),
        (b"u,i,2999-01-01,1,1", "timestamp is more than a day in the future"),
        (f"u,i,{TOMORROW},1,1".encode(), "timestamp is more than a day in the future"),
        (b"u,i,2020-01-01,1,free", "price is not a number"),
        (b"u,i,2020-01-01,1,inf", "price is not a number"),
        (b"u,i,2020-01-01,1,-0.01", "price is negative"),
        (b"u,i,2020-01-01,1,1e13", "price is above 1e12"),
        (b"u,i,2020-01-01,many,1", "quantity is not a number"),
        (b"u,i,2020-01-01,0,1", "quantity is 0"),
        (b"u,i,2020-01-01,1e-50,1", "quantity is 0"),
        (b"u,i,2020-01-01,1000001,1", "quantity is above 1,000,000"),
        (b"u,i,2020-01-01,-1e7,1", "quantity is above 1,000,000"),
        (b"u,i,2020-01-01,1", "too few columns"),
        (b"u,i,2020-01-01,1,1,1", "too many columns"),
        (b'u,"i"x,2020-01-01,1,1', "text after a closing quote"),
        (b'u,"the \\"i\\" x",2020-01-01,1,1', 'quotes inside a value are written \\"; write them twice, ""'),
        (b'u,"i,2020-01-01,1,1', "a quote that is never closed"),
        (b"u,i\rj,2020-01-01,1,1", "a carriage return inside the line"),
        (b"u," + b"x" * 10_000_000 + b",2020-01-01,1,1", "longer than 1,000,000 bytes"),
        (b'u,"' + (b"x" * 99 + b"\n") * 12_000 + b'",2020-01-01,1,1', "a quote that is never closed"),
    ],
)
def test_each_bad_row_is_turned_away_alone(tmp_path: Path, row: bytes, reason: str) -> None:
    """Promise: a bad row is counted once with its reason and its line; its neighbours stay."""
    before, after = 30, 70
    utf8 = "u,café,2020-01-01,1,1\n".encode() * 2
    data = HEADER.encode() + GOOD.encode() * before + row + b"\n" + GOOD.encode() * (after - 2) + utf8
    (tmp_path / "events.csv").write_bytes(data)
    reading = read(tmp_path, rejects=tmp_path / "rejects", max_rejected=1.0)
    assert len(reading.dataset.events) == before + after
    assert sum(reasons(reading).values()) == 1 + row.count(b"\n")  # each line of a swallowed value
    first = rejected(tmp_path / "rejects")[0]
    assert (first["file"], first["line"], first["reason"]) == ("events.csv", str(before + 2), reason)
    assert first["row"].startswith(row[:1].decode())


def test_a_table_of_bad_rows_is_an_error(tmp_path: Path) -> None:
    """Promise: however many rows may be bad, of none nothing is made."""
    (tmp_path / "events.csv").write_text(HEADER + "u,i,soon,1,1\n" * 3)
    with pytest.raises(DataError, match=r"3 of 3 rows of events .* so none is left: .* no date or time"):
        read(tmp_path, max_rejected=1.0)


def test_rows_that_look_odd_and_are_good(tmp_path: Path) -> None:
    """Promise: price 0 (postage), fractions of a kilogram and quotes inside a word stay."""
    rows = [
        "u,i,2020-01-01,1,0\n",
        "u,i,2020-01-01,0.25,1\n",
        'u,26" tv,2020-01-01,1,1\n',
        'u,"a,b",2020-01-01,,\n',
    ]
    (tmp_path / "events.csv").write_text(HEADER + "".join(rows))
    assert len(read(tmp_path).dataset.events) == 4


def test_a_stray_quote_swallows_nothing(tmp_path: Path) -> None:
    """Promise: a quote never closed costs its own line, in a file of any size."""
    good = "".join(f"u{n},i{n % 50},2020-01-01,1,1\n" for n in range(50_000))
    (tmp_path / "events.csv").write_text(HEADER + good + 'u,"i,2020-01-01,1,1\n' + good)
    reading = read(tmp_path)
    assert len(reading.dataset.events) == 100_000
    assert reasons(reading) == {"a quote that is never closed": 1}


def test_lines_are_counted_through_blank_and_broken_ones(tmp_path: Path) -> None:
    """Promise: the line in a rejects file is the line an editor shows."""
    text = 'item_id,title\n\na,"two\nlines"\n  \nb\n\n,empty\nc,ok\n'
    (tmp_path / "items.csv").write_text(text)
    reading = read(tmp_path, rejects=tmp_path / "rejects", max_rejected=0.5)
    lines = text.split("\n")
    shown = [(lines[int(one["line"]) - 1], one["reason"]) for one in rejected(tmp_path / "rejects", "items")]
    assert shown == [("b", "too few columns"), (",empty", "item_id is empty")]
    assert reading.dataset.catalog.title[0] == "two\nlines"


def test_bad_json_lines(tmp_path: Path) -> None:
    """Promise: what is no JSON object is turned away with its line; nesting has no depth that harms."""
    good = '{"user_id":"u","item_id":"i"}\n'
    bad = [
        "{broken",
        "[1,2]",
        '"text"',
        "nul\0",
        '{"a":"\x01"}',
        "{" * 100_000,
        '{"item_id":"i"}',
        '{"user_id":"u"}',
    ]
    (tmp_path / "events.jsonl").write_text(good + "\n".join(bad) + "\n\n" + good)
    reading = read(tmp_path, rejects=tmp_path / "rejects", max_rejected=1.0)
    assert len(reading.dataset.events) == 2
    assert [int(one["line"]) for one in rejected(tmp_path / "rejects")] == list(range(2, 10))
    assert sum(reasons(reading).values()) == len(bad)


def test_parquet_texts_that_are_not_utf8(tmp_path: Path) -> None:
    """Promise: bytes that are no text cost their own row, whether the file calls them text or bytes."""
    ids = pa.array([b"a", b"\xff\xfe", b"caf\xc3\xa9", None], pa.binary())
    for name, kind in (("text", pa.string()), ("bytes", pa.binary())):
        folder = tmp_path / name
        folder.mkdir()
        pq.write_table(pa.table({"item_id": ids.view(kind), "user_id": ["u"] * 4}), folder / "events.parquet")
        reading = read(folder, rejects=folder / "rejects", max_rejected=1.0)
        assert reading.dataset.items.names(np.arange(2)) == ["a", "café"], name
        assert reasons(reading) == {
            "item_id holds a NUL or bytes that are not UTF-8": 1,
            "item_id is empty": 1,
        }
        assert [one["line"] for one in rejected(folder / "rejects")] == ["2", "4"]


def test_parquet_of_the_wrong_types(tmp_path: Path) -> None:
    """Promise: columns of unexpected types are judged by what they say, row by row."""
    table = pa.table(
        {
            "user_id": [1, 2, 3],
            "item_id": [1.0, 2.5, 3.0],
            "quantity": ["1", "lots", "2"],
            "price": [1, -1, 2],
            "timestamp": ["2020-01-01", "2020-01-01", "soon"],
        }
    )
    pq.write_table(table, tmp_path / "events.parquet")
    reading = read(tmp_path, max_rejected=1.0)
    assert reading.dataset.items.names(np.arange(1)) == ["1"]
    assert reasons(reading) == {"price is negative": 1, "timestamp is no date or time": 1}


def test_parquet_values_beyond_all_bounds(tmp_path: Path) -> None:
    """Promise: the largest numbers and moments a type can hold cost their own row, not the file."""
    most = np.iinfo(np.int64)
    for unit in ("us", "ns"):
        folder = tmp_path / unit
        folder.mkdir()
        good = int(np.datetime64("2020-01-01").astype(f"datetime64[{unit}]").astype(np.int64))
        table = pa.table(
            {
                "user_id": pa.array([1e300, 1.0, np.inf, 2.0**53, -0.0, np.nan], pa.float64()),
                "order_id": ["o"] * 6,
                "item_id": ["i"] * 6,
                "timestamp": pa.array([good, most.max, most.min + 1, good, good, good], pa.timestamp(unit)),
                "price": [1e300, 1.0, 1.0, 9e15, np.inf, np.nan],
                "quantity": pa.array([1, 1, 1, 1, most.max, 1], pa.int64()),
            }
        )
        pq.write_table(table, folder / "events.parquet")
        reading = read(folder, max_rejected=1.0)
        assert len(reading.dataset.events) == 1, reasons(reading)
        assert sum(reasons(reading).values()) == 5


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,1,x,yes,2020-01-01", "margin is not a number"),
        ("a,1,1,perhaps,2020-01-01", "in_stock is neither yes nor no nor a number"),
        ("a,1,1,yes,someday", "available_from is no date or time"),
        (",1,1,yes,2020-01-01", "item_id is empty"),
    ],
)
def test_bad_items(tmp_path: Path, row: str, reason: str) -> None:
    """Promise: a bad row of the catalogue is set aside; the others are read."""
    text = f"item_id,price,margin,in_stock,available_from\nok,1,1,yes,2020-01-01\n{row}\n"
    (tmp_path / "items.csv").write_text(text)
    reading = read(tmp_path, max_rejected=0.5)
    assert reading.dataset.items.names(np.arange(1)) == ["ok"]
    assert reasons(reading, "items") == {reason: 1}


@pytest.mark.parametrize("column", ["price", "old_price"])
@pytest.mark.parametrize("written", ["$10.99 - $20.99", "-1", "on request", "inf"])
def test_a_bad_price_costs_no_item(tmp_path: Path, column: str, written: str) -> None:
    """Promise: an item whose price cannot be read has none, and stays; the price is quoted."""
    (tmp_path / "items.csv").write_text(f"item_id,title,{column}\na,Tea,2.5\nb,Pot,{written}\n")
    reading = read(tmp_path)
    catalog, report = reading.dataset.catalog, reading.report.table("items")
    assert [catalog.title[row] for row in range(2)] == ["Tea", "Pot"]
    np.testing.assert_array_equal(getattr(catalog, column), np.array([2.5, np.nan], np.float32))
    assert report is not None
    said = f"1 values of {column}, such as {written!r}, are no amounts: their items have none"
    assert said in report.notes


def test_the_last_of_two_equal_ids_wins(tmp_path: Path) -> None:
    """Promise: an item or user that comes twice is its last good row; the others are counted."""
    (tmp_path / "items-1.csv").write_text("item_id,title\na,first\nb,B\n")
    (tmp_path / "items-2.csv").write_text("item_id,title,in_stock\na,second,1\na,broken,x\n")
    (tmp_path / "users.csv").write_text("user_id,region\nu,north\nu,south\n")
    reading = read(tmp_path, rejects=tmp_path / "rejects", max_rejected=0.25)
    assert reading.dataset.catalog.title[0] == "second"
    assert reading.dataset.people["region"].text(0) == "south"
    assert reasons(reading, "items") == {
        "a later row has the same item_id, and the last one is used": 1,
        "in_stock is neither yes nor no nor a number": 1,
    }
    assert rejected(tmp_path / "rejects", "items")[0]["row"] == "a,first"


def test_unknown_consent_is_not_consent(tmp_path: Path) -> None:
    """Promise: a consent that is neither yes nor no counts as none."""
    (tmp_path / "users.csv").write_text("user_id,consent\nu,maybe\nv,true\n")
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,i\n")
    reading = read(tmp_path, max_rejected=0.5)
    assert [reading.dataset.people["consent"].text(row) for row in range(2)] == ["", "yes"]
    assert reasons(reading, "users") == {"consent is neither yes nor no": 1}


def test_too_many_bad_rows_stop_the_reading(tmp_path: Path) -> None:
    """Promise: above the share allowed the error gives count, reasons, an example and the next step."""
    (tmp_path / "events.csv").write_text(
        "user_id,item_id,price\n" + "u,i,1\n" * 94 + "u,,1\n" * 2 + "u,i,-1\n" * 4
    )
    with pytest.raises(DataError) as caught:
        read(tmp_path, rejects=tmp_path / "rejects")
    said = str(caught.value)
    for piece in (
        "6 of 100 rows",
        "6.0%",
        "5%",
        "4 times price is negative",
        "events.csv line 98: u,i,-1",
        "rejects/events.csv",
    ):
        assert piece in said, said
    assert len(rejected(tmp_path / "rejects")) == 6
    assert len(read(tmp_path, max_rejected=0.06).dataset.events) == 94


def test_a_catalogue_of_bad_rows_stops_it_too(tmp_path: Path) -> None:
    """Promise: prices that are no numbers do not quietly cost the whole catalogue."""
    (tmp_path / "items.csv").write_text("item_id,price\n" + "".join(f"i{n},{n} a piece\n" for n in range(20)))
    with pytest.raises(DataError, match=r"20 of 20 rows of items .*price is not a number.*columns\.items"):
        read(tmp_path)


def test_rows_that_a_later_one_replaces_stop_nothing(tmp_path: Path) -> None:
    """Promise: a daily catalogue appended day by day reads, however often an item comes."""
    (tmp_path / "items.csv").write_text("item_id,price\n" + "".join(f"i,{n}\n" for n in range(20)))
    assert read(tmp_path).dataset.catalog.price.tolist() == [19]


def test_five_in_a_hundred_are_allowed(tmp_path: Path) -> None:
    """Promise: the limit itself is allowed."""
    (tmp_path / "events.csv").write_text("user_id,item_id\n" + "u,i\n" * 95 + "u,\n" * 5)
    assert len(read(tmp_path).dataset.events) == 95


def test_rejects_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    """Promise: a rejects file speaks of the last run only."""
    (tmp_path / "rejects").mkdir()
    (tmp_path / "rejects" / "events.csv").write_text("old")
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,i\n")
    read(tmp_path, rejects=tmp_path / "rejects")
    assert not (tmp_path / "rejects" / "events.csv").exists()


def test_rejects_that_cannot_be_written(tmp_path: Path) -> None:
    """Promise: a rejects folder that is a file is named in the error."""
    (tmp_path / "rejects").write_text("")
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,i\n")
    with pytest.raises(DataError, match=r"rejects folder .* cannot be written"):
        read(tmp_path, rejects=tmp_path / "rejects")


def test_no_formula_reaches_a_spreadsheet(tmp_path: Path) -> None:
    """Promise: cells that a spreadsheet would run are escaped in the rejects file."""
    rows = ["=cmd()", "+1", "-1", "@x", "\tx"]
    text = "item_id,user_id,price\n" + "".join(f"{row},u,bad\n" for row in rows)
    (tmp_path / "events.csv").write_text(text)
    with pytest.raises(DataError):
        read(tmp_path, rejects=tmp_path / "rejects")
    cells = [cell for one in rejected(tmp_path / "rejects") for cell in one.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'=cmd(),u,bad" in cells


@given(st.text())
def test_unformula(text: str) -> None:
    """Promise: an escaped cell starts with no sign that runs; others are left alone."""
    shown = unformula(text)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert shown in (text, "'" + text)


CELLS = st.sampled_from(["1", "ab", '"q,r"', '""', "x y", "", '5" w', "é", '"m\nn"'])
DAMAGE = st.sampled_from([b"\0", b"\xff", b'"z', b",", b"\r", b"\n", b'"a"b'])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS), max_size=20),
    st.lists(st.tuples(st.integers(0, 400), DAMAGE), max_size=4),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_line_is_kept_or_counted(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    damage: list[tuple[int, bytes]],
    end: str,
) -> None:
    """Promise: whatever bytes are damaged, rows kept + rows rejected = rows that came, and no crash."""
    folder = tmp_path_factory.mktemp("shop")
    head = f"item_id,order_id,note{end}good,1,{end}"
    body = "".join(f"i{at},{a},{b}{end}" for at, (a, b) in enumerate(rows)).encode()
    for at, piece in damage:
        place = min(at, len(body))
        body = body[:place] + piece + body[place:]
    (folder / "events.csv").write_bytes(head.encode() + body)
    (folder / "items.csv").write_text("item_id\nz\n")
    reading = read(folder, rejects=folder / "rejects", max_rejected=1.0)
    report = reading.report.table("events")
    assert report is not None
    assert report.kept == len(reading.dataset.events)
    assert report.kept + report.n_rejected == report.rows
    written = rejected(folder / "rejects") if report.n_rejected else []
    assert len(written) == report.n_rejected


def test_lists_of_items_are_refused(tmp_path: Path) -> None:
    """Promise: a row of several items is not taken for an item with a long name."""
    pq.write_table(pa.table({"order_id": ["1"], "item_id": [["a", "b"]]}), tmp_path / "events.parquet")
    with pytest.raises(DataError, match="'item_id' holds several items a row; write a row for each"):
        read(tmp_path)


@pytest.mark.parametrize(("zeroes", "doubts"), [(1, 0), (2, 1)])
def test_many_quantities_of_nothing_are_asked_about(tmp_path: Path, zeroes: int, doubts: int) -> None:
    """Voids of a till are few; YOOCHOOSE writes 0 for what it does not know."""
    (tmp_path / "events.csv").write_text("user_id,item_id,quantity\n" + "u,i,1\n" * 99 + "u,i,0\n" * zeroes)
    found = read(tmp_path, max_rejected=1.0).report.doubts
    assert len([one for one in found if f"{zeroes} rows are rejected for a quantity of 0" in one]) == doubts
