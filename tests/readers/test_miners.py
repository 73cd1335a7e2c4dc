"""Promise: what rule miners and researchers write into files of baskets is told from baskets."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitrina.errors import DataError
from vitrina.readers import Reading, read


def baskets(folder: Path, text: str, name: str = "baskets.csv") -> Reading:
    """The reading of one file."""
    (folder / name).write_text(text)
    return read(folder)


def orders_of(reading: Reading) -> list[list[str]]:
    """The ids of the items of each order."""
    events = reading.dataset.events
    found: dict[int, list[str]] = {}
    for visit, name in zip(events.visit.tolist(), reading.dataset.items.names(events.item), strict=True):
        found.setdefault(visit, []).append(name)
    return list(found.values())


def test_remarks_are_no_baskets(tmp_path: Path) -> None:
    """As rule miners write them, also where they name every item; what was left out is said."""
    found = baskets(tmp_path, "sep=;\n@ITEM=1=milk\n@ITEM=2=tea\n# till 7\na;b\n% week 2\nc\nd;e\nf;a\n")
    assert orders_of(found) == [["a", "b"], ["c"], ["d", "e"], ["f", "a"]]
    assert "5 lines are remarks and were left out: sep=;; @ITEM" in " ".join(found.report.tables[0].notes)
    assert orders_of(baskets(tmp_path, "#a,#b\n#c,d\n")) == [["#a", "#b"], ["#c", "d"]]


@pytest.mark.parametrize(
    ("lines", "orders"),
    [
        (["#1,milk", "tea,ice", "tea,milk"], 3),
        (["tea,ice", "milk,ice", "tea,@home", "@home", "#sale,tea"], 5),
        (["#tea", "#ice"], 2),
    ],
)
def test_ids_that_begin_as_remarks_do_are_items(tmp_path: Path, lines: list[str], orders: int) -> None:
    """Where a basket stands above them, the sign between items is in them, or nothing else is there."""
    assert len(orders_of(baskets(tmp_path, "\n".join(lines * 9)))) == orders * 9


def test_many_remarks_are_a_doubt(tmp_path: Path) -> None:
    """One in a hundred is none, and what programs write is none."""
    good = ["@relation sold", "@attribute 1 {0, 1}", "@data", *["a,b"] * 100, "# till 7"]
    assert not baskets(tmp_path, "\n".join(good)).report.doubts
    (doubt,) = baskets(tmp_path, "\n".join([*good, "% till 8"])).report.doubts
    assert "5 lines are remarks and were left out: @relation sold; @attribute 1 {0, 1}; if those" in doubt


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{n} -1 2 3 -1 7 -1 -2", "holds sequences as SPMF has them"),
        ("1 2 {n}:15:3 3 9", "holds what items are worth as SPMF has it"),
        ("{n} 4 5 4", r"rise from line to line, 1, 2, 3 and on: they name customers or orders"),
        ("{n},milk,tea", r"rise from line to line"),
    ],
)
def test_forms_of_miners_and_of_researchers_are_no_baskets(tmp_path: Path, line: str, said: str) -> None:
    """Marks and ids of customers would sell best: it is said what to write instead."""
    with pytest.raises(DataError, match=said):
        baskets(tmp_path, "".join(line.format(n=n) + "\n" for n in range(1, 31)), "baskets.txt")


@pytest.mark.parametrize("line", ["{n} kg sugar,tea", "{n},{n}0,{m}"])
def test_numbers_that_rise_may_be_items(tmp_path: Path, line: str) -> None:
    """Where they are words of an item, or stand in other baskets too."""
    text = "".join(line.format(n=3 * n, m=3 * n + 3) + "\n" for n in range(1, 31))
    assert len(orders_of(baskets(tmp_path, text))) == 30


def test_numbers_that_do_not_rise_are_items(tmp_path: Path) -> None:
    """Sorted lines hold repeats, and a list of single items rises as it likes."""
    assert (
        len(orders_of(baskets(tmp_path, "".join(f"{n // 2} 90 91\n" for n in range(40)), "baskets.txt")))
        == 40
    )
    assert len(orders_of(baskets(tmp_path, "".join(f"{n}\n" for n in range(40)), "baskets.txt"))) == 40
