"""The first line of a text file: that it is text, and the columns it names."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from vitrina.errors import DataError
from vitrina.readers.lines import MAX_RECORD, plain

BOM = b"\xef\xbb\xbf"
MAX_COLUMNS = 2_000
_FOREIGN = {
    b"PAR1": "Parquet; name it .parquet",
    b"PK\x03\x04": "a zip archive or a spreadsheet; unpack it or save it as CSV",
    b"\x1f\x8b": "gzip; add .gz to its name",
}
_HINT = re.compile(rb"sep=.?", re.IGNORECASE)
_KIND = re.compile(r":(token|float)(_seq)?$")
"""What RecBole adds to the name of a column."""


def head_of(path: Path, file: str) -> bytes:
    """The first line of a text file, with its line end. Raises DataError where it is no text."""
    with plain(path) as stream:
        head = stream.readline(MAX_RECORD + 1)
    for sign, what in _FOREIGN.items():
        if head.startswith(sign):
            raise DataError(f"{file} is not text but {what}")
    return head


def is_hint(head: bytes) -> bool:
    """Whether a first line tells a spreadsheet what parts the columns, as `sep=;` does, and names none."""
    return _HINT.fullmatch(head.removeprefix(BOM).rstrip(b"\r\n")) is not None


def second_of(path: Path) -> bytes:
    """The second line of a text file, with its line end."""
    with plain(path) as stream:
        stream.readline(MAX_RECORD + 1)
        return stream.readline(MAX_RECORD + 1)


def names_of(head: bytes, file: str) -> tuple[tuple[str, ...], str]:
    """The column names of a CSV file and its delimiter: the one that splits the header furthest.

    Raises DataError where its first line names no columns."""
    try:
        text = head.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(f"the first line of {file} is not UTF-8; save the file as UTF-8") from error
    names, delimiter = _parted(text)
    if odd := _oddity(text, names):
        raise DataError(f"the first line of {file} names no columns: {odd}")
    return tuple(_KIND.sub("", name.strip()) for name in names), delimiter


def _parted(text: str) -> tuple[list[str], str]:
    """The names of a line and what parts them: the sign that splits it furthest."""
    best, delimiter = list[str](), ","
    for sign in ",;\t|":
        try:
            names = next(csv.reader([text], delimiter=sign, strict=True))
        except csv.Error:
            continue
        if len(names) > len(best):
            best, delimiter = names, sign
    return best, delimiter


def _oddity(text: str, names: list[str]) -> str:
    """Why a line is no head of a table, and what to do; empty where it may be one."""
    columns, pairs = len(names), [name.count("::") for name in names]
    if max(pairs, default=0) > (columns > 1) and (columns == 1 or min(pairs) == 0):
        return "'::' parts them; put a tab in its place, and let the first line name them"
    if "\r" in text:
        return "it holds a carriage return, as old Macs end lines; save it with line ends of Unix or Windows"
    if not columns or "\0" in text or columns > MAX_COLUMNS:
        return f"{text[:200]!r}; it must be a CSV header"
    return ""
