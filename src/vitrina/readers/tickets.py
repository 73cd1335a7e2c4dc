"""Files of a basket a line, as tills and sets for rule miners have them: `baskets.csv`, `baskets.txt`.

    citrus fruit,semi-finished bread,margarine

Each line is an order of nobody known, each of its fields an item. Where the first line names columns it is a
table as any other, under another name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vitrina.errors import DataError
from vitrina.readers.columns import CONTRACT, plain
from vitrina.readers.heads import BOM, head_of, names_of
from vitrina.readers.lines import MAX_RECORD, MAX_TEXT, Malformed, Shape, Survey, survey
from vitrina.readers.lines import plain as opened
from vitrina.readers.miners import Remarks, bare, is_remark, refuse
from vitrina.readers.report import Doubt
from vitrina.readers.scan import Db, Scan, mended, of_parquet
from vitrina.readers.tables import PLAIN, ending

SIGNS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
"""What may stand between the items of a line, and its name."""
LOOKED_AT = 1 << 20
"""Bytes that tell which it is."""
_FEW = 0.01
"""Share of lines that may be left out as remarks without a doubt."""
_BATCH = 500_000
"""Items that are written at a time."""
_SCHEMA = pa.schema({"order_id": pa.string(), "item_id": pa.string()})
_MANY, _PLACE = ("items", "products", "articles"), re.compile(r"(item|product)[0-9]+")
"""What else heads a column of items, or one of several; such tables are refused with words."""
_QUOTED = re.compile(r'"[^"]*"')


def are(path: Path, file: str, aliases: Mapping[str, str]) -> bool:
    """Whether a file called baskets has a basket a line: its first line that is not blank names no column of
    items, by the contract or by `aliases`, nor two others, nor one as the contract has it.

    Raises DataError where it cannot be read."""
    if ending(path).startswith((".parquet", ".jsonl", ".ndjson")):
        return False
    head_of(path, file)
    plainly = ending(path, baskets=True) in PLAIN
    return not any(_is_head(line, aliases, spaced=plainly) for line in _first(path))


def _first(path: Path) -> list[bytes]:
    """The first line that is not blank; where it is a remark, also the first that is none."""
    with opened(path) as stream:
        lines = (
            one for one in iter(partial(stream.readline, MAX_RECORD), b"") if one.strip(BOM + b" \t\r\n")
        )
        found = list(islice(lines, 1))
        if found and is_remark(found[0].decode("utf-8-sig", "replace")):
            found += islice((one for one in lines if not is_remark(one[:9].decode("utf-8", "replace"))), 1)
    return found


def _is_head(line: bytes, aliases: Mapping[str, str], *, spaced: bool) -> bool:
    text = line.decode("utf-8-sig", "replace").replace("\0", "").strip("\r\n")
    try:
        names = list(names_of(text.encode(), "")[0])
    except DataError:
        return False
    apart = text.split() if len(names) == 1 and spaced else []
    return _are_columns(names, aliases) or _are_columns(apart, aliases)


def _are_columns(names: list[str], aliases: Mapping[str, str]) -> bool:
    """Whether these are names of columns, not of products."""
    known = {plain(one) for one in (*_words("item_id"), *_MANY, *aliases.values())}
    others = {plain(one) for column in CONTRACT["events"] for one in _words(column)}
    exact = {column for column in CONTRACT["events"] if "_" in column}
    told = any(
        plain(name) in known or name.lower() in exact or _PLACE.fullmatch(plain(name)) for name in names
    )
    return told or sum(plain(name) in others for name in names) > 1


def _words(column: str) -> list[str]:
    return [column, *(one for tier in CONTRACT["events"][column] for one in tier.split())]


def scan(db: Db, path: Path, file: str, scratch: Path) -> tuple[Scan, str]:
    """The file as a table of orders and items, and what is to be said of it."""
    with opened(path) as stream:
        start = len(BOM) if stream.read(len(BOM)) == BOM else 0
    found = survey(path, Shape(-1, 1, start, 1), file)
    found.cuts[:0] = [(0, start)] if start else []
    text = mended(path, found, scratch)
    number = len(list(scratch.iterdir()))
    some = _some(text)
    sign = _sign(bare(some), ending(path, baskets=True))
    only = all(map(is_remark, some))
    first = Remarks(sign, only)
    refuse([line for line in some if not first.holds(line)], file, sign)
    long = _Long(sign, found, number, Remarks(sign, only))
    copy = scratch / f"tickets-{number}.parquet"
    long.write(text, copy)
    lines = np.repeat(long.lines, long.sizes)
    told = replace(
        of_parquet(db, copy, file),
        path=path,
        malformed=tuple(sorted(found.malformed, key=lambda one: one.line)),
        line=lambda row: int(lines[row]),
        baskets=len(long.sizes),
    )
    return told, _said(long, file)


def _said(long: _Long, file: str) -> str:
    if not long.sizes:
        return f"{file} holds no basket; each line is one, its items split at {SIGNS[long.sign]}"
    said = f"{file}: each line is an order, its items split at {SIGNS[long.sign]}; whose it is nobody knows"
    said += f"; the first: {', '.join(long.first)[:100]}"
    remarks = long.remarks
    if not remarks.left_out:
        return said
    said += f"; {remarks.left_out:,} lines are remarks and were left out: {'; '.join(remarks.shown)[:100]}"
    if remarks.unsure <= _FEW * (len(long.sizes) + remarks.left_out):
        return said
    return Doubt(f"{said}; if those are baskets, put another letter before their first items")


def _some(text: Path) -> list[str]:
    """The lines of the first bytes of a file, whole ones where it has any."""
    with opened(text) as stream:
        some = stream.read(LOOKED_AT)
    end = some.rfind(b"\n") + 1 if len(some) == LOOKED_AT else 0
    return some[: end or None].decode("utf-8", "ignore").splitlines()


def _sign(some: Sequence[str], kind: str) -> str:
    """What stands between the items: the sign outside of quotes that most lines have. In what is no CSV file
    it is spaces, unless that sign is in most of the lines that have either."""
    if kind.startswith(".tsv"):
        return "\t"
    lines = [_QUOTED.sub("", line) for line in some]
    held = {sign: sum(sign in line for line in lines) for sign in ";\t|,"}  # "1,5 l;tea": the first of equals
    best = max(held, key=lambda sign: held[sign])
    if kind in PLAIN and 2 * held[best] <= sum(best in line or " " in line.strip() for line in lines):
        return " "
    return best


@dataclass
class _Long:
    """An item a row, made of a basket a line. `lines` and `sizes`: the place of each basket and its items;
    `first`: the items of the first; `remarks`: the lines that are none."""

    sign: str
    found: Survey
    number: int
    remarks: Remarks
    lines: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    first: list[str] = field(default_factory=list)

    def write(self, text: Path, copy: Path) -> None:
        """Write the rows of all lines; those that cannot be taken apart go to the survey's malformed."""
        with opened(text) as stream, pq.ParquetWriter(copy, _SCHEMA) as out:
            orders: list[str] = []
            items: list[str] = []
            for line, own in self._baskets(stream):
                orders += [f"line {line} of file {self.number}"] * len(own)
                items += own
                if len(items) >= _BATCH:
                    out.write_table(pa.table({"order_id": orders, "item_id": items}, _SCHEMA))
                    orders, items = [], []
            out.write_table(pa.table({"order_id": orders, "item_id": items}, _SCHEMA))

    def _baskets(self, stream: Iterator[bytes]) -> Iterator[tuple[int, list[str]]]:
        """Each line's number in the file and its items, where it has any."""
        for record, raw in enumerate(stream):
            line, text = self.found.line(record), raw.decode("utf-8").rstrip("\r\n")
            if self.remarks.holds(text):
                continue
            try:
                own = _items(text, self.sign)
            except csv.Error:
                reason = "a quote that is not closed, or text after it"
                self.found.malformed.append(Malformed(line, reason, text[:MAX_TEXT]))
                continue
            if own:
                self.first = self.first or own
                self.lines.append(line)
                self.sizes.append(len(own))
                yield line, own


def _items(line: str, sign: str) -> list[str]:
    """The items of a line; what is empty is none. Raises csv.Error where its quotes do not pair."""
    if '"' in line:
        fields = next(csv.reader([line], delimiter=sign, strict=True, skipinitialspace=True), [])
    else:
        fields = re.split(r"[ \t]+", line) if sign == " " else line.split(sign)
    return [one.strip() for one in fields if one.strip()]
