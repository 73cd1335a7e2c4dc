"""What came under a name that is not known is asked about, where it may be what is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vitrina.readers import read


def doubts(folder: Path, header: str, *rows: str) -> tuple[str, ...]:
    """What is doubted of these events."""
    (folder / "events.csv").write_text("\n".join([header, *rows]) + "\n")
    return read(folder).report.doubts


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("bought", "2020-02-03"),
        ("bought", "2020-02-03 10:11:12"),
        ("bought", "03/02/2020"),
        ("sold_at", "1580724672"),
        ("sale_dt", "20200203"),
    ],
)
def test_moments_of_an_unknown_name_are_asked_about(tmp_path: Path, name: str, moment: str) -> None:
    """Promise: the doubt names the column and the line for the recipe, with which it is read."""
    rows = [f"u,i1,4001234567890,7,{moment}", "v,i2,4001234567891,1.5,", f"v,i3,4001234567892,9,{moment}"]
    (doubt,) = doubts(tmp_path, f"user_id,item_id,barcode,points,{name}", *rows)
    assert f"{name!r} is not used and holds moments such as {moment}:" in doubt
    assert doubt.endswith(f'under [columns.events]: timestamp = "{name}"')


def test_moments_of_a_type_are_asked_about(tmp_path: Path) -> None:
    """Promise: a Parquet column of moments is one, whatever it is called."""
    columns = {"user_id": ["u"], "item_id": ["i"], "x": [datetime(2020, 1, 1, tzinfo=UTC)], "l": [["a"]]}
    pq.write_table(pa.table(columns), tmp_path / "events.parquet")
    (doubt,) = read(tmp_path).report.doubts
    assert "'x' is not used and holds moments: if" in doubt


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("user_id,item_id,timestamp,shipped", "u,i,2020-01-01,2020-01-02"),
        ("user_id,item_id,barcode", "u,i,1580724672"),
        ("user_id,item_id,born", "u,i,1971-02-03"),
        ("user_id,item_id,watched", "u,i,47"),
        ("user_id,item_id,size", "u,i,10-12-14"),
        ("user_id,item_id,birth_date", "u,i,1999-01-02"),
        ("user_id,item_id,ReleaseDate", "u,i,2019-01-02"),
        ("user_id,item_id,day", "u,i,Monday"),
    ],
)
def test_what_is_no_moment_of_events_is_not(tmp_path: Path, header: str, row: str) -> None:
    """Promise: with a timestamp nothing is missing; numbers are moments only under a name of time,
    and so is what has no year in four digits; births, releases and names of days are none."""
    assert not doubts(tmp_path, header, row)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("household_key,DAY,PRODUCT_ID,h", "write a date instead, that many days after a first one"),
        ("year,day,item,session_id,month", "write it with the year and the month as one date"),
        ("user_id,days_since_prior_order,item_id,c", ""),
    ],
)
def test_a_number_of_a_day_is_no_date(tmp_path: Path, head: str, said: str) -> None:
    """Promise: it is said what to write instead; of days between orders nothing is."""
    found = doubts(
        tmp_path, head, "4,1,8,7,9"[: 2 * head.count(",") + 1], "5,2,8,7,9"[: 2 * head.count(",") + 1]
    )
    assert [said in one for one in found] == [True] * bool(said)
