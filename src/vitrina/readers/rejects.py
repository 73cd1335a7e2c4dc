"""The rows that were turned away: counted by reason, shown by example, written to a file."""

# ruff: noqa: S608 - names in queries are ours; what a shop wrote goes through `scan.literal`.
from __future__ import annotations

import csv
import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vitrina.errors import DataError
from vitrina.readers.checks import replaced
from vitrina.readers.lines import MAX_TEXT
from vitrina.readers.report import Rejected
from vitrina.readers.rows import Staged
from vitrina.readers.scan import Db, Scan, answer, hushed, named

HEADER = ("file", "line", "reason", "row")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHOWN = 120


@dataclass(frozen=True)
class Reject:
    """One row turned away: where it stands, why, and what it says."""

    file: str
    line: int
    reason: str
    text: str


def set_aside(db: Db, staged: Staged, folder: Path | None) -> tuple[Rejected, ...]:
    """Count the rejects of a checked table and write them to `<folder>/<table>.csv`, if there are any.

    Raises DataError where the file cannot be written.
    """
    counts: Counter[str] = Counter()
    first: dict[str, Reject] = {}
    try:
        with _written(folder, staged.table) as write:
            for one in _rejects(db, staged):
                counts[one.reason] += 1
                first.setdefault(one.reason, one)
                write(one)
        if folder and not counts:
            (folder / f"{staged.table}.csv").unlink()
    except OSError as error:
        raise DataError(
            f"the rejects folder {folder} cannot be written: {error.strerror or error}"
        ) from error
    return tuple(Rejected(reason, rows, _example(first[reason])) for reason, rows in counts.most_common())


def stop_if_many(staged: Staged, rejected: tuple[Rejected, ...], most: float, folder: Path | None) -> None:
    """Raise DataError where more than the share `most` of a table's rows cannot be used, or none can.

    Rows that a later one replaces can, so they do not count here. A line that is a basket is a row.
    """
    table, bad = staged.table, [one for one in rejected if one.reason != replaced(staged.table)]
    shares = [(sum(one.rows for one in bad), staged.rows)]
    shares += [(len(one.malformed), len(one.malformed) + one.baskets) for one in staged.scans if one.baskets]
    count, rows = max(shares, key=lambda one: one[0] / max(one[1], 1))
    if count <= most * rows and count < max(rows, 1):
        return
    reasons = "; ".join(f"{one.rows:,} times {one.reason} (first {one.example})" for one in bad[:3])
    allowed = f"more than the {most:.0%} allowed" if count > most * rows else "so none is left"
    where = f"All are in {folder / table}.csv" if folder else "Name a folder for rejects to see them all"
    raise DataError(
        f"{count:,} of {rows:,} rows of {table} ({count / rows:.1%}) cannot be used, "
        f"{allowed}: {reasons}. {where}; mend the export, or name the right columns "
        f"in the recipe, under [columns.{table}]"
    )


def unformula(text: str) -> str:
    """A text that a spreadsheet shows and does not run."""
    return "'" + text if text.startswith(_FORMULA) else text


@contextmanager
def _written(folder: Path | None, table: str) -> Iterator[Callable[[Reject], object]]:
    """Something that takes rejects, and writes them where there is a folder."""
    if folder is None:
        yield lambda one: None
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(HEADER)
        yield lambda one: rows.writerow(
            unformula(str(field).replace("\0", "\\0")) for field in (one.file, one.line, one.reason, one.text)
        )


def _rejects(db: Db, staged: Staged) -> Iterator[Reject]:
    """All rejects of a table, file by file, in the order of their lines."""
    for number, one in enumerate(staged.scans):
        broken = (Reject(one.file, line.line, line.reason, line.text) for line in one.malformed)
        yield from heapq.merge(broken, _judged(db, staged.table, number, one), key=lambda reject: reject.line)


def _judged(db: Db, table: str, number: int, one: Scan) -> Iterator[Reject]:
    """The rejects among the well-formed rows of one file; it is read again only if it has any."""
    bad = f"SELECT row, reason FROM {table} WHERE file = {number} AND reason IS NOT NULL"
    if not answer(db, f"SELECT count(*) FROM ({bad})")[0]:
        return
    with named(one.file):
        found = hushed(db.cursor()).execute(
            f"SELECT row, reason, left({one.whole}, {MAX_TEXT}) "
            f"FROM ({bad}) JOIN {one.relation} USING (row) ORDER BY row"
        )
        while rows := found.fetchmany(10_000):
            for row, reason, text in rows:
                yield Reject(one.file, one.line(row), reason, text)


def _example(one: Reject) -> str:
    text = " ".join(one.text.split())
    return f"{one.file} line {one.line:,}: {text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}"
