"""The survey of lines: what it counts is what DuckDB reads, and what it cuts is what is broken."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vitrina.errors import DataError
from vitrina.kernels.lines import ENCODING, GOOD, measure
from vitrina.readers import lines
from vitrina.readers.lines import Shape, mend, survey
from vitrina.readers.scan import scan

FIELD = st.sampled_from(
    ["", "1", "ab", "x'y", '"q"', '"a,b"', '""', '"x""y"', 'x"y', '26" w', ' "s" ', " t ", '"m\nn"', '"m\r\nn"',
     "é", "日本", '"open', 'a"', '"c"d', '"', '"""', "z\\", '5" x 6"', "\t", "\x0b"]
)  # fmt: skip
LINES = st.lists(
    st.tuples(st.lists(FIELD, min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"])), max_size=25
)


@settings(max_examples=150, deadline=None)
@example(width=1, rows=[(['""'], "\n")], ended=False)
@example(width=2, rows=[(["\t"], "\n")], ended=False)
@given(st.integers(1, 4), LINES, st.booleans())
def test_duckdb_reads_what_was_counted(
    tmp_path_factory: pytest.TempPathFactory, width: int, rows: list[tuple[list[str], str]], ended: bool
) -> None:
    """Promise: for any mess of quotes and line ends, rows read = records counted, values as in csv."""
    folder = tmp_path_factory.mktemp("lines")
    body = "".join(",".join(cells) + end for cells, end in rows)
    text = ",".join(f"h{at}" for at in range(width)) + "\n" + (body if ended else body.rstrip("\r\n"))
    path = folder / "items.csv"
    path.write_bytes(text.encode())
    with duckdb.connect() as db:
        found = scan(db, path, "items.csv", folder)
        fields = ", ".join(f"c{at}" for at in range(width))
        read = db.execute(f"SELECT {fields} FROM {found.relation} ORDER BY row").fetchall()
    assert len(read) == found.records
    for broken in found.malformed:
        assert text.split("\n")[broken.line - 1].startswith(broken.text.split("\n")[0].rstrip("\r"))
    if not found.malformed:
        told = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
        wanted = [row for row in told if row and (width == 1 or len(row) > 1 or row[0].strip(" \t"))][1:]
        plain = [
            [cell.strip(" ").replace("\r\n", "\n") for cell in row] for row in wanted if any(row) or width > 1
        ]
        got = [[(cell or "").strip(" ").replace("\r\n", "\n") for cell in row] for row in read]
        # In a file of one column a line of blanks is no row, and one of two quotes is a row of nothing:
        # csv tells them apart no more, so there only rows that say something are compared.
        assert [row for row in got if row[0].strip(" \t") or width > 1] == [
            row for row in plain if row[0].strip(" \t") or width > 1
        ]


@pytest.mark.parametrize("line", ["u,i12\n", "u,i1\r\n"])
@pytest.mark.parametrize("first", range(1, 7))
def test_many_lines_wherever_a_thread_would_begin(tmp_path: Path, first: int, line: str) -> None:
    """A plain file of 9 MB was given up where its eight millionth byte ended a line."""
    path, many = tmp_path / "items.csv", 1_500_000
    path.write_bytes(f"a,b\n{'p' * first},x\n{line * many}".encode())
    with duckdb.connect() as db:
        found = scan(db, path, "items.csv", tmp_path)
        read = db.execute(f"SELECT count(*), count(DISTINCT c1) FROM {found.relation}").fetchone()
    assert read == (many + 1, 2)
    assert found.records == many + 1


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=1, max_size=12))
def test_the_kernel_knows_utf8(data: bytes) -> None:
    """Promise: a line is called not UTF-8 exactly where Python cannot decode it."""
    line = data.translate(None, b"\n\r\0") or b"x"
    _, verdict, _ = measure(np.frombuffer(b"x" + line + b"\n", np.uint8), 0, ord("\x01"), 1, 1000, False)
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        assert verdict == ENCODING
    else:
        assert verdict != ENCODING


def test_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: the survey is the same wherever the blocks of a file happen to end."""
    rows = [b'i%d,"a\nb",x\n' % n if n % 3 else b'i%d,"stray,x\n' % n for n in range(300)]
    path = tmp_path / "items.csv"
    path.write_bytes(b"a,b,c\n" + b"".join(rows))
    shape = Shape(ord(","), 3, 6, 2)
    whole = survey(path, shape)
    assert (whole.records, len(whole.malformed)) == (200, 100)
    for size in (64, 100, 1000):
        monkeypatch.setattr(lines, "_BLOCK", size)
        found = survey(path, shape)
        assert (found.records, found.malformed, found.cuts) == (whole.records, whole.malformed, whole.cuts), (
            size
        )
        assert [found.line(at) for at in range(200)] == [whole.line(at) for at in range(200)]


def test_a_line_longer_than_any_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: an endless line is passed over in pieces and costs itself only, at either end of a file."""
    monkeypatch.setattr(lines, "_BLOCK", 1 << 20)
    long = b"x" * 5_000_000
    for body, count in ((long + b"\na,b\n", 1), (b"a,b\n" + long, 1), (b"a,b\n" + long + b"\nc,d\n", 2)):
        path = tmp_path / "items.csv"
        path.write_bytes(b"h,i\n" + body)
        found = survey(path, Shape(ord(","), 2, 4, 2))
        assert found.records == count
        assert [one.reason for one in found.malformed] == ["longer than 1,000,000 bytes"]
        assert len(found.malformed[0].text) <= lines.MAX_TEXT
        mend(path, found.cuts, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == b"h,i\n" + body.replace(long + b"\n", b"").replace(
            long, b""
        )


def test_mending_cuts_exactly(tmp_path: Path) -> None:
    """Promise: a mended copy is the file without the cuts, packed or not."""
    path = tmp_path / "x.csv"
    path.write_bytes(bytes(range(256)))
    mend(path, [(0, 3), (10, 10), (250, 256)], tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == bytes(range(3, 250))


def test_a_million_broken_lines_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a file that is no table at all stops the reading before memory does."""
    monkeypatch.setattr(lines, "MAX_MALFORMED", 10)
    path = tmp_path / "events.csv"
    path.write_bytes(b"a,b\n" + b"x\n" * 20)
    with pytest.raises(DataError, match=r"more than 10 malformed lines.*line 12: too few columns"):
        survey(path, Shape(ord(","), 2, 4, 2))


def test_good_is_zero() -> None:
    """Promise: the kernel's words are distinct; GOOD is what an ordinary line is."""
    assert measure(np.frombuffer(b"a,b\n", np.uint8), 0, ord(","), 2, 100, False) == (4, GOOD, 2)
