"""Which lines of a text file are records, before anything parses them.

A parser of tables that meets a damaged line skips, joins or drops more than that line and does not
say how much. So each file is surveyed first: every line is a record or is cut out with its number
and a reason, and what is left is read whole.
"""

from __future__ import annotations

import gzip
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from vitrina.errors import DataError
from vitrina.kernels.lines import BLANK, ENCODING, GOOD, LONG, NUL, OPEN, QUOTE, RETURN, measure, walk

MAX_RECORD = 1_000_000
MAX_MALFORMED = 300_000
MAX_TEXT = 1_000
_BLOCK = 8 << 20
_REASONS = {
    QUOTE: "text after a closing quote",
    OPEN: "a quote that is never closed",
    NUL: "a NUL or control byte",
    ENCODING: "not UTF-8; save the file as UTF-8",
    LONG: f"longer than {MAX_RECORD:,} bytes",
    RETURN: "a carriage return inside the line",
}
_BACKSLASHED = 'quotes inside a value are written \\"; write them twice, ""'
"""Why a line whose quotes do not pair is no record, where backslashes stand before them, as MySQL has it."""


@dataclass(frozen=True)
class Shape:
    """How the records of a file look. `delimiter`: a byte, -1 for one JSON object a line.

    `start`: the byte where the first record begins; `line`: the number of that line, from 1.
    """

    delimiter: int
    columns: int
    start: int
    line: int


@dataclass(frozen=True)
class Malformed:
    """A line that is no record, and why; `text` is cut at MAX_TEXT bytes."""

    line: int
    reason: str
    text: str


@dataclass
class Survey:
    """What the lines of a file are.

    `cuts`: byte ranges of the plain text to leave out.
    """

    records: int = 0
    malformed: list[Malformed] = field(default_factory=list)
    cuts: list[tuple[int, int]] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)

    def line(self, record: int) -> int:
        """The line where a record begins; records count from 0."""
        first, line = self.marks[bisect_right(self.marks, (record, 1 << 62)) - 1]
        return line + record - first


