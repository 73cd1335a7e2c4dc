"""A folder in, a dataset out: every kind of file, every optional column, every assumption said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vitrina.dataset import PATH, PURCHASE, RETURN, VIEW, Dataset
from vitrina.errors import DataError
from vitrina.readers import Reading, _database, read

EVENTS = """user_id,order_id,item_id,timestamp,quantity,price,event_type
u1,o1,a,2020-01-01T10:00:00,1,2.5,purchase
u1,o1,b,2020-01-01T10:00:00,2,1.0,purchase
u2,,a,2020-01-02 09:00:00,1,,view
u2,o2,c,2020-01-03,1,4,purchase
"""


def shop(folder: Path, **files: str | bytes) -> Path:
    """A data folder; `events_csv="..."` becomes events.csv."""
    for name, content in files.items():
        path = folder / name.replace("_gz", ".gz").replace("_", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def happened(dataset: Dataset) -> list[tuple[str, str, int, str, float]]:
    """Events in words: user, item, time, type, quantity."""
    events = dataset.events
    users = ["" if row < 0 else dataset.users.names(np.array([row]))[0] for row in events.user]
    return list(
        zip(
            users,
            dataset.items.names(events.item),
            events.time.tolist(),
            [dataset.types[one] for one in events.type],
            events.quantity.tolist(),
            strict=True,
        )
    )


def notes(reading: Reading, table: str = "events") -> str:
    """All notes on one table."""
    report = reading.report.table(table)
    assert report is not None
    return "\n".join(report.notes)


WANTED = [
    ("u1", "a", 1577872800, "purchase", 1.0),
    ("u1", "b", 1577872800, "purchase", 2.0),
    ("u2", "a", 1577955600, "view", 1.0),
    ("u2", "c", 1578009600, "purchase", 1.0),
]


def as_json(text: str) -> str:
    """The CSV as JSON lines; empty cells are left out."""
    names, *rows = (line.split(",") for line in text.splitlines())
    objects = [{name: cell for name, cell in zip(names, row, strict=True) if cell} for row in rows]
    return "".join(json.dumps(one) + "\n" for one in objects)


def as_parquet(text: str, path: Path) -> None:
    """The CSV as Parquet with types of its own."""
    names, *rows = (line.split(",") for line in text.splitlines())
    columns = {name: [row[at] or None for row in rows] for at, name in enumerate(names)}
    types = {"quantity": pa.int32(), "price": pa.float64()}
    table = pa.table({n: pa.array(c).cast(types.get(n, pa.string())) for n, c in columns.items()})
    moments = pa.array(np.array(columns["timestamp"], "datetime64[ms]"))
    pq.write_table(table.set_column(3, "timestamp", moments), path)


@pytest.mark.parametrize(
    "kind", ["csv", "csv.gz", "tsv", "jsonl", "jsonl.gz", "ndjson", "parquet", "semicolon", "crlf"]
)
def test_every_format_reads_alike(tmp_path: Path, kind: str) -> None:
    """Promise: the same rows are the same events, whatever the format."""
    csv = EVENTS.replace(",", "\t") if kind == "tsv" else EVENTS
    content = {"semicolon": EVENTS.replace(",", ";"), "crlf": EVENTS.replace("\n", "\r\n")}.get(kind, csv)
    content = as_json(EVENTS) if kind.startswith(("jsonl", "ndjson")) else content
    path = tmp_path / f"events.{ {'semicolon': 'csv', 'crlf': 'csv'}.get(kind, kind) }"
    if kind == "parquet":
        as_parquet(EVENTS, path)
    else:
        path.write_bytes(gzip.compress(content.encode()) if kind.endswith("gz") else content.encode())
    dataset = read(tmp_path).dataset
    assert happened(dataset) == WANTED
    assert dataset.events.price.tolist() == pytest.approx([2.5, 1.0, np.nan, 4.0], nan_ok=True)
    assert dataset.events.visit.tolist() == [0, 0, -1, 1]
    assert dataset.timed


def test_columns_come_out_with_the_dtypes_promised(tmp_path: Path) -> None:
    """Promise: the dtypes of Events and Catalog are those of dataset.py, writable copies of nothing."""
    items = "item_id,title,price,in_stock\na,A,1.5,yes\n"
    dataset = read(shop(tmp_path, events_csv=EVENTS, items_csv=items)).dataset
    kinds = {name: getattr(dataset.events, name).dtype.name for name in dataset.events.__dataclass_fields__}
    assert kinds == {
        "user": "int32", "item": "int32", "visit": "int32", "time": "int64",
        "type": "uint8", "quantity": "float32", "price": "float32", "gift": "bool",
    }  # fmt: skip
    catalog = dataset.catalog
    assert (catalog.product.dtype, catalog.price.dtype, catalog.in_stock.dtype) == (
        np.int32,
        np.float32,
        np.bool_,
    )
    assert (catalog.available_from.dtype, catalog.category.codes.dtype) == (np.int64, np.int32)


def test_several_files_are_one_table(tmp_path: Path) -> None:
    """Promise: events-2017.csv and events-2018.csv are one table, whatever order their columns have."""
    (tmp_path / "events-2018.csv").write_text("item_id,user_id,timestamp\nb,u,2018-01-01\n")
    (tmp_path / "events-2017.csv").write_text("timestamp,user_id,item_id\n2017-01-01,u,a\n")
    reading = read(tmp_path)
    assert [one[1] for one in happened(reading.dataset)] == ["a", "b"]
    assert reading.report.tables[0].files == ("events-2017.csv", "events-2018.csv")


def test_a_folder_of_parts_is_one_table(tmp_path: Path) -> None:
    """Promise: a folder as Spark writes it reads as one table, in the order of its part numbers."""
    parts = tmp_path / "events.parquet" / "year=2017"
    parts.mkdir(parents=True)
    for number in (10, 2):
        table = pa.table({"item_id": [f"i{number}"], "user_id": ["u"]})
        pq.write_table(table, parts / f"part-{number}.parquet")
    (tmp_path / "events.parquet" / "_SUCCESS").touch()
    (parts / ".part-2.parquet.crc").write_bytes(b"x")
    dataset = read(tmp_path).dataset
    assert [one[1] for one in happened(dataset)] == ["i2", "i10"]


@pytest.mark.parametrize("sign", ["[1]", "*", "it's", "what?"])
def test_odd_signs_in_a_path_stand_for_themselves(tmp_path: Path, sign: str) -> None:
    """Promise: a folder's name is data, not a pattern and not SQL."""
    folder = tmp_path / f"data {sign}"
    folder.mkdir()
    (tmp_path / "data 1").mkdir()
    (tmp_path / "data 1" / "events.csv").write_text("user_id,item_id\nu,wrong\n")
    assert happened(read(shop(folder, events_csv=EVENTS)).dataset) == WANTED


