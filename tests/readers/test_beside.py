"""Files beside the tables are named, and what they would add to events."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vitrina.readers import read

INSTACART = "order_id,user_id,eval_set,order_number,order_dow\n1,7,prior,1,2\n"


@pytest.mark.parametrize("name", ["orders.csv", "orders.parquet"])
def test_what_events_lack_is_asked_for(tmp_path: Path, name: str) -> None:
    """Promise: a file that knows whose an order was is not left aside in silence."""
    (tmp_path / "events.csv").write_text("order_id,product_id\n1,a\n1,b\n")
    if name == "orders.csv":
        (tmp_path / name).write_text(INSTACART)
    else:
        pq.write_table(pa.table({"order_id": [1], "user_id": [7]}), tmp_path / name)
    (doubt,) = read(tmp_path).report.doubts
    assert (
        f"events have no user_id, and {name}, which is left aside, tells user_id by order_id: join" in doubt
    )


@pytest.mark.parametrize(
    ("events", "other"),
    [
        ("order_id,user_id,item_id\n1,7,a\n", INSTACART),
        ("user_id,item_id\n7,a\n", INSTACART),
        ("order_id,item_id\n1,a\n", "aisle_id,aisle\n1,Tea\n"),
        ("order_id,item_id\n1,a\n", '\n"'),
    ],
)
def test_others_are_named_alone(tmp_path: Path, events: str, other: str) -> None:
    """Promise: no advice without a key and something that is missing; a file of no form stops nothing."""
    (tmp_path / "events.csv").write_text(events)
    (tmp_path / "other.csv").write_text(other)
    report = read(tmp_path).report
    assert report.notes == ("other.csv: left aside, as no table is called so",)


def test_a_damaged_file_beside_stops_nothing(tmp_path: Path) -> None:
    """Promise: nor do the rows of vectors of photos count as a table."""
    (tmp_path / "events.csv").write_text("order_id,item_id\n1,a\n")
    (tmp_path / "embeddings_ids.csv").write_text("item_id\na\n")
    for name in ("a.csv.gz", "b.parquet", "c.jsonl"):
        (tmp_path / name).write_bytes(b"\x1f\x8b\0\xff")
    notes = read(tmp_path).report.notes
    assert notes == ("a.csv.gz, b.parquet, c.jsonl: left aside, as no table is called so",)


def test_baskets_are_not_asked_for_orders(tmp_path: Path) -> None:
    """Promise: lines of baskets have no numbers that another file could be joined by."""
    (tmp_path / "baskets.csv").write_text("a,b\nb,c\n" * 9)
    (tmp_path / "orders.csv").write_text("order_id,user_id,date\n1,u,2020-01-01\n")
    assert not [one for one in read(tmp_path).report.doubts if "join it" in one]