@contextmanager
def plain(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where its name ends with .gz.

    Raises DataError where it cannot be read or unpacked.
    """
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            yield cast(BinaryIO, stream)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is not a whole gzip file ({error}); copy it again") from error
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror or error}") from error


def survey(path: Path, shape: Shape, file: str = "") -> Survey:
    """Tell records from malformed and blank lines; memory stays within a few blocks.

    `file`: what the shop calls it, for messages; without it the name of `path`."""
    surveyor = _Surveyor(file or path.name, shape)
    with plain(path) as stream:
        stream.read(shape.start)
        surveyor.run(stream)
    return surveyor.found


def refuse_if_many(name: str, malformed: list[Malformed]) -> None:
    """Raise DataError where a file has more malformed lines than are worth keeping."""
    if len(malformed) > MAX_MALFORMED:
        raise DataError(
            f"{name} has more than {MAX_MALFORMED:,} malformed lines, the last at line "
            f"{malformed[-1].line:,}: {malformed[-1].reason}; "
            "check its delimiter, its quotes and that it is UTF-8"
        )


def mend(path: Path, cuts: list[tuple[int, int]], copy: Path) -> None:
    """Write the plain text of a file to `copy`, without the byte ranges `cuts` (ascending)."""
    with plain(path) as stream, copy.open("wb") as out:
        at = 0
        for start, end in [*cuts, (-1, -1)]:
            while data := stream.read(_BLOCK if start < 0 else min(_BLOCK, start - at)):
                out.write(data)
                at += len(data)
            while at < end and (data := stream.read(min(_BLOCK, end - at))):
                at += len(data)


class _Surveyor:
    """Counts records, lines and bytes while a file flows by."""

    def __init__(self, name: str, shape: Shape) -> None:
        self.name, self.shape = name, shape
        self.offset, self.line = shape.start, shape.line
        self.found = Survey(marks=[(0, shape.line)])

    def run(self, stream: BinaryIO) -> None:
        rest = b""
        while True:
            data = stream.read(_BLOCK)
            block = rest + data
            whole = block.rfind(b"\n") + 1 if data else len(block)
            if not whole and len(block) > MAX_RECORD:
                rest = self._endless(stream, block)
                continue
            done = self._take(block[:whole] if data else _ended(block), last=not data)
            self.offset += done
            rest = block[done:]
            if not data:
                return

    def _take(self, block: bytes, *, last: bool) -> int:
        """Judge the lines of a block; returns the bytes that are settled."""
        view, at = np.frombuffer(block, np.uint8), 0
        while at < len(block):
            at, records, verdict, fields = walk(
                view, at, self.shape.delimiter, self.shape.columns, MAX_RECORD
            )
            self.found.records += records
            self.line += records
            if verdict != GOOD:
                after = self._odd(block, at, verdict, fields, last=last)
                if after == at:
                    break
                at = after
        return at

    def _odd(self, block: bytes, at: int, verdict: int, fields: int, *, last: bool) -> int:
        """Judge one line that is not plainly good; returns where the next begins, `at` for 'later'."""
        after, lines = block.index(b"\n", at) + 1, 1
        if verdict == OPEN:
            end, verdict = self._across(block, at)
            if verdict == OPEN and not last and len(block) - at <= MAX_RECORD:
                return at
            if verdict == GOOD:
                after, lines = end, block.count(b"\n", at, end)
        self._note(block[at:after], self.offset + at, verdict, fields)
        self.line += lines
        self.found.records += verdict == GOOD
        self.found.marks.append((self.found.records, self.line))
        return after

    def _across(self, block: bytes, at: int) -> tuple[int, int]:
        """(end, GOOD or OPEN) of a record whose quoted value runs over line ends.

        A stray quote swallows the lines up to the next one: where most of them look like records
        themselves, it is a stray quote.
        """
        shape = self.shape
        piece = np.frombuffer(block, np.uint8)[at : at + MAX_RECORD + 2]
        end, verdict, _ = measure(piece, 0, shape.delimiter, shape.columns, MAX_RECORD, True)
        if verdict != GOOD:
            return at + end, OPEN
        swallowed = block[at : at + end].split(b"\n")[1:-1]
        alike = sum(line.count(shape.delimiter) == shape.columns - 1 for line in swallowed)
        return at + end, OPEN if 2 * alike > len(swallowed) else GOOD

    def _note(self, text: bytes, start: int, verdict: int, fields: int) -> None:
        """Cut a line out, unless it is a record or a line that parsers skip too."""
        if verdict == GOOD or (verdict == BLANK and not text.strip(b"\r\n") and self.shape.columns > 1):
            return
        self.found.cuts.append((start, start + len(text)))
        if verdict == BLANK:
            return
        few = "too few columns" if fields < self.shape.columns else "too many columns"
        escaped = verdict in (QUOTE, OPEN) and b'\\"' in text
        self._malformed(_BACKSLASHED if escaped else _REASONS.get(verdict, few), text)

    def _malformed(self, reason: str, text: bytes) -> None:
        shown = text[:MAX_TEXT].decode("utf-8", "replace").rstrip("\r\n")
        self.found.malformed.append(Malformed(self.line, reason, shown))
        refuse_if_many(self.name, self.found.malformed)

    def _endless(self, stream: BinaryIO, block: bytes) -> bytes:
        """Pass over a line longer than a block; returns the bytes after it."""
        size, rest = len(block), b""
        while data := stream.read(_BLOCK):
            cut = data.find(b"\n") + 1
            size += cut or len(data)
            if cut:
                rest = data[cut:]
                break
        self.found.cuts.append((self.offset, self.offset + size))
        self._malformed(_REASONS[LONG], block)
        self.offset += size
        self.line += 1
        self.found.marks.append((self.found.records, self.line))
        return rest


def _ended(block: bytes) -> bytes:
    return block if not block or block.endswith(b"\n") else block + b"\n"