def test_a_catalogue_alone_is_a_shop(tmp_path: Path) -> None:
    """Promise: without any events the items still read, for image and content lists."""
    dataset = read(shop(tmp_path, items_csv="item_id,title\nb,B\na,A\n")).dataset
    assert dataset.items.names(np.arange(2)) == ["a", "b"]
    assert [dataset.catalog.title[row] for row in range(2)] == ["A", "B"]
    assert len(dataset.events) == 0
    assert dataset.events.type.dtype == np.uint8


def test_baskets_alone_are_a_shop(tmp_path: Path) -> None:
    """Promise: order and item are enough; there are no users then, and time counts rows."""
    reading = read(shop(tmp_path, events_csv="basket_id,item_id\n7,x\n7,y\n8,x\n"))
    dataset = reading.dataset
    assert (len(dataset.users), dataset.timed) == (0, False)
    assert dataset.events.user.tolist() == [-1, -1, -1]
    assert dataset.events.time.tolist() == [0, 1, 2]
    assert dataset.events.visit.tolist() == [0, 0, 1]
    assert "order of the rows" in notes(reading)


def test_items_of_neither_side_are_lost(tmp_path: Path) -> None:
    """Promise: unsold items are known, and so are sold ones that items.* does not have; it is said."""
    reading = read(shop(tmp_path, events_csv=EVENTS, items_csv="item_id,title\na,A\nz,Z\n"))
    assert reading.dataset.items.names(np.arange(4)) == ["a", "b", "c", "z"]
    assert (reading.report.uncatalogued_items, reading.report.uncatalogued_events) == (2, 2)
    assert [reading.dataset.catalog.title[row] for row in range(4)] == ["A", "", "", "Z"]


