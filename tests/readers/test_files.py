"""Files that cannot be read as they are: one sentence each, naming the file and the next step."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vitrina.errors import DataError
from vitrina.readers import read
from vitrina.readers.columns import CONTRACT, choose

GOOD = b"user_id,item_id\nu,i\n"


def parquet() -> bytes:
    """A small good Parquet file."""
    out = io.BytesIO()
    pq.write_table(pa.table({"user_id": ["u"] * 500, "item_id": [f"i{n}" for n in range(500)]}), out)
    return out.getvalue()


CASES: dict[str, tuple[dict[str, bytes], str]] = {
    "nothing": ({}, r"neither events.* nor items.*; it is empty"),
    "other names": ({"orders.csv": GOOD}, r"it holds orders\.csv: name the file of purchases"),
    "users alone": ({"users.csv": b"user_id\nu\n"}, r"neither events"),
    "a spreadsheet": ({"events.xlsx": b"PK\3\4"}, r"events\.xlsx is not in a format.*events\.csv"),
    "JSON": ({"events.json": b"[]"}, r"events\.json is not in a format"),
    "twice": ({"events.csv": GOOD, "events.parquet": parquet()}, r"events\.csv and events\.parquet.*keep one"),
    "no bytes": ({"events.csv": b""}, r"events\.csv is empty"),
    "no bytes packed": ({"events.csv.gz": gzip.compress(b"")}, r"events\.csv\.gz is empty"),
    "no bytes of JSON": ({"events.jsonl": b""}, r"events\.jsonl holds no JSON object"),
    "no bytes of Parquet": ({"events.parquet": b""}, r"events\.parquet is not Parquet"),
    "a blank": ({"events.csv": b"\n\n"}, r"events\.csv is empty"),
    "a header": ({"events.csv": b"user_id,item_id\n"}, r"hold no rows"),
    "a header unended": ({"items.csv": b"item_id"}, r"hold no rows"),
    "CSV called Parquet": ({"events.parquet": GOOD}, r"events\.parquet is not Parquet"),
    "Parquet called CSV": ({"events.csv": parquet()}, r"events\.csv is not text but Parquet"),
    "a spreadsheet called CSV": ({"events.csv": b"PK\3\4abc\n"}, r"a zip archive or a spreadsheet"),
    "gzip called CSV": ({"events.csv": gzip.compress(GOOD)}, r"gzip; add \.gz"),
    "CSV called gzip": ({"events.csv.gz": GOOD}, r"events\.csv\.gz is not a whole gzip file"),
    "half a gzip": ({"events.csv.gz": gzip.compress(GOOD * 9999)[:-200]}, r"not a whole gzip file"),
    "half a Parquet": ({"events.parquet": parquet()[:900]}, r"events\.parquet cannot be read"),
    "old Mac lines": ({"events.csv": GOOD.replace(b"\n", b"\r")}, r"first line of events\.csv names no columns"),
    "double colons": ({"events.csv": b"1::Toy (1995)::Toys|Comedy\n"}, r"'::' parts them; put a tab in its place"),
    "blanks between columns": ({"events.csv": b"user_id item_id\nu i\n"}, r"here is only one; put a comma in place of the blanks"),
    "an array": ({"events.jsonl": b'[{"user_id": 1, "item_id": 2}]'}, r"no JSON object but an array; write one object a line"),
    "no item": ({"events.csv": b"user_id,amount\nu,1\n"}, r"no column for item_id; its columns: 'user_id', 'amount'"),
    "no actor": ({"events.csv": b"item_id\ni\n"}, r"no column for any of user_id, session_id, order_id, visitor_id"),
    "no header": ({"events.csv": b"7,a1,2020\n"}, r"no column for item_id nor for any of .*needs one"),
    "no id of users": ({"items.csv": b"item_id\ni\n", "users.csv": b"region\nn\n"}, r"users\.csv has no column for user_id"),
    "two users": ({"events.csv": b"CustomerID,member_id,item_id\n"}, r"'CustomerID' and 'member_id' may both be user_id"),
    "two times": ({"events.csv": b"user_id,item_id,ts,event_time\n"}, r"'ts' and 'event_time'.*columns\.events.: timestamp = \"ts\""),
    "two likenesses": ({"items.csv": b"Item Id,item-id\n"}, r"'Item Id' and 'item-id' may both be item_id"),
    "two attributes": ({"items.csv": b"item_id,Fit Type,fit_type\n"}, r"'Fit Type' and 'fit_type' are both fit_type"),
    "times in half": ({"events-1.csv": b"user_id,item_id,ts\nu,i,2020-01-01\n", "events-2.csv": GOOD}, r"events-1\.csv has a timestamp, events-2\.csv has none"),
    "no object": ({"events.jsonl": b"[1]\n[2]\n"}, r"events\.jsonl holds no JSON object"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_wrong_file_is_one_sentence(tmp_path: Path, case: str) -> None:
    """Promise: DataError, with what is wrong and what to do; never a traceback of a library."""
    files, said = CASES[case]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("start", [b"sep=;\r\n", b"\xef\xbb\xbfsep=;\n"])
def test_a_hint_for_spreadsheets_is_no_header(tmp_path: Path, start: bytes) -> None:
    """Promise: the line after `sep=;` names the columns, and lines are counted as a person does."""
    (tmp_path / "events.csv").write_bytes(start + b"user_id;item_id\nu;i\nu;j\n;\n")
    reading = read(tmp_path, max_rejected=0.5)
    assert reading.dataset.items.names(np.arange(2)) == ["i", "j"]
    assert reading.report.tables[0].rejected[0].example == "events.csv line 5: ;"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Promise: a wrong path is named as it was given."""
    with pytest.raises(DataError, match=r"gone does not exist"):
        read(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file is a file, not a folder"):
        read(tmp_path / "file")


def test_an_unreadable_file_beside_a_good_one_is_said(tmp_path: Path) -> None:
    """Promise: a file left aside is never left aside in silence."""
    (tmp_path / "events.csv").write_bytes(GOOD)
    (tmp_path / "events.xlsx").write_bytes(b"")
    (tmp_path / "readme.txt").write_bytes(b"")
    assert read(tmp_path).report.notes == ("events.xlsx is in no format that is read, and was left aside",)


def test_events_under_another_name_are_asked_for(tmp_path):
    """A catalogue alone can be read; what may be its events is named, if there are none."""
    (tmp_path / "items.csv").write_text("item_id\na\n")
    (tmp_path / "ratings.csv").write_text("user_id,item_id\nu,a\n")
    (note,) = read(tmp_path).report.notes
    assert note.startswith("there are no events.*, and ratings.csv was not read: name what holds")
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,a\n")
    assert read(tmp_path).report.notes == ("ratings.csv: left aside, as no table is called so",)


@pytest.mark.parametrize("make", [parquet, lambda: gzip.compress(GOOD * 500)], ids=["parquet", "gzip"])
def test_flipped_bytes_are_errors_or_rows(tmp_path: Path, make: Callable[[], bytes]) -> None:
    """Promise: a damaged file is a DataError or a reading; nothing else, and never a crash."""
    whole, dice = make(), random.Random(7)
    path = tmp_path / ("events.parquet" if make is parquet else "events.csv.gz")
    outcomes = set()
    for _ in range(30):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        path.write_bytes(bytes(damaged[: dice.choice([len(whole), len(whole), dice.randrange(len(whole))])]))
        try:
            outcomes.add(len(read(tmp_path, max_rejected=1.0).dataset.events) > 0)
        except DataError:
            outcomes.add(None)
    assert None in outcomes


def test_aliases_are_obeyed(tmp_path: Path) -> None:
    """Promise: an alias beats a likeness, in any case; attributes may be renamed too."""
    (tmp_path / "events.csv").write_text("user_id,item_id,Artikel\nu,wrong,right\n")
    (tmp_path / "items.csv").write_text("sku,Farbe,Stoff\nright,rot,Samt\n")
    aliases = {"events": {"item_id": "artikel"}, "items": {"color": "Farbe", "fabric": "Stoff"}}
    reading = read(tmp_path, aliases=aliases)
    assert reading.dataset.items.names(reading.dataset.events.item) == ["right"]
    assert {name: one.text(0) for name, one in reading.dataset.catalog.attributes.items()} == {
        "color": "rot",
        "fabric": "Samt",
    }


@pytest.mark.parametrize(
    ("aliases", "said"),
    [
        (
            {"events": {"item_id": "sku"}},
            r"events\.csv has no column 'sku'.*its columns: 'user_id', 'item_id'",
        ),
        ({"events": {"colour": "x"}}, r"\[columns\.events\] names a column 'colour'; known: item_id"),
        ({"orders": {}}, r"\[columns\.orders\] names a table that is not read; known: events, items, users"),
    ],
)
def test_wrong_aliases(tmp_path: Path, aliases: dict[str, dict[str, str]], said: str) -> None:
    """Promise: an alias that fits nothing is refused with what there is."""
    (tmp_path / "events.csv").write_bytes(GOOD)
    with pytest.raises(DataError, match=said):
        read(tmp_path, aliases=aliases)


@pytest.mark.parametrize(
    ("table", "names", "wanted"),
    [
        ("events", ["itemid", "USERID"], {"item_id": 0, "user_id": 1}),
        ("events", ["product_id", "household_id"], {"item_id": 0, "user_id": 1}),
        ("events", ["item_id", "product_id", "user_id"], {"item_id": 0, "user_id": 2}),
        ("events", ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"],
         {"order_id": 0, "item_id": 1, "quantity": 2, "timestamp": 3, "price": 4, "user_id": 5}),
        ("events", ["timestamp", "visitorid", "event", "itemid"], {"timestamp": 0, "user_id": 1, "event_type": 2, "item_id": 3}),
        ("events", ["visitor_id", "CustomerID", "item"], {"visitor_id": 0, "user_id": 1, "item_id": 2}),
        ("events", ["SessionId", "ItemId", "Time"], {"session_id": 0, "item_id": 1, "timestamp": 2}),
        ("events", ["transaction_id", "item", "ts", "event"], {"order_id": 0, "item_id": 1, "timestamp": 2, "event_type": 3}),
        ("items", ["product_id"], {"item_id": 0}),
        ("items", ["sku", "product_id"], {"item_id": 0, "product_id": 1}),
        ("items", ["id", "name", "description"], {"item_id": 0, "title": 1}),
    ],
)  # fmt: skip
def test_common_names(table: str, names: list[str], wanted: dict[str, int]) -> None:
    """Promise: very common names are taken without being told, and every such choice is noted."""
    choice = choose(table, "file", names, {})
    assert dict(choice.contract) == wanted
    plain = {name.replace("_", "") for name in CONTRACT[table]}
    guessed = [
        name for name in choice.contract if names[choice.contract[name]].lower().replace("_", "") not in plain
    ]
    assert all(any(note.endswith(name) for note in choice.notes) for name in guessed)


ODD = ['ro"w', "it's", "file", "row", "c0", "x0", "a/b~c", "naïve", "select", "Größe (cm)"]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_odd_column_names_are_data(tmp_path: Path, kind: str) -> None:
    """Promise: no column name is SQL, a path or one of our own names."""
    path = tmp_path / f"items.{kind}"
    if kind == "parquet":
        pq.write_table(
            pa.table({"item_id": ["i", ""], **{name: [f"v{at}"] * 2 for at, name in enumerate(ODD)}}), path
        )
    elif kind == "jsonl":
        one = {"item_id": "i", **{name: f"v{at}" for at, name in enumerate(ODD)}}
        path.write_text(json.dumps(one) + "\n" + json.dumps({**one, "item_id": ""}) + "\n")
    else:
        with path.open("w", newline="") as out:
            csv.writer(out).writerows(
                [["item_id", *ODD], *([i, *(f"v{n}" for n in range(len(ODD)))] for i in ("i", ""))]
            )
    reading = read(tmp_path, rejects=tmp_path / "rejects", max_rejected=0.5)
    attributes = reading.dataset.catalog.attributes
    assert sorted(one.text(0) for one in attributes.values()) == sorted(f"v{at}" for at in range(len(ODD)))
    assert attributes["größe_cm"].text(0) == "v9"
    report = reading.report.table("items")
    assert report is not None
    assert report.n_rejected == 1


def test_a_parquet_column_that_duckdb_adds_itself(tmp_path: Path) -> None:
    """Promise: the one name that cannot be read is an error that names the file and the column."""
    table = pa.table({"user_id": ["u"], "item_id": ["i"], "file_row_number": ["x"]})
    pq.write_table(table, tmp_path / "events.parquet")
    with pytest.raises(DataError, match=r"events\.parquet cannot be read: .*file_row_number"):
        read(tmp_path)


def test_parquet_without_rows(tmp_path: Path) -> None:
    """Promise: empty tables are an error only where nothing else came."""
    pq.write_table(
        pa.table({"user_id": pa.array([], pa.string()), "item_id": pa.array([], pa.string())}),
        tmp_path / "events.parquet",
    )
    with pytest.raises(DataError, match="hold no rows"):
        read(tmp_path)
    (tmp_path / "items.csv").write_text("item_id\ni\n")
    assert len(read(tmp_path).dataset.items) == 1


def test_empty_parts_are_passed_over(tmp_path: Path) -> None:
    """Promise: an empty part among full ones is noted, not fatal."""
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "part-0.csv").write_bytes(GOOD)
    (tmp_path / "events" / "part-1.csv").touch()
    report = read(tmp_path).report.tables[0]
    assert (report.rows, report.files) == (1, ("events/part-0.csv",))
    assert "events/part-1.csv is empty" in report.notes


