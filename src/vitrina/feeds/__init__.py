"""Product feeds in: Yandex's YML, Google Merchant's XML and tables, read as streams, from strangers' hands.

markup    XML without what it can be attacked with, one element of a catalogue at a time
offers    what a feed says of a product, in Vitrina's words; numbers, moments, yes and no
yml, google    the two dialects
dating         when a feed was made
comparing      a feed beside what is known: what is new, changed, gone; when that is too much to believe
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from vitrina.errors import DataError
from vitrina.feeds import google, yml
from vitrina.feeds.dating import dated
from vitrina.feeds.markup import Read
from vitrina.feeds.offers import Offer, Reject

__all__ = ["Offer", "Reject", "made_at", "read"]

_START = 4096
MAX_BYTES = 8 << 30
"""Of a feed, unpacked: a packed file of a few megabytes may say terabytes."""


def read(path: Path) -> Iterator[Offer | Reject]:
    """What a feed says, product by product; `.gz` is unpacked. Raises DataError where it is no feed."""
    try:
        with _opened(path) as plain:
            stream = Bounded(plain, path.name)
            start = stream.read(_START)
            yield from _reader(start, path.name)(start, stream.read, path.name)
    except (OSError, EOFError) as reason:
        raise DataError(f"cannot read the feed {path}: {reason}; see whether the download is whole") from None


def made_at(path: Path) -> int | None:
    """When a feed says that it was made, seconds since 1970 UTC; None where it does not, or is unreadable."""
    try:
        with _opened(path) as plain:
            return dated(plain.read(_START))
    except (OSError, EOFError):
        return None


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _reader(start: bytes, name: str) -> Callable[[bytes, Read, str], Iterator[Offer | Reject]]:
    plain = start.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"<yml_catalog" in plain or (plain.startswith(b"<") and b"<shop" in plain):
        return yml.read
    if plain.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        return google.read_markup
    if google.tabular(start):
        return google.read_table
    raise DataError(
        f"{name} is no feed that is read: give YML (<yml_catalog>), Google Merchant's XML (<rss> or <feed>), "
        "or its table with a header line of id, title, price, availability between tabs"
    )


class Bounded:
    """A stream of at most MAX_BYTES; DataError where there is more."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, name: str) -> None:
        self._stream, self._name, self._left = stream, name, MAX_BYTES

    def read(self, size: int) -> bytes:
        """The next bytes, none at the end."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise DataError(f"{self._name} unpacks to more than {MAX_BYTES >> 30} GiB; that is no feed")
        return data