def test_users_without_events_keep_their_attributes(tmp_path: Path) -> None:
    """Promise: users.* attributes are codes by user row, and users who did nothing are known."""
    users = "user_id,Region,sizes,consent\nu2,north,M|L,yes\nu9,south,,0\n"
    dataset = read(shop(tmp_path, events_csv=EVENTS, users_csv=users)).dataset
    assert dataset.users.names(np.arange(3)) == ["u1", "u2", "u9"]
    assert set(dataset.people) == {"region", "sizes", "consent"}
    assert [dataset.people["region"].text(row) for row in range(3)] == ["", "north", "south"]
    assert [dataset.people["sizes"].text(row) for row in range(3)] == ["", "M|L", ""]
    assert [dataset.people["consent"].text(row) for row in range(3)] == ["", "yes", "no"]


def test_every_column_of_the_catalogue_arrives(tmp_path: Path) -> None:
    """Promise: items.* columns of the contract land where dataset.py says, all others as attributes."""
    items = (
        "item_id,product_id,title,category,brand,price,old_price,margin,in_stock,size,color,image,"
        "available_from,available_until,Fit Type\n"
        "a1,a,Shirt,Men > Tops ,Acme,10,12,-0.5,in stock,M,red,a.jpg,2020-01-01,2021-01-01,slim\n"
        "a2,a,Shirt,Men > Tops,Acme,10,,,0,L,red,a.jpg,,,slim\n"
        "b,,Sock,Men,,,,,7,,,,,,\n"
    )
    reading = read(shop(tmp_path, items_csv=items))
    catalog = reading.dataset.catalog
    assert catalog.product[0] == catalog.product[1] != catalog.product[2]
    assert [catalog.category.text(row) for row in range(3)] == [f"Men{PATH}Tops", f"Men{PATH}Tops", "Men"]
    low, high = catalog.subtree("Men")
    assert set(catalog.category.codes.tolist()) <= set(range(low, high))
    assert catalog.in_stock.tolist() == [True, False, True]
    assert catalog.margin[0] == np.float32(-0.5)
    assert np.isnan(catalog.price[2])
    assert np.isnan(catalog.old_price[1])
    assert np.isnan(catalog.margin[1])
    assert (catalog.available_from[0], catalog.available_until[0]) == (1577836800, 1609459200)
    assert catalog.available_from[1] == np.iinfo(np.int64).min
    assert catalog.available_until[1] == np.iinfo(np.int64).max
    assert catalog.image[0] == "a.jpg"
    assert set(catalog.attributes) == {"brand", "size", "color", "fit_type"}
    assert [catalog.attributes["fit_type"].text(row) for row in range(3)] == ["slim", "slim", ""]


@pytest.mark.parametrize(
    ("paths", "wanted", "said"),
    [
        (["a > b", "a / c"], [f"a{PATH}b", "a / c"], ""),
        (["a|b|c", "a"], [f"a{PATH}b{PATH}c", "a"], "'|'"),
        (["/a/b/", "a"], [f"a{PATH}b", "a"], "'/'"),
        (["appliances.kitchen.mixer", "toys"], [f"appliances{PATH}kitchen{PATH}mixer", "toys"], "'.'"),
        (["Misc. goods", "No.1"], ["Misc. goods", "No.1"], "one step"),
        (["fruit/veg", "meat", "fish"], ["fruit/veg", "meat", "fish"], "one step"),
    ],
)
def test_category_paths(tmp_path: Path, paths: list[str], wanted: list[str], said: str) -> None:
    """Promise: '>' joins steps; '|', '/' or '.' only where '>' never occurs and half have it; it is said."""
    rows = "".join(f"i{at},{path}\n" for at, path in enumerate(paths))
    reading = read(shop(tmp_path, items_csv="item_id,category\n" + rows))
    assert [reading.dataset.catalog.category.text(row) for row in range(len(paths))] == wanted
    assert said in notes(reading, "items")