def test_rejects_never_overwrite_the_data(tmp_path: Path) -> None:
    """Promise: naming the data folder for rejects is refused before anything is written."""
    (tmp_path / "events.csv").write_bytes(GOOD + b"u,\n")
    with pytest.raises(DataError, match="would overwrite the data"):
        read(tmp_path, rejects=tmp_path / "." / "x" / "..", max_rejected=1)
    assert (tmp_path / "events.csv").read_bytes() == GOOD + b"u,\n"


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: mended copies and spills go with the reading, also when it fails."""
    (tmp_path / "data").mkdir()
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "data" / "events.csv").write_bytes(GOOD + b"u,i\n" * 30 + b"bad\n")
    read(tmp_path / "data")
    (tmp_path / "data" / "items.csv").write_bytes(b"item_id,Item_ID,ITEM-ID\n")
    with pytest.raises(DataError):
        read(tmp_path / "data", aliases={"items": {"item_id": "gone"}})
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_till_export_as_they_are(tmp_path: Path) -> None:
    """Promise: the best-known retail export reads without one alias: names, dates, floats, returns."""
    rows = [
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        '536365,85123A,"WHITE HANGING HEART, T-LIGHT",6,12/1/2010 8:26,2.55,17850.0,United Kingdom',
        "536365,71053,WHITE METAL LANTERN,6,12/1/2010 8:26,3.39,17850.0,United Kingdom",
        "536414,22139,,56,12/13/2010 11:52,0.0,,United Kingdom",
        "C536379,85123A,Discount,-1,12/14/2010 9:41,2.55,17850.0,United Kingdom",
    ]
    (tmp_path / "events.csv").write_text("\n".join(rows) + "\n")
    dataset = read(tmp_path).dataset
    assert dataset.users.names(np.arange(1)) == ["17850"]
    assert dataset.events.time.tolist() == [1291191960, 1291191960, 1292241120, 1292319660]
    assert [dataset.types[one] for one in dataset.events.type] == ["purchase"] * 3 + ["return"]
    assert dataset.events.user.tolist() == [0, 0, -1, 0]
    assert dataset.settled().events.quantity.tolist() == [5, 6, 56]
