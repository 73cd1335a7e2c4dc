"""Text files in another encoding than UTF-8, as spreadsheets and older shop systems save them.

A file is in another one where most of its lines with letters beyond ASCII are not UTF-8; single lines
that are not, among others that are, are damaged (`lines`), and so is a single word beyond ASCII.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import chardet

from vitrina.readers.heads import BOM, head_of
from vitrina.readers.lines import MAX_RECORD, plain
from vitrina.readers.report import Doubt
from vitrina.readers.tables import ending

_ENOUGH, _BLOCK, _SHOWN, _FIRST = 1_000, 8 << 20, 60, 20
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_USUAL, _EDGE = "cp1252", 1.2
"""What most of the world has, and how much likelier another page must be: an é is in many."""
_PAGES = (_USUAL, "cp1250", "cp1251", "cp1253", "cp1254", "koi8-r", "cp866", "iso8859-2")
"""Of western and central Europe, Cyrillic, Greek, Turkish; what stands for Cyrillic on Unix and in DOS."""
_RARER = ("cp1255", "cp1256", "gb18030", "big5hkscs", "cp932", "euc-jp", "cp949")
"""Of Hebrew and Arabic; of Chinese, Japanese and Korean."""
_MANY = 4
"""Different words that can tell the rarer ones: any two bytes are soon a letter of Chinese."""
_SPACES = re.compile(r"[\s!-/:-@[-`{-~]+")
_NO_LETTER = re.compile(r"[\x80-\x9f\u2500-\u259f\ue000-\uf8ff\ufffd]")
"""What a page leaves undefined, and what draws boxes."""
_LABEL = re.compile(
    rb"(?<![\x80-\xff])[\x80-\xff](?=[0-9])|(?<=[0-9])[\x80-\xff](?![\x80-\xff])|(?<![\w\x80-\xff])\xbd"
)
"""Lone letters or signs of measures, such as 5µm, Ø80 and ½kg have: they are what most of the world means."""
_LONE = re.compile(r"(?<![^\W\d])(?![\x00-\x7f])[^\W\d]\d|\d(?![\x00-\x7f])[^\W\d](?![^\W\d])")


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
    with plain(path) as stream, copy.open("w", encoding="utf-8", newline="") as out:
        out.writelines(_wide(stream, encoding) if encoding.startswith("utf-16") else _lines(stream, encoding))
    note = f"{file} is not UTF-8 and was read as {encoding.replace('cp12', 'windows-12')}"
    if not example:
        return copy, note
    return copy, Doubt(f"{note}, as in {example!r}; save it as UTF-8 if that looks wrong")


def _wide(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The text of 16 bits a letter, block by block."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while data := stream.read(_BLOCK):
        yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def _lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines of a text in a code page; those that are UTF-8, of another export, as they are: an id that
    is in both stays one."""
    while line := stream.readline(MAX_RECORD):
        yield line.decode() if _is_utf8(line) else line.decode(encoding, "replace")


def _told(path: Path, head: bytes) -> tuple[str, str]:
    """The encoding of a file and a line that shows it; two empty texts where it is UTF-8."""
    if head.startswith(BOM):
        return "", ""
    if encoding := "utf-16" if head[:2] in _MARKS else _half(head[:_FIRST]):
        return encoding, ""
    lines = _beyond_ascii(path)
    foreign = [one for one in lines if not _is_utf8(one)]
    if not foreign or 2 * len(foreign) <= len(lines):
        return "", ""
    encoding = _page(b"\n".join(foreign))
    if _is_utf8(head) and not _is_written(foreign, encoding):
        return "", ""
    first = foreign[0].decode(encoding, "replace").rstrip("\r")
    at = next((at for at, letter in enumerate(first) if not letter.isascii()), 0)
    return encoding, first[max(0, at - _SHOWN // 2) : at + _SHOWN // 2].strip()


def _half(first: bytes) -> str:
    """The encoding of a text in 16 bits without a mark, most of its first letters ASCII; else none."""
    left, right = first[::2], first[1::2]
    for empty, full, encoding in ((right, left, "utf-16-le"), (left, right, "utf-16-be")):
        if 2 * empty.count(0) > len(empty) > 1 and 0 not in full:
            return encoding
    return ""


def _is_written(lines: list[bytes], page: str) -> bool:
    """Whether lines hold two words, or one twice, that somebody may have written: damage rarely does."""
    words = (word for line in lines for word in _words(line, page) if not _NO_LETTER.search(word))
    return sum(_is_label(word, page) or not _is_odd(word) for word in words) > 1


def _is_label(word: str, page: str) -> bool:
    return _LABEL.sub(b"", word.encode(page, "ignore")).isascii()


def _page(sample: bytes) -> str:
    """The code page that makes the likeliest words of a sample; signs without letters tell none,
    nor letters beside digits, as in Ø80."""
    sample = _LABEL.sub(b"", sample)
    usual = _words(sample, _USUAL)
    if not any(map(str.isalpha, "".join(usual))):
        return _USUAL
    pages = (*_PAGES, *_RARER) if len(usual) >= _MANY else _PAGES
    likely = {page: _likeliness(_words(sample, page), page) for page in pages}
    return max(pages, key=lambda page: likely[page] * (_EDGE if page == _USUAL else 1))


def _words(sample: bytes, page: str) -> list[str]:
    """The different words with letters or signs beyond ASCII, as they come."""
    words = dict.fromkeys(_SPACES.split(sample.decode(page, "replace")))
    return [word for word in words if not word.isascii()][:_ENOUGH]


def _likeliness(words: list[str], page: str) -> float:
    """How likely words are by their pairs of letters, between 0 and 1, less the share of odd ones.

    They are compared in small letters: models know few words in capitals, and КРУЖКА in windows-1251 are the
    bytes of small letters in KOI8-R.
    """
    small = " ".join(words).lower().encode(page, "ignore")
    if not small:
        return 0.0
    (found, *_) = chardet.detect_all(
        small, ignore_threshold=True, include_encodings=(page,), no_match_encoding=page
    )
    return found["confidence"] * (1 - sum(map(_is_odd, words)) / len(words)) ** 2


def _is_odd(word: str) -> bool:
    """Whether a word holds what no page is meant for, mixes alphabets, has a capital after a small letter,
    a sign before a letter, or a lone letter beyond ASCII beside a digit."""
    pairs = list(pairwise(" " + word))
    return (
        _NO_LETTER.search(word) is not None
        or len({_alphabet(one) for one in word if one.isalpha()}) > 1
        or any(a.islower() and b.isupper() for a, b in pairs)
        or any(unicodedata.category(a)[0] in "SN" and not a.isascii() and b.isalpha() for a, b in pairs)
        or _LONE.search(word) is not None
    )


def _alphabet(letter: str) -> str:
    """LATIN, CYRILLIC and so on; those of East Asia are one, as its words mix them."""
    return "EAST" if letter > "\u2e80" else unicodedata.name(letter, "").split(" ")[0]


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