def test_lists_in_json_are_paths(tmp_path: Path) -> None:
    """Promise: a category given as a list is a path."""
    dataset = read(shop(tmp_path, items_jsonl='{"item_id": 1, "category": ["a", "b"]}\n')).dataset
    assert dataset.catalog.category.text(0) == f"a{PATH}b"


def test_visits(tmp_path: Path) -> None:
    """Promise: an order is a visit, else the session, else for purchases the user's UTC day."""
    rows = [
        "u,o1,s1,a,2020-01-01 01:00,purchase", "u,o1,,b,2020-01-01 02:00,purchase", "u,,s1,c,2020-01-01 03:00,view",
        "u,,,d,2020-01-01 04:00,purchase", "u,,,e,2020-01-01 23:59,purchase", "u,,,f,2020-01-02 00:00,purchase",
        "u,,,g,2020-01-02 01:00,view", "u,s1,,h,2020-01-02 02:00,purchase",
    ]  # fmt: skip
    header = "user_id,order_id,session_id,item_id,timestamp,event_type\n"
    reading = read(shop(tmp_path, events_csv=header + "\n".join(rows)))
    visit = reading.dataset.events.visit.tolist()
    assert visit == [0, 0, 1, 2, 2, 3, -1, 4]
    assert "3 purchases have neither order_id nor session_id" in notes(reading)


def test_visitors(tmp_path: Path) -> None:
    """Promise: beside users a visitor is nobody's customer, and what one did on a UTC day is a visit; a file
    that names visitors alone has them as its customers."""
    rows = [
        "u,v,a,2020-01-01 01:00",
        ",v,b,2020-01-01 02:00",
        ",v,c,2020-01-01 23:59",
        ",v,d,2020-01-02 00:00",
    ]
    for_both = "user_id,visitor_id,item_id,timestamp,event_type\n" + "".join(f"{one},view\n" for one in rows)
    reading = read(shop(tmp_path, events_csv=for_both))
    assert [who for who, *_ in happened(reading.dataset)] == ["u", "", "", ""]
    assert reading.dataset.events.visit.tolist() == [-1, 0, 0, 1]
    assert "3 rows name a visitor and no user" in notes(reading)
    alone = "visitorid,item_id,timestamp\nv,a,2020-01-01 01:00\nw,a,2020-01-01 02:00\n"
    reading = read(shop(tmp_path, events_csv=alone))
    assert [who for who, *_ in happened(reading.dataset)] == ["v", "w"]
    assert "'visitorid' was taken as user_id" in notes(reading)


def test_kept_texts(tmp_path: Path) -> None:
    """Promise: columns that are asked for come as texts, event by event; what is too long for an id is
    turned away only where it is asked for."""
    rows = ["u,o2,i2,2020-01-02", ",o1,i1,2020-01-01", f"u,{'x' * 257},i3,2020-01-03", "u,,i4,2020-01-04"]
    folder = shop(tmp_path, events_csv="user_id,order_id,item_id,timestamp\n" + "\n".join(rows))
    kept = read(folder, max_rejected=1, keep=("order_id", "region"))
    assert kept.texts is not None
    assert kept.texts.to_pydict() == {"order_id": ["o1", "o2", None], "region": [None] * 3}
    assert kept.dataset.items.names(kept.dataset.events.item) == ["i1", "i2", "i4"]
    plain = read(folder)
    assert (plain.texts, len(plain.dataset.events)) == (None, 4)


@pytest.mark.parametrize("row", ["u,C1,a,-2,purchase", "u,1,a,2,refund", "u,1,a,-2,return", "u,1,a,-2,"])
def test_returns(tmp_path: Path, row: str) -> None:
    """Promise: a cancelled invoice, a negative quantity and a refund are returns of positive quantity."""
    text = f"user_id,order_id,item_id,quantity,event_type\nu,0,a,3,purchase\n{row}\n"
    events = read(shop(tmp_path, events_csv=text)).dataset.events
    assert events.type.tolist() == [PURCHASE, RETURN]
    assert events.quantity.tolist() == [3, 2]


