"""Text files in another encoding than UTF-8, as spreadsheets and older shop systems save them.

A file is in another one where most of its lines with letters beyond ASCII are not UTF-8; single lines
that are not, among others that are, are damaged (`lines`).
"""

from __future__ import annotations

import codecs
from pathlib import Path

import chardet

from vitrina.readers.lines import MAX_RECORD, plain
from vitrina.readers.scan import BOM, head_of
from vitrina.readers.tables import ending

_ENOUGH, _BLOCK, _SHOWN = 1_000, 8 << 20, 60
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HALVES = {(False, True): "utf-16-le", (True, False): "utf-16-be"}
"""Which of two bytes is NUL where a text begins with a letter of ASCII in 16 bits, without a mark."""
_USUAL = "cp1252"
_PAGES = (_USUAL, "cp1250", "cp1251", "cp1253", "cp1254", "koi8-r")
"""Of western and central Europe, Cyrillic, Greek, Turkish; and what stands for Cyrillic on Unix."""
_TELLING = 6
"""Different letters that tell an alphabet: a pound sign and an accent are in each."""


def as_utf8(path: Path, file: str, scratch: Path) -> tuple[Path, str]:
    """A file itself, or its copy as UTF-8 in `scratch`, with a note of what it was taken for.

    Raises DataError where the file cannot be read, or is no text.
    """
    if ending(path) == ".parquet":
        return path, ""
    encoding, example = _told(path, head_of(path, file))
    if not encoding:
        return path, ""
    kind = ending(path, baskets=True).removesuffix(".gz")
    copy = scratch / f"utf8-{len(list(scratch.iterdir()))}{kind}"
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    with plain(path) as stream, copy.open("w", encoding="utf-8", newline="") as out:
        while data := stream.read(_BLOCK):
            out.write(decoder.decode(data))
        out.write(decoder.decode(b"", final=True))
    note = f"{file} is not UTF-8 and was read as {encoding.replace('cp12', 'windows-12')}"
    return copy, f"{note}, as in {example!r}; save it as UTF-8 if that looks wrong" if example else note


def _told(path: Path, head: bytes) -> tuple[str, str]:
    """The encoding of a file and a line that shows it; two empty texts where it is UTF-8."""
    if head.startswith(BOM):
        return "", ""
    if encoding := "utf-16" if head[:2] in _MARKS else _HALVES.get((head[:1] == b"\0", head[1:2] == b"\0")):
        return encoding, ""
    lines = _beyond_ascii(path)
    foreign = [one for one in lines if not _is_utf8(one)]
    if not foreign or 2 * len(foreign) <= len(lines):
        return "", ""
    encoding = _page(b"\n".join(foreign))
    first = next(at for at, byte in enumerate(foreign[0]) if byte > 127)
    shown = foreign[0][max(0, first - _SHOWN // 2) : first + _SHOWN // 2]
    return encoding, shown.decode(encoding, "replace").strip()


def _page(sample: bytes) -> str:
    """The code page that makes the likeliest words of a sample, of those that are one byte a letter."""
    if len({byte for byte in sample if byte > 127}) < _TELLING:
        return _USUAL
    found = chardet.detect(sample, include_encodings=_PAGES, no_match_encoding=_USUAL, compat_names=False)
    return str(found["encoding"])


def _beyond_ascii(path: Path) -> list[bytes]:
    """The first lines with letters beyond ASCII; memory stays within two blocks."""
    found, rest = list[bytes](), b""
    with plain(path) as stream:
        while len(found) < _ENOUGH and (data := stream.read(_BLOCK)):
            whole, _, rest = (rest + data).rpartition(b"\n")
            found += _letters(whole)
            rest = rest if len(rest) <= MAX_RECORD else b""
    return [*found, *_letters(rest)][:_ENOUGH]


def _letters(block: bytes) -> list[bytes]:
    return [] if block.isascii() else [one for one in block.split(b"\n") if not one.isascii()]


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
