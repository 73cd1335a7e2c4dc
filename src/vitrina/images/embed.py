"""`vitrina embed`: photos to vectors, only what changed encoded again.

An index beside the vectors remembers the hash of each photo and the network that read it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from vitrina.errors import DataError
from vitrina.images import vectors
from vitrina.images.cache import replace
from vitrina.images.colour import DIMS, histogram
from vitrina.images.decode import LIMITS, Limits, Picture, Pool, Refusal, Sandbox
from vitrina.images.encoder import Encoder
from vitrina.images.sources import Source, of_items, open_source
from vitrina.images.thumbnail import DIMS as TILES
from vitrina.images.thumbnail import Thumbnails, thumbnail
from vitrina.images.vectors import FORMAT, INDEX, Vectors, made

REJECTS = "embeddings_rejects.csv"
CHUNK = 64
CHECKPOINT = 4096
"""Photos encoded before what is done is written, so that a killed run is not lost."""

Say = Callable[[str], None]
Floats = NDArray[np.float32]
Photo = tuple[str, str, str]
"""(item, photo name, hash)."""
Seen = tuple[Floats, Floats, Thumbnails]
"""Of a photo: its vector, colours and thumbnail."""


@dataclass(frozen=True)
class Embedded:
    """What `embed` did. `rejects`: item id -> why it has no vector; `kept`: photos that an earlier run or
    another item of this one had."""

    out: Path
    items: int
    encoded: int
    kept: int
    dims: int
    seconds: float
    rejects: Mapping[str, str]

    def __str__(self) -> str:
        rejected = f", {len(self.rejects)} rejected (see {self.out / REJECTS})" if self.rejects else ""
        return (
            f"{self.items} items have a vector of {self.dims} numbers: {self.encoded} photos encoded"
            f" in {self.seconds:.1f} s, {self.kept} known already{rejected}"
        )


@dataclass(frozen=True)
class _Read:
    """One photo, read: its hash, and its picture unless the hash is known or it is refused."""

    item: str
    name: str
    digest: str = ""
    seen: Picture | Refusal | None = None


@dataclass
class _Shelf:
    """Vectors by the hash of their photo, and the items that have that photo."""

    encoder: str
    by_digest: dict[str, Seen]
    earlier: list[Photo]
    photos: list[Photo] = field(default_factory=list)

    def checkpoint(self, out: Path) -> None:
        """Write what is done, and what an earlier run had of items that were not looked at yet."""
        seen = {item for item, _, _ in self.photos}
        self.write(out, [*self.photos, *(one for one in self.earlier if one[0] not in seen)])

    def write(self, out: Path, photos: Sequence[Photo]) -> None:
        """Vectors first, the index last: an index is only believed beside the vectors it names."""
        rows = [self.by_digest[digest] for _, _, digest in photos]
        matrix = np.array([vector for vector, _, _ in rows], np.float32)
        colours = np.array([colour for _, colour, _ in rows], np.float32).reshape(len(rows), DIMS)
        tiles = np.array([tile for _, _, tile in rows], np.uint8).reshape(len(rows), TILES)
        vectors.write(out, Vectors([item for item, _, _ in photos], matrix, colours, tiles))
        index = {"format": FORMAT, "encoder": self.encoder, "made": made(out), "photos": photos}
        replace(out / INDEX, json.dumps(index, ensure_ascii=False, indent=0).encode())


def embed(
    images: Path,
    out: Path,
    *,
    encoder: Path | None = None,
    photos: Mapping[str, str] | None = None,
    workers: int = 0,
    limits: Limits = LIMITS,
    say: Say = lambda line: None,
) -> Embedded:
    """Encode the photos of a folder or .zip into `out`, which `train --data` reads as ready vectors.

    `photos`: item id -> the catalogue's image path, '' for 'named as the item'; without it a
    photo's stem is its item id. `workers`: processes that decode, 0 for one a core. A photo that
    cannot be read is named in a rejects file and the rest goes on. Raises DataError where there
    are no photos at all, or none could be read.
    """
    started, workers = monotonic(), workers or os.cpu_count() or 1
    source = open_source(images)
    _expect_place(out)
    found, rejects = of_items(source, photos)
    coder = Encoder.open(encoder, threads=workers, say=say)
    shelf = _Shelf(coder.identity, *_known(out, coder, say))
    before = len(shelf.by_digest)
    say(f"{len(found)} photos to look at; {before} are known from an earlier run")
    with Pool(workers, size=coder.size, limits=limits) as pool:
        written = before
        for done, chunk in enumerate(_chunks(pool, source, found, shelf.by_digest, limits), 1):
            rejects |= _encode(chunk, coder, shelf)
            if len(shelf.by_digest) >= written + CHECKPOINT:
                shelf.checkpoint(out)
                written = len(shelf.by_digest)
                say(f"{done * CHUNK} of {len(found)} photos, {monotonic() - started:.0f} s")
    if not shelf.photos:
        reason = next(iter(rejects.values()), "no photo belongs to an item")
        raise DataError(f"{images} gave no vector at all; the first reason: {reason}")
    shelf.write(out, shelf.photos)
    vectors.write_csv(out / REJECTS, [["item_id", "reason"], *map(list, sorted(rejects.items()))])
    fresh = len(shelf.by_digest) - before
    kept = len(shelf.photos) - fresh
    return Embedded(out, len(shelf.photos), fresh, kept, coder.dims, monotonic() - started, rejects)


def _expect_place(out: Path) -> None:
    """Hours of work need a place to go to: raises DataError where `out` can be no folder of ours."""
    there = next(one for one in (out, *out.absolute().parents) if one.exists())
    if not there.is_dir():
        raise DataError(f"{there} is no folder; name one that the vectors go into")
    try:
        with tempfile.TemporaryDirectory(dir=there):
            pass
    except OSError as error:
        raise DataError(f"nothing can be written to {out}: {error.strerror}; name another folder") from None


def look(photo: Path, *, encoder: Path | None = None, limits: Limits = LIMITS) -> Vectors:
    """The vector and the colours of one photo from outside the catalogue; its id is the file's name.

    Raises DataError with the reason where it cannot be read.
    """
    coder = Encoder.open(encoder)
    sandbox = Sandbox(coder.size, limits)
    try:
        with photo.open("rb") as file:
            seen = sandbox.decode(file.read(limits.bytes + 1))
    except OSError as error:
        raise DataError(f"{photo} cannot be read: {error.strerror}") from None
    finally:
        sandbox.close()
    if isinstance(seen, Refusal):
        raise DataError(f"{photo} cannot be used: {seen.reason}")
    colours, tiles = histogram(seen.content)[None], thumbnail(seen.pixels)[None]
    return Vectors([photo.name], coder(seen.pixels[None]), colours, tiles, coder.identity)


def _chunks(
    pool: Pool, source: Source, found: Mapping[str, str], known: Mapping[str, object], limits: Limits
) -> Iterator[list[_Read]]:
    """Photos read and decoded, a chunk ahead of whoever takes them."""

    def work(sandbox: Sandbox, pair: tuple[str, str]) -> _Read:
        item, name = pair
        try:
            data = source.read(name, limits.bytes)
        except OSError as error:
            return _Read(item, name, seen=Refusal(str(error)))
        digest = hashlib.sha256(data).hexdigest()
        return _Read(item, name, digest, None if digest in known else sandbox.decode(data))

    pairs = list(found.items())
    ahead: Iterator[_Read] = iter(())
    for start in range(0, len(pairs) + CHUNK, CHUNK):
        taken, ahead = ahead, pool.map(work, pairs[start : start + CHUNK])
        if chunk := list(taken):
            yield chunk


def _encode(chunk: Sequence[_Read], coder: Encoder, shelf: _Shelf) -> dict[str, str]:
    """Put a chunk's vectors on the shelf; item -> reason for those refused."""
    fresh = {one.digest: one.seen for one in chunk if isinstance(one.seen, Picture)}
    if fresh:
        pixels = np.stack([picture.pixels for picture in fresh.values()])
        for (digest, picture), vector in zip(fresh.items(), coder(pixels), strict=True):
            seen = vector, histogram(picture.content), thumbnail(picture.pixels)
            shelf.by_digest.setdefault(digest, seen)
    refused = {one.item: one.seen.reason for one in chunk if isinstance(one.seen, Refusal)}
    shelf.photos += [(one.item, one.name, one.digest) for one in chunk if one.item not in refused]
    return refused


def _known(out: Path, coder: Encoder, say: Say) -> tuple[dict[str, Seen], list[Photo]]:
    """An earlier run's vectors by the hash of their photo, and its photos; none where its files disagree."""
    if not (out / INDEX).exists():
        return {}, []
    try:
        index = json.loads((out / INDEX).read_text(encoding="utf-8"))
        if index["format"] != FORMAT or index["encoder"] != coder.identity or index["made"] != made(out):
            say(f"{out} was made otherwise or not finished: every photo is encoded again")
            return {}, []
        old = vectors.read(out)
        assert old is not None
        assert old.colours is not None
        assert old.thumbnails is not None
        photos = [(str(item), str(name), str(digest)) for item, name, digest in index["photos"]]
        rows = zip(old.vectors, old.colours, old.thumbnails, strict=True)
        return dict(zip((digest for _, _, digest in photos), rows, strict=True)), photos
    except (OSError, ValueError, KeyError, TypeError, AssertionError, DataError) as error:
        say(f"{out / INDEX} cannot be used ({error!r}): every photo is encoded again")
        return {}, []