def test_returns_settle(tmp_path: Path) -> None:
    """Promise: what was read as a return cancels what was bought."""
    text = "user_id,order_id,item_id,quantity\nu,1,a,3\nu,C2,a,-2\n"
    settled = read(shop(tmp_path, events_csv=text)).dataset.settled()
    assert settled.events.quantity.tolist() == [1]


def test_words_for_event_types(tmp_path: Path) -> None:
    """Promise: common words mean our types, words of the shop's own stay, an empty one is a purchase."""
    words = ["click", "Add_To_Cart", "ORDER", "pageview", "refund", "removeFromCart", "wish list", ""]
    text = "user_id,item_id,action\n" + "".join(f"u,i,{word}\n" for word in words)
    reading = read(shop(tmp_path, events_csv=text))
    kinds = [reading.dataset.types[one] for one in reading.dataset.events.type]
    assert kinds == ["view", "cart", "purchase", "view", "return", "remove", "wish_list", "purchase"]
    assert reading.dataset.types[-1] == "wish_list"
    assert "'click' as view" in notes(reading)
    assert "your own: wish_list" in notes(reading)
    assert "1 rows have no event_type" in notes(reading)


def test_a_column_that_holds_no_event_types(tmp_path: Path) -> None:
    """Promise: a column of many words is not taken for event types; the error says what to do."""
    text = "user_id,item_id,event_type\n" + "".join(f"u,i,kind{chr(97 + n)}\n" for n in range(20))
    with pytest.raises(DataError, match=r"event_type has 20 unknown values.*columns\.events"):
        read(shop(tmp_path, events_csv=text))


@pytest.mark.parametrize(
    ("written", "seconds", "said"),
    [
        ("2020-01-01", 1577836800, ""),
        ("2020-01-01T12:00:00.5Z", 1577880000, ""),
        ("2020-01-01 12:00:00+02:00", 1577872800, ""),
        ("1577836800", 1577836800, "seconds since 1970"),
        ("1577836800000", 1577836800, "milliseconds since 1970"),
        ("1577836800000000", 1577836800, "microseconds since 1970"),
        ("1577836800000000000", 1577836800, "nanoseconds since 1970"),
        ("1577836800.75", 1577836800, "seconds since 1970"),
        ("20200101", 1577836800, "20201231"),
        ("31/12/2019 23:00", 1577833200, "day, month, year"),
        ("12/31/2019 23:00", 1577833200, "month, day, year"),
        ("12/31/19 11:00 PM", 1577833200, "month, day, year"),
        ("01.02.2020", 1580515200, "day, month, year"),
        ("2010-12-02 13", 1291294800, ""),
        ("2010-12-02 13:28:15 -0500", 1291314495, ""),
        ("201012021328", 1291296480, "202012312359"),
        ("20101202132815", 1291296495, "202012312359"),
        ("02 Dec 2010", 1291248000, ""),
        ("2 December 2010 13:28", 1291296480, ""),
        ("Dec 2, 2010 1:28 PM", 1291296480, ""),
        ("02-DEC-10", 1291248000, "such as 02-DEC-10 were read as day, month and year"),
        ("02-DEC-10 01.28.15.123456 PM", 1291296495, "day, month and year"),
        ("Thu, 02 Dec 2010 13:28:15 +0200", 1291289295, ""),
        ("Thu, 02 Dec 2010 13:28:15 GMT", 1291296495, ""),
        ("Thu Dec  2 13:28:15 2010", 1291296495, ""),
        ("Thu Dec 02 13:28:15 UTC 2010", 1291296495, ""),
    ],
)
def test_moments(tmp_path: Path, written: str, seconds: int, said: str) -> None:
    """Promise: times of the usual spellings are seconds since 1970 UTC, and guesses are said."""
    reading = read(shop(tmp_path, events_csv=f'user_id,item_id,timestamp\nu,i,"{written}"\n'))
    assert reading.dataset.events.time.tolist() == [seconds]
    assert said in notes(reading)


