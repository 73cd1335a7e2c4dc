"""Is there a byte left of somebody? Files searched for an id and for its plain hashes, as text and as bytes.

A place that is not there, a file that cannot be read, or one packed in a way that bytes cannot be searched
through, proves nothing: the first is an error, the others count as found.
A hit inside a longer id counts too: an audit that errs errs towards saying that something is there.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from vitrina.errors import DataError
from vitrina.state.people import hashes

CHUNK = 1 << 22
PACKED = (".parquet", ".orc", ".zst", ".bz2", ".xz", ".lz4", ".br", ".zip", ".7z", ".tgz", ".tbz2", ".txz")
"""Endings of files whose bytes are not those of what is in them."""


@dataclass(frozen=True)
class Found:
    """A file that holds a form of an id: "id" or the name of a hash; or one that could not be read."""

    file: Path
    form: str


def forms(text: str) -> dict[str, tuple[bytes, ...]]:
    """The bytes to look for, by the name of the form."""
    found: dict[str, tuple[bytes, ...]] = {"id": (text.encode("utf-8", "surrogatepass"),)}
    for name, digest in hashes(text).items():
        found[name] = (digest.encode(), digest.upper().encode(), bytes.fromhex(digest))
    return found


def search(folders: Iterable[Path], text: str) -> Iterator[Found]:
    """Files below some folders, or files, that hold an id or a hash of it; those in gzip are unpacked.

    Raises DataError, before the first, where one of the places is not there.
    """
    wanted, places = forms(text), list(folders)
    for missing in (one for one in places if not one.exists()):
        raise DataError(f"{missing} is not there, so nothing is proved of it; name places that exist")
    for folder in places:
        for file in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if not file.is_file():
                continue
            if file.suffix.lower() in PACKED:
                yield Found(file, f"could not be read: {file.suffix} is packed; unpack it, and search that")
                continue
            try:
                with closing(_opened(file)) as stream:
                    yield from (Found(file, form) for form in _held(stream, wanted))
            except (OSError, EOFError) as reason:
                yield Found(file, f"could not be read: {reason}")


def _opened(file: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(file)) if file.suffix.lower() == ".gz" else file.open("rb")


def _held(stream: BinaryIO, wanted: Mapping[str, tuple[bytes, ...]]) -> list[str]:
    """The forms that a stream holds."""
    overlap = max(len(one) for some in wanted.values() for one in some) - 1
    found: dict[str, None] = {}
    tail = b""
    while chunk := stream.read(CHUNK):
        data = tail + chunk
        found |= {form: None for form, some in wanted.items() if any(one in data for one in some)}
        tail = data[-overlap:] if overlap else b""
    return list(found)
