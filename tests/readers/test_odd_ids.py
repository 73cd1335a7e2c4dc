"""Ids that are something else than they are taken for are refused, or asked about."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vitrina.errors import DataError
from vitrina.readers import read


def doubts(folder: Path, *ids: str) -> tuple[str, ...]:
    """What is doubted of events of items with these ids."""
    (folder / "events.csv").write_text("user_id,item_id\n" + "".join(f'u,"{one}"\n' for one in ids))
    return read(folder).report.doubts


def test_lists_of_items_are_refused(tmp_path: Path) -> None:
    """Promise: in JSON as in Parquet, where only some rows hold several too."""
    rows = [{"user_id": 1, "item_id": [n, n + 1] if n % 3 else n} for n in range(30)]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    with pytest.raises(
        DataError, match=r"of events hold several items, such as '\[1,2\]'; write a row for each"
    ):
        read(tmp_path)


@pytest.mark.parametrize("one", ["['a', 'b']", "[7, 8]"])
def test_lists_as_table_programs_write_them_are_refused(tmp_path: Path, one: str) -> None:
    """Promise: in CSV too; what only stands in brackets is an id."""
    with pytest.raises(DataError, match="write a row for each"):
        doubts(tmp_path, one)


def test_some_lists_are_asked_about(tmp_path: Path) -> None:
    """Promise: where most ids are none, they stay and a person is asked."""
    (doubt,) = doubts(tmp_path, *["i"] * 9, "[1, 2]")
    assert "10% of the rows of events hold several items, such as '[1, 2]'; if so, write a row" in doubt


@pytest.mark.parametrize("sign", [",", "; ", "|"])
def test_baskets_in_a_field_are_asked_about(tmp_path: Path, sign: str) -> None:
    """Promise: whatever stands between them."""
    ids = [sign.join(f"i{(n * k) % 11}" for k in range(1, 2 + n % 4)) for n in range(60)]
    (doubt,) = doubts(tmp_path, *ids)
    assert f"hold {sign.strip()!r}, and what stands between repeats" in doubt


@pytest.mark.parametrize(
    "ids",
    [
        [f"m{n % 7}|{'sml'[n % 3]}|red" for n in range(60)],
        [f"tea, no. {n}, {n + 1} g" if n % 2 else f"tea {n}" for n in range(60)],
        [f"i{n % 5}" for n in range(60)],
        ["[a]", "[link=x]", "[1", "i"],
        ["[0]", "[2 for 1]", "[1]"],
    ],
)
def test_ids_that_hold_signs_are_no_baskets(tmp_path: Path, ids: list[str]) -> None:
    """Promise: an id of model, size and colour is one, and so is a title."""
    assert not doubts(tmp_path, *ids)


def test_floating_point_ids_are_asked_about_as_what_they_are(tmp_path: Path) -> None:
    """Promise: nobody is sent to a spreadsheet for what a table program wrote."""
    ids = pa.array([1.2345678901234567e17, 2.5], pa.float64())
    pq.write_table(pa.table({"user_id": ids, "item_id": ["i", "j"]}), tmp_path / "events.parquet")
    (doubt,) = read(tmp_path).report.doubts
    assert doubt.startswith("1 rows of events have user_id such as '1.2345678901234")
    assert doubt.endswith("write them as integers or text")


def test_numbers_that_a_spreadsheet_shortened_are_asked_about(tmp_path: Path) -> None:
    """Promise: in events and in the catalogue; other letters in numbers are none of them."""
    (tmp_path / "items.csv").write_text("item_id,title\n4.71000E+12,Tea\n")
    found = doubts(tmp_path, "4.71000E+12", "4.72E+12", "4E12", "17e")
    assert [one.split(", as")[0] for one in found] == [
        "2 rows of events have item_id such as '4.71000E+12'",
        "1 rows of items have item_id such as '4.71000E+12'",
    ]