def test_dates_that_cannot_be_told_apart(tmp_path: Path) -> None:
    """Promise: 01/02/2020 everywhere is refused rather than guessed."""
    with pytest.raises(DataError, match=r"timestamp of events, such as '01/02/2020'.*write dates as"):
        read(shop(tmp_path, events_csv="user_id,item_id,timestamp\nu,i,01/02/2020\n"))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_parquet_moments(tmp_path: Path, unit: str) -> None:
    """Promise: Parquet times of every unit read; without a zone they are UTC."""
    for name, zone in (("naive", None), ("aware", "Europe/Warsaw")):
        folder = tmp_path / name
        folder.mkdir()
        moments = (
            pa.array([1577836800], pa.timestamp("s")).cast(pa.timestamp(unit)).cast(pa.timestamp(unit, zone))
        )
        pq.write_table(
            pa.table({"user_id": ["u"], "item_id": ["i"], "timestamp": moments}), folder / "events.parquet"
        )
        assert read(folder).dataset.events.time.tolist() == [1577836800], name


def test_time_orders_events_and_rows_break_ties(tmp_path: Path) -> None:
    """Promise: oldest first; within one moment as the file has it, below the second too."""
    rows = ["c,2020-01-02", "a,2020-01-01 00:00:00.7", "b,2020-01-01 00:00:00.2", "d,2020-01-02"]
    text = "user_id,item_id,timestamp\n" + "".join(f"u,{row}\n" for row in rows)
    assert [one[1] for one in happened(read(shop(tmp_path, events_csv=text)).dataset)] == ["b", "a", "c", "d"]


def test_numbers_as_they_are_written_in_europe(tmp_path: Path) -> None:
    """Promise: 12,50 and 1.299,50 are amounts, and it is said."""
    text = "user_id;item_id;price\nu;a;12,50\nu;b;1.299,50\nu;c;1 299,00\nu;d;7\n"
    reading = read(shop(tmp_path, events_csv=text))
    assert reading.dataset.events.price.tolist() == [12.5, 1299.5, 1299.0, 7.0]
    assert "3 rows have amounts with a comma" in notes(reading)


@pytest.mark.parametrize("quote", ["", "parquet"])
def test_ids_that_a_table_program_made_floats(tmp_path: Path, quote: str) -> None:
    """Promise: 17850.0, as pandas writes 17850 beside an empty cell, is 17850 again."""
    if quote:
        table = pa.table({"user_id": [17850.0, None], "session_id": [None, "s"], "item_id": ["1.0", "x"]})
        pq.write_table(table, tmp_path / "events.parquet")
    else:
        shop(tmp_path, events_csv="user_id,session_id,item_id\n17850.0,,1.0\n,s,x\n")
    dataset = read(tmp_path).dataset
    assert dataset.users.names(np.arange(1)) == ["17850"]
    assert dataset.items.names(np.arange(2)) == ["1.0", "x"]


@pytest.mark.parametrize("one", ["0", "a0", "ufeff", "00", "e1e", "f\u00e9", "=1+1", "日本", "a b", "x'--"])
def test_ids_are_taken_as_they_are(tmp_path: Path, one: str) -> None:
    """Promise: an id loses blanks around it and nothing else."""
    dataset = read(shop(tmp_path, events_csv=f"user_id,item_id\n {one}\t, {one} \n")).dataset
    assert dataset.items.names(np.arange(1)) == [one]
    assert dataset.users.names(np.arange(1)) == [one]


@pytest.mark.parametrize("nothing", ["", "null", "NULL", "NaN", "None", "\\N", "<NA>", "  "])
def test_words_for_nothing(tmp_path: Path, nothing: str) -> None:
    """Promise: what exports write for nothing is no user, so no user called 'null' buys everything."""
    dataset = read(shop(tmp_path, events_csv=f"user_id,order_id,item_id\n{nothing},1,a\nu,1,a\n")).dataset
    assert dataset.users.names(np.arange(1)) == ["u"]
    assert dataset.events.user.tolist() == [-1, 0]


def test_event_id_counts_once(tmp_path: Path) -> None:
    """Promise: rows that repeat an event_id count once; without event_id equal rows are two sales."""
    rows = "e1,u,a\ne1,u,a\n,u,b\n,u,b\ne2,u,a\n"
    reading = read(shop(tmp_path, events_csv="event_id,user_id,item_id\n" + rows))
    assert [one[1] for one in happened(reading.dataset)] == ["a", "b", "b", "a"]
    assert "1 rows repeat an event_id" in notes(reading)


