"""Rows that came more than once are counted, and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitrina.readers import read, repeats

HEAD = "user_id,item_id,timestamp,price,remark"


def months(folder: Path, head: str = HEAD, own: str = "2020-01-0{n} 1{n}:00") -> tuple[str, ...]:
    """What is doubted of three files; the third has two rows of the first, with other remarks."""
    for month in range(3):
        rows = [f"u{n},i{month}," + own.format(n=n) + ",1.5,x" for n in range(1, 10)]
        rows += [f"u{n},i0," + own.format(n=n) + ",1.5,y" for n in (1, 2)] if month == 2 else []
        (folder / f"events-{month}.csv").write_text("\n".join([head, *rows]) + "\n")
    return read(folder).report.doubts


def test_rows_in_two_files_are_doubted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: how many, of which files; they stay, for the shop knows better. Of many rows a part is compared."""
    (doubt,) = months(tmp_path)
    assert doubt.startswith(
        "2 rows of events-2.csv are also in events-0.csv, alike in every column that is read"
    )
    assert len(read(tmp_path).dataset.events) == 29
    (tmp_path / "events-1.csv").write_bytes((tmp_path / "events-0.csv").read_bytes())
    monkeypatch.setattr(repeats, "LOOKED_AT", 10)
    (doubt,) = read(tmp_path).report.doubts
    assert doubt.startswith("about ")


@pytest.mark.parametrize(
    ("head", "own"),
    [
        ("user_id,item_id,note,price,remark", "2020"),
        ("user_id,item_id,timestamp,price,event_id", "2020-01-0{n} 1{n}:00"),
        (HEAD, "2020-01-0{n}"),
    ],
)
def test_what_may_well_be_alike_is_not(tmp_path: Path, head: str, own: str) -> None:
    """Promise: rows may repeat within a day, and an event_id says which of them do."""
    assert not [one for one in months(tmp_path, head, own) if "are also in" in one]


def test_a_catalogue_of_each_month_is_no_catalogue_that_repeats(tmp_path: Path) -> None:
    """Promise: a later file replaces what an earlier one says, and that is in order."""
    for month in range(4):
        rows = "".join(f"i{item},T{item},{month + 1}\n" for item in range(5))
        (tmp_path / f"items-2020-0{month + 1}.csv").write_text("item_id,title,price\n" + rows)
    assert not read(tmp_path).report.doubts


def orders(folder: Path, *files: list[str]) -> tuple[str, ...]:
    """What is doubted of files of three lines an order, which hold these items; dates alone are known."""
    for name, items in zip("abc", files, strict=False):
        rows = [f"{at // 3 + 1},2020-01-0{at // 30 + 1},{item}" for at, item in enumerate(items)]
        (folder / f"events-{name}.csv").write_text("\n".join(["order_id,date,item_id", *rows]) + "\n")
    return read(folder).report.doubts


def test_orders_in_two_files_are_doubted(tmp_path: Path) -> None:
    """Promise: whole ones; one that was cut where a file ended changes nothing."""
    items = [f"i{at % 7}" for at in range(90)]
    (doubt,) = orders(tmp_path, items, items[:61])
    assert doubt.startswith("21 orders of events-b.csv are also in events-a.csv, alike in every column")


def test_orders_whose_numbers_begin_anew_are_asked_about(tmp_path: Path) -> None:
    """Promise: nothing is to be taken out of two shops that sell the same and count from 1 both."""
    shops = [[f"i{(at * step + at // 7) % 4}" for at in range(240)] for step in (1, 2)]
    (doubt,) = orders(tmp_path, *shops)
    assert doubt.startswith("events-a.csv and events-b.csv have orders of the same 'order_id', and few are")
    assert "put the name of the shop" in doubt


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (
            "timestamp,itemid,property,value",
            "'property' and 'value' are a row for each property: write one row",
        ),
        ("timestamp,itemid,shop,stock", "write one row for each, or is 'itemid' not its id?"),
    ],
)
def test_a_catalogue_that_repeats_its_items_is_doubted(tmp_path: Path, head: str, said: str) -> None:
    """Promise: properties a row, as RetailRocket has them, would be nearly all lost without a word."""
    rows = [f"143122{at},i{item},p{at},{at}" for item in range(3) for at in range(4)]
    (tmp_path / "items.csv").write_text("\n".join([head, *rows]) + "\n")
    (doubt,) = read(tmp_path).report.doubts
    assert doubt.startswith("75% of the rows of items.* were left out, as a later one has the same id: ")
    assert said in doubt
    (tmp_path / "items.csv").write_text("\n".join([head, *rows[::4], rows[1]]) + "\n")
    assert not read(tmp_path).report.doubts
