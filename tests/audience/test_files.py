"""Files of audiences: whole or not at all, harmless in a spreadsheet, hashed as each system wants it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.audience.entry import Entry
from vitrina.audience.files import COLUMNS, email, phone, safe, write_csv, write_parquet, write_people
from vitrina.errors import DataError

ENTRY = Entry("id", "welcome", "=cmd|' /C calc'!A0", 1, 2, ("a",), ("b", "c"), "email", 3, 4, "at once")


def lines(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


@settings(deadline=None)
@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever an id says; and what was harmless stays as it was."""
    assert not safe(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert safe(text) in (text, f"'{text}")


def test_tables_hold_what_was_found(tmp_path: Path) -> None:
    """CSV for people, Parquet with types for programs."""
    assert write_csv([ENTRY, ENTRY], tmp_path / "a.csv") == 2
    rows = lines(tmp_path / "a.csv")
    assert list(rows[0]) == list(COLUMNS)
    assert rows[1]["user_id"] == "'=cmd|' /C calc'!A0"
    assert rows[1]["item_ids"] == "b;c"
    assert write_parquet(iter([ENTRY] * 3), tmp_path / "a.parquet") == 3
    table = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert table[2] == {**ENTRY.__dict__, "about_item_ids": ["a"], "item_ids": ["b", "c"]}
    assert write_parquet([], tmp_path / "none.parquet") == 0
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_run_that_breaks_off_leaves_the_old_file(tmp_path: Path, write) -> None:
    """A file is replaced when the new one is whole."""
    out = tmp_path / ("a.csv" if write is write_csv else "a.parquet")
    out.write_text("old")

    def broken() -> Iterator[Entry]:
        yield ENTRY
        raise DataError("broke off")

    with pytest.raises(DataError):
        write(broken(), out)
    assert out.read_text() == "old"


PEOPLE = [
    {"user_id": "1", "email": " Ann@Shop.Example ", "phone": "+7 (999) 555-11-11"},
    {"user_id": "2", "email": "no address", "phone": ""},
    {"user_id": "3", "email": "", "phone": "79995551112"},
]


def test_google_takes_sha256_of_e164(tmp_path: Path) -> None:
    """Columns by Google's names; who has nothing is left out."""
    assert write_people("google", PEOPLE, tmp_path / "g.csv") == 2
    rows = lines(tmp_path / "g.csv")
    assert rows[0] == {
        "Email": hashlib.sha256(b"ann@shop.example").hexdigest(),
        "Phone": hashlib.sha256(b"+79995551111").hexdigest(),
    }
    assert rows[1]["Email"] == ""


def test_yandex_and_vk_take_md5_of_digits(tmp_path: Path) -> None:
    """79995551111 hashes to what Yandex's own page shows for it; VK's lists are of one kind, one a line."""
    write_people("yandex", PEOPLE, tmp_path / "y.csv")
    rows = lines(tmp_path / "y.csv")
    assert rows[0]["phone"] == hashlib.md5(b"79995551111").hexdigest()
    assert rows[0]["email"] == hashlib.md5(b"ann@shop.example").hexdigest()
    assert write_people("vk-phone", PEOPLE, tmp_path / "v.txt") == 2
    assert write_people("vk-email", PEOPLE, tmp_path / "e.txt") == 1
    assert (tmp_path / "e.txt").read_text() == rows[0]["email"] + "\n"
    with pytest.raises(DataError, match="unknown advertising system 'bing'; known: google"):
        write_people("bing", PEOPLE, tmp_path / "b.csv")


def test_identifiers_are_brought_to_one_form() -> None:
    """Or to nothing where they are none."""
    assert [email(one) for one in ("A@b.CC", "a@b", "a b@c.d", "")] == ["a@b.cc", "", "", ""]
    assert [phone(one) for one in ("8 (800) 555-35-35", "123", "+1234567890123456")] == [
        "88005553535",
        "",
        "",
    ]