def test_values_too_long_for_an_attribute(tmp_path: Path) -> None:
    """Promise: a description is no attribute; it counts as not given and is said."""
    reading = read(shop(tmp_path, items_csv=f"item_id,story,color\na,{'x' * 300},red\nb,short,blue\n"))
    story = reading.dataset.catalog.attributes["story"]
    assert [story.text(row) for row in range(2)] == ["", "short"]
    assert "1 values of story are longer than 256 bytes" in notes(reading, "items")


def test_columns_of_several_values_are_left_out(tmp_path: Path) -> None:
    """Promise: a list is no attribute, and it is said."""
    table = pa.table({"item_id": ["a"], "made_of": [["x", "y"]], "made": [{"by": "z"}]})
    pq.write_table(table, tmp_path / "items.parquet")
    reading = read(tmp_path)
    assert not any(
        name in reading.dataset.catalog.attributes and reading.dataset.catalog.attributes[name].text(0)
        for name in ("made_of", "made")
    )
    assert "'made_of' holds several values" in notes(reading, "items")


def test_reading_is_deterministic(tmp_path: Path) -> None:
    """Promise: the same folder gives the same arrays."""
    rows = "".join(f"u{n % 7},s{n % 11},i{n % 5},2020-01-0{n % 9 + 1}\n" for n in range(2000))
    shop(tmp_path, events_csv="user_id,session_id,item_id,timestamp\n" + rows)
    first, second = (read(tmp_path).dataset.events for _ in range(2))
    for name in first.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_progress_is_said(tmp_path: Path) -> None:
    """Promise: `say` hears of each file and each table."""
    said: list[str] = []
    read(shop(tmp_path, events_csv=EVENTS), say=said.append)
    assert said[0].startswith("reading events.csv")
    assert said[-1] == "events: 4 rows, 0 rejected"


def test_the_report_in_words_and_as_json(tmp_path: Path) -> None:
    """Promise: the report names files, columns and what nothing was done with, and is JSON."""
    reading = read(
        shop(tmp_path, events_csv="CustomerID,StockCode,weather\nu,i,rain\n", items_csv="sku,fit\ni,x\n")
    )
    text = "\n".join(reading.report.lines())
    assert "events: 1 of 1 rows kept" in text
    assert "item_id = StockCode" in text
    assert "not used: weather" in text
    assert "attributes: fit" in text
    assert "'StockCode' was taken as item_id" in text
    assert json.loads(json.dumps(reading.report.as_dict()))["tables"]["events"]["kept"] == 1
    assert reading.report.has("events", "user_id")
    assert not reading.report.has("users", "user_id")


def test_view_type_code(tmp_path: Path) -> None:
    """Promise: codes of the known types are the constants of dataset.py."""
    text = "user_id,item_id,event_type\nu,i,view\n"
    assert read(shop(tmp_path, events_csv=text)).dataset.events.type.tolist() == [VIEW]


def test_the_database_is_bounded_and_quiet() -> None:
    """Promise: two threads, bounded memory, no progress bar in a command's output, no downloads."""
    names = ("threads", "memory_limit", "enable_progress_bar", "autoload_known_extensions", "TimeZone")
    with _database() as (db, scratch):
        settings = [db.execute(f"SELECT current_setting('{name}')").fetchone()[0] for name in names]
        assert settings == [2, "1.8 GiB", False, False, "UTC"]
        assert scratch.is_dir()
    assert not scratch.exists()


def test_gifts_are_told_apart(tmp_path: Path) -> None:
    """Promise: `gift` reads as yes or no, empty is no, and the report counts gifts; nonsense is a reject."""
    rows = "item_id,user_id,gift\na,u,yes\nb,u,\nc,u,0\nd,u,maybe\n"
    reading = read(shop(tmp_path, events_csv=rows), max_rejected=1.0)
    assert reading.dataset.events.gift.tolist() == [True, False, False]
    assert "1 rows are gifts" in notes(reading)
    (rejected,) = reading.report.tables[0].rejected
    assert rejected.reason == "gift is neither yes nor no"
